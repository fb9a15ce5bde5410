package planner

import (
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
)

func items(ids ...string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for _, id := range ids {
			if !yield(Item{SourceID: id}, nil) {
				return
			}
		}
	}
}

func bindings(ids ...string) iter.Seq2[orgflow.Binding, error] {
	return func(yield func(orgflow.Binding, error) bool) {
		for _, id := range ids {
			if !yield(orgflow.Binding{SourceID: id}, nil) {
				return
			}
		}
	}
}

func TestCompareMeetsEveryIDOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOf(rapid.SampledFrom([]string{"1", "10", "2", "20", "3", "é", "z"}))
		records, bound := ids.Draw(t, "records"), ids.Draw(t, "bindings")
		slices.Sort(records)
		slices.Sort(bound)
		bound = slices.Compact(bound)
		got := []string{}
		for p, err := range Compare(items(records...), bindings(bound...)) {
			if err != nil {
				t.Fatal(err)
			}
			id := p.SourceID()
			got = append(got, id)
			n := 0
			for _, r := range records {
				if r == id {
					n++
				}
			}
			if p.HasRecord != (n > 0) || p.HasBinding != slices.Contains(bound, id) || p.HasRecord && p.Copies != n-1 {
				t.Fatalf("%+v of %v and %v", p, records, bound)
			}
		}
		want := slices.Concat(records, bound)
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(want, got) {
			t.Fatalf("met %v, want %v", got, want)
		}
	})
}

func TestCompareEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("connection lost")
	failing := func(yield func(Item, error) bool) {
		_ = yield(Item{SourceID: "1"}, nil) && yield(Item{}, broken)
	}
	for name, c := range map[string]struct {
		records  iter.Seq2[Item, error]
		bindings iter.Seq2[orgflow.Binding, error]
		want     string
	}{
		"records out of order":  {items("10", "1"), bindings("1"), `records: source id "1" comes after "10"`},
		"bindings out of order": {items("1"), bindings("2", "10"), `bindings: source id "10" comes after "2"`},
		"an iterator's error":   {failing, bindings(), "connection lost"},
	} {
		t.Run(name, func(t *testing.T) {
			var last error
			for _, err := range Compare(c.records, c.bindings) {
				last = err
			}
			if last == nil || !strings.Contains(last.Error(), c.want) {
				t.Errorf("error %v, want %q in it", last, c.want)
			}
			in := input([]Item{root()}, nil)
			in.People.RecordSeq, in.People.BindingSeq = c.records, c.bindings
			if _, err := Build(in); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Build: %v, want %q in it", err, c.want)
			}
		})
	}
}

// Streams come by id, lists in source order: who is first in the source wins
// either way.
func TestStreamsAndSlicesMakeOnePlan(t *testing.T) {
	profile := modelProfile(8, 6)
	rapid.Check(t, func(t *rapid.T) {
		e := newEngine(profile)
		e.run(t, modelInput(drawCompany(t, "before", profile), profile), rand.New(rand.NewPCG(1, 1)))
		in := modelInput(drawCompany(t, "after", profile), profile)
		soil(t, &in)
		in = e.fill(in)
		in.Orgs.Records = rapid.Permutation(in.Orgs.Records).Draw(t, "departments")
		in.People.Records = rapid.Permutation(in.People.Records).Draw(t, "persons")
		streamed := in
		for _, side := range []*Side{&streamed.Orgs, &streamed.People} {
			whole := *side
			side.RecordSeq, side.BindingSeq = whole.records(), whole.bindings()
			side.Records, side.Bindings = nil, nil
		}
		a, errA := Build(in)
		b, errB := Build(streamed)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		hashA, _ := a.Hash()
		if hashB, _ := b.Hash(); hashA != hashB {
			t.Fatalf("slices:\n%s\nstreams:\n%s", show(a), show(b))
		}
	})
}

func TestTheFirstInSourceOrderWinsInAStreamToo(t *testing.T) {
	first, second := person("9", "1", "mobile", "10000000001"), person("10", "1", "mobile", "10000000001")
	in := input([]Item{root()}, []Item{first, second})
	whole := in.People
	in.People.RecordSeq, in.People.Records = whole.records(), nil
	want := []string{"insert person:10 held", "insert person:9"}
	if d := cmp.Diff(want, sortedLines(build(t, in))); d != "" {
		t.Error(d)
	}
}

func TestWhoLeftAScopeIsTakenOverByTheOneThatReadsThem(t *testing.T) {
	in := input([]Item{root()}, []Item{person("5", "1"), person("6", "1")})
	in = after(t, in, build(t, in))
	in.People.Records = in.People.Records[1:]
	in.People.OtherScopes = map[string]string{"5": "interns", "6": "interns"}
	plan := build(t, in)
	if len(plan.Changes) != 0 || len(plan.Takeover) != 1 || plan.Takeover[0].SourceID != "5" || plan.Takeover[0].Scope != "interns" {
		t.Errorf("changes %v, taken over %+v", lines(plan), plan.Takeover)
	}
	if len(plan.Takeover) == 1 && plan.Takeover[0].Payload == nil {
		t.Error("what was accepted is lost with the scope")
	}
	in.People.Complete = false
	if plan := build(t, in); len(plan.Takeover) != 0 {
		t.Error("a read that is not whole proves nothing")
	}
}

func TestTreesAreReadWhateverTheirShape(t *testing.T) {
	deep := []Item{root()}
	for i := 2; i < 40; i++ {
		deep = append(deep, org(strings.Repeat("x", i), map[bool]string{true: "1", false: strings.Repeat("x", i-1)}[i == 2], "甲"))
	}
	cases := []struct {
		name string
		orgs []Item
		want map[string]string
	}{
		{"an id twice, and what is below", []Item{root(), org("2", "1", "甲"), org("2", "1", "乙"), org("3", "2", "丙")},
			map[string]string{"org:2": "has this id 2 times", "org:3": "below department 2"}},
		{"its own parent", []Item{root(), org("2", "2", "甲")}, map[string]string{"org:2": "2 → 2"}},
		{"names that are the same once written alike", []Item{root(), org("2", "1", "é"), org("3", "1", " e\u0301")},
			map[string]string{"org:3": "same name as its sibling department 2"}},
		{"far below a cycle the cause is still told once", []Item{root(), org("2", "3", "a"), org("3", "2", "b"), org("4", "3", "c"), org("5", "4", "d"), org("6", "5", "e")},
			map[string]string{"org:2": "2 → 3 → 2", "org:3": "2 → 3 → 2", "org:4": "below department 3: parent departments form a cycle: 2 → 3 → 2", "org:5": "below department 3: ", "org:6": "below department 3: "}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := map[string]string{}
			for _, ch := range build(t, input(c.orgs, nil)).Changes {
				if ch.State == orgflow.Held {
					got[ch.Key().String()] = ch.Reason
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("held %v, want %v", got, c.want)
			}
			for k, part := range c.want {
				if !strings.Contains(got[k], part) {
					t.Errorf("%s held because %q, want %q in it", k, got[k], part)
				}
			}
		})
	}
	held := 0
	for _, ch := range build(t, input(deep, nil)).Changes {
		if ch.State == orgflow.Held {
			held++
		}
	}
	if want := len(deep) - profile.DepthMax; held != want {
		t.Errorf("%d held of a branch that is too deep, want the %d below the last level", held, want)
	}
}

func TestAFullParentTakesNoMore(t *testing.T) {
	in := input([]Item{root(), org("2", "1", "a"), org("3", "1", "b"), org("4", "1", "c")}, nil)
	in.Profile.ChildrenMax = 2
	if d := cmp.Diff([]string{"insert org:2", "insert org:3", "insert org:4 held"}, sortedLines(build(t, in))); d != "" {
		t.Error(d)
	}
}

func sortedLines(p *Plan) []string {
	out := lines(p)
	slices.Sort(out)
	return out
}
