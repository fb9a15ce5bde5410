package activities

import "testing"

// Conformance: everybody is brought to the consumer, leaders and people who
// are each other's managers included, and a run without news writes nothing.
func TestConsumersTakeAFirstPush(t *testing.T) {
	eachConsumer(t, "", func(t *testing.T, s subject) {
		w := newTrial(t, s)
		w.follows(staff())
		w.quiet()
	})
}

// organisational are the changes between two runs, each of which one run
// carries over, and no further run sees.
var organisational = []struct {
	name string
	edit func(r *rows)
}{
	{"a person moves", func(r *rows) { r.person(1005).Dept = 12 }},
	{"a leader moves and somebody else leads", func(r *rows) { r.person(1003).Dept, r.org(12).Manager = 11, 1004 }},
	{"a department moves with its people", func(r *rows) { r.org(13).Parent = 12 }},
	{"a department is renamed", func(r *rows) { r.org(11).Name = "研发中心" }},
	{"siblings swap their names", func(r *rows) { r.org(11).Name, r.org(12).Name = "销售", "研发" }},
	{"parent and child change places", func(r *rows) { r.org(13).Parent, r.org(11).Parent = 10, 13 }},
	{"a person is renamed and promoted", func(r *rows) { r.person(1006).Name, r.person(1006).Title = "员工甲", "主管" }},
	{"somebody leaves", func(r *rows) { r.leaves(1004) }},
	{"a leader leaves and another follows", func(r *rows) { r.leaves(1003); r.org(12).Manager = 1004 }},
	{"a joiner has the leaver's number", func(r *rows) {
		r.joins(person{ID: 1020, Dept: 13, Title: "顾问", Mobile: "10000001004"})
		r.leaves(1004)
	}},
	{"a number changes", func(r *rows) { r.person(1005).Mobile = "10099999999" }},
	{"the number of a leader and manager changes", func(r *rows) { r.person(1001).Mobile = "10099999999" }},
	{"a department is dissolved", func(r *rows) { r.person(1007).Dept = 12; r.orgs = r.orgs[:4] }},
	{"a department is founded with its leader", func(r *rows) {
		r.orgs = append(r.orgs, org{ID: 15, Name: "新部", Parent: 13, Manager: 1021}, org{ID: 16, Name: "新组", Parent: 15, Manager: 1022})
		r.joins(person{ID: 1021, Dept: 15, Title: "经理", Manager: 1022})
		r.joins(person{ID: 1022, Dept: 16, Title: "组长", Manager: 1021})
	}},
	{"somebody else leads, another is the manager", func(r *rows) { r.org(11).Manager, r.person(1006).Manager = 1002, 1003 }},
}

// everything is all of it at once, as far as it goes together.
func everything() rows {
	r := staff()
	r.org(11).Name, r.org(12).Name = "销售", "研发"
	r.org(13).Parent, r.person(1005).Dept, r.person(1006).Title = 12, 12, "主管"
	r.leaves(1004, 1007)
	r.orgs[4] = org{ID: 15, Name: "新部", Parent: 13, Manager: 1021}
	r.joins(person{ID: 1020, Dept: 13, Title: "顾问", Mobile: "10000001004", Manager: 1021})
	r.joins(person{ID: 1021, Dept: 15, Title: "经理", Manager: 1001})
	r.person(1008).Mobile, r.org(11).Manager = "10099999999", 1002
	r.title = "，高级"
	return r
}

// Conformance: every change of the organisation is carried over by one run,
// and seen by no further one.
func TestConsumersFollowTheOrganisation(t *testing.T) {
	eachConsumer(t, "", func(t *testing.T, s subject) {
		begin := push(t, s)
		for _, c := range sampled(s.place(), organisational) {
			t.Run(c.name, func(t *testing.T) {
				w, r := begin.again(t), staff()
				c.edit(&r)
				w.follows(r)
				w.quiet()
			})
		}
		t.Run("everything at once, and back", func(t *testing.T) {
			w := begin.again(t)
			w.follows(everything())
			w.quiet()
			w.follows(staff())
			w.quiet()
		})
	})
}

// Conformance: deletes beyond the job's limit wait for a person, whatever
// else the run does.
func TestConsumersKeepWhoWaitsForApproval(t *testing.T) {
	eachConsumer(t, "", func(t *testing.T, s subject) {
		w, r := push(t, s).again(t), staff()
		r.person(1006).Title = "主管"
		stays := r
		r.people = append([]person(nil), r.people...)
		r.leaves(1004, 1005, 1007)
		w.hold(r)
		run, planned := w.planned(w.job(`{"delete_limit": {"count": 2}}`))
		w.rest(run, planned)
		if planned.ParkedDeletes != 3 {
			t.Errorf("%d deletes are parked", planned.ParkedDeletes)
		}
		w.holdsJust(stays)
	})
}
