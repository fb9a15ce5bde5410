package planner

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
)

// remote lists what the model holds the way a consumer is read.
func (e *engine) remote() (orgs, people []RemoteRecord) {
	orgs, people = []RemoteRecord{}, []RemoteRecord{}
	for _, id := range slices.Sorted(maps.Keys(e.c.depts)) {
		d := e.c.depts[id]
		leaders := make([]any, len(d.leaders))
		for i, l := range d.leaders {
			leaders[i] = l
		}
		orgs = append(orgs, RemoteRecord{ConsumerID: id, Fields: map[string]any{"name": d.name, "parent_id": d.parent, "leaders": leaders}})
	}
	for _, id := range slices.Sorted(maps.Keys(e.c.users)) {
		u := e.c.users[id]
		fields := map[string]any{}
		for _, name := range []string{"name", "mobile", "email", "telephone", "title", "manager"} {
			fields[name] = nil
			if v := u.fields[name]; v != "" {
				fields[name] = v
			}
		}
		depts := make([]any, len(u.depts))
		for i, d := range slices.Backward(u.depts) {
			depts[i] = d
		}
		fields["depts"] = depts
		people = append(people, RemoteRecord{ConsumerID: id, Fields: fields})
	}
	return orgs, people
}

// TestAFilledConsumerIsAdoptedNotDuplicated: who has lost every binding finds
// everybody again, and has nothing to send.
func TestAFilledConsumerIsAdoptedNotDuplicated(t *testing.T) {
	profile := modelProfile(10, 10)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e, c := newEngine(profile), drawCompany(t, "company", profile)
		e.run(t, modelInput(c, profile), shuffle)
		e.bindings = map[orgflow.RecordKey]orgflow.Binding{}
		in := modelInput(c, profile)
		in.Orgs.Remote, in.People.Remote = e.remote()
		plan := e.run(t, in, shuffle)
		if len(plan.Changes) > 0 || len(plan.Adopt) != len(c.orgs)+len(c.people) {
			t.Fatalf("%d adopted, want %d; and no changes:\n%s", len(plan.Adopt), len(c.orgs)+len(c.people), show(plan))
		}
		if again := e.run(t, modelInput(c, profile), shuffle); len(again.Changes) > 0 {
			t.Fatalf("second plan:\n%s", show(again))
		}
	})
}

// TestReconcileRestoresWhatWasChangedAtTheConsumer: one organisation in the
// bindings, another in the consumer's truth.
func TestReconcileRestoresWhatWasChangedAtTheConsumer(t *testing.T) {
	profile := modelProfile(10, 10)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e, c := newEngine(profile), drawCompany(t, "company", profile)
		e.run(t, modelInput(c, profile), shuffle)
		known := maps.Clone(e.bindings)
		people := slices.Sorted(maps.Keys(c.people))
		meddled := drawFrom(t, "meddled", profile, slices.Sorted(maps.Keys(c.orgs)), people[:rapid.IntRange(1, len(people)).Draw(t, "left")])
		for id, p := range meddled.people {
			p.mobile = c.people[id].mobile // which nobody can change
			meddled.people[id] = p
		}
		e.run(t, modelInput(meddled, profile), shuffle)
		e.bindings = known
		in := modelInput(c, profile)
		in.Job.Params.Mode = orgflow.Reconcile
		in.Orgs.Remote, in.People.Remote = e.remote()
		plan := e.run(t, in, shuffle)
		if d := cmp.Diff(c.want(), e.holds()); d != "" {
			t.Fatalf("(-want +has)\n%s\n%s", d, show(plan))
		}
	})
}

func TestPersonsAreCorrelated(t *testing.T) {
	there := func(id, job, mobile, name string) RemoteRecord {
		return RemoteRecord{ConsumerID: id, Fields: map[string]any{"job": job, "mobile": mobile, "name": name, "depts": []any{"1"}}}
	}
	cases := []struct {
		name   string
		here   []Item
		remote []RemoteRecord
		adopt  []string // source → consumer id
		want   []string
		reason string
	}{
		{"by userid, whatever else differs", []Item{person("5", "1")}, []RemoteRecord{there("E5", "", "1005", "X")},
			[]string{"5 E5"}, []string{"update person:5 name"}, ""},
		{"a mobile that differs is left to a person", []Item{person("5", "1")}, []RemoteRecord{there("E5", "", "1009", "N5")},
			[]string{"5 E5"}, []string{"update person:5 needs_human"}, "mobile differs"},
		{"by job number and name", []Item{person("5", "1", "job", "J5")}, []RemoteRecord{there("u1", "j5", "1005", "N5")},
			[]string{"5 u1"}, []string{"update person:5 job"}, ""},
		{"by mobile and name", []Item{person("5", "1")}, []RemoteRecord{there("u1", "", "1005", " N5")},
			[]string{"5 u1"}, []string{}, ""},
		{"the mobile alone is a dispute", []Item{person("5", "1")}, []RemoteRecord{there("u1", "", "1005", "X")},
			nil, []string{"insert person:5 disputed"}, "same mobile, but not the same name"},
		{"the job number alone is a dispute", []Item{person("5", "1", "job", "J5")}, []RemoteRecord{there("u1", "J5", "1009", "X")},
			nil, []string{"insert person:5 disputed"}, "same job, but not the same name"},
		{"two of one job number and name are a dispute", []Item{person("5", "1", "job", "J5")}, []RemoteRecord{there("u1", "J5", "1", "N5"), there("u2", "J5", "2", "N5")},
			nil, []string{"insert person:5 disputed"}, "2 persons at the consumer"},
		{"two who claim one person are disputed both", []Item{person("5", "1"), person("6", "1", "userid", "E5")}, []RemoteRecord{there("E5", "", "1005", "N5")},
			nil, []string{"insert person:5 disputed", "insert person:6 disputed"}, "2 persons of the source"},
		{"the name alone is nobody", []Item{person("5", "1")}, []RemoteRecord{there("u1", "", "1009", "N5")},
			nil, []string{"insert person:5"}, ""},
		{"an empty consumer", []Item{person("5", "1")}, []RemoteRecord{}, nil, []string{"insert person:5"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := input([]Item{root()}, c.here)
			in.Profile.PersonFields.JobNumber = "job"
			in.People.Remote = c.remote
			plan := build(t, in)
			var adopted []string
			for _, bd := range plan.Adopt {
				adopted = append(adopted, bd.SourceID+" "+bd.ConsumerID)
			}
			if d := cmp.Diff(c.adopt, adopted); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.want, lines(plan)); d != "" {
				t.Error(d)
			}
			if len(plan.Changes) > 0 && !strings.Contains(plan.Changes[0].Reason, c.reason) {
				t.Errorf("reason %q, want %q in it", plan.Changes[0].Reason, c.reason)
			}
		})
	}
}

func TestDepartmentsAreAdoptedFromTheTop(t *testing.T) {
	there := func(id, parent, name, key string) RemoteRecord {
		return RemoteRecord{ConsumerID: id, Key: key, Fields: map[string]any{"parent_id": parent, "name": name}}
	}
	orgs := []Item{root(), org("2", "1", "甲"), org("3", "2", "乙")}
	cases := []struct {
		name   string
		remote []RemoteRecord
		adopt  int
		want   []string
	}{
		{"by name under the parent", []RemoteRecord{there("d2", "1", "甲", ""), there("d3", "d2", "乙", "")}, 2, []string{}},
		{"a namesake elsewhere is another", []RemoteRecord{there("d2", "1", "甲", ""), there("d3", "1", "乙", "")}, 1, []string{"insert org:3"}},
		{"by our key, wherever it stands and whatever it is called", []RemoteRecord{there("d2", "1", "甲", ""), there("d3", "1", "丙", "orgflow:129:org:3")}, 2, []string{"update org:3 name, parent_id"}},
		{"one of another system is disputed, and so is what is below", []RemoteRecord{there("d2", "1", "甲", "other:1")}, 0, []string{"insert org:2 disputed", "insert org:3 held"}},
		{"several are disputed", []RemoteRecord{there("d2", "1", "甲", ""), there("d4", "1", "甲", "")}, 0, []string{"insert org:2 disputed", "insert org:3 held"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := input(orgs, nil)
			in.Orgs.Remote = c.remote
			plan := build(t, in)
			if d := cmp.Diff(c.want, lines(plan)); d != "" || len(plan.Adopt) != c.adopt {
				t.Errorf("%d adopted, want %d\n%s", len(plan.Adopt), c.adopt, d)
			}
		})
	}
}

func TestReconcileComparesWithTheConsumer(t *testing.T) {
	cases := []struct {
		name   string
		mode   orgflow.Mode
		meddle func(*engine)
		want   []string
	}{
		{"nothing was changed", orgflow.Reconcile, func(*engine) {}, []string{}},
		{"a title", orgflow.Reconcile, func(e *engine) { e.c.users["E5"].fields["title"] = "x" }, []string{"update person:5 title"}},
		{"an incremental run does not look", orgflow.Incremental, func(e *engine) { e.c.users["E5"].fields["title"] = "x" }, []string{}},
		{"a department's name", orgflow.Reconcile, func(e *engine) { e.c.depts["d1"] = dept{name: "x", parent: "1"} }, []string{"update org:2 name"}},
		{"somebody was deleted", orgflow.Reconcile, func(e *engine) { delete(e.c.users, "E5") }, []string{"insert person:5"}},
		{"a number is not changed back by force", orgflow.Reconcile, func(e *engine) { e.c.users["E5"].fields["mobile"] = "1009" }, []string{"update person:5 needs_human"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(modelProfile(10, 10))
			in := input([]Item{root(), org("2", "1", "甲")}, []Item{person("5", "2", "title", "a")})
			in.Profile = e.c.profile
			e.execute(t, in)
			c.meddle(e)
			in = e.fill(in)
			in.Job.Params.Mode = c.mode
			in.Orgs.Remote, in.People.Remote = e.remote()
			plan := build(t, in)
			if d := cmp.Diff(c.want, lines(plan)); d != "" {
				t.Error(d)
			}
			for _, ch := range plan.Changes {
				if ch.Op == orgflow.Update && ch.State == orgflow.Planned && !strings.Contains(ch.Reason, "changed at the consumer") {
					t.Errorf("reason %q does not say that it was changed at the consumer", ch.Reason)
				}
			}
		})
	}
}
