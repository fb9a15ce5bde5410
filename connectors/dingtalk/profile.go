package dingtalk

import "orgflow"

// Profile implements connectors.Consumer (DingTalk reference § 4.2, § 4.6,
// § 5; of v1 § 3.2, § 3.4).
func (c *Client) Profile() orgflow.Profile {
	return orgflow.Profile{
		OrgNameMax:         64,
		OrgNameForbidden:   forbiddenInName,
		SiblingNamesUnique: true,
		DepthMax:           20,
		ChildrenMax:        1000,
		PersonNameMax:      c.nameMax,
		OrgFields:          orgflow.OrgFields{Name: "name", Parent: "parent_id", Leaders: managers},
		PersonFields: orgflow.PersonFields{
			ID: "userid", Name: "name", Mobile: "mobile", JobNumber: "job_number", Email: "email",
			Orgs: "dept_id_list", Manager: "manager_userid",
		},
		AssignsOrgIDs:        true,
		PersonImmutable:      []string{"mobile", "userid"},
		UniquePersonFields:   []string{"mobile", "email", "telephone"},
		PersonNeedsOrg:       true,
		OrgUnclearable:       c.departments.unclearable(),
		PersonUnclearable:    c.persons.unclearable(),
		Invites:              true, // § 5.3
		LeadersMustBeMembers: true, // § 4.2: each must already be a member
		RequiredPerson:       []string{"name", "mobile", "dept_id_list"},
		RequiredOrg:          []string{"name", "parent_id"},
		OrgRefused:           c.departments.absent,
		PersonRefused:        c.persons.absent,
	}
}
