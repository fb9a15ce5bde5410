package console

import (
	"context"

	"orgflow"
	"orgflow/internal/api"
)

// Orgs is what the pages of the organisation ask: the API's port, and what
// only pages show. What is not there is an orgflow.CodeNotFound fault.
type Orgs interface {
	api.Orgs
	// Organisations are the organisations that can be pulled, by company.
	Organisations() []Organisation
	// OrgVersion is the version that is asked for.
	OrgVersion(ctx context.Context, q api.OrgQuery) (orgflow.OrgVersion, error)
	// MembersIn are the direct members of a department in a version.
	MembersIn(ctx context.Context, v orgflow.OrgVersion, unit int64, cursor string, limit int) (api.MemberPage, error)
	// Person is a member in a version, by orgflow's id; PersonOf by userid.
	Person(ctx context.Context, v orgflow.OrgVersion, member int64) (api.OrgMember, error)
	PersonOf(ctx context.Context, v orgflow.OrgVersion, userID string) (orgflow.OrgMember, error)
	// RecordsOf is how a person, by the userid in a version's organisation, is
	// called in the provisioning log: one record for each consumer of the
	// company; none for somebody whom orgflow has not created.
	RecordsOf(ctx context.Context, v orgflow.OrgVersion, userID string) ([]Record, error)
	// ParkedRemovals are up to limit departments and up to limit members that
	// a waiting pull would remove; none of a pull that does not wait.
	ParkedRemovals(ctx context.Context, pull string, limit int) ([]orgflow.OrgChange, error)
}

// Organisation is a company's organisation at an origin.
type Organisation struct {
	CompanyID int64
	Company   string // its name
	Origin    string
}

// Record is how a record is called in a target's provisioning log.
type Record struct {
	Target orgflow.Target
	Key    orgflow.RecordKey
}
