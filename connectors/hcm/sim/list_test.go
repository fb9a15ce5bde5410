package hcmsim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	hcmsim "orgflow/connectors/hcm/sim"
	"orgflow/connectors/simctl"
)

// rows: a tree 1 > 2 > 3 and people in it.
const rows = `{"models": {
 "Organization": [{"id": 1, "origin_id": 1}, {"id": 20, "origin_id": 2, "parent_id": 1}, {"id": 3, "parent_id": 2}],
 "Employee": [
  {"id": 11, "number": "E11", "name": "甲", "department": {"origin_id": 1}, "job_info": {"position_status_id": 2, "begin_date": "2020-01-01"}},
  {"id": 12, "number": "E12", "name": "乙", "department": {"origin_id": 2}, "job_info": {"position_status_id": 7, "begin_date": "2021-01-01"}},
  {"id": 13, "number": "E13", "name": "丙", "department": {"origin_id": 3}, "departments": [{"origin_id": 3}, {"origin_id": 1}], "job_info": {"position_status_id": 9, "begin_date": "2022-01-01"}},
  {"id": 14, "number": "E14", "name": "丁", "job_info": {"position_status_id": "2", "begin_date": null}}]},
 "metas": {"Employee.meta.list": {"fields": []}}}`

type world struct {
	t    *testing.T
	sim  *hcmsim.Sim
	host *simctl.Host
	now  time.Time
}

func newWorld(t *testing.T, options string) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	w.sim = hcmsim.New(hcmsim.Options{Now: func() time.Time { return w.now }})
	w.host = simctl.NewHost(w.sim)
	if err := w.sim.PutState(json.RawMessage(rows)); err != nil {
		t.Fatal(err)
	}
	w.options(options)
	return w
}

func (w *world) options(o string) {
	w.t.Helper()
	if o == "" {
		return
	}
	if err := w.sim.SetOptions(json.RawMessage(o)); err != nil {
		w.t.Fatal(err)
	}
}

// post calls the gateway; without headers the fixed bearer token is sent.
func (w *world) post(path, body string, header ...string) (int, map[string]any, string) {
	r := httptest.NewRequest(http.MethodPost, "/hcm"+path, strings.NewReader(body))
	if header == nil {
		header = []string{"Authorization", "Bearer hcm-sim-token"}
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.host.ServeHTTP(rec, r)
	var m map[string]any
	_ = json.Unmarshal(rec.Body.Bytes(), &m) // not every answer is JSON
	return rec.Code, m, rec.Body.String()
}

// ids lists the ids that hcm.model.list answers, and the count.
func (w *world) ids(body string) string {
	w.t.Helper()
	_, m, _ := w.post("/api/hcm.model.list", body)
	r, ok := m["result"].(map[string]any)
	if !ok {
		return fmt.Sprint(m["errcode"])
	}
	var out []string
	for _, e := range r["list"].([]any) {
		out = append(out, fmt.Sprint(e.(map[string]any)["id"]))
	}
	if r["count"] == nil {
		return strings.Join(out, " ") + " of ?"
	}
	return strings.Join(out, " ") + " of " + fmt.Sprint(r["count"])
}

func TestModelList(t *testing.T) {
	filter := func(f string) string { return `{"model": "Employee", "filter_dict": ` + f + `}` }
	for _, c := range []struct{ name, options, body, want string }{
		{"§1.3 no filter", "", `{"model": "Employee"}`, "11 12 13 14 of 4"},
		{"§1.5 equals", "", filter(`{"number": "E12"}`), "12 of 1"},
		{"§1.5 number or text", "", filter(`{"id": "12"}`), "12 of 1"},
		{"§1.5 list, dotted path", "", filter(`{"job_info.position_status_id": [2, 7]}`), "11 12 14 of 3"},
		{"§1.5 several keys all hold", "", filter(`{"job_info.position_status_id": 2, "id": [11, 12]}`), "11 of 1"},
		{"§1.5 gte", "", filter(`{"job_info.begin_date": {"gte": "2021-01-01"}}`), "12 13 of 2"},
		{"§1.5 gte and lte", "", filter(`{"job_info.begin_date": {"gte": "2021-01-01", "lte": "2021-12-31"}}`), "12 of 1"},
		{"§1.5 gte of numbers", "", filter(`{"job_info.position_status_id": {"gte": 7}}`), "12 13 of 2"},
		{"§1.5 notin", "", filter(`{"job_info.position_status_id": {"notin": [2]}}`), "12 13 of 2"},
		{"§1.5 child_include", "", filter(`{"department.origin_id": {"child_include": 2}}`), "12 13 of 2"},
		{"§1.5 through a list", "", filter(`{"departments.origin_id": 1}`), "13 of 1"},
		{"§1.5 date_ is taken", "", filter(`{"date_": "2026-01-01", "id": 11}`), "11 of 1"},
		{"§1.5 null", "", filter(`{"job_info.begin_date": null}`), "14 of 1"},
		{"§1.5 unknown operator", "", filter(`{"id": {"gt": 1}}`), "400014"},
		{"§1.5 empty operator", "", filter(`{"id": {}}`), "400014"},
		{"§1.3 filter_str", "", `{"model": "Employee", "filter_str": "乙"}`, "12 of 1"},
		{"§1.3 filter_str null", "", `{"model": "Employee", "filter_str": null}`, "11 12 13 14 of 4"},
		{"§1.3 sort desc", "", `{"model": "Employee", "extra_property": {"sorts": [{"key": "id", "type": "desc"}]}}`, "14 13 12 11 of 4"},
		{"§1.3 bad sort", "", `{"model": "Employee", "extra_property": {"sorts": [{"key": "id", "type": "x"}]}}`, "400014"},
		{"§1.3 page 2", "", `{"model": "Employee", "page_index": 2, "page_size": 3}`, "14 of 4"},
		{"§1.3 page beyond", "", `{"model": "Employee", "page_index": 9, "page_size": 3}`, " of 4"},
		{"§1.3 page far beyond", "", `{"model": "Employee", "page_index": 9000000000000000000, "page_size": 3}`, " of 4"},
		{"§1.3 page 0", "", `{"model": "Employee", "page_index": 0}`, "400014"},
		{"§4.7 paging ignored", `{"paging": "ignored"}`, `{"model": "Employee", "page_index": 2, "page_size": 3}`, "11 12 13 14 of 4"},
		{"§4.7 first page repeated", `{"paging": "repeat_page"}`, `{"model": "Employee", "page_index": 2, "page_size": 3}`, "11 12 13 of 4"},
		{"§4.7 short pages", `{"paging": "short_pages"}`, `{"model": "Employee", "page_index": 2, "page_size": 3}`, "13 14 of 4"},
		{"§4.7 no count", `{"paging": "no_count"}`, `{"model": "Employee", "page_size": 1}`, "11 of ?"},
		{"§4.7 wrong count", `{"count_lie": 9}`, `{"model": "Employee", "page_size": 1}`, "11 of 9"},
		{"§1.6 unknown model", "", `{"model": "Nothing"}`, "80001"},
		{"§1.6 forbidden model", `{"forbidden_models": ["Employee"]}`, `{"model": "Employee"}`, "18003"},
		{"§1.3 not JSON", "", `{`, "400014"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.options)
			for range 2 { // the second answer may come from the cache
				if got := w.ids(c.body); got != c.want {
					t.Errorf("%s answered %q, want %q", c.body, got, c.want)
				}
			}
		})
	}
}

func TestShapes(t *testing.T) {
	for shape, want := range map[string]string{
		"result.list": `{"result":{"count":3,"list":[`, "result.data": `{"result":{"count":3,"data":[`,
		"data.list": `{"data":{"count":3,"list":[`, "data": `{"data":[`,
	} {
		t.Run("§1.6 "+shape, func(t *testing.T) {
			w := newWorld(t, `{"shape": "`+shape+`"}`)
			if _, _, body := w.post("/api/hcm.model.list?model=Organization", `{}`); !strings.HasPrefix(body, want) {
				t.Errorf("answered %s", body)
			}
		})
	}
}

func TestProjection(t *testing.T) {
	w := newWorld(t, `{"project_fields": true}`)
	for fields, want := range map[string]string{
		`[{"key": "n", "field": ["name"]}]`:                                                                            `{"id":13,"name":"丙"}`,
		`[{"key": "d", "field": ["department.origin_id"]}]`:                                                            `{"department":{"origin_id":3},"id":13}`,
		`[{"key": "j", "field": ["job_info"]}, {"key": "k", "field": ["job_info", "x"]}]`:                              `{"id":13,"job_info":{"begin_date":"2022-01-01","position_status_id":9}}`,
		`[{"key": "j", "field": ["job_info","begin_date"]}, {"key": "j", "field": ["job_info","position_status_id"]}]`: `{"id":13,"job_info":{"begin_date":"2022-01-01","position_status_id":9}}`,
		`[{"key": "d", "field": ["departments", "origin_id"]}]`:                                                        `{"departments":[{"origin_id":3},{"origin_id":1}],"id":13}`,
		`[{"key": "d", "field": ["departments", "0", "origin_id"]}]`:                                                   `{"departments":[{"origin_id":3},{"origin_id":1}],"id":13}`,
		`[{"key": "x", "field": ["misspelt"]}]`:                                                                        `{"id":13}`,
	} {
		_, _, body := w.post("/api/hcm.model.list", `{"model": "Employee", "filter_dict": {"id": 13}, "extra_property": {"fields": `+fields+`}}`)
		if want := `{"result":{"count":1,"list":[` + want + `]}}`; body != want {
			t.Errorf("§1.4 fields %s\n got %s\nwant %s", fields, body, want)
		}
	}
}

func TestOtherCalls(t *testing.T) {
	w := newWorld(t, "")
	for _, c := range []struct{ name, path, body, want string }{
		{"§1.1 get", "/api/hcm.model.get", `{"model": "Organization", "id_": 20}`, `{"result":{"id":20,"origin_id":2,"parent_id":1}}`},
		{"§1.1 get by id", "/api/hcm.model.get", `{"model": "Organization", "id": "20"}`, `{"result":{"id":20,"origin_id":2,"parent_id":1}}`},
		{"§1.1 get missing", "/api/hcm.model.get", `{"model": "Organization", "id": 99}`, `{"result":{}}`},
		{"§2 meta", "/api/hcm.model.meta", `{"model": "Organization"}`, `{"result":{"fields":[{"key":"id","name":"id","type":"number"},{"key":"origin_id","name":"origin_id","type":"number"},{"key":"parent_id","name":"parent_id","type":"number"}],"meta_key":"list","model":"Organization"}}`},
		{"§1.1 layout", "/api/hcm.company.meta.load", `{"meta_key": "Employee.meta.list"}`, `{"result":{"fields":[]}}`},
		{"§1.1 layout missing", "/api/hcm.company.meta.load", `{"meta_key": "Employee.meta.list.x"}`, `{"result":{}}`},
	} {
		if _, _, body := w.post(c.path, c.body); body != c.want {
			t.Errorf("%s answered %s", c.name, body)
		}
	}
	if code, _, _ := w.post("/api/hcm.model.create", `{}`); code != 405 {
		t.Errorf("§1.6 an unknown call answers %d", code)
	}
	w.options(`{"meta_as_text": true}`)
	if _, _, body := w.post("/api/hcm.company.meta.load", `{"meta_key": "Employee.meta.list"}`); body != `{"result":"{\"fields\": []}"}` {
		t.Errorf("§1.1 layout as text: %s", body)
	}
	w.options(`{"html_error": true}`)
	if code, m, body := w.post("/api/hcm.model.list", `{}`); code != 200 || m != nil || !strings.Contains(body, "<html>") {
		t.Errorf("§1.6 login page: %s", body)
	}
}

func TestErrorShapes(t *testing.T) {
	w := newWorld(t, `{"error_status": 403, "error_shape": "success"}`)
	if code, m, body := w.post("/api/hcm.model.list", `{"model": "Nothing"}`); code != 403 || m["success"] != false || m["message"] != "Unknown Model Name" {
		t.Errorf("§1.6 %d %s", code, body)
	}
	for _, bad := range []string{`{"paging": "x"}`, `{"unknown": 1}`, `{"error_status": 7}`, `{"token": ""}`, `{"token_seconds": "1"}`, ``} {
		before := fmt.Sprint(w.sim.Options())
		if err := w.sim.SetOptions(json.RawMessage(bad)); err == nil || fmt.Sprint(w.sim.Options()) != before {
			t.Errorf("options %s: error %v", bad, err)
		}
	}
	for _, bad := range []string{`{"models": {"Employee": [1]}}`, `{"models": {"Employee": [null]}}`, `{"rows": []}`, `[]`} {
		if err := w.sim.PutState(json.RawMessage(bad)); err == nil || w.ids(`{"model":"Employee"}`) == " of 0" {
			t.Errorf("state %s: error %v", bad, err)
		}
	}
}

func TestStateSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, "")
	if err := w.host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	defer w.host.Close()
	demo, err := json.Marshal(hcmsim.Demo())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.sim.PutState(demo); err != nil {
		t.Fatal(err)
	}
	again := hcmsim.New(hcmsim.Options{})
	host := simctl.NewHost(again) // without closing the first: as after a kill
	if err := host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	got, _ := json.Marshal(again.State())
	if string(got) != string(demo) {
		t.Error("the rows changed over a restart")
	}
}

func TestConcurrentReadsAndReplacements(t *testing.T) {
	w := newWorld(t, `{"project_fields": true}`)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				if i == 0 {
					if err := w.sim.PutState(json.RawMessage(rows)); err != nil {
						t.Error(err)
					}
					continue
				}
				if got := w.ids(`{"model": "Employee", "filter_dict": {"job_info.position_status_id": [2, 7]}, "extra_property": {"fields": [{"key": "j", "field": ["job_info"]}, {"key": "k", "field": ["job_info", "begin_date"]}]}}`); got != "11 12 14 of 3" {
					t.Errorf("answered %s", got)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzModelList(f *testing.F) {
	f.Add(`{"model": "Employee", "filter_dict": {"id": {"gte": 1}}}`)
	f.Add(`{"model": "Employee", "page_index": 2, "page_size": 1, "extra_property": {"fields": [{"field": []}]}}`)
	w := hcmsim.New(hcmsim.Options{})
	if err := w.PutState(json.RawMessage(rows)); err != nil {
		f.Fatal(err)
	}
	if err := w.SetOptions(json.RawMessage(`{"auth_mode": "none", "project_fields": true}`)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/api/hcm.model.list", strings.NewReader(body)))
		if !json.Valid(rec.Body.Bytes()) {
			t.Errorf("%q answered %q", body, rec.Body.String())
		}
	})
}
