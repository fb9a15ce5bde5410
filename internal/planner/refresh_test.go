package planner

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
)

// TestWhatWasPutRightByHandIsNotSentAgain: the source has changed, and
// somebody has changed the consumer likewise, numbers too, before any run
// did. A reconcile run sends nothing, and neither does the one that follows
// and does not look.
func TestWhatWasPutRightByHandIsNotSentAgain(t *testing.T) {
	profile := modelProfile(10, 10)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e, c := newEngine(profile), drawCompany(t, "company", profile)
		e.run(t, modelInput(c, profile), shuffle)
		known := maps.Clone(e.bindings)
		now := drawFrom(t, "by hand", profile, slices.Sorted(maps.Keys(c.orgs)), slices.Sorted(maps.Keys(c.people)))
		e.run(t, modelInput(now, profile), shuffle)
		maps.DeleteFunc(known, func(k orgflow.RecordKey, _ orgflow.Binding) bool { _, there := e.bindings[k]; return !there }) // left, and known to have
		e.bindings = known
		in := modelInput(now, profile)
		in.Job.Params.Mode = orgflow.Reconcile
		in.Orgs.Remote, in.People.Remote = e.remote()
		if plan := e.run(t, in, shuffle); len(plan.Changes) > 0 {
			t.Fatalf("the consumer is right, and is sent:\n%s", show(plan))
		}
		if again := e.run(t, modelInput(now, profile), shuffle); len(again.Changes) > 0 {
			t.Fatalf("the next run:\n%s", show(again))
		}
		if in.Orgs.Remote, in.People.Remote = e.remote(); len(e.run(t, in, shuffle).Refresh) > 0 {
			t.Fatal("a second reconcile run finds bindings that are old")
		}
	})
}

func TestBindingsThatAreRefreshed(t *testing.T) {
	title := func(v string) func(*Input) {
		return func(in *Input) { in.People.Records[0].Payload.Fields["title"] = v }
	}
	nothing := func(*engine) {}
	byHand := func(field, v string) func(*engine) { return func(e *engine) { e.c.users["E5"].fields[field] = v } }
	cases := []struct {
		name    string
		source  func(*Input)
		meddle  func(*engine)
		refresh []string // records
		want    []string // changes
		next    []string // changes of the incremental run that follows
	}{
		{"nothing was changed", func(*Input) {}, nothing, nil, []string{}, []string{}},
		{"a title, here and there", title("b"), byHand("title", "b"), []string{"person:5"}, []string{}, []string{}},
		{"a title, here only", title("b"), nothing, nil, []string{"update person:5 title"}, []string{}},
		{"a title, there only", func(*Input) {}, byHand("title", "b"), nil, []string{"update person:5 title"}, []string{}},
		{"a title here and there, a name there only", title("b"), func(e *engine) { byHand("title", "b")(e); byHand("name", "x")(e) }, nil, []string{"update person:5 name"}, []string{}},
		{"what nobody manages", func(*Input) {}, byHand("telephone", "t"), nil, []string{}, []string{}},
		{"a number", func(in *Input) { in.People.Records[0].Payload.Fields["mobile"] = "1009" }, byHand("mobile", "1009"), []string{"person:5"}, []string{}, []string{}},
		{"a department's name", func(in *Input) { in.Orgs.Records[1].Payload.Fields["name"] = "乙" }, func(e *engine) { e.c.depts["d1"] = dept{name: "乙", parent: "1"} }, []string{"org:2"}, []string{}, []string{}},
		{"the job does not update", func(in *Input) {
			title("b")(in)
			in.People.Ops, in.Orgs.Ops = []orgflow.Op{orgflow.Insert}, []orgflow.Op{orgflow.Insert}
		}, byHand("title", "b"), nil, []string{}, nil},
		{"only others are selected", func(in *Input) { title("b")(in); in.Job.Params.SourceIDs = []string{"2"} }, byHand("title", "b"), nil, []string{}, nil},
		{"somebody is held", func(in *Input) { title("b")(in); in.People.Records[0].Issue = "the template refused it" }, byHand("title", "b"), nil, []string{"update person:5 held"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e := newEngine(modelProfile(10, 10))
			company := func() Input {
				in := input([]Item{root(), org("2", "1", "甲")}, []Item{person("5", "2", "title", "a")})
				in.Profile = e.c.profile
				return in
			}
			e.execute(t, company())
			c.meddle(e)
			source := func(mode orgflow.Mode) Input {
				in := company()
				in.Job.Params.Mode = mode
				c.source(&in)
				return in
			}
			in := source(orgflow.Reconcile)
			in.Orgs.Remote, in.People.Remote = e.remote()
			before := maps.Clone(e.bindings)
			plan := e.execute(t, in)
			var refreshed []string
			for _, bd := range plan.Refresh {
				key := orgflow.RecordKey{Kind: bd.Kind, ID: bd.SourceID}
				refreshed = append(refreshed, key.String())
				if old := before[key]; bd.ConsumerID != old.ConsumerID || bd.Scope != old.Scope || bd.State != old.State || bd.Hash == old.Hash || bd.Hash != orgflow.Hash(bd.Payload) {
					t.Errorf("%+v became %+v", old, bd)
				}
			}
			if d := cmp.Diff(c.refresh, refreshed); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.want, lines(plan)); d != "" {
				t.Error(d)
			}
			if (len(plan.Notes) > 0) != (len(c.refresh) > 0) {
				t.Errorf("notes %q", plan.Notes)
			}
			if c.next == nil {
				return
			}
			if d := cmp.Diff(c.next, lines(build(t, e.fill(source(orgflow.Incremental))))); d != "" {
				t.Errorf("the next run: %s", d)
			}
		})
	}
}
