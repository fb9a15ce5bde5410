package wecom

import (
	"encoding/csv"
	"fmt"
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

func known(ids ...int64) func(int64) bool {
	return func(id int64) bool {
		for _, k := range ids {
			if k == id {
				return true
			}
		}
		return false
	}
}

func TestImportFilesOfPeople(t *testing.T) {
	a, b := person("A1", nil), person("A2", map[string]any{"name": "引号\"与,逗号", "is_leader_in_dept": "1,0", "enable": 1, "direct_leader": "A1", "gender": 2})
	b.Ext = map[string]any{"工号": "A2", "职位": "x"}
	files := ImportPeople([]connectors.Effect{a, b, person("A3", nil), person("A4", map[string]any{"department": "2,99"}), person("_", nil), deleteE1()}, known(2, 3))
	if len(files.Imports) != 2 {
		t.Fatalf("%d files", len(files.Imports))
	}
	first := string(files.Imports[0].File)
	want := "姓名,帐号,手机号,所在部门,职位\n测试甲,A1,10000000249,2;3,工程师\n测试甲,A3,10000000251,2;3,工程师\n"
	if d := cmp.Diff(want, first); d != "" {
		t.Error(d)
	}
	rows, err := csv.NewReader(strings.NewReader(string(files.Imports[1].File))).ReadAll()
	if d := cmp.Diff([][]string{
		{"姓名", "帐号", "手机号", "所在部门", "职位", "是否部门内领导", "禁用", "工号"},
		{"引号\"与,逗号", "A2", "10000000250", "2;3", "工程师", "1;0", "0", "A2"},
	}, rows); d != "" || err != nil {
		t.Error(d, err)
	}
	if d := cmp.Diff(map[string][]string{"A1": {"main_department"}, "A2": {"direct_leader", "ext.职位", "gender", "main_department"}, "A3": {"main_department"}}, files.Rest); d != "" {
		t.Error(d)
	}
	codes := map[string]orgflow.Code{}
	for id, f := range files.Refused {
		codes[id] = f.Code
	}
	if d := cmp.Diff(map[string]orgflow.Code{"A4": orgflow.CodeBlocked, "_": orgflow.CodeInvalidRecord, "E1": orgflow.CodeInvalidRecord}, codes); d != "" {
		t.Error(d)
	}
}

// Every person is in exactly one file, or refused.
func TestNobodyIsLostBetweenFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rows []connectors.Effect
		n := rapid.IntRange(0, 20).Draw(t, "people")
		for i := range n {
			change := map[string]any{}
			for _, name := range []string{"email", "alias", "telephone"} {
				if rapid.Bool().Draw(t, name) {
					change[name] = map[string]string{"email": "a1@example.com", "alias": "别名", "telephone": "021-1"}[name]
				}
			}
			change["department"] = rapid.SampledFrom([]string{"2", "2,3", "9"}).Draw(t, "department")
			rows = append(rows, person(fmt.Sprintf("P%d", i), change))
		}
		files := ImportPeople(rows, known(2, 3))
		seen := map[string]int{}
		for _, imp := range files.Imports {
			table, err := csv.NewReader(strings.NewReader(string(imp.File))).ReadAll()
			if err != nil || len(table) != len(imp.IDs)+1 {
				t.Fatalf("%d lines for %d people: %v", len(table), len(imp.IDs), err)
			}
			for i, id := range imp.IDs {
				seen[id]++
				if table[i+1][1] != id {
					t.Fatalf("line %d is %v, not %s", i, table[i+1], id)
				}
				for _, cell := range table[i+1] {
					if cell == "" {
						t.Fatalf("an empty cell, which may clear: %v", table[i+1])
					}
				}
			}
		}
		for id := range files.Refused {
			seen[id]++
		}
		for _, e := range rows {
			if seen[e.ConsumerID] != 1 {
				t.Fatalf("%s is in %d places", e.ConsumerID, seen[e.ConsumerID])
			}
		}
	})
}

func TestAnImportOfPeople(t *testing.T) {
	c := newCorp(t, `{"job_seconds": 30, "ext_attrs": ["工号"]}`)
	apply(t, c, personInsert(func(f map[string]any) { f["userid"], f["position"], f["is_leader_in_dept"] = "A1", "旧", "0,1" }))
	taken := person("A3", map[string]any{"mobile": "10000000001"}) // A1's
	files := ImportPeople([]connectors.Effect{person("A1", map[string]any{"mobile": "10000000001"}), person("A2", nil), taken}, known(2, 3))
	imp := files.Imports[0]
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
	c.clock.pass(30 * time.Second)
	result, _, err := c.PollImport(t.Context(), job)
	if err != nil || !result.Done || result.Total != 3 {
		t.Fatalf("%+v, %v", result, err)
	}
	outcomes := imp.Outcomes(result)
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
	c.clock.pass(30 * time.Second)
	if _, _, err := c.PollImport(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before.Users, c.state().Users); d != "" {
		t.Errorf("the same file again changes %s", d)
	}
}

func TestJobsThatAreForgotten(t *testing.T) {
	c := newCorp(t, "")
	imp := ImportPeople([]connectors.Effect{person("A1", nil)}, known(2, 3)).Imports[0]
	var jobs []Job
	for range 6 {
		job, _, err := c.StartImport(t.Context(), imp)
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	for id, want := range map[string]string{jobs[0].ID: "40089", "nobody's": "40088"} {
		_, _, err := c.PollImport(t.Context(), Job{ID: id, Kind: SyncPeople})
		if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeUnknownOutcome || f.VendorCode != want {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, _, err := c.PollImport(t.Context(), Job{ID: jobs[5].ID, Kind: ReplaceDepartments}); err == nil {
		t.Error("a job of another kind was taken for ours")
	}
	result, _, err := c.PollImport(t.Context(), jobs[5])
	if err != nil || !result.Done {
		t.Fatal(result, err)
	}
	more := Import{Kind: SyncPeople, IDs: []string{"a1", "A2"}}
	if o := more.Outcomes(result); o["a1"] != nil || o["A2"] == nil || o["A2"].Code != orgflow.CodeUnknownOutcome {
		t.Errorf("a line nobody spoke of: %+v", o)
	}
}

func TestAnImportOfDepartments(t *testing.T) {
	c := newCorp(t, "")
	own := ChosenID(orgKey)
	rows := []ImportDepartment{{ID: 2, ParentID: 1, Name: "研发中心"}, {ID: own, ParentID: 2, Name: "测试部", Order: 5}, {ID: 3, ParentID: own, Name: "销售"}}
	for name, x := range map[string]struct {
		rows     []ImportDepartment
		existing []int64
	}{
		"one is missing": {rows[:2], []int64{1, 2, 3}}, "child before parent": {[]ImportDepartment{rows[1], rows[0]}, nil},
		"twice": {append(rows[:1:1], rows[0]), nil}, "root": {[]ImportDepartment{{ID: 1, Name: "x"}}, nil}, "name": {[]ImportDepartment{{ID: 2, ParentID: 1, Name: "a|b"}}, nil},
	} {
		if _, err := ImportDepartments(x.rows, x.existing); orgflow.AsFault(err) == nil || orgflow.AsFault(err).Code != orgflow.CodeInvalidRecord {
			t.Errorf("%s: %v", name, err)
		}
	}
	imp, err := ImportDepartments(rows, []int64{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	job, _, err := c.StartImport(t.Context(), imp)
	if err != nil {
		t.Fatal(err)
	}
	result, _, err := c.PollImport(t.Context(), job)
	if err != nil || !result.Done {
		t.Fatal(result, err)
	}
	for id, f := range imp.Outcomes(result) {
		if f != nil {
			t.Errorf("%s: %v", id, f)
		}
	}
	got := map[string]int64{}
	for _, d := range c.state().Departments {
		got[d.Name] = d.ParentID
	}
	if d := cmp.Diff(map[string]int64{"公司": 0, "研发中心": 1, "测试部": 2, "销售": own}, got); d != "" {
		t.Error(d)
	}
	c.cfg.RootDepartmentID = 2
	if _, _, err := c.StartImport(t.Context(), imp); err == nil {
		t.Error("the tree of the enterprise would be replaced by that of a part")
	}
}

func TestMassDelete(t *testing.T) {
	for _, x := range []struct {
		deletes, members int
		want             bool
	}{{51, 255, false}, {52, 255, true}, {50, 250, false}, {50, 249, true}, {49, 61, true}, {49, 62, false}, {4, 5, false}, {5, 6, true}, {0, 0, false}} {
		if got := MassDelete(x.deletes, x.members); got != x.want {
			t.Errorf("%d of %d: %v", x.deletes, x.members, got)
		}
	}
}

func TestImportsThatCannotStart(t *testing.T) {
	c := newCorp(t, "")
	if _, _, err := c.StartImport(t.Context(), Import{Kind: "replace_user", File: []byte("x"), IDs: []string{"a"}}); err == nil {
		t.Error("a full import of people deletes past the safeguards")
	}
	bad := Import{Kind: SyncPeople, File: []byte("not a file of people\nx\n"), IDs: []string{"x"}}
	if _, _, err := c.StartImport(t.Context(), bad); orgflow.AsFault(err).VendorCode != "40092" {
		t.Error(err)
	}
}
