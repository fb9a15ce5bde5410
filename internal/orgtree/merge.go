package orgtree

import (
	"cmp"
	"slices"

	"orgflow"
)

// Read is what a pull has seen. Only remote ids of the tree are set.
type Read struct {
	Tree orgflow.OrgTree
	Root string // remote id of the root, which is always seen
	// Whole: every department below the root was read to its end. In any
	// other read what is missing is unknown, never gone.
	Whole bool
	// Unread are departments whose members were not read to the end.
	Unread map[string]bool
	// Supervisors are the members of whom the read says who their supervisor
	// is; of the others the supervisor known before stays.
	Supervisors map[string]bool
}

// Gone are records that may be removed, by the origin's id.
type Gone map[orgflow.RemoteKey]bool

// Missing returns the departments and members known before that a whole read
// has not seen, in the order of their ids; nothing of any other read.
func Missing(before orgflow.OrgTree, read Read) []orgflow.RemoteKey {
	if !read.Whole {
		return nil
	}
	var missing []orgflow.RemoteKey
	seen := unitsOf(read.Tree.Units)
	for _, u := range before.Units {
		if _, ok := seen[u.RemoteID]; !ok {
			missing = append(missing, orgflow.RemoteKey{Kind: orgflow.Org, ID: u.RemoteID})
		}
	}
	people := membersOf(read.Tree.Members)
	for _, m := range before.Members {
		if _, ok := people[m.UserID]; !ok {
			missing = append(missing, orgflow.RemoteKey{Kind: orgflow.Person, ID: m.UserID})
		}
	}
	slices.SortFunc(missing, func(a, b orgflow.RemoteKey) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return missing
}

// Merge returns the organisation after a read. What was seen is as it was
// seen. What was not seen and is in gone is no longer there; the rest of what
// was not seen stays, in its place where that is still there, else below the
// root. Merging the result again changes nothing.
func Merge(before orgflow.OrgTree, read Read, gone Gone) orgflow.OrgTree {
	if !read.Whole {
		gone = nil
	}
	m := merging{before: before, read: read, gone: gone, seenUnits: unitsOf(read.Tree.Units), seenMembers: membersOf(read.Tree.Members)}
	out := orgflow.OrgTree{Units: m.units(), Members: m.members()}
	out.Seats = m.seats(out)
	Sort(&out)
	return out
}

type merging struct {
	before      orgflow.OrgTree
	read        Read
	gone        Gone
	seenUnits   map[string]orgflow.OrgUnit
	seenMembers map[string]orgflow.OrgMember
}

func (m *merging) isGone(kind orgflow.Kind, id string) bool {
	return m.gone[orgflow.RemoteKey{Kind: kind, ID: id}]
}

func (m *merging) units() []orgflow.OrgUnit {
	out := slices.Clone(m.read.Tree.Units)
	for _, u := range m.before.Units {
		if _, seen := m.seenUnits[u.RemoteID]; !seen && !m.isGone(orgflow.Org, u.RemoteID) {
			out = append(out, u)
		}
	}
	there := unitsOf(out)
	for i, u := range out {
		if _, ok := there[u.ParentRemoteID]; !ok && u.RemoteID != m.read.Root {
			out[i].ParentRemoteID = m.read.Root
		}
	}
	return out
}

func (m *merging) members() []orgflow.OrgMember {
	known := membersOf(m.before.Members)
	out := slices.Clone(m.read.Tree.Members)
	for i, p := range out {
		if !m.read.Supervisors[p.UserID] {
			out[i].Supervisor = known[p.UserID].Supervisor
		}
	}
	for _, p := range m.before.Members {
		if _, seen := m.seenMembers[p.UserID]; !seen && !m.isGone(orgflow.Person, p.UserID) {
			out = append(out, p)
		}
	}
	return out
}

type seat struct{ unit, user string }

// seats keeps an old seat that the read does not contradict: its department
// was not read to the end, or its member was not seen anywhere.
func (m *merging) seats(after orgflow.OrgTree) []orgflow.OrgSeat {
	units, people := unitsOf(after.Units), membersOf(after.Members)
	taken, main := map[seat]bool{}, map[string]bool{}
	var out []orgflow.OrgSeat
	for _, s := range m.read.Tree.Seats {
		taken[seat{s.UnitRemoteID, s.UserID}] = true
		main[s.UserID] = main[s.UserID] || s.Main
		out = append(out, s)
	}
	for _, s := range m.before.Seats {
		_, unitThere := units[s.UnitRemoteID]
		_, memberThere := people[s.UserID]
		if !unitThere || !memberThere || taken[seat{s.UnitRemoteID, s.UserID}] {
			continue
		}
		_, memberSeen := m.seenMembers[s.UserID]
		if memberSeen && m.readToTheEnd(s.UnitRemoteID) {
			continue
		}
		s.Main = s.Main && !main[s.UserID]
		out = append(out, s)
	}
	return out
}

func (m *merging) readToTheEnd(unit string) bool {
	_, seen := m.seenUnits[unit]
	return seen && !m.read.Unread[unit]
}

// Sort brings a tree into the order of its ids.
func Sort(t *orgflow.OrgTree) {
	slices.SortFunc(t.Units, func(a, b orgflow.OrgUnit) int { return cmp.Compare(a.RemoteID, b.RemoteID) })
	slices.SortFunc(t.Members, func(a, b orgflow.OrgMember) int { return cmp.Compare(a.UserID, b.UserID) })
	slices.SortFunc(t.Seats, func(a, b orgflow.OrgSeat) int {
		return cmp.Or(cmp.Compare(a.UnitRemoteID, b.UnitRemoteID), cmp.Compare(a.UserID, b.UserID))
	})
}

func unitsOf(list []orgflow.OrgUnit) map[string]orgflow.OrgUnit {
	out := make(map[string]orgflow.OrgUnit, len(list))
	for _, u := range list {
		out[u.RemoteID] = u
	}
	return out
}

func membersOf(list []orgflow.OrgMember) map[string]orgflow.OrgMember {
	out := make(map[string]orgflow.OrgMember, len(list))
	for _, m := range list {
		out[m.UserID] = m
	}
	return out
}
