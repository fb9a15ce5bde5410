package console_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

func TestPeopleSteerInTheirOwnName(t *testing.T) {
	w := newSyncWorld(t, false)
	w.seed()
	for _, c := range []struct{ who, path, want, to string }{
		{"operator", "/sync/going/pause", "pause going operator user:operator maintenance", "/sync/going"},
		{"operator", "/sync/going/resume", "resume going operator user:operator maintenance", "/sync/going"},
		{"operator", "/sync/going/cancel", "cancel going operator user:operator maintenance", "/sync/going"},
		{"approver", "/sync/parked/approve", "approve parked approver user:approver maintenance", "/sync/parked"},
		{"approver", "/sync/parked/reject", "reject parked approver user:approver maintenance", "/sync/parked"},
		{"operator", "/sync/failed/retry", "retry failed operator user:operator maintenance", "/sync/again"},
		{"operator", "/sync/failed/undo", "undo(dry false) failed operator user:operator maintenance", "/sync/undone"},
	} {
		w.asked = nil
		p := visitorOf(w, c.who).post(c.path, "reason", "maintenance", "by", "somebody-else")
		if p.status != http.StatusSeeOther || p.to != c.to || !slices.Equal(w.asked, []string{c.want}) {
			t.Errorf("%s: %d to %q, asked %q", c.path, p.status, p.to, w.asked)
		}
	}
	if len(w.acts) > 0 { // whoever is asked writes it down
		t.Errorf("audit log: %q", w.acts)
	}
	w.asked = nil
	visitorOf(w, "operator").post("/sync/failed/undo", "dry", "1")
	if len(w.asked) != 1 || !strings.HasPrefix(w.asked[0], "undo(dry true) ") {
		t.Errorf("a dry undo: %q", w.asked)
	}
}

// visitorOf is somebody's browser, signed in once.
func visitorOf(w *syncWorld, who string) visitor {
	if w.visitors == nil {
		w.visitors = map[string]visitor{}
	}
	if _, in := w.visitors[who]; !in {
		w.visitors[who] = w.as(who)
	}
	return w.visitors[who]
}

var syncForms = map[string]string{ // path to the least role
	"/sync/parked/cancel": "operator", "/sync/parked/pause": "operator", "/sync/parked/resume": "operator", "/sync/parked/retry": "operator",
	"/sync/parked/undo": "operator", "/sync/new": "operator", "/sync/parked/approve": "approver", "/sync/parked/reject": "approver",
	"/sync/what-if": "reader", "/meta/preview": "reader",
}

func TestWhoMayNotIsRefused(t *testing.T) {
	w := newSyncWorld(t, false)
	w.seed()
	for path, least := range syncForms {
		if p := w.as("").post(path, "reason", "x"); p.status != http.StatusSeeOther || !strings.HasPrefix(p.to, "/signin") {
			t.Errorf("nobody at %s: %d %s", path, p.status, p.to)
		}
		for _, who := range []string{"reader", "operator"} {
			if people[who] >= people[least] {
				continue
			}
			if p := visitorOf(w, who).post(path, "reason", "x"); p.status != http.StatusForbidden {
				t.Errorf("%s at %s: %d", who, path, p.status)
			}
		}
	}
	if p := visitorOf(w, "reader").get("/sync/new"); p.status != http.StatusForbidden {
		t.Errorf("a reader at /sync/new: %d", p.status)
	}
	if len(w.asked)+len(w.starts) > 0 {
		t.Errorf("asked %q, started %v", w.asked, w.starts)
	}
	// Nor are they shown the buttons.
	p := visitorOf(w, "operator").get("/sync/parked")
	p.hasNot(t, `action="/sync/parked/approve"`)
	p.has(t, `action="/sync/parked/cancel"`, "your role does not allow it")
	visitorOf(w, "reader").get("/sync").hasNot(t, `href="/sync/new"`)
}

func TestFormsOfForeignPagesAreRefused(t *testing.T) {
	w := newSyncWorld(t, false)
	w.seed()
	for path := range syncForms {
		for _, origin := range []string{"", "http://evil.test", "null"} {
			if p := visitorOf(w, "approver").do("POST", path, form("reason", "x", "job", "{}", "rows", "{}"), origin); p.status != http.StatusForbidden {
				t.Errorf("%s from %q: %d", path, origin, p.status)
			}
		}
	}
	if len(w.asked)+len(w.starts) > 0 {
		t.Errorf("asked %q, started %v", w.asked, w.starts)
	}
}

func TestDecisionsNeedAReason(t *testing.T) {
	w := newSyncWorld(t, false)
	w.seed()
	for _, verb := range []string{"approve", "reject"} {
		for _, reason := range []string{"", " \t"} {
			p := visitorOf(w, "approver").post("/sync/parked/"+verb, "reason", reason)
			p.has(t, "a reason is required", `href="/sync/parked"`)
			if p.status != http.StatusUnprocessableEntity || len(w.asked) > 0 {
				t.Errorf("%s because %q: %d, asked %q", verb, reason, p.status, w.asked)
			}
		}
	}
}

func TestARefusalLeadsBack(t *testing.T) {
	w := newSyncWorld(t, true)
	w.seed()
	w.fault = orgflow.Faultf(orgflow.CodeConflict, "run %s has ended already: %s", "parked", script)
	p := w.as("").post("/sync/parked/pause")
	p.has(t, "has ended already", "&lt;script&gt;", `href="/sync/parked"`)
	p.hasNot(t, script)
	if p.status != http.StatusConflict {
		t.Errorf("%d", p.status)
	}
	if p := w.as("").post("/sync/parked/retry"); p.status != http.StatusConflict || len(w.acts) > 0 {
		t.Errorf("%d, audit log %q", p.status, w.acts)
	}
}

func TestARunIsStartedOnce(t *testing.T) {
	w := newSyncWorld(t, true)
	v := w.as("")
	v.get("/sync/new").has(t, "org_new", "person_new", "129/ding_talk", `name="once"`)
	fields := []string{"target", "129/ding_talk", "services", "org_new", "services", "person_new", "mode", "reconcile", "once", "a1"}
	first, second := v.post("/sync/new", fields...), v.post("/sync/new", fields...)
	if first.status != http.StatusSeeOther || first.to != second.to || !strings.HasPrefix(first.to, "/sync/sync-129-ding_talk-") {
		t.Fatalf("%d to %q and %q", first.status, first.to, second.to)
	}
	job := w.jobs[0]
	if job.Params.Mode != orgflow.Reconcile || job.Params.DryRun || len(job.Services) != 2 || w.starts[0].By != "local" || w.starts[0].IdempotencyKey == "" {
		t.Errorf("%+v %+v", job, w.starts[0])
	}
	if w.acts[0] != "local start "+w.starts[0].WorkflowID {
		t.Errorf("audit log %q", w.acts)
	}
	other := v.post("/sync/new", append(fields, "dry", "1")...)
	if other.to == first.to || !w.jobs[2].Params.DryRun || w.jobs[2].Params.Mode != orgflow.Reconcile {
		t.Errorf("the dry run went to %q: %+v", other.to, w.jobs[2])
	}
	if again := v.post("/sync/new", append(slices.Clone(fields[:9]), "a2")...); again.to == first.to {
		t.Error("another form started nothing")
	}
	text := v.post("/sync/new", "job", `{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129, "params": {"filter_dict": {"id": [1]}}}`, "dry", "1")
	if got := w.jobs[len(w.jobs)-1]; text.status != http.StatusSeeOther || !got.Params.DryRun || got.Params.FilterDict == nil {
		t.Errorf("%d %+v", text.status, got)
	}
}

func TestAJobThatIsWrongIsShownAgain(t *testing.T) {
	w := newSyncWorld(t, true)
	v := w.as("")
	for name, c := range map[string]struct {
		fields []string
		want   string
	}{
		"no service":     {[]string{"target", "129/ding_talk"}, "/services"},
		"no target":      {[]string{"services", "org_new"}, "choose where to"},
		"no JSON":        {[]string{"job", "{" + script, "dry", "1"}, "{&lt;script&gt;"},
		"unknown key":    {[]string{"job", `{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129, "params": {"filters": {}}}`, "dry", "1"}, "/params/filters"},
		"unknown beside": {[]string{"job", `{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129, "extra": 1}`, "dry", "1"}, "/extra"},
		"no such job":    {[]string{"ready", "129/none"}, "there is no job"},
	} {
		p := v.post("/sync/new", c.fields...)
		p.has(t, c.want, `role="alert"`)
		p.hasNot(t, script)
		if p.status != http.StatusOK || len(w.starts) > 0 {
			t.Errorf("%s: %d, started %v", name, p.status, w.starts)
		}
	}
}

func TestWhatIf(t *testing.T) {
	w := newSyncWorld(t, true)
	v := w.as("")
	v.get("/sync/what-if").has(t, "&#34;org_new&#34;", `action="/sync/what-if"`)
	job := `{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129, "params": {}}`
	p := v.post("/sync/what-if", "job", job, "rows", `{"org_new": [{"id": 98, "name": "公司"}, {"id": 99, "name": "<script>alert(1)</script>", "parent_id": 98}]}`)
	p.has(t, `id="answer"`, "&lt;script&gt;alert(1)", ">99<", "insert")
	p.hasNot(t, script)
	for rows, want := range map[string]string{"[]": "must be", `{"nope": []}`: "/nope", `{"org_new": [{"name": "x"}]}`: "/org_new/0"} {
		p := v.post("/sync/what-if", "job", job, "rows", rows)
		p.has(t, want, `role="alert"`)
		p.hasNot(t, `id="answer"`)
	}
	if len(w.asked)+len(w.starts) > 0 {
		t.Errorf("asked %q, started %v", w.asked, w.starts)
	}
}

// A change of a mapping file is tried before anybody writes it.
func TestWhatIfOfAFile(t *testing.T) {
	w := newSyncWorld(t, true)
	v := w.as("")
	if _, _, err := w.app.Store.CreateRun(t.Context(), store.NewRun{FirstRunID: "f", WorkflowID: "r", Job: orgflow.Job{Consumer: "ding_talk", CompanyID: 129}.WithDefaults(), StartedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	snap, err := w.app.Store.BeginSnapshot(t.Context(), store.NewSnapshot{RunID: "r", Target: orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}, Scope: "default", Service: "org_new", Kind: orgflow.Org})
	if err != nil {
		t.Fatal(err)
	}
	row := func(id, parent, name string) store.StagedRow {
		raw, err := json.Marshal(map[string]any{"id": id, "parent_id": parent, "name": name})
		if err != nil {
			t.Fatal(err)
		}
		return store.StagedRow{Record: orgflow.Record{Kind: orgflow.Org, SourceID: id, ParentID: parent, Raw: raw}}
	}
	if _, err := w.app.Store.StagePage(t.Context(), snap.ID, []store.StagedRow{row("1", "", "公司"), row("98", "1", script), row("99", "1", "销售")}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.app.Store.FinishSnapshot(t.Context(), snap.ID, store.SnapshotResult{Read: 3, Declared: 3, Complete: true}); err != nil {
		t.Fatal(err)
	}
	const name = "HcmDingSyncService.org_new.json"
	// The page of a file leads to the form, with its text in it.
	v.get("/meta/file?company=129&layer=shipped&path="+name).has(t, "What if it were changed?", `href="/sync/what-if?company=129&amp;layer=shipped&amp;path=HcmDingSyncService.org_new.json"`)
	v.get("/meta/file?company=129&layer=overlay&path=companies/129/company.json").hasNot(t, "What if it were changed?")
	v.get("/sync/what-if?company=129&layer=shipped&path="+name).has(t, `value="`+name+`"`, "&#34;map&#34;: &#34;parent_id&#34;", `<option value="Employee.meta.list.json">`)

	job := `{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129, "params": {}}`
	text := `{"fields": [{"key": "name", "map": "name", "field": ["name"], "required": true, "type": "string", "transforms": [{"op": "replace", "old": "</", "new": "_"}]},` + "\r\n" + `{"key": "parent_id", "map": "parent_id", "field": ["parent_id"], "required": false, "type": "string", "transforms": [{"op": "bind", "kind": "org"}]}]}`
	p := v.post("/sync/what-if", "job", job, "name", name, "text", text)
	p.has(t, `id="answer"`, "1 of the 3 org records", "&lt;script&gt;alert(1)_script&gt;", ">98<", "&#34;replace&#34;")
	p.hasNot(t, ">99<", script, "alert(1)</script>")
	for _, c := range []struct{ name, text, want string }{
		{"", text, "choose which file"}, {name, "", "suppose something"}, {"company.json", text, "does not look at this file"}, {"Employee.meta.list.json", "{}", "does not look at this file"},
		{name, `{"fields": [` + "\n" + script, "companies/129/" + name + ":2"}, {name, `{"felds": []}`, "/felds"},
	} {
		p := v.post("/sync/what-if", "job", job, "name", c.name, "text", c.text)
		p.has(t, c.want, `role="alert"`)
		p.hasNot(t, `id="answer"`, script)
	}
	// Who may not write files may not try them: they decide what is shown.
	closed := newSyncWorld(t, false)
	reader := closed.as("approver")
	reader.get("/sync/what-if").hasNot(t, `name="text"`)
	if p := reader.post("/sync/what-if", "job", job, "name", name, "text", text); p.status != http.StatusForbidden || !strings.Contains(p.body, "this needs admin") || strings.Contains(p.body, `id="answer"`) {
		t.Errorf("an approver tries a file: %d\n%s", p.status, p.main())
	}
	if kept := v.get("/meta/file?company=129&layer=shipped&path=" + name); strings.Contains(kept.body, "replace") || len(w.asked)+len(w.starts) > 0 {
		t.Errorf("something was kept or started: %q %v", w.asked, w.starts)
	}
}

// What is pressed twice arrives with the same word, and a Temporal that is away
// says so.
func TestFormsSayWhatTheyStandFor(t *testing.T) {
	w := newSyncWorld(t, true)
	w.seed()
	v := w.as("")
	page := v.get("/sync/failed")
	word := regexp.MustCompile(`name="once" form="do-retry" value="([A-Z0-9]{20,})"`).FindStringSubmatch(page.body)
	page.has(t, `<form id="do-retry" method="post"`, `<form id="do-undo" method="post"`, `form="do-undo"`)
	if word == nil || strings.Contains(v.get("/sync/failed").body, word[1]) || strings.Contains(v.get("/sync/failed?live").body, `name="once"`) {
		t.Fatalf("every page has a word of its own, and what changes has none: %q", word)
	}
	v.post("/sync/failed/retry", "once", word[1])
	v.post("/sync/failed/undo", "once", word[1])
	if !slices.Equal(w.words, []string{word[1], word[1]}) {
		t.Errorf("handed on: %q", w.words)
	}
	away := v.get("/sync/nobody-knows-this-run")
	away.has(t, "cannot reach Temporal at 127.0.0.1:1", "start it or set ORGFLOW_TEMPORAL_ADDR")
	if away.status != http.StatusServiceUnavailable {
		t.Errorf("Temporal is away: %d", away.status)
	}
}
