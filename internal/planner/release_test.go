package planner

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// step is a way from one organisation to another and the plan it takes.
type step struct {
	name           string
	orgs, nextOrgs []Item
	people, next   []Item
	profile        func(*orgflow.Profile)
	job            func(*orgflow.Params)
	want           []string
}

func root() Item { return org("1", "", "公司") }

var steps = []step{
	{name: "parent and child swap with two moves",
		orgs: []Item{root(), org("2", "1", "甲"), org("3", "2", "乙")}, nextOrgs: []Item{root(), org("3", "1", "乙"), org("2", "3", "甲")},
		want: []string{"update org:3 parent_id", "update org:2 parent_id"}},
	{name: "siblings swap names with one temporary name",
		orgs: []Item{root(), org("2", "1", "甲"), org("3", "1", "乙")}, nextOrgs: []Item{root(), org("2", "1", "乙"), org("3", "1", "甲")},
		want: []string{"temporary update org:2 name", "update org:3 name", "update org:2 name"}},
	{name: "three siblings rotate names with one temporary name",
		orgs:     []Item{root(), org("2", "1", "甲"), org("3", "1", "乙"), org("4", "1", "丙")},
		nextOrgs: []Item{root(), org("2", "1", "乙"), org("3", "1", "丙"), org("4", "1", "甲")},
		want:     []string{"temporary update org:2 name", "update org:4 name", "update org:3 name", "update org:2 name"}},
	{name: "a chain of names runs from its end without any",
		orgs:     []Item{root(), org("2", "1", "甲"), org("3", "1", "乙"), org("4", "1", "丙")},
		nextOrgs: []Item{root(), org("2", "1", "乙"), org("3", "1", "丙"), org("4", "1", "丁")},
		want:     []string{"update org:4 name", "update org:3 name", "update org:2 name"}},
	{name: "a name freed by a department that leaves is taken by a new one, and only that delete comes first",
		orgs:     []Item{root(), org("2", "1", "甲"), org("3", "1", "乙")},
		nextOrgs: []Item{root(), org("4", "1", "甲")},
		want:     []string{"delete org:2", "insert org:4", "delete org:3"}},
	{name: "a department founded anew under its old name takes over the people of the old one",
		orgs: []Item{root(), org("2", "1", "甲")}, nextOrgs: []Item{root(), org("4", "1", "甲")},
		people: []Item{person("5", "2"), person("6", "2")}, next: []Item{person("5", "4"), person("6", "4")},
		want: []string{"temporary update org:2 name", "insert org:4", "update person:5 depts", "update person:6 depts", "delete org:2"}},
	{name: "a department moves under a parent of the same run",
		orgs: []Item{root(), org("2", "1", "甲")}, nextOrgs: []Item{root(), org("3", "1", "乙"), org("2", "3", "甲")},
		want: []string{"insert org:3", "update org:2 parent_id"}},
	{name: "a person leaves a department before it is deleted",
		orgs: []Item{root(), org("2", "1", "甲")}, nextOrgs: []Item{root()},
		people: []Item{person("5", "2")}, next: []Item{person("5", "1")},
		want: []string{"update person:5 depts", "delete org:2"}},
	{name: "a leaver's number is taken by a joiner, and only that delete comes first",
		orgs: []Item{root()}, nextOrgs: []Item{root()},
		people: []Item{person("5", "1"), person("6", "1"), person("7", "1")}, next: []Item{person("6", "1"), person("8", "1", "mobile", "1005")},
		want: []string{"delete person:5", "insert person:8", "delete person:7"}},
	{name: "two persons swap their numbers, both are inserted again",
		orgs: []Item{root()}, nextOrgs: []Item{root()},
		people: []Item{person("5", "1"), person("6", "1")}, next: []Item{person("5", "1", "mobile", "1006"), person("6", "1", "mobile", "1005")},
		want: []string{"delete person:5", "delete person:6", "insert person:5", "insert person:6"}},
	{name: "e-mails in a chain are passed on from its end",
		orgs: []Item{root()}, nextOrgs: []Item{root()},
		people: []Item{person("5", "1", "email", "a@x"), person("6", "1", "email", "b@x")},
		next:   []Item{person("5", "1", "email", "b@x"), person("6", "1", "email", "c@x")},
		want:   []string{"update person:6 email", "update person:5 email"}},
	{name: "e-mails are swapped with one of them cleared for a while",
		orgs: []Item{root()}, nextOrgs: []Item{root()},
		people: []Item{person("5", "1", "email", "a@x"), person("6", "1", "email", "b@x")},
		next:   []Item{person("5", "1", "email", "B@x"), person("6", "1", "email", "a@x")},
		want:   []string{"temporary update person:5 email", "update person:6 email", "update person:5 email"}},
	{name: "where the consumer cannot clear it, a swap is left to a person",
		orgs: []Item{root()}, nextOrgs: []Item{root()},
		people:  []Item{person("5", "1", "email", "a@x"), person("6", "1", "email", "b@x")},
		next:    []Item{person("5", "1", "email", "b@x"), person("6", "1", "email", "a@x")},
		profile: func(p *orgflow.Profile) { p.RequiredPerson = append(p.RequiredPerson, "email") },
		want:    []string{"update person:6 needs_human", "update person:5 blocked"}},
	{name: "a number that is still somebody's blocks both halves of a recreate",
		orgs: []Item{root()}, nextOrgs: []Item{root()},
		people: []Item{person("5", "1"), person("6", "1")},
		next:   []Item{person("5", "1", "mobile", "1006"), person("6", "1", "mobile", "1009", "name", "")},
		want:   []string{"delete person:5 blocked", "insert person:5 blocked", "update person:6 held"}},
	{name: "who takes the number of a parked leaver is parked with them",
		orgs: []Item{root()}, nextOrgs: []Item{root()},
		people: []Item{person("5", "1"), person("6", "1")}, next: []Item{person("6", "1"), person("8", "1", "mobile", "1005")},
		job:  func(p *orgflow.Params) { p.DeleteLimit = &orgflow.DeleteLimit{} },
		want: []string{"delete person:5 parked", "insert person:8 parked"}},
	{name: "a changed number that is only reported does not keep the rest from being updated",
		orgs: []Item{root()}, nextOrgs: []Item{root()},
		people: []Item{person("5", "1")}, next: []Item{person("5", "1", "mobile", "1009", "title", "a")},
		job:  func(p *orgflow.Params) { p.MobileChange = orgflow.MobileReport },
		want: []string{"immutable update person:5 needs_human", "update person:5 title"}},
	{name: "a leader who is inserted again leads again",
		orgs: []Item{root(), org("2", "1", "甲", "leaders", leader("5"))}, nextOrgs: []Item{root(), org("2", "1", "甲", "leaders", leader("5"))},
		people: []Item{person("5", "2")}, next: []Item{person("5", "2", "mobile", "1009")},
		want: []string{"delete person:5", "insert person:5", "update org:2 leaders"}},
	{name: "a new leader is set once they have moved in",
		orgs: []Item{root(), org("2", "1", "甲", "leaders", leader("5"))}, nextOrgs: []Item{root(), org("2", "1", "甲", "leaders", leader("6"))},
		people: []Item{person("5", "2"), person("6", "1")}, next: []Item{person("5", "1"), person("6", "2")},
		want: []string{"update person:5 depts", "update person:6 depts", "update org:2 leaders"}},
	{name: "a leader from outside is held, and the department is not",
		orgs: []Item{root()}, nextOrgs: []Item{root(), org("2", "1", "甲", "leaders", leader("5"))},
		people: []Item{person("5", "1")}, next: []Item{person("5", "1")},
		want: []string{"insert org:2", "references update org:2 held"}},
	{name: "a manager who is nowhere is left out",
		orgs: []Item{root()}, nextOrgs: []Item{root()},
		people: []Item{person("5", "1")}, next: []Item{person("5", "1", "manager", leader("99"))},
		want: []string{}},
	{name: "a member who stays holds the delete of a department and of the one above it",
		orgs: []Item{root(), org("2", "1", "甲"), org("3", "2", "乙")}, nextOrgs: []Item{root()},
		people: []Item{person("5", "3")}, next: []Item{person("5", "3")},
		want: []string{"update person:5 held", "delete org:3 blocked", "delete org:2 blocked"}},
}

func TestReleasesComeFirstAndNothingElseDoes(t *testing.T) {
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			p := modelProfile(10, 10)
			if s.profile != nil {
				s.profile(&p)
			}
			e := newEngine(p)
			given := func(orgs, people []Item) Input {
				in := input(orgs, people)
				in.Profile, in.RunToken = p, "7f3a"
				in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{Percent: 100, Count: 100}
				return in
			}
			e.execute(t, given(s.orgs, s.people))
			in := given(s.nextOrgs, s.next)
			if s.job != nil {
				s.job(&in.Job.Params)
			}
			plan := e.execute(t, in)
			got := lines(plan)
			for i, c := range plan.Changes {
				if c.Aspect != "" {
					got[i] = c.Aspect + " " + got[i]
				}
			}
			if d := cmp.Diff(s.want, got); d != "" {
				t.Errorf("%s\n%s", d, show(plan))
			}
		})
	}
}

// execute plans and runs once, failing on any refusal.
func (e *engine) execute(t *testing.T, in Input) *Plan {
	t.Helper()
	plan := build(t, e.fill(in))
	e.start(plan)
	order := rand.Perm(len(plan.Changes))
	for wave := 1; wave <= len(plan.Changes); wave++ {
		for _, i := range order {
			if c := plan.Changes[i]; c.Wave == wave && c.State == orgflow.Planned {
				if err := e.do(c); err != nil {
					t.Fatalf("%v\n%s", err, show(plan))
				}
			}
		}
	}
	return plan
}

func TestWhatWaitsSaysForWhatAndWhy(t *testing.T) {
	e := newEngine(modelProfile(10, 10))
	in := input([]Item{root()}, []Item{person("5", "1"), person("6", "1")})
	in.Profile = e.c.profile
	e.execute(t, in)
	in.People.Records = []Item{person("6", "1"), person("8", "1", "mobile", "1005")}
	in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{}
	plan := build(t, e.fill(in))
	last := plan.Changes[1]
	if !strings.Contains(last.Reason, "waits for the delete of person:5, which is parked: 1 deletes of person records exceed") || len(last.DependsOn) != 1 || last.DependsOn[0] != 1 {
		t.Errorf("reason %q, depends on %v", last.Reason, last.DependsOn)
	}
}

func TestTemporaryNamesAreLegal(t *testing.T) {
	for name, c := range map[string]struct {
		max       int
		forbidden string
		token     string
		want      string
	}{
		"as long as allowed":        {12, "-，,", "7f3a", "研发一部二~7f3a~1"},
		"no limit":                  {0, "", "7f3a", "研发一部二部三部~7f3a~1"},
		"separators are forbidden":  {0, "~_.", "7f3a", "研发一部二部三部7f3a1"},
		"token without what is not": {0, "-", "7f-3a", "研发一部二部三部~7f3a~1"},
		"no token":                  {0, "", "", "研发一部二部三部~tmp~1"},
		"nothing left of the name":  {6, "", "7f3a", "7f3a~1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuilder(Input{RunToken: c.token, Profile: orgflow.Profile{OrgNameMax: c.max, OrgNameForbidden: c.forbidden}})
			got := b.temporaryName("研发一部二部三部")
			if got != c.want || c.max > 0 && utf8.RuneCountInString(got) > c.max {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
