package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// companyID is the company of every benchmark.
const companyID = 900

// process is a running program.
type process struct {
	cmd                     *exec.Cmd
	api, sim, temporal, dir string
}

const company = `{"company_id": 900, "name": "bench", "source": {"type": "hcm", "base_url": %q, "auth": {"mode": "bearer", "token": "hcm-sim-token"}, "page_size": 500},
 "consumers": {"ding_talk": {"base_url": %q, "api_base_url": %[2]q, "appkey": "dingsim-app", "appsecret": "dingsim-secret", "root_department_id": 1, "qps": %[3]d}}}`

// build builds programs of this module into dir.
func build(ctx context.Context, dir string, names ...string) error {
	args := []string{"build", "-buildvcs=false", "-o", dir + string(filepath.Separator)}
	for _, name := range names {
		args = append(args, "orgflow/"+name)
	}
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", strings.Join(names, ", "), err, out)
	}
	return nil
}

// programsFlag describes the flag that all benchmarks have.
const programsFlag = "a directory with built programs; empty builds them"

// workplace makes a directory, for the caller to remove whatever err is, and
// builds programs there where no directory with them is named.
func workplace(ctx context.Context, programs *string, names ...string) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "orgflow-bench-"); err != nil || *programs != "" {
		return dir, err
	}
	*programs = filepath.Join(dir, "bin")
	return dir, build(ctx, *programs, names...)
}

// startStandalone starts standalone in dir, with its simulators and the
// company, and waits until it serves. env adds settings.
func startStandalone(ctx context.Context, programs, dir string, env []string) (*process, error) {
	return startStandaloneAt(ctx, programs, dir, 0, env)
}

// startStandaloneAt is startStandalone with a rate budget in calls a second,
// 0 for none.
func startStandaloneAt(ctx context.Context, programs, dir string, qps int, env []string) (*process, error) {
	p, err := launchStandalone(programs, dir, qps, env)
	if err != nil {
		return nil, err
	}
	return p, p.ready(ctx)
}

// launchStandalone does not wait until it serves.
func launchStandalone(programs, dir string, qps int, env []string) (*process, error) {
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	sim := "http://" + ports[3]
	if err := writeCompany(dir, fmt.Sprintf(company, sim+"/hcm", sim+"/dingtalk", qps)); err != nil {
		return nil, err
	}
	env = append(env, "ORGFLOW_HTTP_ADDR="+ports[0], "ORGFLOW_TEMPORAL_ADDR="+ports[1], "ORGFLOW_TEMPORAL_UI_ADDR="+ports[2], "ORGFLOW_SIM_ADDR="+ports[3])
	p, err := start(dir, env, filepath.Join(programs, "standalone"), "--demo=false")
	if err != nil {
		return nil, err
	}
	p.api, p.sim, p.temporal = "http://"+ports[0], sim, ports[1]
	return p, nil
}

func writeCompany(dir, text string) error {
	files := filepath.Join(dir, "meta", "companies", fmt.Sprint(companyID))
	if err := os.MkdirAll(files, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(files, "company.json"), []byte(text), 0o644)
}

// start starts a program that ends with this one, whatever becomes of it.
func start(dir string, env []string, binary string, args ...string) (*process, error) {
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "ORGFLOW_DATA_DIR="+filepath.Join(dir, "data"), "ORGFLOW_META_DIR="+filepath.Join(dir, "meta"), "ORGFLOW_LOG_LEVEL=warn")
	cmd.Env = append(cmd.Env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd: cmd, dir: dir}, nil
}

func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return poll(ctx, func() (bool, error) {
		_, err := get[map[string]any](ctx, p.api+"/readyz")
		return err == nil, nil
	})
}

// database is the URL of what a standalone keeps its rows in by default.
func (p *process) database() string {
	return "sqlite://" + filepath.ToSlash(filepath.Join(p.dir, "data", "orgflow.db"))
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait()
}
