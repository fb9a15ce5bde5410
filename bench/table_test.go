package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	dtsim "orgflow/connectors/dingtalk/sim"
)

func TestATableSaysWhichAimsAreMissed(t *testing.T) {
	rows := []row{
		{"push: time", "3 s", "plain loop: 2 s", 1.5, aim{most: 1.5}},
		{"pull: time", "2.3 s", "calls ÷ rate: 2 s", 1.15, aim{most: 1.1}},
		{"flows", "49/s", "bare: 100/s", 0.49, aim{least: 0.5}},
		{"nothing changed: calls", "0", "least: 0", 0, aim{}},
		{"later: time", "1 s", "script: 40 s", 0.025, aim{}},
		allowed("load: memory", 60, 300, megabytes),
	}
	var out bytes.Buffer
	printTable(&out, rows)
	want := strings.TrimPrefix(`
| what                   | orgflow | beside it         | ratio | aim           |
|---|---|---|---|---|
| push: time             | 3 s     | plain loop: 2 s   | 1.50  | ≤ 1.50        |
| pull: time             | 2.3 s   | calls ÷ rate: 2 s | 1.15  | ≤ 1.10 missed |
| flows                  | 49/s    | bare: 100/s       | 0.49  | ≥ 0.50 missed |
| nothing changed: calls | 0       | least: 0          |       |               |
| later: time            | 1 s     | script: 40 s      | 0.025 |               |
| load: memory           | 60 MB   | allowed: 300 MB   | 0.20  | ≤ 1.00        |
`, "\n")
	if out.String() != want {
		t.Errorf("the table is\n%s\nwant\n%s", out.String(), want)
	}
	err := missed(rows)
	if err == nil || !strings.HasPrefix(err.Error(), "2 of 4 aims missed: pull: time: 2.3 s") {
		t.Error(err)
	}
	if err := missed(rows[:1]); err != nil {
		t.Error(err)
	}
}

// printed is the table with one space where there are several.
func printed(rows []row) string {
	var out bytes.Buffer
	printTable(&out, rows)
	return regexp.MustCompile(` +`).ReplaceAllString(out.String(), " ")
}

func TestNumbersAreReadable(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 12024: "12,024", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
	for v, want := range map[float64]string{0.0123: "0.012", 0.1: "0.10", 1.048: "1.05", 31.25: "31.25"} {
		if got := short(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}

// Benchmarks of packages are read as "go test" prints them, medians taken.
func TestMicrobenchmarksAreRead(t *testing.T) {
	const text = `goos: linux
pkg: orgflow/internal/planner
BenchmarkStream/10000-2     1   200000000 ns/op   100 changes   8.000 peak-MB   100 B/op
BenchmarkStream/100000-2    1  1500000000 ns/op  1000 changes  16.00 peak-MB   100 B/op
BenchmarkStream/1000000-2   1 15000000000 ns/op 10000 changes  64.00 peak-MB   100 B/op
BenchmarkStream/10000-2     1   100000000 ns/op   100 changes   9.000 peak-MB   100 B/op
some log line of a test
BenchmarkStream/10000-2     1   900000000 ns/op   100 changes   7.000 peak-MB   100 B/op
PASS
`
	results, err := parsed(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := plannerRows(results)
	if err != nil {
		t.Fatal(err)
	}
	table := printed(rows)
	for _, want := range []string{
		"| plan of 10,000 people, 1% changed: time a person | 20.0 µs | with 10,000: 20.0 µs | 1.00 ",
		"| plan of 1,000,000 people, 1% changed: time a person | 15.0 µs | with 10,000: 20.0 µs | 0.75 ",
		"| plan of 100,000 people, 1% changed: peak memory a person | 168 B | with 10,000: 839 B | 0.20 ",
		"| plan of 1,000,000 people, 1% changed: time | 15 s | allowed: 60 s | 0.25 ",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if _, err := plannerRows(map[string]result{}); err == nil {
		t.Error("nobody minds that nothing was measured")
	}
}

func TestALoadIsComparedWithLoopAndCopy(t *testing.T) {
	r := result{"ns/op": 3e9, "x-plain": 1.2, "x-copy": 6, "MB": 40, "resident-MB": 330}
	rows, err := loadRows(map[string]result{"Load/100000": r}, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	table := printed(rows)
	for _, want := range []string{"plain loop and one COPY: 2.5 s", "COPY alone, rows in memory: 500 ms", "≤ 1.00 missed"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	if _, err := loadRows(nil, 100_000); err == nil || !strings.Contains(err.Error(), "PostgreSQL") {
		t.Error(err)
	}
}

// Two organisations are the same whatever ids DingTalk gave the departments.
func TestOrganisationsAreCompared(t *testing.T) {
	made := func(id int64, change func(*dtsim.State)) dtsim.State {
		s := dtsim.State{
			Departments: []dtsim.Department{{ID: 1, Name: "示例"}, {ID: id, ParentID: 1, Name: "研发", Order: 10, SourceIdentifier: "x", Managers: []string{"E1"}}},
			Users:       []dtsim.StateUser{{User: dtsim.User{UserID: "E1", Name: "员工1", Mobile: "10000000001", Title: "工程师", DeptIDs: []int64{id}}}},
		}
		s.Departments[1].SourceIdentifier = strings.Repeat("y", int(id))
		if change != nil {
			change(&s)
		}
		return s
	}
	if err := same(made(7, nil), made(8, nil)); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*dtsim.State){
		"another title":   func(s *dtsim.State) { s.Users[0].Title = "经理" },
		"another place":   func(s *dtsim.State) { s.Users[0].DeptIDs = []int64{1} },
		"another manager": func(s *dtsim.State) { s.Departments[1].Managers = nil },
		"another name":    func(s *dtsim.State) { s.Departments[1].Name = "市场" },
		"nobody":          func(s *dtsim.State) { s.Users = nil },
		"one more": func(s *dtsim.State) {
			s.Departments = append(s.Departments, dtsim.Department{ID: 9, ParentID: 1, Name: "新"})
		},
	} {
		if same(made(7, nil), made(7, change)) == nil || same(made(7, change), made(7, nil)) == nil {
			t.Errorf("%s: nobody minds", name)
		}
	}
}
