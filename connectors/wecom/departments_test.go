package wecom

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/connectors"
	wcsim "orgflow/connectors/wecom/sim"
)

var details = []string{"open", "closed"}

func TestADepartmentIsCreatedUnderTheIDOfItsKey(t *testing.T) {
	c := newCorp(t, "")
	r := apply(t, c, orgInsert())
	id := candidate(orgKey, 0)
	want := wcsim.Department{ID: id, Name: "测试部", ParentID: 2}
	if got := c.state().Departments[3]; got != want || r.ConsumerID != strconv.FormatInt(id, 10) || r.Adopted || r.Writes != 1 {
		t.Errorf("created %+v, receipt %+v", got, r)
	}
}

// Whatever may be read, an insert in doubt never makes a second department.
func TestAnInsertInDoubtIsRecognised(t *testing.T) {
	for _, mode := range details {
		t.Run(mode, func(t *testing.T) {
			c := newCorp(t, `{"details": "`+mode+`"}`)
			c.fault(`{"path": "/cgi-bin/department/create", "after_commit": true, "times": 1}`)
			_ = refused(t, c, orgInsert(), orgflow.CodeUnknownOutcome)
			r := apply(t, c, inDoubt(orgInsert()))
			if n := len(c.state().Departments); n != 4 || r.ConsumerID != strconv.FormatInt(candidate(orgKey, 0), 10) || r.Adopted {
				t.Errorf("%d departments, receipt %+v", n, r)
			}
			if mode == "open" && r.Writes != 0 {
				t.Errorf("it was as wanted, and written %d times", r.Writes)
			}
			again := apply(t, c, orgInsert()) // the binding was lost
			if n := len(c.state().Departments); n != 4 || again.ConsumerID != r.ConsumerID {
				t.Errorf("%d departments, receipt %+v", n, again)
			}
		})
	}
}

func TestAnInsertInDoubtThatDidNotHappenIsMade(t *testing.T) {
	for _, mode := range details {
		c := newCorp(t, `{"details": "`+mode+`"}`)
		if r := apply(t, c, inDoubt(orgInsert())); r.Writes != 1 || len(c.state().Departments) != 4 {
			t.Errorf("%s: receipt %+v", mode, r)
		}
	}
}

// Another record's department under the same id is left alone.
func TestADepartmentIDThatIsAnothersIsPassedOver(t *testing.T) {
	for _, mode := range details {
		for _, doubt := range []bool{false, true} {
			c := newCorp(t, `{"details": "`+mode+`"}`)
			s := c.state()
			s.Departments = append(s.Departments, wcsim.Department{ID: candidate(orgKey, 0), Name: "别的部", ParentID: 3})
			c.put(s)
			e := orgInsert()
			e.InDoubt = doubt
			r := apply(t, c, e)
			if r.ConsumerID != strconv.FormatInt(candidate(orgKey, 1), 10) || len(c.state().Departments) != 5 {
				t.Errorf("%s, in doubt %v: receipt %+v", mode, doubt, r)
			}
			if again := apply(t, c, inDoubt(orgInsert())); again.ConsumerID != r.ConsumerID {
				t.Errorf("%s: repeated under %s", mode, again.ConsumerID)
			}
		}
	}
}

func TestANamesakeIsTakenOverUnlessItIsAnotherRecords(t *testing.T) {
	namesake := func(id int64) *corp {
		c := newCorp(t, "")
		s := c.state()
		s.Departments = append(s.Departments, wcsim.Department{ID: id, Name: "测试部", ParentID: 2})
		c.put(s)
		return c
	}
	c := namesake(40)
	if r := apply(t, c, orgInsert()); !r.Adopted || r.ConsumerID != "40" || len(c.state().Departments) != 4 {
		t.Errorf("receipt %+v", r)
	}
	_ = refused(t, namesake(candidate("orgflow:129:org:12", 0)), orgInsert(), orgflow.CodeConflict)
	c = namesake(40)
	c.options(`{"details": "closed"}`)
	_ = refused(t, c, orgInsert(), orgflow.CodeConflict)
}

func TestDepartmentChanges(t *testing.T) {
	c := newCorp(t, "")
	id := apply(t, c, orgInsert()).ConsumerID
	update := connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: id, Fields: map[string]any{"name": "新名", "parentid": "3", "order": "7"}}
	apply(t, c, update)
	if got := c.state().Departments[3]; got.Name != "新名" || got.ParentID != 3 || got.Order != 7 {
		t.Errorf("it is %+v", got)
	}
	if r := apply(t, c, inDoubt(update)); r.Writes != 0 {
		t.Errorf("an update in doubt that took effect was written again: %+v", r)
	}
	gone := connectors.Effect{Kind: orgflow.Org, Op: orgflow.Delete, ConsumerID: id}
	apply(t, c, gone)
	apply(t, c, gone) // 60003 is success
	if n := len(c.state().Departments); n != 3 {
		t.Errorf("%d departments are left", n)
	}
	c.counts()
	_ = refused(t, c, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Delete, ConsumerID: "1"}, orgflow.CodeInvalidRecord)
	if n := c.counts(); len(n) != 0 {
		t.Errorf("the delete of the root was sent: %v", n)
	}
	_ = refused(t, c, update, orgflow.CodeNotFound)
	orphan := orgInsert()
	orphan.Fields["parentid"] = "99"
	if f := refused(t, c, orphan, orgflow.CodeBlocked); f.Field != "parentid" {
		t.Errorf("fault %+v", f)
	}
}

func TestWhatADepartmentMayBe(t *testing.T) {
	c := newCorp(t, "")
	for name, change := range map[string]func(map[string]any){
		"name":              func(f map[string]any) { f["name"] = "研发<部>" },
		"name_en":           func(f map[string]any) { f["name_en"] = "a:b" },
		"parentid":          func(f map[string]any) { f["parentid"] = "top" },
		"order":             func(f map[string]any) { f["order"] = -1 },
		"department_leader": func(f map[string]any) { f["department_leader"] = "E1" },
		"source_identifier": func(f map[string]any) { f["source_identifier"] = "x" },
		"extattr":           nil,
	} {
		e := orgInsert()
		if change != nil {
			change(e.Fields)
		} else {
			e.Ext = map[string]any{"标签": "x"}
		}
		if f := refused(t, c, e, orgflow.CodeInvalidRecord); f.Field != name {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if n := c.counts(); len(n) != 0 {
		t.Errorf("calls were made: %v", n)
	}
}

// Leaders are flags of the members, which are written with all departments.
func TestLeadersOfADepartment(t *testing.T) {
	c := newCorp(t, `{"department_resets_leader": true}`)
	apply(t, c, personInsert(func(f map[string]any) { f["order"] = "5,6" }))
	apply(t, c, personInsert(func(f map[string]any) { f["userid"], f["mobile"], f["department"] = "E2", "10000000002", "2" }))
	lead := func(dept, who string) connectors.Effect {
		return connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: dept, Fields: map[string]any{"department_leader": who}}
	}
	apply(t, c, lead("3", "E1"))
	apply(t, c, lead("2", "E1,E2"))
	if u := c.user("E1"); !cmp.Equal(u.Leader, []int64{1, 1}) || !cmp.Equal(u.Order, []int64{5, 6}) {
		t.Errorf("E1 is %+v", u)
	}
	if r := apply(t, c, lead("2", "E1,E2")); r.Writes != 0 {
		t.Errorf("nothing was to be done, and %d writes were", r.Writes)
	}
	apply(t, c, lead("2", "E2"))
	if u := c.user("E1"); !cmp.Equal(u.Leader, []int64{0, 1}) {
		t.Errorf("E1 leads %v", u.Leader)
	}
	apply(t, c, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "3", Clear: []string{"department_leader"}})
	if u := c.user("E1"); !cmp.Equal(u.Leader, []int64{0, 0}) {
		t.Errorf("E1 leads %v", u.Leader)
	}
	_ = refused(t, c, lead("3", "E2"), orgflow.CodeBlocked) // no member
	c.options(`{"details": "closed"}`)
	_ = refused(t, c, lead("2", "E1"), orgflow.CodeNeedsHuman)
}

func TestChosenIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, n := rapid.String().Draw(t, "key"), rapid.IntRange(0, candidates).Draw(t, "n")
		id := candidate(key, n)
		if !ownID(id) || id != candidate(key, n) || id == candidate(key, n+1) {
			t.Fatalf("candidate %d of %q is %d", n, key, id)
		}
	})
	if id := candidate(orgKey, 0); id != 2039463531 {
		t.Errorf("the id of %s is now %d: departments in doubt at the time of an upgrade would be created twice", orgKey, id)
	}
}
