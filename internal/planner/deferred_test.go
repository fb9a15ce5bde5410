package planner

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
)

// failed makes the change a plan has for a record one that failed before.
func failed(t testing.TB, in *Input, plan *Plan, key, deferred string) {
	t.Helper()
	for _, c := range plan.Changes {
		if c.Key().String() == key && c.Aspect == "" {
			b := &builder{in: *in}
			side := b.side(c.Kind)
			if side.Failed == nil {
				side.Failed = map[string]Failure{}
			}
			side.Failed[c.SourceID] = Failure{Op: c.Op, Hash: c.Hash, Scope: in.Job.Params.Scope, Deferred: deferred}
			in.Orgs.Failed, in.People.Failed = b.in.Orgs.Failed, b.in.People.Failed
			return
		}
	}
	t.Fatalf("no change of %s in\n%s", key, show(plan))
}

func TestWhatFailedAgainAndAgainIsHeldAsLongAsItIsTheSame(t *testing.T) {
	const why = "failed in the last 4 runs"
	first := func() ([]Item, []Item) {
		orgs, people := small()
		return orgs, append(people, person("102", "10"))
	}
	changed := func(more ...string) func() ([]Item, []Item) {
		return func() ([]Item, []Item) {
			o, _ := small()
			return o, []Item{person("101", "11", "manager", leader("100")), person("100", "10"), person("102", "10", more...)}
		}
	}
	for name, c := range map[string]struct {
		done     bool // the source was sent before
		source   func() ([]Item, []Item)
		record   string
		deferred string
		later    func(in *Input)
		want     []string
		forget   bool
	}{
		"a person": {source: first, record: "person:102", deferred: why,
			want: []string{"insert org:10", "insert org:11", "insert person:100", "insert person:101", "insert person:102 held", "update org:10 leaders"}},
		"a department, with all that is in it": {source: first, record: "org:11", deferred: why,
			want: []string{"insert org:10", "insert org:11 held", "insert person:100", "insert person:101 held", "insert person:102", "update org:10 leaders"}},
		"a manager, but not who reports to them": {source: first, record: "person:100", deferred: why,
			want: []string{"insert org:10", "insert org:11", "insert person:100 held", "insert person:101", "insert person:102"}},
		"an update": {done: true, source: changed("title", "a"), record: "person:102", deferred: why,
			want: []string{"update person:102 held"}},
		"both halves of a recreate": {done: true, source: changed("mobile", "100999"), record: "person:102", deferred: why,
			want: []string{"update person:102 held"}},
		"a delete": {done: true, source: small, record: "person:102", deferred: why,
			want: []string{"delete person:102 held"}},
		"leaders": {done: true, source: func() ([]Item, []Item) {
			o, _ := small()
			o[2] = org("10", "1", "研发部", "leaders", leader("102"))
			_, p := first()
			return o, p
		}, record: "org:10", deferred: why, want: []string{"update org:10 held"}},
		"not when it is time to try again": {source: first, record: "person:102",
			want: []string{"insert org:10", "insert org:11", "insert person:100", "insert person:101", "insert person:102", "update org:10 leaders"}},
		"not when its data is another": {done: true, source: changed("title", "a"), record: "person:102", deferred: why,
			later: func(in *Input) { in.People.Records[2] = person("102", "10", "title", "b") },
			want:  []string{"update person:102 title"}, forget: true},
		"nothing is left to do": {done: true, source: changed("title", "a"), record: "person:102", deferred: why,
			later: func(in *Input) { in.People.Records[2] = person("102", "10") }, want: []string{}, forget: true},
		"an insert of somebody who has left": {source: first, record: "person:102", deferred: why,
			later:  func(in *Input) { in.People.Records = in.People.Records[:2] },
			want:   []string{"insert org:10", "insert org:11", "insert person:100", "insert person:101", "update org:10 leaders"},
			forget: true},
		"an insert that a partial read lacks": {source: first, record: "person:102", deferred: why,
			later: func(in *Input) { in.People.Records, in.People.Complete = in.People.Records[:2], false },
			want:  []string{"insert org:10", "insert org:11", "insert person:100", "insert person:101", "update org:10 leaders"}},
		"an insert of another scope": {source: first, record: "person:102", deferred: why,
			later: func(in *Input) { in.People.Records, in.Job.Params.Scope = in.People.Records[:2], "other" },
			want:  []string{"insert org:10", "insert org:11", "insert person:100", "insert person:101", "update org:10 leaders"}},
		"an update, then they leave": {done: true, source: changed("title", "a"), record: "person:102", deferred: why,
			later: func(in *Input) { in.People.Records = in.People.Records[:2] },
			want:  []string{"delete person:102"}, forget: true},
		"what is held for another reason is not forgotten": {source: first, record: "person:102", deferred: why,
			later: func(in *Input) { in.People.Records[2].Issue = "broken" },
			want:  []string{"insert org:10", "insert org:11", "insert person:100", "insert person:101", "insert person:102 held", "update org:10 leaders"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(first())
			in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{Percent: 100, Count: 10}
			if c.done {
				in = after(t, in, build(t, in))
			}
			in.Orgs.Records, in.People.Records = c.source()
			failed(t, &in, build(t, in), c.record, c.deferred)
			if c.later != nil {
				c.later(&in)
			}
			plan := build(t, in)
			if d := cmp.Diff(c.want, sortedLines(plan)); d != "" {
				t.Errorf("%s\n%s", d, show(plan))
			}
			for _, ch := range plan.Changes {
				if c.later == nil && ch.State != orgflow.Planned && !strings.Contains(ch.Reason, why) {
					t.Errorf("%s is held: %q", ch.Key(), ch.Reason)
				}
			}
			if forgot := len(plan.Forget) == 1 && plan.Forget[0].String() == c.record; forgot != c.forget {
				t.Errorf("forgets %v, want it %v", plan.Forget, c.forget)
			}
		})
	}
}

// A leaver, who cannot be deleted, keeps their number: who takes it waits.
func TestWhoTakesAValueOfADeferredLeaverIsBlocked(t *testing.T) {
	in := input([]Item{root()}, []Item{person("5", "1"), person("6", "1")})
	in = after(t, in, build(t, in))
	in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{Percent: 100, Count: 10}
	in.People.Records = []Item{person("5", "1"), person("7", "1", "mobile", "1006")}
	failed(t, &in, build(t, in), "person:6", "failed in the last 3 runs, last with 50002")
	plan := build(t, in)
	if d := cmp.Diff([]string{"delete person:6 held", "insert person:7 blocked"}, sortedLines(plan)); d != "" {
		t.Fatal(d)
	}
	for _, ch := range plan.Changes {
		if !strings.Contains(ch.Reason, "failed in the last 3 runs, last with 50002") {
			t.Errorf("%s: %q does not name the cause", ch.Key(), ch.Reason)
		}
	}
	if n := plan.Counts[orgflow.Person]; n.Held != 1 || n.Delete != 0 || n.Unchanged != 1 {
		t.Errorf("counts %+v", n)
	}
}

// TestDeferredRecordsNeverBreakTheRest: whichever changes of a plan failed
// before, what is left of it meets no refusal, the deferred cost nothing, and
// once they are tried again everything comes to be as it should.
func TestDeferredRecordsNeverBreakTheRest(t *testing.T) {
	profile := modelProfile(10, 10)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e := newEngine(profile)
		e.run(t, modelInput(drawCompany(t, "first", profile), profile), shuffle)
		c := drawCompany(t, "second", profile)
		in := e.fill(modelInput(c, profile))
		whole, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		in.Orgs.Failed, in.People.Failed = map[string]Failure{}, map[string]Failure{}
		b := builder{in: in}
		deferred := map[orgflow.RecordKey]bool{}
		for _, ch := range whole.Changes {
			if ch.Aspect == "" && !deferred[ch.Key()] && rapid.IntRange(0, 4).Draw(t, "fails "+ch.Key().String()) == 0 {
				deferred[ch.Key()] = true
				b.side(ch.Kind).Failed[ch.SourceID] = Failure{Op: ch.Op, Hash: ch.Hash, Scope: orgflow.DefaultScope, Deferred: "failed before"}
			}
		}
		plan := e.run(t, in, shuffle)
		for _, ch := range plan.Changes {
			switch {
			case ch.State != orgflow.Planned && ch.Reason == "":
				t.Fatalf("%s of %s is %s without a reason", ch.Op, ch.Key(), ch.State)
			case ch.State == orgflow.Planned && ch.Aspect == "" && ch.Hash == b.side(ch.Kind).Failed[ch.SourceID].Hash && ch.Op == b.side(ch.Kind).Failed[ch.SourceID].Op:
				t.Fatalf("%s of %s is tried\n%s", ch.Op, ch.Key(), show(plan))
			}
		}
		in.Orgs.Failed, in.People.Failed = nil, nil
		for range 4 {
			e.run(t, in, shuffle)
		}
		if d := cmp.Diff(c.want(), e.holds()); d != "" {
			t.Fatalf("the consumer holds something else (-want +has):\n%s", d)
		}
	})
}
