package orgflow

// Profile is what a planner has to know about a consumer's rules. Consumers
// differ by profile and capability, never by an "if" in planner or workflow.
type Profile struct {
	// NameMax is the longest department name in characters; 0 is unlimited.
	OrgNameMax int
	// OrgNameForbidden lists characters a department name must not contain.
	OrgNameForbidden string
	// SiblingNamesUnique: two departments under one parent need two names.
	SiblingNamesUnique bool
	// DepthMax counts levels including the root; 0 is unlimited.
	DepthMax int
	// ChildrenMax is the number of direct sub-departments; 0 is unlimited.
	ChildrenMax int
	// PersonNameMax is the longest person name in characters; 0 is unlimited.
	PersonNameMax int
	// OrgFields and PersonFields give the planner the target names it must
	// understand in payloads.
	OrgFields    OrgFields
	PersonFields PersonFields
	// AssignsOrgIDs: the consumer chooses department ids, so that an insert's
	// id is known only afterwards.
	AssignsOrgIDs bool
	// PersonImmutable lists person fields that an update cannot change; a
	// changed one needs a recreate or a person (DingTalk: mobile).
	PersonImmutable []string
	// UniquePersonFields lists fields no two persons may share.
	UniquePersonFields []string
	// PersonNeedsOrg: a person must be in at least one department.
	PersonNeedsOrg bool
	// RequiredPerson and RequiredOrg list target names an insert must carry.
	RequiredPerson []string
	RequiredOrg    []string
	// PersonRefused and OrgRefused are target names that this connection does
	// not take although the consumer's other interfaces do, each with what is
	// wrong and what comes nearest. A template that fills one is refused
	// before anything is read or planned.
	PersonRefused map[string]string
	OrgRefused    map[string]string
	// WholeRecords: an update replaces the record, so that every field goes
	// along with the changed ones, and a delete carries what was last accepted.
	WholeRecords bool
	// RootID stands for the root department where the consumer's settings name
	// none; empty is "1". A consumer whose root has no id writes its own text.
	RootID string
	// LeadersMustBeMembers: only a member of a department can be set as its
	// leader, and who leaves the department stops leading it.
	LeadersMustBeMembers bool
	// LeadersOnMembers: who leads a department is kept with its members, whose
	// record is read and written whole for it. Changes of leaders that have a
	// person in common go one after the other, so that none is lost.
	LeadersOnMembers bool
	// Together lists groups of fields that an update takes together only:
	// where one of them changes, the others of its group go along.
	Together [][]string
	// OrgUnclearable and PersonUnclearable list fields that an update can
	// change but never empty: once set, they have some value.
	OrgUnclearable, PersonUnclearable []string
	// Invites: who is inserted may be asked to accept first, and what was
	// sent to them cannot be called back.
	Invites bool
}

// OrgFields are the consumer's names of what the planner reads in a
// department payload. An empty name means the consumer has no such field.
type OrgFields struct {
	// ID is set where the template chooses department ids (no AssignsOrgIDs).
	ID           string
	Name, Parent string
	// Leaders refers to persons and can be set only after they are members.
	Leaders string
}

// PersonFields are the consumer's names of what the planner reads in a
// person payload.
type PersonFields struct {
	ID, Name, Mobile, JobNumber, Email string
	Orgs                               string
	// Manager refers to another person, who must exist first.
	Manager string
}
