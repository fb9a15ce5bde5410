package planner

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

const undoneRun = "sync-7"

// held is how the consumer's record of an item stands: bound by the undone
// run unless by says otherwise.
func held(it Item, kind orgflow.Kind, by string) orgflow.Binding {
	raw := encoded(it.Payload)
	id := "dept-" + it.SourceID
	if kind == orgflow.Person {
		id = "E" + it.SourceID
	}
	return orgflow.Binding{Kind: kind, SourceID: it.SourceID, ConsumerID: id, Scope: orgflow.DefaultScope,
		Payload: raw, Hash: orgflow.Hash(raw), State: orgflow.BindingActive, LastRun: by}
}

// did is a change the undone run made: to what, from what.
func did(op orgflow.Op, kind orgflow.Kind, it Item, was *Item) orgflow.Change {
	c := change(orgflow.RecordKey{Kind: kind, ID: it.SourceID}, op, "", it.Payload)
	c.State = orgflow.Done
	if was != nil {
		c.Before = encoded(was.Payload)
		c.Base = orgflow.Hash(c.Before)
	}
	return c
}

func unsure(c orgflow.Change) orgflow.Change { c.State = orgflow.Failed; return c }
func adopted(c orgflow.Change) orgflow.Change {
	c.Adopted = true
	return c
}

// undoCase is a consumer as it stands, and what the undone run did to it.
type undoCase struct {
	orgs, people []orgflow.Binding
	changes      []orgflow.Change
	want         []string
	notes        []string
}

func undoCases() map[string]undoCase {
	root, dev := org("1", "", "公司"), org("11", "1", "研发", "leaders", leader("5"))
	top := held(root, orgflow.Org, "sync-1")
	top.State, top.ConsumerID = orgflow.BindingRoot, "1"
	company := []orgflow.Binding{top, held(dev, orgflow.Org, "sync-1")}
	plain, titled := person("5", "11"), person("5", "11", "title", "a")
	coded := person("5", "11", "code", "7")
	in := func(by string, it ...Item) (out []orgflow.Binding) {
		for _, i := range it {
			out = append(out, held(i, orgflow.Person, by))
		}
		return out
	}
	p := orgflow.Person
	return map[string]undoCase{
		"a field the run added is emptied": {
			company, in(undoneRun, titled), []orgflow.Change{did(orgflow.Update, p, titled, &plain)},
			[]string{"update person:5 title"}, nil,
		},
		"one the consumer cannot empty stays": {
			company, in(undoneRun, coded), []orgflow.Change{did(orgflow.Update, p, coded, &plain)},
			[]string{}, []string{"1 person records keep code as the run left it: the consumer cannot empty it"},
		},
		"so does one of which it is not known what it was": {
			company, in(undoneRun, titled), []orgflow.Change{adopted(did(orgflow.Update, p, titled, &plain))},
			[]string{}, []string{"1 person records keep title as the run left it: what the consumer held before is not known"},
		},
		"who was there before the run is not deleted": {
			company, in(undoneRun, plain), []orgflow.Change{adopted(did(orgflow.Insert, p, plain, nil))},
			[]string{"delete person:5 skipped"}, []string{"1 records are not undone and stay as they are; the skipped changes say why"},
		},
		"what a later run changed stays": {
			company, in("sync-8", person("5", "11", "title", "b")), []orgflow.Change{did(orgflow.Update, p, titled, &plain)},
			[]string{"update person:5 skipped"}, []string{"1 records are not undone and stay as they are; the skipped changes say why"},
		},
		"unless it left it as it was": {
			company, in("sync-8", titled), []orgflow.Change{did(orgflow.Update, p, titled, &plain)},
			[]string{"update person:5 title"}, nil,
		},
		"what has been undone by hand or by another run needs nothing": {
			company, in("sync-8", plain), []orgflow.Change{did(orgflow.Update, p, titled, &plain)}, []string{}, nil,
		},
		"who was removed since does not come back": {
			company, nil, []orgflow.Change{did(orgflow.Update, p, titled, &plain)},
			[]string{"update person:5 skipped"}, []string{"1 records are not undone and stay as they are; the skipped changes say why"},
		},
		"inserted and gone again": {company, nil, []orgflow.Change{did(orgflow.Insert, p, plain, nil)}, []string{}, nil},
		"an outcome nobody knows": {
			company, in("sync-1", plain), []orgflow.Change{unsure(did(orgflow.Update, p, titled, &plain))},
			[]string{"update person:5 skipped"}, []string{"1 records are not undone and stay as they are; the skipped changes say why"},
		},
		"what was held before is not known": {
			company, in(undoneRun, titled), []orgflow.Change{did(orgflow.Update, p, titled, nil)},
			[]string{"update person:5 skipped"}, []string{"1 records are not undone and stay as they are; the skipped changes say why"},
		},
		"who comes back leads their department again": {
			company, nil, []orgflow.Change{did(orgflow.Delete, p, Item{SourceID: "5"}, &plain)},
			[]string{"insert person:5", "update org:11 leaders"}, nil,
		},
		"the department above is gone": {
			company, nil, []orgflow.Change{did(orgflow.Delete, orgflow.Org, Item{SourceID: "13"}, new(org("13", "12", "测试")))},
			[]string{"insert org:13 held"}, nil,
		},
		"nothing took effect": {company, in("sync-1", plain), nil, []string{}, nil},
	}
}

func TestAnUndoTakesBackWhatIsCertain(t *testing.T) {
	for name, c := range undoCases() {
		t.Run(name, func(t *testing.T) {
			in := input(nil, nil)
			in.Profile.LeadersMustBeMembers, in.Profile.PersonUnclearable = true, []string{"code"}
			in.Orgs.Bindings, in.People.Bindings = c.orgs, c.people
			plan, err := Undo(in, Undone{Run: undoneRun, Changes: func(yield func(orgflow.Change, error) bool) {
				for _, c := range c.changes {
					if !yield(c, nil) {
						return
					}
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, lines(plan)); d != "" {
				t.Errorf("%s\n%s", d, show(plan))
			}
			if d := cmp.Diff(c.notes, plan.Notes); d != "" {
				t.Error(d)
			}
			for i, c := range plan.Changes {
				if c.ID != i+1 || c.Reason == "" {
					t.Errorf("change %d has id %d, reason %q", i+1, c.ID, c.Reason)
				}
				if d := c.Fields["title"]; d.After != nil {
					t.Errorf("title: %v", d)
				}
			}
		})
	}
}

// The deletes of an undo count towards the limits like any others, and say
// whose inserts they take back.
func TestAnUndoKeepsTheSafeguards(t *testing.T) {
	first := input([]Item{org("1", "", "公司")}, nil)
	for _, id := range []string{"5", "6", "7", "8", "9"} {
		first.People.Records = append(first.People.Records, person(id, "1"))
	}
	plan := build(t, first)
	bound := after(t, first, plan)
	for i := range bound.People.Bindings {
		bound.People.Bindings[i].LastRun = undoneRun
	}
	undo := func(change func(*Input)) (*Plan, error) {
		in := bound
		change(&in)
		return Undo(in, Undone{Run: undoneRun, Changes: ran(plan)})
	}
	parked, err := undo(func(*Input) {})
	if err != nil || parked.Parked != 5 || !strings.Contains(parked.Changes[0].Reason, "was inserted by run sync-7, which is undone; parked: 5 deletes of 5 managed") {
		t.Errorf("%v\n%s", err, show(parked))
	}
	let, err := undo(func(in *Input) { in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{Percent: 100, Count: 100} })
	if err != nil || let.Parked != 0 || len(let.Changes) != 5 {
		t.Errorf("%v\n%s", err, show(let))
	}
	_, err = undo(func(in *Input) { in.Job.Params.OnLimit = orgflow.LimitStop })
	if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeDeleteLimit {
		t.Errorf("on_limit stop: %v", err)
	}
}

func TestAnUndoThatCannotReadItsRunPlansNothing(t *testing.T) {
	lost := errors.New("lost")
	_, err := Undo(input(nil, nil), Undone{Run: undoneRun, Changes: func(yield func(orgflow.Change, error) bool) { yield(orgflow.Change{}, lost) }})
	if !errors.Is(err, lost) {
		t.Errorf("err = %v", err)
	}
}

func TestIrreversibleIsToldBeforeAnythingIsSent(t *testing.T) {
	dept, plain := org("11", "1", "研发"), person("5", "11")
	fields := func(c orgflow.Change, names ...string) orgflow.Change {
		c.Fields = map[string]orgflow.Diff{}
		for _, name := range names {
			c.Fields[name] = orgflow.Diff{After: "x"}
		}
		return c
	}
	in := func(s orgflow.State, c orgflow.Change) orgflow.Change { c.State = s; return c }
	o, p := orgflow.Org, orgflow.Person
	changes := []orgflow.Change{
		did(orgflow.Insert, o, org("12", "1", "新"), nil),
		fields(did(orgflow.Update, o, org("12", "1", "新"), nil), "leaders"),
		did(orgflow.Delete, p, plain, &plain), did(orgflow.Insert, p, plain, &plain), // a recreate
		did(orgflow.Insert, p, person("6", "11"), nil),
		fields(did(orgflow.Update, p, person("7", "11"), new(person("7", "11"))), "title", "code"),
		adopted(fields(did(orgflow.Update, p, person("8", "11"), new(person("8", "11"))), "title")),
		did(orgflow.Delete, p, person("9", "11"), new(person("9", "11"))),
		did(orgflow.Delete, o, dept, &dept),
	}
	for i := range changes {
		changes[i] = in(orgflow.Planned, changes[i])
	}
	changes = append(changes, in(orgflow.Parked, did(orgflow.Delete, o, org("13", "1", "旧"), &dept)),
		in(orgflow.Held, did(orgflow.Delete, o, org("14", "1", "旧"), &dept)))
	profile := profile
	profile.PersonUnclearable, profile.Invites = []string{"code"}, true
	want := []orgflow.Irreversible{
		{Kind: o, Op: orgflow.Delete, Count: 2, Why: "a department that is inserted again gets another id at the consumer"},
		{Kind: p, Op: orgflow.Delete, Count: 1, Why: "a person who is inserted again is a new member: what the consumer tied to the old membership stays lost, and an invitation may have to be accepted"},
		{Kind: p, Op: orgflow.Delete, Count: 1, Why: "deleted and inserted again: what the consumer tied to the old membership is lost, and an undo does the same once more"},
		{Kind: p, Op: orgflow.Insert, Count: 1, Why: "an invitation that was sent cannot be called back"},
		{Kind: p, Op: orgflow.Update, Count: 1, Why: "code: the consumer cannot empty it again"},
		{Kind: p, Op: orgflow.Update, Count: 1, Why: "title: what the consumer holds now is not known"},
	}
	if d := cmp.Diff(want, Irreversible(changes, profile)); d != "" {
		t.Error(d)
	}
	if got := Irreversible(slices.Clone(changes[:2]), profile); len(got) != 0 {
		t.Errorf("a new department with its leaders: %+v", got)
	}
	if raw, err := json.Marshal(Irreversible(nil, profile)); err != nil || string(raw) != "[]" {
		t.Errorf("%s, %v", raw, err)
	}
}
