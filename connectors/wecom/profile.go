package wecom

import "orgflow"

// Profile implements connectors.Consumer (WeCom reference § 4, § 5).
//
// The mobile number is not among what an update cannot change: it can, until
// the person has activated; whether it did is verified (persons.go), and a
// number that stayed is reported instead of deleting the person.
func (c *Client) Profile() orgflow.Profile {
	return orgflow.Profile{
		OrgNameMax:         64,
		OrgNameForbidden:   forbiddenInName,
		SiblingNamesUnique: true,
		DepthMax:           15,
		ChildrenMax:        30000,
		PersonNameMax:      64,
		OrgFields:          orgflow.OrgFields{Name: "name", Parent: "parentid", Leaders: leaders},
		PersonFields: orgflow.PersonFields{
			ID: "userid", Name: "name", Mobile: "mobile", Email: "email",
			Orgs: "department", Manager: "direct_leader",
		},
		AssignsOrgIDs:        true, // from the planner's side: the connector derives them
		PersonImmutable:      []string{"userid"},
		UniquePersonFields:   []string{"mobile", "email"},
		PersonNeedsOrg:       true,
		LeadersMustBeMembers: true, // is_leader_in_dept stands beside the department
		LeadersOnMembers:     true,
		Together:             [][]string{{"department", isLeader, "order"}}, // § 4.2
		RequiredPerson:       []string{"userid", "name", "department"},
		RequiredOrg:          []string{"name", "parentid"},
	}
}
