package activities

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/dingtalk"
	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/filesource"
	"orgflow/connectors/hcm"
	hcmsim "orgflow/connectors/hcm/sim"
	"orgflow/connectors/sqlsource"
	"orgflow/internal/egress"
	"orgflow/internal/testpg"
)

// real gives a world the connectors of the program, the DingTalk simulator
// and a source as a company.json describes it.
func (w *world) real(source string) *dtsim.Sim {
	w.t.Helper()
	w.write("company.json", strings.Replace(companyJSON,
		`{"type": "hcm", "base_url": "http://127.0.0.1:1/hcm", "auth": {"mode": "bearer", "token": "t"}, "page_size": 500}`, source, 1))
	sim := dtsim.New(dtsim.Options{})
	if err := sim.SetOptions(json.RawMessage(`{"qps": 0}`)); err != nil {
		w.t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	w.t.Cleanup(server.Close)
	client, err := dingtalk.New(dingtalk.Config{
		BaseURL: server.URL, APIBaseURL: server.URL, AppKey: "dingsim-app", AppSecret: "dingsim-secret", QPS: new(float64(0)),
	}, dingtalk.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.sync.Connectors = connectors.NewRegistry(
		map[string]connectors.ConsumerFactory{"ding_talk": func(connectors.Settings) (connectors.Consumer, error) { return client, nil }},
		map[string]connectors.SourceFactory{
			"hcm":  func(s connectors.Settings) (connectors.Source, error) { return hcm.FromSettings(s, egress.List{}) },
			"file": func(s connectors.Settings) (connectors.Source, error) { return filesource.FromSettings(s, w.overlay) },
			"sql":  func(s connectors.Settings) (connectors.Source, error) { return sqlsource.FromSettings(s, w.overlay) },
		})
	return sim
}

// table is a model's rows as columns: the rows of the contract, flat.
type table struct {
	model, name string
	columns     []string
	rows        [][]string
}

// flat takes values from rows by dotted paths, the way an export does.
func flat(t testing.TB, model, name string, rows []json.RawMessage, columns ...string) table {
	t.Helper()
	out := table{model: model, name: name, columns: columns}
	for _, raw := range rows {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var row any
		if err := dec.Decode(&row); err != nil {
			t.Fatal(err)
		}
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = cell(row, strings.Split(column, "."))
		}
		out.rows = append(out.rows, cells)
	}
	return out
}

func cell(v any, path []string) string {
	for _, segment := range path {
		switch at := v.(type) {
		case map[string]any:
			v = at[segment]
		case []any:
			var i int
			if _, err := fmt.Sscan(segment, &i); err != nil || i >= len(at) {
				return ""
			}
			v = at[i]
		}
	}
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		out, _ := json.Marshal(v) // it was decoded from JSON
		return string(out)
	}
	return fmt.Sprint(v)
}

func tables(t testing.TB, departments ...string) []table {
	demo := hcmsim.Demo().Models
	return []table{
		flat(t, "Organization", "hr_org", demo["Organization"], "id", "origin_id", "number", "name", "parent_id", "sort", "manager_id"),
		flat(t, "Employee", "hr_employee", demo["Employee"], append([]string{"id", "number", "name", "mobile", "email", "gender", "birthday", "identity_card",
			"department.origin_id", "department.name", "position.name", "job_info.position_status_id", "job_info.on_job", "job_info.begin_date", "manager_id"}, departments...)...),
	}
}

func (t table) csv(tb testing.TB) string {
	tb.Helper()
	var b strings.Builder
	if err := csv.NewWriter(&b).WriteAll(append([][]string{t.columns}, t.rows...)); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// load makes a database table: numbers where ids and codes are, dates, the
// rest text.
func (t table) load(tb testing.TB, driver, dsn string) {
	tb.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var columns, values []string
	for _, c := range t.columns {
		kind := "text"
		if strings.HasSuffix(c, "id") || strings.HasSuffix(c, "on_job") || c == "gender" || c == "sort" {
			kind = "bigint"
		} else if strings.HasSuffix(c, "date") || c == "birthday" {
			kind = "date"
		}
		columns = append(columns, `"`+c+`" `+kind)
	}
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = "NULLIF('" + v + "', '')"
			if strings.Contains(columns[i], " bigint") || strings.Contains(columns[i], " date") {
				cells[i] = "NULL"
				if v != "" {
					cells[i] = "'" + v + "'"
				}
			}
		}
		values = append(values, "("+strings.Join(cells, ", ")+")")
	}
	for _, s := range []string{"CREATE TABLE " + t.name + " (" + strings.Join(columns, ", ") + ")", "INSERT INTO " + t.name + " VALUES " + strings.Join(values, ", ")} {
		if _, err := db.ExecContext(tb.Context(), s); err != nil {
			tb.Fatal(err)
		}
	}
}

// held is what the simulator holds, with departments known by our key
// instead of the ids it gave them.
func held(sim *dtsim.Sim) (out []string) {
	state := sim.State().(dtsim.State)
	keys := map[int64]string{}
	for _, d := range state.Departments {
		keys[d.ID] = d.SourceIdentifier
	}
	for _, d := range state.Departments {
		slices.Sort(d.Managers)
		out = append(out, fmt.Sprint("org ", d.SourceIdentifier, d.Name, " in ", keys[d.ParentID], d.Order, d.Managers))
	}
	for _, u := range state.Users {
		var depts []string
		for _, id := range u.DeptIDs {
			depts = append(depts, keys[id])
		}
		slices.Sort(depts)
		out = append(out, fmt.Sprint("person ", u.UserID, u.Name, u.Mobile, u.JobNumber, u.Title, u.Email, u.HiredDate, u.Manager, u.Extension, depts))
	}
	slices.Sort(out)
	return out
}

const filtered = `{"filter_dict": {"job_info.position_status_id": [2, 7, 18]}}`

// The same people, delivered by a gateway, a file or a table, become the
// same organisation, with the files that are shipped.
func TestEverySourceMakesTheSameOrganisation(t *testing.T) {
	gateway := hcmsim.New(hcmsim.Options{})
	if err := gateway.Put(hcmsim.Demo()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gateway)
	t.Cleanup(server.Close)
	run := func(t *testing.T, w *world, source string) ([]string, orgflow.Summary) {
		sim := w.real(source)
		s := w.syncOnce(bothKinds(filtered))
		return held(sim), s
	}
	want, reference := run(t, newWorld(t), `{"type": "hcm", "base_url": "`+server.URL+`", "auth": {"token": "hcm-sim-token"}, "page_size": 100}`)
	if reference.Status != orgflow.StatusCompleted || len(want) < 200 || len(want) > 340 {
		t.Fatalf("%d records, %+v", len(want), reference)
	}
	for name, prepare := range map[string]func(t *testing.T, w *world) (source string){
		"csv": func(t *testing.T, w *world) string {
			for _, table := range tables(t, "departments.0.origin_id", "departments.1.origin_id") {
				w.write(table.model+".csv", table.csv(t))
			}
			return `{"type": "file", "dir": "companies/7", "page_size": 100}`
		},
		"json": func(t *testing.T, w *world) string {
			dir := t.TempDir()
			for model, rows := range hcmsim.Demo().Models {
				if err := os.WriteFile(filepath.Join(dir, model+".json"), raw(map[string]any{"rows": rows}), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return `{"type": "file", "dir": "` + dir + `", "page_size": 100}`
		},
		"sqlite": func(t *testing.T, w *world) string {
			path := filepath.Join(t.TempDir(), "hr.db")
			for _, table := range tables(t, "departments") {
				table.load(t, "sqlite", path)
			}
			return `{"type": "sql", "url": "sqlite://` + path + `", "tables": {"Employee": "hr_employee", "Organization": "hr_org"}, "page_size": 100}`
		},
		"postgres": func(t *testing.T, w *world) string {
			url := testpg.URL(t)
			for _, table := range tables(t, "departments") {
				table.load(t, "postgres", url)
			}
			return `{"type": "sql", "url": "` + url + `", "tables": {"Employee": "hr_employee", "Organization": "hr_org"}, "page_size": 100}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			got, s := run(t, w, prepare(t, w))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("another organisation:\n%s", diff)
			}
			for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
				if count := s.Fetch[kind]; !count.Complete || count.Staged != reference.Fetch[kind].Staged || count.Rejected != 0 {
					t.Errorf("%s: %+v, want %+v", kind, count, reference.Fetch[kind])
				}
			}
			if again := w.syncOnce(bothKinds(filtered)); again.Status != orgflow.StatusCompleted || again.Progress.Total != 0 {
				t.Errorf("the second run: %+v", again)
			}
		})
	}
}

// A file that was cut off says nothing about anybody; one without rows says
// that nobody is left, and that waits for a person.
func TestAFileWithoutPeopleDeletesNobody(t *testing.T) {
	w := newWorld(t)
	exports := tables(t, "departments.0.origin_id", "departments.1.origin_id")
	for _, table := range exports {
		w.write(table.model+".csv", table.csv(t))
	}
	sim := w.real(`{"type": "file", "dir": "companies/7", "page_size": 100}`)
	if s := w.syncOnce(bothKinds("")); s.Status != orgflow.StatusCompleted {
		t.Fatalf("%+v", s)
	}
	want := held(sim)
	people := exports[1].csv(t)

	w.write("Employee.csv", people[:len(people)/2])
	p := w.begin(bothKinds(""))
	var got Fetched
	err := w.perform(task{}, orgflow.ActivityFetchPages, FetchParams{RunID: p.RunID, Kind: orgflow.Person}, &got)
	if app := wantFault(t, err, orgflow.CodePartialRead, false); !strings.Contains(app.Message(), "Employee.csv") {
		t.Errorf("error %v", err)
	}
	w.finish(FinishParams{RunID: p.RunID, Fault: orgflow.Faultf(orgflow.CodePartialRead, "cut off")})

	header, _, _ := strings.Cut(people, "\n")
	w.write("Employee.csv", header+"\n")
	run, planned := w.planned(bothKinds(""))
	if planned.ParkedDeletes != 300 {
		t.Errorf("planned %+v", planned)
	}
	w.rest(run, planned)
	if diff := cmp.Diff(want, held(sim)); diff != "" {
		t.Errorf("somebody is gone:\n%s", diff)
	}
}
