package activities

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// trial is a subject at its site.
type trial struct {
	*site
	subject
	// restore are options that a scenario has to put back.
	restore string
}

// newTrial opens an empty database and an empty simulator.
func newTrial(t *testing.T, s subject) *trial {
	t.Helper()
	return trialAt(newSite(t, s.vendor), s)
}

func trialAt(w *site, s subject) *trial {
	for name, content := range s.files {
		w.write(name, content)
	}
	return &trial{site: w, subject: s}
}

// rows is an organisation at the source.
type rows struct {
	orgs   []org
	people []person
	title  string // of a subject's extras
}

// staff is the company most scenarios begin with: two levels, leaders, and
// two people who are each other's managers.
func staff() rows {
	r := rows{orgs: []org{
		{ID: 10, Name: "公司"}, {ID: 11, Name: "研发", Parent: 10, Manager: 1001}, {ID: 12, Name: "销售", Parent: 10, Manager: 1003},
		{ID: 13, Name: "支部", Parent: 11}, {ID: 14, Name: "旧部", Parent: 10},
	}}
	for i, dept := range []int{11, 11, 12, 12, 13, 13, 14, 11} {
		r.people = append(r.people, person{ID: 1001 + i, Dept: dept, Title: "工程师"})
	}
	r.people[0].Manager, r.people[1].Manager, r.people[2].Manager = 1002, 1001, 1001
	return r
}

func (r *rows) org(id int) *org {
	return &r.orgs[slices.IndexFunc(r.orgs, func(o org) bool { return o.ID == id })]
}

func (r *rows) person(id int) *person {
	return &r.people[slices.IndexFunc(r.people, func(p person) bool { return p.ID == id })]
}

func (r *rows) leaves(ids ...int) {
	r.people = slices.DeleteFunc(r.people, func(p person) bool { return slices.Contains(ids, p.ID) })
}

func (r *rows) joins(p person) { r.people = append(r.people, p) }

func (w *trial) hold(r rows) { w.source.hold(r.orgs, w.everybody(r)) }

// everybody are the rows' people and the subject's extras.
func (w *trial) everybody(r rows) []person {
	all := slices.Clone(r.people)
	for i := range w.extras {
		all = append(all, person{ID: 5001 + i, Dept: 12, Title: "职员" + r.title})
	}
	return all
}

// picture is an organisation by source ids: what it shall be, or is.
type picture map[string]any

// wanted is what the rows look like at the consumer.
func (w *trial) wanted(r rows) picture {
	out := picture{}
	for _, o := range r.orgs[1:] { // the root is the consumer's own
		d := heldOrg{Name: o.Name, Parent: fmt.Sprint(o.Parent)}
		if w.lacks[lacksParents] != "" {
			d.Parent = ""
		}
		if o.Manager != 0 && w.lacks[lacksLeaders] == "" {
			d.Leaders = []string{fmt.Sprint(o.Manager)}
		}
		out[fmt.Sprintf("org %d", o.ID)] = d
	}
	for _, p := range w.everybody(r) {
		row := decodeRow(p)
		h := heldPerson{Name: row.Name, Mobile: row.Mobile, Title: p.Title, Orgs: []string{fmt.Sprint(p.Dept)}}
		if p.Manager != 0 && w.lacks[lacksManagers] == "" {
			h.Manager = fmt.Sprint(p.Manager)
		}
		out[fmt.Sprintf("person %d", p.ID)] = h
	}
	return out
}

// picture is what the simulator holds. What no binding knows keeps the
// consumer's id: it was made twice, or by nobody.
func (w *trial) picture() picture {
	w.t.Helper()
	names, root := map[string]string{}, ""
	for _, b := range w.boundAt(w.code) {
		if names[string(b.Kind)+" "+b.ConsumerID] = b.SourceID; b.State == orgflow.BindingRoot {
			root = b.ConsumerID
		}
	}
	ours := func(kind orgflow.Kind, id string) string {
		if name, bound := names[string(kind)+" "+id]; bound {
			return name
		}
		return "unbound " + id
	}
	all := func(kind orgflow.Kind, ids []string) (out []string) {
		for _, id := range ids {
			out = append(out, ours(kind, id))
		}
		slices.Sort(out)
		return out
	}
	out, held := picture{}, w.holds(w.sim.State())
	for id, d := range held.orgs {
		if id != root {
			if d.Leaders = all(orgflow.Person, d.Leaders); w.lacks[lacksParents] == "" {
				d.Parent = ours(orgflow.Org, d.Parent)
			}
			out["org "+ours(orgflow.Org, id)] = d
		}
	}
	for id, p := range held.people {
		p.Orgs = all(orgflow.Org, p.Orgs)
		if p.Manager != "" {
			p.Manager = ours(orgflow.Person, p.Manager)
		}
		out["person "+ours(orgflow.Person, id)] = p
	}
	return out
}

// follows carries a job out that must succeed, and leave the consumer with
// just these rows.
func (w *trial) follows(r rows) orgflow.Summary {
	w.t.Helper()
	w.hold(r)
	s := w.completes("the run")
	w.holdsJust(r)
	return s
}

func (w *trial) completed(s orgflow.Summary, r rows) {
	w.t.Helper()
	if s.Status != orgflow.StatusCompleted {
		w.t.Fatalf("the run ends %s: %s", s.Status, w.troubles(s.ID))
	}
	w.holdsJust(r)
}

func (w *trial) holdsJust(r rows) {
	w.t.Helper()
	if d := cmp.Diff(w.wanted(r), w.picture()); d != "" {
		w.t.Fatalf("the consumer holds something else: %s", d)
	}
}

// pushed is a moment at which everybody of staff is at the consumer.
type pushed struct {
	siteMoment
	subject
}

func push(t *testing.T, s subject) pushed {
	t.Helper()
	w := newTrial(t, s)
	w.follows(staff())
	return pushed{w.freeze(), s}
}

// again opens the moment once more.
func (p pushed) again(t *testing.T) *trial {
	t.Helper()
	return trialAt(p.siteMoment.again(t), p.subject)
}
