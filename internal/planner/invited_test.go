package planner

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// invitation is an engine with persons 5 and 7 at the consumer, of whom 5 is
// only invited.
func invitation(t *testing.T) (*engine, Input) {
	e := newEngine(modelProfile(10, 10))
	in := input([]Item{root(), org("10", "1", "研发")}, []Item{person("5", "10"), person("7", "10")})
	in.Profile = e.c.profile
	e.execute(t, in)
	bd := e.bindings[personKey("5")]
	bd.State, bd.InvitedAt = orgflow.BindingPending, time.Date(2026, 11, 1, 23, 0, 0, 0, time.UTC)
	e.bindings[personKey("5")] = bd
	return e, in
}

func TestInvitedPersonsAreLookedFor(t *testing.T) {
	look := []string{"insert person:5"}
	for name, c := range map[string]struct {
		change func(in *Input)
		want   []string
	}{
		"every run":                 {func(*Input) {}, look},
		"a full one too":            {func(in *Input) { in.Job.Params.Mode = orgflow.Full }, []string{"insert person:5", "update org:10 name, parent_id", "update person:7 depts, name"}},
		"with a difference, once":   {func(in *Input) { in.People.Records[0] = person("5", "10", "title", "a") }, look},
		"with another number, once": {func(in *Input) { in.People.Records[0] = person("5", "10", "mobile", "100999") }, look},
		"not where nothing is inserted": {
			func(in *Input) { in.People.Ops = []orgflow.Op{orgflow.Update, orgflow.Delete} }, []string{}},
		"not by a job for others":              {func(in *Input) { in.Job.Params.SourceIDs = []string{"person:7"} }, []string{}},
		"by a job for them":                    {func(in *Input) { in.Job.Params.SourceIDs = []string{"person:5"} }, look},
		"not by another scope":                 {func(in *Input) { in.Job.Params.Scope = "other" }, []string{}},
		"held like anybody":                    {func(in *Input) { in.People.Records[0].Issue = "name: is no text" }, []string{"update person:5 held"}},
		"unasked where everything is approved": {func(in *Input) { in.Job.Params.Approval = orgflow.ApprovalAlways }, look},
		"approved where it brings something new": {func(in *Input) {
			in.Job.Params.Approval = orgflow.ApprovalAlways
			in.People.Records[0] = person("5", "10", "title", "a")
		}, []string{"insert person:5 parked"}},
		"deleted when they leave": {
			func(in *Input) { in.People.Records = in.People.Records[1:] }, []string{"delete person:5"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, in := invitation(t)
			c.change(&in)
			plan := build(t, e.fill(in))
			if d := cmp.Diff(c.want, sortedLines(plan)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestALookSaysSinceWhenAndWhatDiffers(t *testing.T) {
	e, in := invitation(t)
	in.People.Records[0] = person("5", "10", "title", "a", "mobile", "100999", "userid", "E5-new")
	plan := build(t, e.fill(in))
	c := plan.Changes[0]
	if c.Aspect != orgflow.AspectInvitation || c.ConsumerID != "E5" || c.State != orgflow.Planned {
		t.Errorf("change %+v", c)
	}
	if want := "invited on 2026-11-01, not in the directory yet: looks whether the person has joined"; c.Reason != want {
		t.Errorf("reason %q, want %q", c.Reason, want)
	}
	p, err := orgflow.DecodePayload(c.Payload)
	if err != nil || p.Fields["title"] != "a" || p.Fields["mobile"] != "100999" || p.Fields["userid"] != "E5" {
		t.Errorf("payload %v, %v; want what the source says, under the id of the invitation", p.Fields, err)
	}
	if d := cmp.Diff(map[string]orgflow.Diff{"title": {After: "a"}, "mobile": {Before: "1005", After: "100999"}}, c.Fields); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(orgflow.PlanCount{Unchanged: 1, Invited: 1}, plan.Counts[orgflow.Person]); d != "" {
		t.Error(d)
	}
}

// Nobody who is only invited leads or manages, and what they gave up is free.
func TestInvitedPersonsHaveNothingAtTheConsumer(t *testing.T) {
	e, in := invitation(t)
	in.Orgs.Records = []Item{root(), org("10", "1", "研发", "leaders", leader("5"))}
	in.People.Records = []Item{
		person("5", "10", "mobile", "100999", "manager", leader("7")), person("6", "10", "manager", leader("5"), "mobile", "1005"),
		person("7", "10", "manager", leader("5")),
	}
	plan := build(t, e.fill(in))
	if d := cmp.Diff([]string{"insert person:5", "insert person:6"}, lines(plan)); d != "" {
		t.Fatal(d)
	}
	if p, _ := orgflow.DecodePayload(plan.Changes[1].Payload); p.Fields["manager"] != nil {
		t.Error("an invited person is no manager yet")
	}
	if d := cmp.Diff([]int{1}, plan.Changes[1].DependsOn); d != "" {
		t.Errorf("the new one takes a number the invited one gives up: %s", d)
	}
}

func TestWhoIsSeenToHaveJoinedIsUpdatedLikeAnybody(t *testing.T) {
	e, in := invitation(t)
	in.People.Records[0] = person("5", "10", "title", "a")
	in = e.fill(in)
	in.Orgs.Remote, in.People.Remote = e.remote()
	plan := build(t, in)
	if d := cmp.Diff([]string{"update person:5 title"}, lines(plan)); d != "" || len(plan.Adopt) != 1 || plan.Adopt[0].State != orgflow.BindingActive {
		t.Errorf("joined: %s\nadopt %v", d, plan.Adopt)
	}
}

func TestALookWaitsForTheDepartmentAndEmptiesAnother(t *testing.T) {
	e, in := invitation(t)
	in.Orgs.Records = []Item{root(), org("11", "1", "销售")}
	in.People.Records = []Item{person("5", "11"), person("7", "11")}
	in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{Percent: 100, Count: 10}
	plan := build(t, e.fill(in))
	if d := cmp.Diff([]string{"insert org:11", "insert person:5", "update person:7 depts", "delete org:10"}, lines(plan)); d != "" {
		t.Error(d)
	}
	if !strings.HasPrefix(plan.Changes[1].Reason, "invited on") || len(plan.Changes[1].DependsOn) != 1 || len(plan.Changes[3].DependsOn) != 2 {
		t.Errorf("dependencies: %v %v", plan.Changes[1].DependsOn, plan.Changes[3].DependsOn)
	}
}
