package planner

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
)

// modelProfile is DingTalk's, with a depth and a number of sub-departments
// that small organisations can meet.
func modelProfile(depth, children int) orgflow.Profile {
	p := profile
	p.OrgNameMax, p.DepthMax, p.ChildrenMax = 16, depth, children
	p.PersonFields.Email = "email"
	p.UniquePersonFields = []string{"mobile", "email", "telephone"}
	p.RequiredPerson = []string{"name", "mobile", "depts"}
	p.LeadersMustBeMembers, p.LeadersOnMembers = true, true
	return p
}

// company is an organisation as the source has it. It keeps the consumer's
// rules, so that everything in it can be written.
type company struct {
	orgs   map[string]modelOrg
	people map[string]modelPerson
}

type modelOrg struct {
	parent, name string
	leaders      []string
}

type modelPerson struct {
	depts                                   []string
	userid, mobile, email, telephone, title string
	manager                                 string
}

func (c company) items() (orgs, people []Item) {
	orgs = append(orgs, org("1", "", "公司"))
	for _, id := range slices.Sorted(maps.Keys(c.orgs)) {
		o := c.orgs[id]
		it := org(id, o.parent, o.name)
		refs := make([]string, len(o.leaders))
		for i, l := range o.leaders {
			refs[i] = leader(l)
		}
		it.Payload.Fields["leaders"] = strings.Join(refs, ",")
		orgs = append(orgs, it)
	}
	for _, id := range slices.Sorted(maps.Keys(c.people)) {
		p := c.people[id]
		refs := make([]string, len(p.depts))
		for i, d := range p.depts {
			refs[i] = orgflow.Ref(orgflow.Org, d)
		}
		fields := map[string]any{"userid": p.userid, "name": "N" + id, "mobile": p.mobile, "title": p.title,
			"depts": strings.Join(refs, ","), "email": nil, "telephone": nil, "manager": nil}
		for name, v := range map[string]string{"email": p.email, "telephone": p.telephone} {
			if v != "" {
				fields[name] = v
			}
		}
		if p.manager != "" {
			fields["manager"] = leader(p.manager)
		}
		people = append(people, Item{SourceID: id, Payload: orgflow.Payload{Fields: fields}})
	}
	return orgs, people
}

// want renders the company like engine.holds.
func (c company) want() map[string]string {
	out := map[string]string{}
	for id, o := range c.orgs {
		out["org "+id] = fmt.Sprintf("%s under %s led by %s", o.name, o.parent, sortedList(o.leaders))
	}
	for id, p := range c.people {
		out["person "+id] = fmt.Sprintf("%s %s %s %s in %s managed by %s", p.userid, p.mobile, p.email, p.title, sortedList(p.depts), p.manager)
	}
	return out
}

func sortedList(ids []string) string {
	ids = slices.Sorted(slices.Values(ids))
	return strings.Join(ids, ",")
}

func (c company) depth(id string) int {
	n := 1
	for ; id != "1"; id = c.orgs[id].parent {
		n++
	}
	return n
}

// slots returns the names free under a parent.
func (c company) freeNames(parent string, p orgflow.Profile) []string {
	taken := map[string]bool{}
	kids := 0
	for _, o := range c.orgs {
		if o.parent == parent {
			taken[o.name] = true
			kids++
		}
	}
	if kids >= p.ChildrenMax {
		return nil
	}
	var out []string
	for _, n := range []string{"甲", "乙", "丙", "丁", "戊", "己", "一个很长的部门名称一二三四五六"} {
		if !taken[n] {
			out = append(out, n)
		}
	}
	return out
}

// drawCompany invents an organisation over small sets of ids, names and
// values, so that two of them meet in everything a consumer keeps unique.
func drawCompany(t *rapid.T, label string, profile orgflow.Profile) company {
	everybody := []string{"100"} // a read of no rows at all would park every delete
	for i := 101; i < 108; i++ {
		if rapid.Bool().Draw(t, label+" has a person more") {
			everybody = append(everybody, strconv.Itoa(i))
		}
	}
	return drawFrom(t, label, profile, []string{"10", "11", "12", "13", "14", "15", "16", "17", "18"}, everybody)
}

// drawFrom invents an organisation of some of the departments and all of the
// people.
func drawFrom(t *rapid.T, label string, profile orgflow.Profile, ids, everybody []string) company {
	c := company{map[string]modelOrg{}, map[string]modelPerson{}}
	parents := []string{"1"}
	if len(ids) > 0 {
		ids = rapid.Permutation(ids).Draw(t, label+" order")
	}
	for _, id := range ids[:rapid.IntRange(0, len(ids)).Draw(t, label+" departments")] {
		parent := rapid.SampledFrom(parents).Draw(t, label+" parent of "+id)
		names := c.freeNames(parent, profile)
		if len(names) == 0 || c.depth(parent) >= profile.DepthMax {
			continue
		}
		c.orgs[id] = modelOrg{parent: parent, name: rapid.SampledFrom(names).Draw(t, label+" name of "+id)}
		parents = append(parents, id)
	}
	values := func(what string) []string {
		return rapid.Permutation([]string{"0", "1", "2", "3", "4", "5", "6", "7"}).Draw(t, label+" "+what)
	}
	mobiles, emails, phones := values("mobiles"), values("emails"), values("telephones")
	for i, id := range everybody {
		p := modelPerson{userid: "E" + id, mobile: "1000000000" + mobiles[i], title: rapid.SampledFrom([]string{"a", "b"}).Draw(t, label+" title")}
		p.depts = rapid.SliceOfNDistinct(rapid.SampledFrom(parents), 1, 2, rapid.ID[string]).Draw(t, label+" seats of "+id)
		if n := emails[i]; n < "6" {
			p.email = "e" + n + "@example.com"
		}
		if n := phones[i]; n < "4" {
			p.telephone = "t" + n
		}
		c.people[id] = p
	}
	c.drawReferences(t, label)
	return c
}

// drawReferences names managers and leaders among those who are there.
func (c company) drawReferences(t *rapid.T, label string) {
	everybody := slices.Sorted(maps.Keys(c.people))
	for _, id := range everybody {
		p := c.people[id]
		if m := rapid.SampledFrom(append([]string{""}, everybody...)).Draw(t, label+" manager of "+id); m != id {
			p.manager = m
		}
		c.people[id] = p
	}
	for _, id := range slices.Sorted(maps.Keys(c.orgs)) {
		o := c.orgs[id]
		for _, who := range everybody {
			if slices.Contains(c.people[who].depts, id) && rapid.Bool().Draw(t, label+" leads "+id) {
				o.leaders = append(o.leaders, who)
			}
		}
		c.orgs[id] = o
	}
}

func modelInput(c company, p orgflow.Profile) Input {
	in := input(c.items())
	in.Profile, in.RunToken = p, "7f3a"
	in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{Percent: 100, Count: 1000}
	return in
}

// TestEveryPrefixOfAPlanKeepsTheRules: for any two organisations the plan
// from one to the other never meets a refusal, ends in exactly the second,
// and leaves nothing to do.
func TestEveryPrefixOfAPlanKeepsTheRules(t *testing.T) {
	profile := modelProfile(10, 10)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e := newEngine(profile)
		for _, label := range []string{"first", "second", "third"} {
			c := drawCompany(t, label, profile)
			plan := e.run(t, modelInput(c, profile), shuffle)
			for _, ch := range plan.Changes {
				if ch.State != orgflow.Planned {
					t.Fatalf("%s: %s of %s is %s: %s\nplan:\n%s", label, ch.Op, ch.Key(), ch.State, ch.Reason, show(plan))
				}
			}
			if d := cmp.Diff(c.want(), e.holds()); d != "" {
				t.Fatalf("%s: the consumer holds something else (-want +has):\n%s\nplan:\n%s", label, d, show(plan))
			}
			again, err := Build(e.fill(modelInput(c, profile)))
			if err != nil || len(again.Changes) != 0 {
				t.Fatalf("%s: second plan, error %v:\n%s\nfirst plan:\n%s", label, err, show(again), show(plan))
			}
		}
	})
}

// TestTightLimitsHoldButNeverFail: where depth and number of sub-departments
// leave no room to move, changes may be held, with a reason; nothing is ever
// refused, and repeating the run comes to an end.
func TestTightLimitsHoldButNeverFail(t *testing.T) {
	profile := modelProfile(4, 3)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e := newEngine(profile)
		for _, label := range []string{"first", "second", "third"} {
			c := drawCompany(t, label, profile)
			for runs := 0; ; runs++ {
				plan := e.run(t, modelInput(c, profile), shuffle)
				open := 0
				for _, ch := range plan.Changes {
					if ch.State == orgflow.Planned {
						open++
					} else if ch.Reason == "" {
						t.Fatalf("%s of %s is %s without a reason", ch.Op, ch.Key(), ch.State)
					}
				}
				for _, d := range e.c.depts {
					if strings.Contains(d.name, "7f3a") {
						t.Fatalf("%s: %q is left with a temporary name:\n%s", label, d.name, show(plan))
					}
				}
				if open == 0 {
					if d := cmp.Diff(c.want(), e.holds()); len(plan.Changes) == 0 && d != "" {
						t.Fatalf("%s: nothing left to do, and the consumer holds something else:\n%s", label, d)
					}
					break
				}
				if runs > 10 {
					t.Fatalf("%s: still changing things:\n%s", label, show(plan))
				}
			}
		}
	})
}
