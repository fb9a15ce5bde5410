package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/testpg"
)

// pairing is a company whose source and consumer are of the kinds under test.
type pairing struct {
	company          int
	consumer, sim    string // its name in jobs, and that of its simulator
	source, settings object
	notify           object                       // nil: nobody is told anything
	provide          func(t *testing.T, rows hcm) // makes the source hold rows
	held             func(w *world, rows hcm) held
	lacks            string
	most             int64                               // writes that four differences may cost
	pushed           func(w *world)                      // looks at the first push
	after            func(w *world, p pairing, rows hcm) // what else is to be shown
}

func (p pairing) job(params string) string {
	return fmt.Sprintf(`{"services":["org_new","person_new"],"consumer":%q,"company_id":%d,"params":{%s}}`, p.consumer, p.company, params)
}

// pairings are a company for each kind of consumer, each fed by another kind
// of source.
func pairings(t *testing.T, w *world) []pairing {
	sims := "http://" + w.sims
	jsonDir, csvDir, lite := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "hr.db")
	names := object{"Organization": "hr_organization", "Employee": "hr_employee"}
	hcmSource := object{"type": "hcm", "base_url": sims + "/hcm", "auth": object{"mode": "bearer", "token": "${HCM_TOKEN}"}}
	return []pairing{
		{
			company: 201, consumer: "ai_guan_huai", sim: "aiguanhuai", lacks: "root, managers", most: 4, after: (*world).fullPush,
			source:   object{"type": "file", "dir": jsonDir},
			settings: object{"base_url": sims + "/aiguanhuai", "corp_id": "aghsim-corp", "partner_id": "aghsim-partner", "signing": object{"preset": "none"}},
			provide:  func(t *testing.T, rows hcm) { jsonFiles(t, jsonDir, rows) },
			held:     func(w *world, _ hcm) held { return w.heldByAiGuanHuai() },
		},
		{
			company: 202, consumer: "scim", sim: "scim", lacks: "root, parents", most: 6, // who comes enters a group
			after:    func(w *world, p pairing, rows hcm) { w.truncated(p, csvDir, rows) },
			source:   object{"type": "file", "dir": csvDir},
			settings: object{"base_url": sims + "/scim", "qps": 0, "settings": object{"token": "${SCIM_TOKEN}"}},
			provide:  func(t *testing.T, rows hcm) { gbkFiles(t, csvDir, rows) },
			held:     func(w *world, _ hcm) held { return w.heldByScim(202) },
		},
		{
			company: 203, consumer: "ding_talk", sim: "dingtalk", most: 4,
			source: object{"type": "sql", "url": "sqlite://" + lite, "tables": names},
			settings: object{
				"base_url": sims + "/dingtalk", "api_base_url": sims + "/dingtalk", "api": "v1",
				"appkey": "${DINGTALK_APPKEY}", "appsecret": "${DINGTALK_APPSECRET}", "qps": 0,
			},
			provide: func(t *testing.T, rows hcm) { tables(t, "sqlite", lite, rows) },
			held:    func(w *world, _ hcm) held { return w.heldByDingTalk(203) },
		},
		{
			company: 205, consumer: "we_com", sim: "wecom", most: 4, pushed: (*world).pushedAsFiles,
			source:   hcmSource,
			settings: object{"base_url": sims + "/wecom", "corpid": "${WECOM_CORPID}", "corpsecret": "${WECOM_CORPSECRET}", "qps": 0, "import_above": 60},
			provide:  func(t *testing.T, rows hcm) { w := *w; w.t = t; w.load(rows) },
			held:     func(w *world, rows hcm) held { return w.heldByWeCom(w.t, rows) },
		},
	}
}

// postgresPairing reads from PostgreSQL, where there is one.
func postgresPairing(t *testing.T, w *world) pairing {
	names := object{"Organization": "hr_organization", "Employee": "hr_employee"}
	url := testpg.URL(t)
	return pairing{
		company: 204, consumer: "emm_cloud", sim: "emmcloud", most: 4,
		source: object{"type": "sql", "url": url, "tables": names},
		settings: object{
			"base_url": "http://" + w.sims + "/emmcloud", "qps": 0,
			"settings": object{"client_id": "${EMM_CLIENT_ID}", "client_secret": "${EMM_CLIENT_SECRET}"},
		},
		provide: func(t *testing.T, rows hcm) { tables(t, "postgres", url, rows) },
		held:    func(w *world, _ hcm) held { return w.heldByEmmCloud() },
	}
}

func (w *world) pair(p pairing) {
	company := object{"company_id": p.company, "name": "e2e", "source": p.source, "consumers": object{p.consumer: p.settings}}
	if p.notify != nil {
		company["notify"] = p.notify
	}
	w.put(fmt.Sprintf("companies/%d/company.json", p.company), encode(w.t, company))
}

// Every consumer and every source the documents name, in one running
// program: a first push, a run without news, four differences. The demo
// company needs no secret from outside for any of them.
func TestEveryConsumerAndSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := append(pairings(t, w), postgresPairing(t, w))
	for _, p := range all {
		w.pair(p)
	}
	w.serve()
	w.unlimited()
	w.load(demo(t))
	for _, p := range all {
		s := w.sync(pairing{company: 129, consumer: p.consumer}.job(`"dry_run":true`))
		if s.Plan["org"].Insert != 40 || s.Plan["person"].Insert != 300 {
			t.Errorf("the demo company at %s: %+v", p.consumer, s.Plan)
		}
	}
	for _, p := range all {
		t.Run(p.consumer, func(t *testing.T) {
			t.Parallel()
			w := *w
			w.t = t
			w.firstRepeatChange(p)
		})
	}
}

func (w *world) firstRepeatChange(p pairing) {
	t := w.t
	rows := demo(t)
	if p.consumer == "we_com" {
		plain(rows)
	}
	writes := func() int64 { return w.requests(p.sim).Writes }
	inStep := func(when string) {
		t.Helper()
		if d := cmp.Diff(asked(rows, p.lacks), p.held(w, rows)); d != "" {
			t.Errorf("%s: the source and what %s holds differ (-source +consumer):\n%s", when, p.consumer, d)
		}
	}
	p.provide(t, rows)
	s := w.sync(p.job(""))
	if n := s.Applied["person"]["insert"].Done; n != 300 || s.Applied["org"]["insert"].Done != 40 {
		t.Errorf("the first push ended %+v", s.Applied)
	}
	inStep("first push")
	if p.pushed != nil {
		p.pushed(w)
	}

	first := writes()
	quiet := w.sync(p.job(""))
	if again := writes(); first == 0 || again != first || quiet.Plan["person"].Unchanged != 300 || quiet.Plan["org"].Unchanged != 40 {
		t.Errorf("a run without news wrote %d times after %d: %+v", again-first, first, quiet.Plan)
	}

	change(t, &rows)
	p.provide(t, rows)
	s = w.sync(p.job(""))
	person := s.Plan["person"]
	if person.Insert != 1 || person.Update != 1 || person.Delete != 1 || p.consumer != "scim" && s.Plan["org"].Update != 1 {
		t.Errorf("four differences are planned as %+v", s.Plan)
	}
	if n := writes() - first; n == 0 || n > p.most {
		t.Errorf("four differences cost %d writes", n)
	}
	inStep("four differences")
	if p.after != nil {
		p.after(w, p, rows)
		inStep("in the end")
	}
}

// plain leaves out what an import file cannot carry (docs/wecom.md).
func plain(rows hcm) {
	for _, e := range rows.Employee {
		delete(e, "gender")
		delete(e, "manager_id")
	}
}

// pushedAsFiles wants most of the people to have gone in import files.
func (w *world) pushedAsFiles() {
	w.t.Helper()
	calls := w.requests("wecom").Paths
	jobs, single := calls["/cgi-bin/batch/syncuser"]["ok"], calls["/cgi-bin/user/create"]["ok"]
	if jobs == 0 || jobs > 3 || single == 0 || single > 30 { // who is in two departments goes by a call
		w.t.Errorf("%d import jobs and %d single calls brought 300 people", jobs, single)
	}
}

// fullPush tells the consumer everybody in one task.
func (w *world) fullPush(p pairing, _ hcm) {
	w.t.Helper()
	w.sync(p.job(`"mode":"full"`))
	for _, path := range []string{"add-prepare", "add-complete"} {
		if n := w.requests(p.sim).Paths["/v3/oms/"+path]["ok"]; n != 1 {
			w.t.Errorf("%d calls of %s", n, path)
		}
	}
	if n := w.agh().Completed; n != 1 {
		w.t.Errorf("%d pushes were completed", n)
	}
}

// truncated has the export cut off in a line: the run fails with what to do,
// and nobody is taken for somebody who has left.
func (w *world) truncated(p pairing, dir string, rows hcm) {
	w.t.Helper()
	whole := gbkFiles(w.t, dir, rows)
	replace(w.t, dir, "Employee.csv", whole[:len(whole)*2/3])
	writes := w.requests(p.sim).Writes
	s := w.await(w.begin(p.job("")), time.Minute)
	if s.Status != "failed" || s.Error == nil || !strings.Contains(s.Error.Message, "Employee.csv") {
		w.t.Errorf("a file that is cut off: %s, %+v", s.Status, s.Error)
	}
	if n := w.requests(p.sim).Writes; n != writes {
		w.t.Errorf("a file that is cut off led to %d writes", n-writes)
	}
}
