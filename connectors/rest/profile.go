package rest

import (
	"maps"
	"slices"

	"orgflow"
)

// Profile implements connectors.Consumer.
func (c *Client) Profile() orgflow.Profile {
	p := orgflow.Profile{
		WholeRecords: c.def.WholeRecords, RootID: c.def.RootID, LeadersMustBeMembers: c.def.LeadersMustBeMembers,
	}
	if o := c.def.Org; o != nil {
		is := o.Profile
		p.OrgNameMax, p.OrgNameForbidden, p.SiblingNamesUnique = is.NameMax, is.NameForbidden, is.SiblingUnique
		p.DepthMax, p.ChildrenMax = is.DepthMax, is.ChildrenMax
		p.OrgFields = orgflow.OrgFields{ID: o.ID, Name: is.Name, Parent: is.Parent, Leaders: is.Leaders}
		p.AssignsOrgIDs = o.ID == ""
		p.RequiredOrg = o.required()
	}
	if e := c.def.Person; e != nil {
		is := e.Profile
		p.PersonNameMax, p.PersonNeedsOrg = is.NameMax, is.NeedsOrg
		p.PersonFields = orgflow.PersonFields{
			ID: e.ID, Name: is.Name, Mobile: is.Mobile, JobNumber: is.JobNumber, Email: is.Email, Orgs: is.Orgs, Manager: is.Manager,
		}
		p.PersonImmutable, p.UniquePersonFields = slices.Clone(is.Immutable), slices.Clone(is.Unique)
		p.RequiredPerson = e.required()
	}
	return p
}

func (e *Entity) required() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if e.Fields[name].Required {
			out = append(out, name)
		}
	}
	return out
}
