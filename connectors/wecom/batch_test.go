package wecom

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/connectors"
)

func person(id string, change map[string]any) connectors.Effect {
	return personInsert(func(f map[string]any) {
		f["userid"], f["mobile"] = id, "1000000"+fmt.Sprintf("%04d", len(id)*100+int(id[len(id)-1]))
		for name, v := range change {
			f[name] = v
		}
	})
}

// among is an enterprise with departments and people.
func among(departments []int64, people ...string) standing {
	at := standing{departments: map[int64]bool{}, people: map[string]bool{}}
	for _, id := range departments {
		at.departments[id] = true
	}
	for _, id := range people {
		at.people[strings.ToLower(id)] = true
	}
	return at
}

// only is one department, which then needs no main one.
func only(dept string) map[string]any {
	return map[string]any{"department": dept, "main_department": dept}
}

func TestARowOfAnImportFile(t *testing.T) {
	at := among([]int64{2, 3}, "a1")
	update := func(id string, fields map[string]any) connectors.Effect {
		return connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: id, Fields: fields}
	}
	with := func(e connectors.Effect, change func(*connectors.Effect)) connectors.Effect { change(&e); return e }
	for name, x := range map[string]struct {
		e    connectors.Effect
		want string // empty: by a call of its own
	}{
		"insert": {person("B1", only("3")), "姓名=测试甲 帐号=B1 手机号=10000000249 所在部门=3 职位=工程师"},
		"quoted": {person("B1", map[string]any{"department": "2,3", "main_department": nil, "name": "引号\"与,逗号", "is_leader_in_dept": "1,0", "enable": 1}),
			"姓名=引号\"与,逗号 帐号=B1 手机号=10000000249 所在部门=2;3 职位=工程师 是否部门内领导=1;0 禁用=0"},
		"attributes": {with(person("B1", only("2")), func(e *connectors.Effect) { e.Ext = map[string]any{"工号": "B1"} }),
			"姓名=测试甲 帐号=B1 手机号=10000000249 所在部门=2 职位=工程师 工号=B1"},
		"update": {update("A1", map[string]any{"position": "主管"}), "帐号=A1 职位=主管"},
		"who is there already is taken over with care":  {person("A1", only("2")), ""},
		"unless an earlier file may have created them":  {inDoubt(person("A1", only("2"))), "姓名=测试甲 帐号=A1 手机号=10000000249 所在部门=2 职位=工程师"},
		"an update would create who is gone":            {update("B1", map[string]any{"position": "主管"}), ""},
		"departments move together with flags":          {update("A1", map[string]any{"department": "2"}), ""},
		"a changed number is looked at afterwards":      {update("A1", map[string]any{"mobile": "10000000009"}), ""},
		"an empty cell may clear or not":                {update("A1", map[string]any{"position": ""}), ""},
		"what is cleared":                               {with(update("A1", map[string]any{"alias": "x"}), func(e *connectors.Effect) { e.Clear = []string{"position"} }), ""},
		"nothing to say":                                {update("A1", map[string]any{}), ""},
		"two departments, one of them the main one":     {person("B1", nil), ""},
		"no column: the direct leader":                  {person("B1", map[string]any{"department": "2", "main_department": "2", "direct_leader": "A1"}), ""},
		"no column: gender":                             {person("B1", map[string]any{"department": "2", "main_department": "2", "gender": 2}), ""},
		"an attribute named like a column":              {with(person("B1", only("2")), func(e *connectors.Effect) { e.Ext = map[string]any{"职位": "x"} }), ""},
		"an invitation of their own":                    {person("B1", map[string]any{"department": "2", "main_department": "2", "to_invite": true}), ""},
		"what would be refused is refused without file": {person("_", only("2")), ""},
		"a required field":                              {person("B1", map[string]any{"department": "2", "main_department": "2", "mobile": nil}), ""},
		"a delete":                                      {deleteE1(), ""},
	} {
		row, fits, err := at.row(x.e)
		var got []string
		for i, caption := range row.captions {
			if fits {
				got = append(got, caption+"="+row.cells[i])
			}
		}
		if d := cmp.Diff(x.want, strings.Join(got, " ")); d != "" || err != nil || fits != (x.want != "") {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
	_, fits, err := at.row(person("B1", map[string]any{"department": "2,99"}))
	if f := orgflow.AsFault(err); fits || f == nil || f.Code != orgflow.CodeBlocked || f.Field != "department" {
		t.Errorf("a department that would be created: %v", err)
	}
}

// Every person is in exactly one file, refused, or left to a call; no file
// has an empty cell, and none is small.
func TestNobodyIsLostBetweenFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []connectors.Effect
		n := rapid.IntRange(0, 4*importWorth).Draw(t, "people")
		emails := rapid.IntRange(0, n).Draw(t, "with e-mail")
		for i := range n {
			change := only(rapid.SampledFrom([]string{"2", "2", "3", "9"}).Draw(t, "department"))
			if i < emails {
				change["email"] = fmt.Sprintf("p%d@example.com", i)
			}
			if rapid.IntRange(0, 9).Draw(t, "gender") == 0 {
				change["gender"] = 1
			}
			rows = append(rows, person(fmt.Sprintf("P%d", i), change))
		}
		plan := importFiles(rows, among([]int64{2, 3}))
		seen := map[int]int{}
		for _, imp := range plan.Files {
			table, err := csv.NewReader(strings.NewReader(string(imp.File))).ReadAll()
			if err != nil || len(table) != len(imp.IDs)+1 || len(imp.IDs) != len(imp.Effects) || len(imp.IDs) < importWorth {
				t.Fatalf("%d lines for %d people: %v", len(table), len(imp.IDs), err)
			}
			for i, id := range imp.IDs {
				seen[imp.Effects[i]]++
				if table[i+1][1] != id || rows[imp.Effects[i]].ConsumerID != id {
					t.Fatalf("line %d is %v, not %s", i, table[i+1], id)
				}
				if slices.Contains(table[i+1], "") {
					t.Fatalf("an empty cell, which may clear: %v", table[i+1])
				}
			}
		}
		for i, e := range rows {
			_, refused := plan.Refused[i]
			if refused != (e.Fields["department"] == "9") || seen[i] > 1 || refused && seen[i] > 0 {
				t.Fatalf("%v is in %d files and refused %v", e.Fields, seen[i], refused)
			}
		}
	})
}

// crew are n new people of department 2, ids from P100.
func crew(n int) []connectors.Effect {
	rows := make([]connectors.Effect, n)
	for i := range rows {
		rows[i] = person(fmt.Sprintf("P%d", 100+i), map[string]any{"department": "2", "main_department": "2", "mobile": fmt.Sprintf("100%08d", 500+i)})
	}
	return rows
}

// An import is planned from what is there, and what is not read is nothing
// to conclude from.
func TestPlanningAnImport(t *testing.T) {
	c := newCorp(t, `{"list_id_page": 7, "details": "closed"}`)
	rows := crew(importWorth + 1)
	apply(t, c, rows[3])
	plan, err := c.PlanImport(t.Context(), rows)
	if err != nil || len(plan.Files) != 1 || len(plan.Files[0].IDs) != importWorth || slices.Contains(plan.Files[0].IDs, "P103") || plan.Calls != 2 {
		t.Fatalf("%d files, %d calls, %v", len(plan.Files), plan.Calls, err)
	}
	for _, path := range []string{pathDeptSimpleList, pathUserListID} {
		c.fault(`{"path": "` + path + `", "times": 1, "errcode": -1}`)
		if plan, err := c.PlanImport(t.Context(), rows); err == nil || len(plan.Files) != 0 {
			t.Errorf("without %s: %d files", path, len(plan.Files))
		}
	}
}

func TestAnImportOfPeople(t *testing.T) {
	c := newCorp(t, `{"job_seconds": 30, "ext_attrs": ["工号"]}`)
	apply(t, c, personInsert(func(f map[string]any) { f["userid"], f["position"], f["is_leader_in_dept"] = "A1", "旧", "0,1" }))
	taken := person("A3", map[string]any{"mobile": "10000000001"}) // A1's
	rows := []importRow{}
	for _, e := range []connectors.Effect{person("A1", map[string]any{"mobile": "10000000001"}), person("A2", nil), taken} {
		p, err := personFields.build(e)
		if err != nil {
			t.Fatal(err)
		}
		delete(p.body, "main_department")
		rows = append(rows, importRow{id: e.ConsumerID}.fill(p.body))
	}
	imp := peopleImports(rows)[0]
	job, r, err := c.StartImport(t.Context(), imp)
	if err != nil || job.ID == "" || r.Calls != 2 || r.Writes != 1 {
		t.Fatalf("%+v, %+v, %v", job, r, err)
	}
	if result, _, err := c.PollImport(t.Context(), job); err != nil || result.Done || len(result.Lines) != 0 {
		t.Errorf("at once: %+v, %v", result, err)
	}
	if _, _, err := c.StartImport(t.Context(), imp); orgflow.AsFault(err).Code != orgflow.CodeThrottled || orgflow.AsFault(err).VendorCode != "302008" {
		t.Errorf("a second import beside it: %v", err)
	}
	c.clock.Pass(30 * time.Second)
	result, _, err := c.PollImport(t.Context(), job)
	if err != nil || !result.Done || result.Total != 3 {
		t.Fatalf("%+v, %v", result, err)
	}
	outcomes := map[string]*orgflow.Fault{}
	for _, line := range result.Lines {
		if outcomes[line.ID] = line.Fault; line.Again {
			t.Errorf("a call would not do better with %s", line.ID)
		}
	}
	if outcomes["A1"] != nil || outcomes["A2"] != nil || outcomes["A3"] == nil || outcomes["A3"].Code != orgflow.CodeConflict || outcomes["A3"].Field != "mobile" {
		t.Errorf("outcomes %+v", outcomes)
	}
	if a1, a2 := c.user("A1"), c.user("A2"); a1.Position != "工程师" || !cmp.Equal(a1.Leader, []int64{0, 1}) || a2 == nil || a2.Invited {
		t.Errorf("A1 %+v, A2 %+v", a1, a2)
	}
	before := c.state()
	again, _, err := c.StartImport(t.Context(), imp) // as after an outcome that was lost
	if err != nil {
		t.Fatal(err)
	}
	c.clock.Pass(30 * time.Second)
	if _, _, err := c.PollImport(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before.Users, c.state().Users); d != "" {
		t.Errorf("the same file again changes %s", d)
	}
}

func TestJobsThatAreForgotten(t *testing.T) {
	c := newCorp(t, "")
	imp := importFiles(crew(importWorth), among([]int64{2})).Files[0]
	var jobs []connectors.ImportJob
	for range 6 {
		job, _, err := c.StartImport(t.Context(), imp)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	for id, want := range map[string]string{jobs[0].ID: "40089", "nobody's": "40088"} {
		_, _, err := c.PollImport(t.Context(), connectors.ImportJob{ID: id, Kind: SyncPeople})
		if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeNotFound || f.VendorCode != want {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, _, err := c.PollImport(t.Context(), connectors.ImportJob{ID: jobs[5].ID, Kind: "replace_party"}); err == nil {
		t.Error("a job of another kind was taken for ours")
	}
	result, _, err := c.PollImport(t.Context(), jobs[5])
	if err != nil || !result.Done {
		t.Fatal(result, err)
	}
}

// Lines end like calls do, and those a call may mend say so.
func TestLinesOfAResult(t *testing.T) {
	c := newCorp(t, "")
	for code, want := range map[string]connectors.ImportLine{
		"0":      {},
		"60104":  {Fault: &orgflow.Fault{Code: orgflow.CodeConflict}},
		"60003":  {Fault: &orgflow.Fault{Code: orgflow.CodeBlocked}},
		"45024":  {Fault: &orgflow.Fault{Code: orgflow.CodeQuota}},
		"301012": {Fault: &orgflow.Fault{Code: orgflow.CodeInvalidRecord}, Again: true}, // without the position
		"60111":  {Fault: &orgflow.Fault{Code: orgflow.CodeNotFound}, Again: true},
		"-1":     {Fault: &orgflow.Fault{Code: orgflow.CodeUnavailable}, Again: true},
		"48002":  {Fault: &orgflow.Fault{Code: orgflow.CodeForbidden}, Again: true},
		"99999":  {Fault: &orgflow.Fault{Code: orgflow.CodeInternal}},
	} {
		line, err := c.line([]byte(`{"userid":"A1","errcode":` + code + `,"errmsg":"x"}`))
		if err != nil || line.Again != want.Again || (line.Fault == nil) != (want.Fault == nil) || line.Fault != nil && line.Fault.Code != want.Fault.Code {
			t.Errorf("%s: %+v %v", code, line, err)
		}
	}
}

func TestImportsThatCannotStart(t *testing.T) {
	c := newCorp(t, "")
	for _, full := range []string{"replace_user", "replace_party"} {
		if _, _, err := c.StartImport(t.Context(), connectors.Import{Kind: full, File: []byte("x"), IDs: []string{"a"}}); err == nil {
			t.Errorf("%s deletes past the safeguards", full)
		}
	}
	bad := connectors.Import{Kind: SyncPeople, File: []byte("not a file of people\nx\n"), IDs: []string{"x"}}
	if _, _, err := c.StartImport(t.Context(), bad); orgflow.AsFault(err).VendorCode != "40092" {
		t.Error(err)
	}
}

// The words of a line are veiled by who still knows what stood in it.
func TestVeil(t *testing.T) {
	c := newCorp(t, "")
	e := person("A1", map[string]any{"mobile": "10000000001", "email": "a1@example.com", "alias": "小甲", "name": "甲一"})
	got := c.Veil("60104: 甲一 小甲 a1@example.com 10000000001 is taken by A2", e)
	if got != "60104: *** *** *** *** is taken by A2" {
		t.Error(got)
	}
}
