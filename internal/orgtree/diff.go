package orgtree

import (
	"cmp"
	"slices"
	"strings"

	"orgflow"
)

// Diff lists what is different in after: departments before members, in the
// order of their remote ids. A place among siblings or colleagues alone is no
// difference: it shifts whenever somebody comes.
func Diff(before, after orgflow.OrgTree) []orgflow.OrgChange {
	changes := compare(units(before), units(after))
	return append(changes, compare(members(before), members(after))...)
}

// Count counts changes by kind.
func Count(changes []orgflow.OrgChange) map[orgflow.Kind]orgflow.OrgCount {
	out := map[orgflow.Kind]orgflow.OrgCount{orgflow.Org: {}, orgflow.Person: {}}
	for _, c := range changes {
		n := out[c.Kind]
		switch c.Op {
		case orgflow.Insert:
			n.Added++
		case orgflow.Update:
			n.Changed++
		case orgflow.Delete:
			n.Removed++
		}
		out[c.Kind] = n
	}
	return out
}

// shown is a record with the fields that a difference shows. Mobile numbers
// are compared and not shown.
type shown struct {
	head   orgflow.OrgChange
	fields map[string]field
	secret string
}

// field is a value as it is compared and as it is shown: a department has the
// same id under another name.
type field struct{ is, shows string }

func plain(s string) field { return field{s, s} }

func units(t orgflow.OrgTree) map[string]shown {
	names := unitsOf(t.Units)
	out := make(map[string]shown, len(t.Units))
	for _, u := range t.Units {
		out[u.RemoteID] = shown{
			head:   orgflow.OrgChange{Kind: orgflow.Org, ID: u.ID, Remote: u.RemoteID, Name: u.Name},
			fields: map[string]field{"name": plain(u.Name), "code": plain(u.Code), "parent": places(names, u.ParentRemoteID)},
		}
	}
	return out
}

// places shows departments with their names.
func places(names map[string]orgflow.OrgUnit, ids ...string) field {
	slices.Sort(ids)
	shows := make([]string, len(ids))
	for i, id := range ids {
		shows[i] = id
		if u, ok := names[id]; ok {
			shows[i] = u.Name + " (" + id + ")"
		}
	}
	return field{strings.Join(ids, ","), strings.Join(shows, ", ")}
}

func members(t orgflow.OrgTree) map[string]shown {
	names := unitsOf(t.Units)
	type seats struct{ all, leads, main []string }
	in := map[string]*seats{}
	for _, s := range t.Seats {
		p := in[s.UserID]
		if p == nil {
			p = &seats{}
			in[s.UserID] = p
		}
		p.all = append(p.all, s.UnitRemoteID)
		if s.Leader {
			p.leads = append(p.leads, s.UnitRemoteID)
		}
		if s.Main {
			p.main = append(p.main, s.UnitRemoteID)
		}
	}
	out := make(map[string]shown, len(t.Members))
	for _, m := range t.Members {
		p := in[m.UserID]
		if p == nil {
			p = &seats{}
		}
		active := ""
		if m.Active {
			active = "yes"
		}
		out[m.UserID] = shown{
			head: orgflow.OrgChange{Kind: orgflow.Person, ID: m.ID, Remote: m.UserID, Name: m.Name},
			fields: map[string]field{
				"name": plain(m.Name), "job_number": plain(m.JobNumber), "title": plain(m.Title), "supervisor": plain(m.Supervisor),
				"active": plain(active), "departments": places(names, p.all...), "leads": places(names, p.leads...),
				"main_department": places(names, p.main...),
			},
			secret: m.Mobile,
		}
	}
	return out
}

func compare(before, after map[string]shown) []orgflow.OrgChange {
	var out []orgflow.OrgChange
	for id, a := range after {
		b, known := before[id]
		c := a.head
		switch {
		case !known:
			c.Op = orgflow.Insert
		default:
			c.Op, c.Fields = orgflow.Update, fields(b, a)
			if len(c.Fields) == 0 {
				continue
			}
		}
		out = append(out, c)
	}
	for id, b := range before {
		if _, stays := after[id]; !stays {
			c := b.head
			c.Op = orgflow.Delete
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(x, y orgflow.OrgChange) int { return cmp.Compare(x.Remote, y.Remote) })
	return out
}

func fields(before, after shown) map[string]orgflow.Diff {
	out := map[string]orgflow.Diff{}
	for name, now := range after.fields {
		if was := before.fields[name]; was.is != now.is {
			out[name] = orgflow.Diff{Before: was.shows, After: now.shows}
		}
	}
	if before.secret != after.secret {
		out["mobile"] = orgflow.Diff{Before: "…", After: "…"}
	}
	return out
}
