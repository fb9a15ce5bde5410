package planner

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// Where a consumer keeps with its members who leads a department, changes of
// leaders share a wave only if they share nobody: two workers may send a wave.
func TestLeadersKeptOnMembersAreSetInTurn(t *testing.T) {
	orgs := func(two, three, four string) []Item {
		return []Item{root(), org("2", "1", "甲", "leaders", two), org("3", "1", "乙", "leaders", three), org("4", "1", "丙", "leaders", four)}
	}
	people := []Item{person("5", "1"), person("6", "1"), person("7", "1")}
	for i := range people {
		people[i].Payload.Fields["depts"] = orgflow.Ref(orgflow.Org, "2") + "," + orgflow.Ref(orgflow.Org, "3") + "," + orgflow.Ref(orgflow.Org, "4")
	}
	five, six, seven := leader("5"), leader("6"), leader("7")
	for name, c := range map[string]struct {
		before, after []Item
		on            bool
		want          []string // waves of the changes of leaders
	}{
		"one leads two departments":                {orgs("", "", ""), orgs(five, five, six), true, []string{"org:2 1", "org:4 1", "org:3 2"}},
		"one leaves what the other joins":          {orgs(five, six, ""), orgs(six, six, ""), true, []string{"org:2 1"}},
		"they change places":                       {orgs(five, six, ""), orgs(six, five, seven), true, []string{"org:2 1", "org:4 1", "org:3 2"}},
		"three in a row":                           {orgs("", "", ""), orgs(five, five+","+six, six), true, []string{"org:2 1", "org:3 2", "org:4 3"}},
		"leaders kept with departments go at once": {orgs("", "", ""), orgs(five, five, five), false, []string{"org:2 1", "org:3 1", "org:4 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(c.before, people)
			in.Profile.LeadersMustBeMembers, in.Profile.LeadersOnMembers = true, c.on
			in = after(t, in, build(t, in))
			in.Orgs.Records = c.after
			plan := build(t, in)
			var got []string
			for _, ch := range plan.Changes {
				if _, leads := ch.Fields["leaders"]; leads {
					got = append(got, fmt.Sprintf("%s %d", ch.Key(), ch.Wave-plan.Changes[0].Wave+1))
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
