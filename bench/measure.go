package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"

	hcmsim "orgflow/connectors/hcm/sim"
)

// figures are one round's measurements.
type figures struct {
	orgflow, loop time.Duration
	calls         int
	peakRSS       int64 // bytes
	events        int
}

// measure starts a fresh standalone, times one sync run, then the loop on
// emptied simulators.
func measure(ctx context.Context, o options, round int) (figures, error) {
	dir, err := os.MkdirTemp("", "orgflow-bench-")
	if err != nil {
		return figures{}, err
	}
	defer os.RemoveAll(dir)
	p, err := start(ctx, o, dir)
	if err != nil {
		return figures{}, err
	}
	defer p.stop()
	state, err := json.Marshal(hcmsim.Generate(o.departments, o.people, int64(round+1)))
	if err != nil {
		return figures{}, err
	}
	settings := fmt.Sprintf(`{"qps": 0, "latency_ms": %d}`, o.latency.Milliseconds())
	for path, body := range map[string]string{"hcm/state": string(state), "dingtalk/options": settings} {
		if err := put(ctx, p.sim+"/_sim/"+path, body); err != nil {
			return figures{}, err
		}
	}
	var f figures
	if f.orgflow, err = p.sync(ctx); err != nil {
		return f, err
	}
	if f.peakRSS, err = peakRSS(p.cmd.Process.Pid); err != nil {
		return f, err
	}
	if f.events, err = p.longestHistory(ctx); err != nil {
		return f, err
	}
	for _, path := range []string{"dingtalk/reset"} {
		if err := post(ctx, p.sim+"/_sim/"+path, ""); err != nil {
			return f, err
		}
	}
	if err := put(ctx, p.sim+"/_sim/dingtalk/options", settings); err != nil {
		return f, err
	}
	began := time.Now()
	f.calls, err = plainLoop(ctx, p.sim, o.parallel)
	f.loop = time.Since(began)
	return f, err
}

// process is a running standalone.
type process struct {
	cmd           *exec.Cmd
	api, sim, tmp string
}

const company = `{"company_id": 900, "name": "bench", "source": {"type": "hcm", "base_url": %q, "auth": {"mode": "bearer", "token": "hcm-sim-token"}, "page_size": 500},
 "consumers": {"ding_talk": {"base_url": %q, "api_base_url": %[2]q, "appkey": "dingsim-app", "appsecret": "dingsim-secret", "root_department_id": 1, "qps": 0}}}`

func start(ctx context.Context, o options, dir string) (*process, error) {
	binary := o.binary
	if binary == "" {
		binary = filepath.Join(dir, "standalone")
		build := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", binary, "./standalone")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build standalone: %w\n%s", err, out)
		}
	}
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	sim := "http://" + ports[3]
	files := filepath.Join(dir, "meta", "companies", "900")
	if err := os.MkdirAll(files, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(files, "company.json"), fmt.Appendf(nil, company, sim+"/hcm", sim+"/dingtalk"), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "--demo=false")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "ORGFLOW_HTTP_ADDR="+ports[0], "ORGFLOW_TEMPORAL_ADDR="+ports[1], "ORGFLOW_TEMPORAL_UI_ADDR="+ports[2],
		"ORGFLOW_SIM_ADDR="+ports[3], "ORGFLOW_DATA_DIR="+filepath.Join(dir, "data"), "ORGFLOW_META_DIR="+filepath.Join(dir, "meta"), "ORGFLOW_LOG_LEVEL=warn")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, api: "http://" + ports[0], sim: sim, tmp: ports[1]}
	return p, p.ready(ctx)
}

func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return poll(ctx, func() (bool, error) {
		_, err := get[map[string]any](ctx, p.api+"/readyz")
		return err == nil, nil
	})
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait()
}

// sync runs the first push and returns its wall time, start to summary.
func (p *process) sync(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	started, err := postJSON[struct{ ID string }](ctx, p.api+"/api/v1/sync-runs",
		`{"services":["org_new","person_new"],"consumer":"ding_talk","company_id":900,"params":{}}`)
	if err != nil {
		return 0, err
	}
	var summary struct {
		Status string
		Error  any
	}
	err = poll(ctx, func() (bool, error) {
		summary, err = get[struct {
			Status string
			Error  any
		}](ctx, p.api+"/api/v1/sync-runs/"+started.ID)
		return summary.Status != "running", err
	})
	if err == nil && summary.Status != "completed" {
		err = fmt.Errorf("the run ended %s: %v", summary.Status, summary.Error)
	}
	return time.Since(began), err
}

// longestHistory asks Temporal how many events the longest history has.
func (p *process) longestHistory(ctx context.Context) (int, error) {
	cl, err := client.DialContext(ctx, client.Options{HostPort: p.tmp, Logger: quiet{}})
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	longest := 0
	list, err := cl.ListWorkflow(ctx, listAll)
	if err != nil {
		return 0, err
	}
	for _, e := range list.GetExecutions() {
		longest = max(longest, int(e.GetHistoryLength()))
	}
	return longest, nil
}

// peakRSS reads a process's largest resident size from the kernel.
func peakRSS(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no VmHWM of process %d", pid)
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}
