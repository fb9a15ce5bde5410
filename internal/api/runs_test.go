package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"orgflow"
)

const job = `{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129}`

func started(t *testing.T, w *httptest.ResponseRecorder) Started {
	t.Helper()
	var s Started
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return s
}

func TestStartARun(t *testing.T) {
	w := newWorld()
	res := call(New(w.deps()), "POST", "/api/v1/sync-runs", job)
	s := started(t, res)
	if !regexp.MustCompile(`^sync-129-ding_talk-20261121T0100Z-[a-z0-9]{6}$`).MatchString(s.ID) || s.RunID != "r-"+s.ID || s.URL != "/api/v1/sync-runs/"+s.ID || res.Header().Get("Location") != s.URL {
		t.Errorf("%+v, Location %q", s, res.Header().Get("Location"))
	}
	if w.lastJob.CompanyID != 129 || w.lastRaw != job || w.lastJob.Params.Mode != orgflow.Incremental {
		t.Errorf("the starter got %+v, %s", w.lastJob, w.lastRaw)
	}
	if strings.Contains(res.Body.String(), "$schema") {
		t.Errorf("unwanted key: %s", res.Body)
	}
}

func TestABadJobStartsNothing(t *testing.T) {
	for body, pointer := range map[string]string{
		`{"params":{"mode":"sideways"}}`:                "/params/mode",
		`{"consumer":"x","params":{"mode":"sideways"}}`: "/params/mode",
		`{`:  "",
		`[]`: "",
	} {
		w := newWorld()
		res := call(New(w.deps()), "POST", "/api/v1/sync-runs", body)
		e := errorOf(t, res)
		if res.Code != http.StatusBadRequest || e.Code != orgflow.CodeInvalidJob || e.Field != pointer || len(e.Problems) == 0 {
			t.Errorf("%s: %d %s", body, res.Code, res.Body)
		}
		if w.starts != 0 {
			t.Errorf("%s started a run", body)
		}
	}
	res := call(New(newWorld().deps()), "POST", "/api/v1/sync-runs", `{"params":{"mode":"sideways"}}`)
	if e := errorOf(t, res); len(e.Problems) != 2 || e.Problems[1].Pointer != "/consumer" {
		t.Errorf("not all problems at once: %s", res.Body)
	}
}

func TestBodies(t *testing.T) {
	h := New(newWorld().deps())
	for _, contentType := range []string{"application/json", "text/plain", "application/x-www-form-urlencoded", "application/json;charset=GBK;;", "nonsense", "a+b;c+d", "multipart/form-data; boundary=x"} {
		if res := call(h, "POST", "/api/v1/sync-runs", job, "Content-Type: "+contentType); res.Code != http.StatusAccepted {
			t.Errorf("content type %q: %d %s", contentType, res.Code, res.Body)
		}
		if res := call(h, "POST", "/api/v1/sync-runs/x/cancel", `{"by":"E1"}`, "Content-Type: "+contentType); res.Code != http.StatusAccepted {
			t.Errorf("content type %q: %d %s", contentType, res.Code, res.Body)
		}
	}
	if res := call(h, "POST", "/api/v1/sync-runs", ""); res.Code != http.StatusBadRequest || errorOf(t, res).Code != "invalid_body" {
		t.Errorf("no body: %d %s", res.Code, res.Body)
	}
	for _, path := range []string{"/api/v1/sync-runs", "/api/v1/sync-runs/x/cancel"} {
		big := `{"by":"` + strings.Repeat("x", MaxBody) + `"}`
		if res := call(h, "POST", path, big); res.Code != http.StatusRequestEntityTooLarge || errorOf(t, res).Code != "body_too_large" {
			t.Errorf("large body at %s: %d %.200s", path, res.Code, res.Body)
		}
	}
	for body, field := range map[string]string{`{"by":5}`: "/by", `{"reason":"` + strings.Repeat("x", 1025) + `"}`: "/reason", `{"bye":"x"}`: "/bye"} {
		res := call(h, "POST", "/api/v1/sync-runs/x/cancel", body)
		if e := errorOf(t, res); res.Code != http.StatusUnprocessableEntity || e.Field != field {
			t.Errorf("%.30s: %d %s", body, res.Code, res.Body)
		}
	}
	if res := call(h, "POST", "/api/v1/sync-runs/x/cancel", `{"by"`); res.Code != http.StatusBadRequest || errorOf(t, res).Code != "invalid_body" {
		t.Errorf("broken JSON: %d %s", res.Code, res.Body)
	}
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld()
	d := w.deps()
	d.Keys = keys(t)
	h := New(d)
	post := func(body, key, role string) *httptest.ResponseRecorder {
		return call(h, "POST", "/api/v1/sync-runs", body, "Idempotency-Key: "+key, "X-API-Key: "+role+"-token")
	}
	first := started(t, post(job, "k1", "operate"))
	again := started(t, post(`{"company_id":129,"consumer":"ding_talk","services":["org_new"]}`, "k1", "operate"))
	if again != first || w.starts != 1 {
		t.Errorf("the repetition answers %+v after %+v; %d starts", again, first, w.starts)
	}
	for _, other := range []string{strings.Replace(job, "129", "130", 1), strings.Replace(job, "org_new", "person_new", 1)} {
		res := post(other, "k1", "operate")
		if e := errorOf(t, res); res.Code != http.StatusConflict || e.Field != "Idempotency-Key" {
			t.Errorf("another body with the same key: %d %s", res.Code, res.Body)
		}
	}
	if other := started(t, post(job, "k2", "operate")); other.ID == first.ID {
		t.Error("another key found the same run")
	}
	if other := started(t, post(job, "k1", "admin")); other.ID == first.ID {
		t.Error("two callers share a key by accident")
	}
	if w.starts != 3 {
		t.Errorf("%d starts, want 3", w.starts)
	}
	if res := post(job, strings.Repeat("k", 256), "operate"); res.Code != http.StatusUnprocessableEntity {
		t.Errorf("an endless key: %d", res.Code)
	}
}

// TestAFailedStartKeepsItsID: what the key stands for is stored before the
// start, so that a repetition cannot start a second run.
func TestAFailedStartKeepsItsID(t *testing.T) {
	w := newWorld()
	h := New(w.deps())
	w.err = &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "Temporal does not answer"}
	if res := call(h, "POST", "/api/v1/sync-runs", job, "Idempotency-Key: k"); res.Code != http.StatusServiceUnavailable || len(w.keys) != 1 {
		t.Fatalf("%d %s, keys %v", res.Code, res.Body, w.keys)
	}
	w.err = nil
	first := started(t, call(h, "POST", "/api/v1/sync-runs", job, "Idempotency-Key: k"))
	for _, claimed := range w.keys {
		if !strings.Contains(claimed, first.ID) {
			t.Errorf("started %s, but the key stands for %s", first.ID, claimed)
		}
	}
}

func TestListsAreNeverNull(t *testing.T) {
	w := newWorld()
	h := New(w.deps())
	for path, want := range map[string]string{
		"/api/v1/sync-runs/x/changes":                `{"changes":[],"next_cursor":""}`,
		"/api/v1/records/129/ding_talk/person/1/log": `{"entries":[],"next_cursor":""}`,
		"/api/v1/schedules":                          `{"schedules":[]}`,
	} {
		if res := call(h, "GET", path, ""); strings.TrimSpace(res.Body.String()) != want {
			t.Errorf("%s: %s", path, res.Body)
		}
	}
	for _, path := range []string{"/api/v1/sync-runs/x", "/api/v1/sync-runs"} {
		res := call(h, "GET", path, "")
		for _, want := range []string{`"fetch":{}`, `"plan":{}`, `"applied":{}`, `"files":[]`, `"finished_at":null`, `"error":null`} {
			if !strings.Contains(res.Body.String(), want) {
				t.Errorf("%s lacks %s: %s", path, want, res.Body)
			}
		}
	}
}

func TestFiltersArrive(t *testing.T) {
	w := newWorld()
	h := New(w.deps())
	call(h, "GET", "/api/v1/sync-runs?company_id=129&consumer=we_com&status=failed&cursor=c&limit=7", "")
	if want := (RunFilter{129, "we_com", orgflow.StatusFailed, "c", 7}); w.runFilter != want {
		t.Errorf("%+v", w.runFilter)
	}
	call(h, "GET", "/api/v1/sync-runs/x/changes?state=held&op=insert&kind=org", "")
	if want := (ChangeFilter{orgflow.Held, orgflow.Insert, orgflow.Org, "", DefaultLimit}); w.changes != want {
		t.Errorf("%+v", w.changes)
	}
	call(h, "GET", "/api/v1/records/129/ding_talk/person/a%2Fb%20c/log", "")
	if w.record.String() != "person:a/b c" || w.target.String() != "129/ding_talk" {
		t.Errorf("%+v", w.record)
	}
}

func TestSteering(t *testing.T) {
	w := newWorld()
	d := w.deps()
	call(New(d), "POST", "/api/v1/sync-runs/r1/cancel", "")
	d.Keys, d.Meter = keys(t), nil
	h := New(d)
	const auth = "Authorization: Bearer admin-token"
	call(h, "POST", "/api/v1/sync-runs/r2/cancel", `{"by":"E1","reason":"wrong filter"}`, auth)
	call(h, "POST", "/api/v1/sync-runs/r3/undo", "", auth)
	undone := call(h, "POST", "/api/v1/sync-runs/r3/undo", `{"by":"E1","reason":"template","dry_run":true,"approval":"always"}`, auth)
	if undone.Code != 202 || undone.Header().Get("Location") != "/api/v1/sync-runs/r3-undone" {
		t.Errorf("undo: %d %s", undone.Code, undone.Body)
	}
	if res := call(h, "POST", "/api/v1/sync-runs/r3/undo", `{"approval":"sometimes"}`, auth); res.Code < 400 || res.Code > 499 {
		t.Errorf("undo with an unknown approval: %d %s", res.Code, res.Body)
	}
	call(h, "POST", "/api/v1/schedules/s1/pause", `{"reason":"holiday"}`, auth)
	call(h, "POST", "/api/v1/schedules/s1/resume", "", auth)
	call(h, "POST", "/api/v1/schedules/s1/trigger", "", auth)
	call(h, "POST", "/api/v1/schedules/s1/backfill", `{"from":"2026-11-18T00:00:00+08:00","to":"2026-11-19T00:00:00Z","reason":"outage"}`, auth)
	want := []string{
		`cancel r1 by local () key ""`,
		`cancel r2 by E1 (wrong filter) key "admin-key"`,
		`undo false r3 by admin-key () key "admin-key"`,
		`undo true always r3 by E1 (template) key "admin-key"`,
		`pause s1 by admin-key (holiday) key "admin-key"`,
		`resume s1 by admin-key () key "admin-key"`,
		`trigger s1 by admin-key () key "admin-key"`,
		`backfill 2026-11-17T16:00:00Z 2026-11-19T00:00:00Z s1 by admin-key (outage) key "admin-key"`,
	}
	if got := strings.Join(w.steered, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
	for _, wrong := range []string{`{"from":"2026-11-19T00:00:00Z","to":"2026-11-19T08:00:00+08:00"}`, `{"from":"2026-11-19T00:00:00Z"}`, `{"from":"yesterday","to":"2026-11-19T00:00:00Z"}`, ""} {
		if res := call(h, "POST", "/api/v1/schedules/s1/backfill", wrong, auth); res.Code < 400 || res.Code > 499 {
			t.Errorf("backfill %s: %d %s", wrong, res.Code, res.Body)
		}
	}
	res := call(h, "POST", "/api/v1/schedules", `{"dry_run":true}`, auth)
	if !w.dryRun || strings.TrimSpace(res.Body.String()) != `{"dry_run":true,"changes":[{"id":"nightly","action":"create"}]}` {
		t.Errorf("dry run %t: %s", w.dryRun, res.Body)
	}
	if call(h, "POST", "/api/v1/schedules", "", auth); w.dryRun {
		t.Error("without a body the files are applied")
	}
}
