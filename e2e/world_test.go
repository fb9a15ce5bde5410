package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Credentials the simulators accept from the start.
const (
	appKey    = "dingsim-app"
	appSecret = "dingsim-secret"
	hcmToken  = "hcm-sim-token"
)

// world is one installation: addresses, directories, settings.
type world struct {
	t                        *testing.T
	http, temporal, ui, sims string // host:port
	data, meta               string // directories; meta is empty for the shipped files alone
	env                      map[string]string
	api                      string         // DingTalk's contact interface
	site                     *http.ServeMux // of vendors in this process
}

// newWorld chooses addresses and directories. The shipped company 129 is
// what it is.
func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{
		t: t, http: freeAddr(t), temporal: freeAddr(t), ui: freeAddr(t), sims: freeAddr(t),
		api:  "v2",
		data: t.TempDir(), env: map[string]string{"ORGFLOW_LOG_FORMAT": "json"},
	}
}

// newFastWorld has a company 129 without a rate limit.
func newFastWorld(t *testing.T) *world { return newFastWorldOf(t, "v2") }

// newFastWorldOf has one that speaks a contact interface.
func newFastWorldOf(t *testing.T, api string) *world {
	w := newWorld(t)
	w.api = api
	w.company(129, nil)
	return w
}

// port is the next one to try. Ports below the range the system takes for
// outgoing connections stay free until they are listened on.
var port atomic.Int32

func init() { port.Store(int32(20000 + os.Getpid()*16%9000)) }

func freeAddr(t *testing.T) string {
	t.Helper()
	for range 2000 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port.Add(1))))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		_ = l.Close() // only looked whether it is free
		return addr
	}
	t.Fatal("no free port")
	return ""
}

// object is JSON in the making.
type object = map[string]any

// company lays a company.json over the shipped files: source and DingTalk at
// the simulators, no rate limit. change adapts it.
func (w *world) company(id int, change func(source, ding object)) {
	w.t.Helper()
	source := object{
		"type": "hcm", "base_url": "http://" + w.sims + "/hcm", "page_size": 500,
		"auth": object{"mode": "bearer", "token": "${HCM_TOKEN}"},
	}
	ding := object{
		"base_url": "http://" + w.sims + "/dingtalk", "api_base_url": "http://" + w.sims + "/dingtalk", "api": w.api,
		"appkey": "${DINGTALK_APPKEY}", "appsecret": "${DINGTALK_APPSECRET}", "root_department_id": 1, "qps": 0,
	}
	if change != nil {
		change(source, ding)
	}
	w.put(fmt.Sprintf("companies/%d/company.json", id), encode(w.t, object{
		"company_id": id, "name": "e2e", "time_zone": "Asia/Shanghai", "source": source, "consumers": object{"ding_talk": ding},
	}))
}

// put writes a file into the meta directory.
func (w *world) put(name, text string) {
	w.t.Helper()
	if w.meta == "" {
		w.meta = w.t.TempDir()
	}
	w.write(filepath.Join(w.meta, filepath.FromSlash(name)), text)
}

func (w *world) write(path, text string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// file writes a file of its own and returns its path.
func (w *world) file(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), name)
	w.write(path, text)
	return path
}

// environment is what processes get: nothing of ORGFLOW_* from the tester.
func (w *world) environment(extra ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "ORGFLOW_") })
	env = append(env, "ORGFLOW_HTTP_ADDR="+w.http, "ORGFLOW_TEMPORAL_ADDR="+w.temporal,
		"ORGFLOW_TEMPORAL_UI_ADDR="+w.ui, "ORGFLOW_SIM_ADDR="+w.sims, "ORGFLOW_DATA_DIR="+w.data, "ORGFLOW_META_DIR="+w.meta)
	for _, k := range slices.Sorted(maps.Keys(w.env)) {
		env = append(env, k+"="+w.env[k])
	}
	return append(env, extra...)
}

// standalone starts the program. Where it serves, up waits for it.
func (w *world) standalone(args ...string) *process {
	w.t.Helper()
	return start(w.t, w.environment(), "standalone", args...)
}

// serve starts the program without the demo and waits until it is ready.
func (w *world) serve() *process {
	w.t.Helper()
	p := w.standalone("--demo=false")
	w.up(p)
	return p
}

// up waits until the API says it is ready.
func (w *world) up(p *process) {
	w.t.Helper()
	eventually(w.t, time.Minute, 50*time.Millisecond, p.name+" ready", func() error {
		if p.ended() {
			w.t.Fatalf("%s ended with %d:\n%s", p.name, p.cmd.ProcessState.ExitCode(), p.err.String())
		}
		status, body, err := call("GET", "http://"+w.http+"/readyz", "")
		if err != nil || status != 200 {
			return fmt.Errorf("%d %s %v", status, body, err)
		}
		return nil
	})
}

// database is the installation's: standalone's own, unless it has another.
func (w *world) database() string {
	if url := w.env["ORGFLOW_DATABASE_URL"]; url != "" {
		return url
	}
	return "sqlite://" + filepath.Join(w.data, "orgflow.db")
}

// starter runs a command against the same Temporal and database.
func (w *world) starter(args ...string) result {
	w.t.Helper()
	return run(w.t, w.environment("ORGFLOW_DATABASE_URL="+w.database()), "starter", args...)
}

func encode(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
