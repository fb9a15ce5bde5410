package e2e

import (
	"slices"
	"testing"
)

// A reorganisation that no fixed order of calls survives: sibling departments
// swap their names, a department is dissolved whose people move to one that
// is new, a parent goes below its own child, and a newcomer gets the number
// of somebody who leaves. One run does it, the vendor refuses nothing, and
// the next run has nothing to do.
func TestAReorganisationTakesOneRunAndNoRefusal(t *testing.T) {
	t.Parallel()
	eachAPI(t, func(t *testing.T, api string) {
		w := newFastWorldOf(t, api)
		w.serve()
		w.unlimited()
		rows := demo(t)
		w.load(rows)
		w.sync(demoJob)
		w.inStep()

		reorganise(t, &rows)
		w.load(rows)
		w.forget()
		w.completed(w.sync(demoJob))
		if r := w.requests("dingtalk"); r.Rejected != 0 {
			t.Errorf("%d calls were refused: %v", r.Rejected, r.Paths)
		}
		w.inStep()
		w.forget()
		w.completed(w.sync(demoJob))
		if r := w.requests("dingtalk"); r.Writes != 0 {
			t.Errorf("a second run wrote %v", r.writesByPath())
		}
	})
}

func reorganise(t *testing.T, rows *hcm) {
	t.Helper()
	dept := func(name string) object {
		for _, d := range rows.Organization {
			if d["name"] == name {
				return d
			}
		}
		t.Fatalf("the demo has no department %s", name)
		return nil
	}
	// Sibling groups of one department swap names.
	front, back := dept("前端开发组"), dept("后端开发组")
	front["name"], back["name"] = back["name"], front["name"]
	// 平台研发部 and the group below it change places.
	platform, infra := dept("平台研发部"), dept("基础架构组")
	infra["parent_id"], platform["parent_id"] = platform["parent_id"], infra["id"]
	// 测试部 is dissolved into a new department; its people go along.
	old := dept("测试部")
	fresh := object{"id": 900.0, "origin_id": 900.0, "number": "D900", "name": "质量部", "parent_id": old["parent_id"], "manager_id": old["manager_id"], "sort": old["sort"]}
	rows.Organization = append(slices.DeleteFunc(rows.Organization, func(d object) bool { return d["id"] == old["id"] }), fresh)
	for _, e := range rows.Employee {
		if main, ok := e["department"].(object); ok && number(main["origin_id"]) == number(old["id"]) {
			main["origin_id"] = 900.0
		}
		list, _ := e["departments"].([]any)
		for _, d := range list {
			if one, ok := d.(object); ok && number(one["origin_id"]) == number(old["id"]) {
				one["origin_id"] = 900.0
			}
		}
	}
	// A leaver's mobile number goes to a newcomer.
	leaver := change(t, &hcm{Organization: rows.Organization, Employee: slices.Clone(rows.Employee)})
	for i, e := range rows.Employee {
		if text(e["number"]) == leaver {
			e["id"], e["number"], e["name"], e["email"], e["identity_card"] = 9002.0, "E9002", "测接号", "e9002@example.com", "TEST-ID-9002"
			rows.Employee[i] = e
		}
	}
}
