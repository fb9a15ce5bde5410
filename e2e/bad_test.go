package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Jobs that are refused before a run exists: by CLI, HTTP and file alike,
// with the place and what is allowed.
func TestRefusedJobs(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	w.company(202, nil)
	w.put("companies/202/Employee.meta.list.json", "{\n  \"model\": \"Employee\",\n  \"fields\": [,]\n}\n")
	w.put("companies/202/Employee.meta.list.ding_talk_person_new.json", "{\n  \"model\": \"Employee\",\n  \"fields\": [,]\n}\n")
	w.serve()
	w.load(demo(t))
	for _, c := range []struct {
		name, job string
		want      []string // all of them, in the message
	}{
		{"unknown consumer", `{"services":["person_new"],"consumer":"slack","company_id":129}`, []string{"/consumer", "ding_talk"}},
		{"unknown service", `{"services":["person_old"],"consumer":"ding_talk","company_id":129}`, []string{"/services/0", "person_new"}},
		{"unknown company", `{"services":["person_new"],"consumer":"ding_talk","company_id":130}`, []string{"/company_id", "130"}},
		{"unknown key", `{"services":["person_new"],"consumer":"ding_talk","company_id":129,"params":{"filters":{}}}`, []string{"/params/filters", "filter_dict"}},
		{"unknown key at the top", `{"services":["person_new"],"consumer":"ding_talk","company_id":129,"service":1}`, []string{"/service", "services"}},
		{"wrong type", `{"services":"person_new","consumer":"ding_talk","company_id":129}`, []string{"/services", "must be a list"}},
		{"wrong value", `{"services":["person_new"],"consumer":"ding_talk","company_id":129,"params":{"mode":"fast"}}`, []string{"/params/mode", "incremental"}},
		{"missing key", `{"consumer":"ding_talk","company_id":129}`, []string{"services"}},
		{"not JSON", `{"services":["person_new"],}`, []string{`no comma before "}"`}},
		{"missing state", `{"services":["person_new"],"consumer":"ding_talk","company_id":129,"params":{"extra_property":{"state":"nobody"}}}`, []string{"/params/extra_property/state", "nobody"}},
		{"state that is no name", `{"services":["person_new"],"consumer":"ding_talk","company_id":129,"params":{"extra_property":{"state":"../129"}}}`, []string{"/params/extra_property/state"}},
		{"broken meta file", `{"services":["person_new"],"consumer":"ding_talk","company_id":202}`, []string{"Employee.meta.list.ding_talk_person_new.json:3:14"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.starter("sync", "--file", w.file("job.json", c.job), "--wait")
			if got.code != 1 || got.out != "" {
				t.Errorf("starter: exit code %d, stdout %q", got.code, got.out)
			}
			contains(t, "starter", got.err, c.want)
			status, body, err := call("POST", "http://"+w.http+"/api/v1/sync-runs", c.job)
			if err != nil || status < 400 || status > 499 {
				t.Errorf("HTTP answered %d %s %v", status, body, err)
			}
			contains(t, "HTTP", strings.ReplaceAll(body, `\"`, `"`), c.want)
		})
	}
	if runs := w.runs(); len(runs) != 0 {
		t.Errorf("refused jobs left %d runs", len(runs))
	}
	if r := w.requests("dingtalk"); r.Total != 0 {
		t.Errorf("refused jobs called DingTalk: %v", r.Paths)
	}
}

// contains wants every part in a message of few lines.
func contains(t *testing.T, who, message string, parts []string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(message, part) {
			t.Errorf("%s does not say %q: %s", who, part, message)
		}
	}
	if n := len(lines(message)); n > 2 {
		t.Errorf("%s says %d lines, one is wanted: %s", who, n, message)
	}
}

// Jobs that are right, against systems that are not: the run fails as a
// whole, soon, with what to do, and DingTalk gets nothing.
func TestSystemsThatRefuse(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	nowhere := freeAddr(t)
	for id, change := range map[int]func(source, ding object){
		301: func(source, _ object) { source["base_url"] = "http://" + nowhere + "/hcm" },
		302: func(source, _ object) { source["auth"] = object{"mode": "bearer", "token": "${WRONG}"} },
		303: func(_, ding object) { ding["appsecret"] = "${WRONG}" },
		304: nil,
		305: func(_, ding object) { ding["appsecret"] = "${NOT_THERE}" },
		306: func(_, ding object) {
			ding["base_url"] = "http://" + nowhere
			ding["api_base_url"] = "http://" + nowhere
		},
	} {
		w.company(id, change)
	}
	w.env["WRONG"] = "this-is-wrong-77"
	w.serve()
	rows := demo(t)
	must(t, "PUT", w.simURL("hcm", "state"), encode(t, object{"models": object{"Organization": rows.Organization}}), nil)

	type trouble struct {
		name, company string
		services      string
		want          []string
		tokens        int64 // most calls for a token
	}
	for _, c := range []trouble{
		{"unreachable HCM", "301", `"org_new"`, []string{nowhere}, 5},
		{"wrong HCM token", "302", `"org_new"`, []string{"unauthorized"}, 5},
		{"wrong DingTalk secret", "303", `"org_new"`, []string{"unauthorized", "appsecret", "company.json"}, 5},
		{"unknown model at the HCM", "304", `"person_new"`, []string{"Employee"}, 5},
		{"missing reference", "305", `"org_new"`, []string{"NOT_THERE", "company.json"}, 0},
		{"unreachable DingTalk", "306", `"org_new"`, []string{nowhere}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := *w
			w.t = t
			w.forget()
			before := len(w.runs())
			job := `{"services":[` + c.services + `],"consumer":"ding_talk","company_id":` + c.company + `}`
			began := time.Now()
			got := w.starter("sync", "--file", w.file("job.json", job), "--wait")
			t.Logf("after %s: %s%s", time.Since(began).Round(100*time.Millisecond), got.out, got.err)
			if got.code != 1 {
				t.Errorf("exit code %d", got.code)
			}
			for _, part := range c.want {
				if !strings.Contains(got.out+got.err, part) {
					t.Errorf("the message does not say %q", part)
				}
			}
			if strings.Contains(got.out+got.err, "this-is-wrong-77") {
				t.Error("the message shows the secret")
			}
			r := w.requests("dingtalk")
			if r.Writes != 0 {
				t.Errorf("%d writes at DingTalk", r.Writes)
			}
			var tokens int64
			for path, outcomes := range r.Paths {
				if path == "/gettoken" || strings.Contains(path, "oken") {
					for _, n := range outcomes {
						tokens += n
					}
				}
			}
			if tokens > c.tokens {
				t.Errorf("%d calls for a token, %d are allowed: %v", tokens, c.tokens, r.Paths)
			}
			if runs := w.runs(); len(runs) > before {
				if s := runs[0]; s.Status != "failed" || s.Error == nil || s.Error.Message == "" {
					t.Errorf("the run is recorded as %s with %+v", s.Status, s.Error)
				}
			}
		})
	}
}

// What keeps standalone from starting is said in one line.
func TestStandaloneThatCannotStart(t *testing.T) {
	t.Parallel()
	busy := func(addr func(*world) string, variable string) func(t *testing.T, w *world) []string {
		return func(t *testing.T, w *world) []string {
			l, err := net.Listen("tcp", addr(w))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			return []string{variable, addr(w)}
		}
	}
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, w *world) (want []string)
	}{
		{"HTTP port", busy(func(w *world) string { return w.http }, "ORGFLOW_HTTP_ADDR")},
		{"Temporal port", busy(func(w *world) string { return w.temporal }, "ORGFLOW_TEMPORAL_ADDR")},
		{"UI port", busy(func(w *world) string { return w.ui }, "ORGFLOW_TEMPORAL_UI_ADDR")},
		{"simulator port", busy(func(w *world) string { return w.sims }, "ORGFLOW_SIM_ADDR")},
		{"data directory is a file", func(t *testing.T, w *world) []string {
			w.data = w.file("data", "")
			return []string{w.data}
		}},
		{"data directory below a file", func(t *testing.T, w *world) []string {
			w.data = filepath.Join(w.file("data", ""), "below")
			return []string{w.data}
		}},
		{"read-only data directory", func(t *testing.T, w *world) []string {
			if os.Getuid() == 0 { // permissions do not stop root; a file system does
				w.data = "/proc/orgflow"
				return []string{w.data}
			}
			if err := os.Chmod(w.data, 0o500); err != nil {
				t.Fatal(err)
			}
			return []string{w.data}
		}},
		{"data directory in use", func(t *testing.T, w *world) []string {
			first := newWorld(t)
			first.serve()
			w.data = first.data
			return []string{w.data}
		}},
		{"missing meta directory", func(t *testing.T, w *world) []string {
			w.meta = filepath.Join(t.TempDir(), "nowhere")
			return []string{"ORGFLOW_META_DIR", w.meta}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			want := c.prepare(t, w)
			p := w.standalone("--demo=false")
			if code := p.exit(time.Minute); code != 1 {
				t.Errorf("exit code %d", code)
			}
			said := p.err.String()
			if len(lines(said)) != 1 || p.out.String() != "" {
				t.Errorf("it says %d lines, one is wanted:\n%s%s", len(lines(said)), said, p.out.String())
			}
			for _, part := range want {
				if !strings.Contains(said, part) {
					t.Errorf("it does not say %q: %s", part, said)
				}
			}
		})
	}
}
