package planner

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

var profile = orgflow.Profile{
	OrgNameMax: 64, OrgNameForbidden: "-，,", SiblingNamesUnique: true, DepthMax: 20, PersonNameMax: 80,
	OrgFields:       orgflow.OrgFields{Name: "name", Parent: "parent_id", Leaders: "leaders"},
	PersonFields:    orgflow.PersonFields{ID: "userid", Name: "name", Mobile: "mobile", Orgs: "depts", Manager: "manager"},
	AssignsOrgIDs:   true,
	PersonImmutable: []string{"mobile"}, UniquePersonFields: []string{"mobile"}, PersonNeedsOrg: true,
}

var allOps = []orgflow.Op{orgflow.Insert, orgflow.Update, orgflow.Delete}

func org(id, parent, name string, more ...string) Item {
	it := Item{SourceID: id, ParentID: parent, Payload: orgflow.Payload{Fields: map[string]any{"name": name}}}
	if parent != "" {
		it.Payload.Fields["parent_id"] = orgflow.Ref(orgflow.Org, parent)
	}
	return put(it, more)
}

func person(id, dept string, more ...string) Item {
	it := Item{SourceID: id, Payload: orgflow.Payload{Fields: map[string]any{
		"userid": "E" + id, "name": "N" + id, "mobile": "100" + id, "depts": orgflow.Ref(orgflow.Org, dept),
	}}}
	return put(it, more)
}

func put(it Item, kv []string) Item {
	for i := 0; i < len(kv); i += 2 {
		it.Payload.Fields[kv[i]] = kv[i+1]
	}
	return it
}

func leader(id string) string { return orgflow.Ref(orgflow.Person, id) }

// input is a job over everything, root mapped to department 1.
func input(orgs, people []Item) Input {
	return Input{
		Job:     orgflow.Job{Consumer: "ding_talk", CompanyID: 129}.WithDefaults(),
		Profile: profile,
		Root:    Root{ID: "1"},
		Orgs:    Side{Present: true, Complete: true, Ops: allOps, Records: orgs},
		People:  Side{Present: true, Complete: true, Ops: allOps, Records: people},
	}
}

// after returns the input of the next run: what the plan did is bound now.
func after(t testing.TB, in Input, plan *Plan) Input {
	t.Helper()
	bound := map[orgflow.RecordKey]orgflow.Binding{}
	for _, bd := range append(in.Orgs.Bindings, in.People.Bindings...) {
		bound[orgflow.RecordKey{Kind: bd.Kind, ID: bd.SourceID}] = bd
	}
	if plan.Root != "" {
		bound[orgKey(plan.Root)] = orgflow.Binding{Kind: orgflow.Org, SourceID: plan.Root, ConsumerID: "1", Scope: orgflow.DefaultScope, State: orgflow.BindingRoot}
	}
	for _, c := range plan.Changes {
		switch {
		case c.State != orgflow.Planned:
		case c.Op == orgflow.Delete:
			delete(bound, c.Key())
		default:
			id := c.ConsumerID
			if id == "" {
				id = "dept-" + c.SourceID
			}
			bound[c.Key()] = orgflow.Binding{Kind: c.Kind, SourceID: c.SourceID, ConsumerID: id, Scope: orgflow.DefaultScope,
				Payload: c.Payload, Hash: c.Hash, State: orgflow.BindingActive}
		}
	}
	in.Orgs.Bindings, in.People.Bindings = nil, nil
	for _, bd := range bound {
		if bd.Kind == orgflow.Org {
			in.Orgs.Bindings = append(in.Orgs.Bindings, bd)
		} else {
			in.People.Bindings = append(in.People.Bindings, bd)
		}
	}
	return in
}

func build(t *testing.T, in Input) *Plan {
	t.Helper()
	plan, err := Build(in)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return plan
}

// lines renders a plan as "op kind:id [state] {fields}".
func lines(p *Plan) []string {
	out := []string{}
	for _, c := range p.Changes {
		s := fmt.Sprintf("%s %s", c.Op, c.Key())
		if c.State != orgflow.Planned {
			s += " " + string(c.State)
		}
		if c.Op == orgflow.Update && c.State == orgflow.Planned {
			s += " " + strings.TrimSuffix(strings.TrimSuffix(differs(c.Fields), " differ"), " differs")
		}
		out = append(out, s)
	}
	return out
}

func small() ([]Item, []Item) {
	orgs := []Item{org("11", "10", "研发一部"), org("1", "", "公司"), org("10", "1", "研发部", "leaders", leader("100"))}
	people := []Item{person("101", "11", "manager", leader("100")), person("100", "10")}
	return orgs, people
}

func TestFirstPushFollowsTheCanonicalOrder(t *testing.T) {
	plan := build(t, input(small()))
	want := []string{
		"insert org:10", "insert org:11", // root first; the root itself is mapped
		"insert person:100", "insert person:101", // managers before those they manage
		"update org:10 leaders", // once the leader exists
	}
	if d := cmp.Diff(want, lines(plan)); d != "" {
		t.Error(d)
	}
	if plan.Root != "1" {
		t.Errorf("root = %q, want the single source root", plan.Root)
	}
	if d := cmp.Diff(orgflow.PlanCount{Insert: 2, References: 1}, plan.Counts[orgflow.Org]); d != "" {
		t.Error(d)
	}
	if dep := plan.Changes[1].DependsOn; len(dep) != 1 || dep[0] != 1 {
		t.Errorf("a sub-department depends on its parent's insert, got %v", dep)
	}
	for i := 1; i < len(plan.Changes); i++ {
		if plan.Changes[i].Wave == plan.Changes[i-1].Wave {
			t.Errorf("changes %d and %d must not run at the same time", i, i+1)
		}
	}
}

func TestSecondPlanIsEmpty(t *testing.T) {
	first := input(small())
	again := after(t, first, build(t, first))
	plan := build(t, again)
	if len(plan.Changes) != 0 {
		t.Errorf("second plan = %v, want none", lines(plan))
	}
	if got := plan.Counts[orgflow.Person].Unchanged; got != 2 {
		t.Errorf("unchanged persons = %d, want 2", got)
	}
}

func TestEachDifferenceIsOneChange(t *testing.T) {
	cases := []struct {
		name   string
		orgs   func([]Item) []Item
		people func([]Item) []Item
		job    func(*orgflow.Params)
		want   []string
	}{
		{name: "a changed title", people: func(p []Item) []Item { p[0] = put(p[0], []string{"title", "高级工程师"}); return p },
			want: []string{"update person:101 title"}},
		{name: "a new person", people: func(p []Item) []Item { return append(p, person("102", "11")) },
			want: []string{"insert person:102"}},
		{name: "a leaver", people: func(p []Item) []Item { return p[1:] },
			want: []string{"delete person:101"}},
		{name: "a moved department", orgs: func(o []Item) []Item { o[0] = org("11", "1", "研发一部"); return o },
			want: []string{"update org:11 parent_id"}},
		{name: "another leader", orgs: func(o []Item) []Item { o[2] = org("10", "1", "研发部", "leaders", leader("101")); return o },
			want: []string{"update org:10 leaders"}},
		{name: "a renamed department with another leader", orgs: func(o []Item) []Item { o[2] = org("10", "1", "研究部", "leaders", leader("101")); return o },
			want: []string{"update org:10 name", "update org:10 leaders"}},
		{name: "a dissolved department and its person", orgs: func(o []Item) []Item { return o[1:] }, people: func(p []Item) []Item { return p[1:] },
			want: []string{"delete person:101", "delete org:11"}},
		{name: "a changed mobile is a recreate", people: func(p []Item) []Item { p[0] = put(p[0], []string{"mobile", "999"}); return p },
			want: []string{"delete person:101", "insert person:101"}},
		{name: "a changed mobile is reported where the job says so", people: func(p []Item) []Item { p[0] = put(p[0], []string{"mobile", "999"}); return p },
			job: func(p *orgflow.Params) { p.MobileChange = orgflow.MobileReport }, want: []string{"update person:101 needs_human"}},
		{name: "source_ids leave everybody else alone", people: func(p []Item) []Item {
			p[0], p[1] = put(p[0], []string{"title", "a"}), put(p[1], []string{"title", "b"})
			return p
		}, job: func(p *orgflow.Params) { p.SourceIDs = []string{"person:100"} }, want: []string{"update person:100 title"}},
		{name: "a number changed in the source keeps the bound id", people: func(p []Item) []Item { p[0] = put(p[0], []string{"userid", "E9"}); return p },
			want: []string{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := input(small())
			in = after(t, in, build(t, in))
			orgs, people := small()
			if c.orgs != nil {
				orgs = c.orgs(orgs)
			}
			if c.people != nil {
				people = c.people(people)
			}
			in.Orgs.Records, in.People.Records = orgs, people
			if c.job != nil {
				c.job(&in.Job.Params)
			}
			if d := cmp.Diff(c.want, lines(build(t, in))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDeletesAreStoppedBySafeguards(t *testing.T) {
	many := func(n int) []Item {
		var people []Item
		for i := range n {
			people = append(people, person(fmt.Sprint(1000+i), "1"))
		}
		return people
	}
	cases := []struct {
		name   string
		leave  int
		mutate func(*Input)
		state  orgflow.State // of the deletes; empty: none planned
	}{
		{"up to three deletes are never judged by share", 3, nil, orgflow.Planned},
		{"above the share they are parked", 5, nil, orgflow.Parked},
		{"a wider limit lets them run", 5, func(in *Input) { in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{Percent: 50, Count: 10} }, orgflow.Planned},
		{"deletes of the last week count", 2, func(in *Input) { in.People.RecentDeletes = 3 }, orgflow.Parked},
		{"no rows at all park everything", 20, func(in *Input) {
			in.People.Records = nil
			in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{Percent: 100, Count: 100}
		}, orgflow.Parked},
		{"a changed filter parks them", 1, func(in *Input) { in.People.FilterChanged = true }, orgflow.Parked},
		{"a partial read plans none", 1, func(in *Input) { in.People.Complete = false; in.People.Cause = "page 2 repeated" }, ""},
		{"a record rejected at fetch has not left", 1, func(in *Input) { in.People.Rejected = map[string]bool{"1000": true} }, ""},
		{"another scope's people are not ours", 1, func(in *Input) { in.Job.Params.Scope = "interns" }, ""},
		{"a job without delete deletes nobody", 1, func(in *Input) { in.People.Ops = []orgflow.Op{orgflow.Insert} }, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root := []Item{org("1", "", "公司")}
			in := input(root, many(20))
			in = after(t, in, build(t, in))
			in.People.Records = many(20)[c.leave:]
			if c.mutate != nil {
				c.mutate(&in)
			}
			plan := build(t, in)
			n := 0
			for _, ch := range plan.Changes {
				if ch.Op == orgflow.Delete {
					n++
					if ch.State != c.state {
						t.Errorf("%s is %s, want %q", ch.Key(), ch.State, c.state)
					}
				}
			}
			if (n > 0) != (c.state != "") {
				t.Errorf("%d deletes planned, want some: %v", n, c.state != "")
			}
			if c.state == orgflow.Parked && (plan.Parked != n || len(plan.Notes) == 0) {
				t.Errorf("parked = %d of %d, notes %v", plan.Parked, n, plan.Notes)
			}
		})
	}
}

func TestOnLimitStopEndsTheRunBeforeAnyWrite(t *testing.T) {
	people := make([]Item, 20)
	for i := range people {
		people[i] = person(fmt.Sprint(1000+i), "1")
	}
	in := input([]Item{org("1", "", "公司")}, people)
	in = after(t, in, build(t, in))
	in.People.Records = people[5:]
	in.Job.Params.OnLimit = orgflow.LimitStop
	_, err := Build(in)
	if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeDeleteLimit || !strings.Contains(f.Message, "5 deletes of 20 managed") {
		t.Errorf("err = %v", err)
	}
}

func TestWhatCannotBeWrittenIsHeldWithItsReason(t *testing.T) {
	cases := []struct {
		name         string
		orgs, people []Item
		want         map[string]string // record → part of the reason
	}{
		{"a cycle, its subtree and its people",
			[]Item{org("1", "", "公司"), org("2", "3", "甲"), org("3", "2", "乙"), org("4", "3", "丙")},
			[]Item{person("9", "4")},
			map[string]string{"org:2": "cycle", "org:3": "cycle", "org:4": "below department 3", "person:9": "department 4 is held"}},
		{"an orphan and what is below it",
			[]Item{org("1", "", "公司"), org("2", "77", "甲"), org("3", "2", "乙")}, nil,
			map[string]string{"org:2": "parent department 77 is not in the source", "org:3": "below department 2"}},
		{"a forbidden name and what is below it",
			[]Item{org("1", "", "公司"), org("2", "1", "甲-乙"), org("3", "2", "丙")}, nil,
			map[string]string{"org:2": "forbids", "org:3": "parent department 2 is held"}},
		{"the second of two siblings with one name",
			[]Item{org("1", "", "公司"), org("2", "1", "甲"), org("3", "1", "甲")}, nil,
			map[string]string{"org:3": "same name as its sibling department 2"}},
		{"two people with one number",
			[]Item{org("1", "", "公司")}, []Item{person("5", "1"), person("6", "1", "mobile", "1005")},
			map[string]string{"person:6": "same mobile as person 5"}},
		{"a department nobody knows",
			[]Item{org("1", "", "公司")}, []Item{person("5", "42")},
			map[string]string{"person:5": "department 42 is neither in the source nor known"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := map[string]string{}
			for _, ch := range build(t, input(c.orgs, c.people)).Changes {
				if ch.State == orgflow.Held {
					got[ch.Key().String()] = ch.Reason
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("held = %v, want %v", got, c.want)
			}
			for k, part := range c.want {
				if !strings.Contains(got[k], part) {
					t.Errorf("%s held because %q, want %q in it", k, got[k], part)
				}
			}
		})
	}
}

func TestSeveralRootsAreRefusedBeforeAnyWrite(t *testing.T) {
	in := input([]Item{org("1", "", "甲"), org("2", "", "乙")}, nil)
	_, err := Build(in)
	if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeInvalidConfig || f.Field != "/consumers/ding_talk/root" {
		t.Fatalf("err = %v", err)
	}
	in.Root.Create = true
	plan := build(t, in)
	if d := cmp.Diff([]string{"insert org:1", "insert org:2"}, lines(plan)); d != "" {
		t.Error(d)
	}
	p, _ := orgflow.DecodePayload(plan.Changes[0].Payload)
	if p.Fields["parent_id"] != "1" {
		t.Errorf("a created root stands below the consumer's root, got parent %v", p.Fields["parent_id"])
	}
}

func TestPeopleNobodyKnowsAreLeftOutAndSetLater(t *testing.T) {
	orgs, people := small()
	alone := input(orgs, nil)
	alone.People.Present = false
	plan := build(t, alone)
	if d := cmp.Diff([]string{"insert org:10", "insert org:11"}, lines(plan)); d != "" {
		t.Errorf("departments before people: %s", d)
	}
	if len(plan.Notes) != 1 {
		t.Errorf("notes = %v", plan.Notes)
	}
	both := after(t, alone, plan)
	both.People = Side{Present: true, Complete: true, Ops: allOps, Records: people}
	if d := cmp.Diff([]string{"insert person:100", "insert person:101", "update org:10 leaders"}, lines(build(t, both))); d != "" {
		t.Errorf("with the people: %s", d)
	}
	outside := input([]Item{org("1", "", "公司")}, []Item{person("5", "1", "manager", leader("77"))})
	first := build(t, outside)
	if again := build(t, after(t, outside, first)); len(again.Changes) != 0 {
		t.Errorf("a manager outside the filter is tried again every night: %v", lines(again))
	}
}

func TestManagerCycleIsCutAndSetAfterwards(t *testing.T) {
	orgs := []Item{org("1", "", "公司")}
	people := []Item{person("5", "1", "manager", leader("6")), person("6", "1", "manager", leader("5"))}
	plan := build(t, input(orgs, people))
	inserted, later := map[string]bool{}, 0
	for _, c := range plan.Changes {
		p, _ := orgflow.DecodePayload(c.Payload)
		if c.Op == orgflow.Insert {
			for _, ref := range orgflow.RefsIn(p.Fields["manager"]) {
				if !inserted[ref.ID] {
					t.Errorf("%s names manager %s before that person exists", c.Key(), ref)
				}
			}
			inserted[c.SourceID] = true
		}
		if c.Aspect == orgflow.AspectReferences {
			later++
		}
	}
	if later != 1 {
		t.Errorf("%d second-pass changes, want 1", later)
	}
}

func TestSensitiveValuesAreMaskedInTheDifference(t *testing.T) {
	in := input([]Item{org("1", "", "公司")}, []Item{person("5", "1")})
	in.People.Records[0].Payload.Ext = map[string]any{"身份": "TEST-ID-1"}
	in.People.Records[0].Payload.Sensitive = []string{"身份", "mobile"}
	plan := build(t, in)
	raw, _ := json.Marshal(plan.Changes[0].Shown().Fields)
	if !strings.Contains(string(raw), `"name":{"before":null,"after":"N5"}`) {
		t.Errorf("difference does not list the insert's fields: %s", raw)
	}
	if strings.Contains(string(raw), "TEST-ID-1") || strings.Contains(string(raw), "1005") {
		t.Errorf("difference shows a sensitive value: %s", raw)
	}
}

func TestPlansOfEqualInputsAreEqual(t *testing.T) {
	a, _ := build(t, input(small())).Hash()
	b, _ := build(t, input(small())).Hash()
	if a != b || a == "" {
		t.Errorf("hashes %q and %q", a, b)
	}
}
