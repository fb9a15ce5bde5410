package flow

import (
	"context"
	"encoding/json"
	"time"

	"orgflow"
	"orgflow/internal/store"
	"orgflow/meta"
)

// Store is what flows ask of the database.
type Store interface {
	LoadFlow(ctx context.Context, k store.FlowKey) (store.LoadedFlow, error)
	CommitStep(ctx context.Context, p store.FlowStep) (store.StepResult, error)
	PendingAudits(ctx context.Context, k store.FlowKey) ([]store.Decision, error)
	Audits(ctx context.Context, k store.FlowKey, ids ...int64) ([]store.Decision, error)
	MarkLate(ctx context.Context, k store.FlowKey) (int, error)
	GetDefinition(ctx context.Context, company int64, code string, version int) (store.Definition, error)
	GetRow(ctx context.Context, k store.RowKey) (store.BoardRow, error)
	TableRow(ctx context.Context, k store.TableKey) (json.RawMessage, error)
	Absences(ctx context.Context, company int64, users []string, from, till time.Time) ([]store.Absence, error)
	LaunchFlow(ctx context.Context, n store.NewFlow) (store.Flow, store.LaunchOutcome, error)
	Organisation
}

// Organisation answers from a company's local organisation. What is not
// there, or a company that was never pulled, is store.ErrNotFound; a code or
// name of several is store.ErrAmbiguous.
type Organisation interface {
	UsersByCodes(ctx context.Context, company int64, codes []string) (map[string]orgflow.OrgMember, error)
	UsersByName(ctx context.Context, company int64, name string) ([]orgflow.OrgMember, error)
	DepartmentByCodeOrName(ctx context.Context, company int64, codeOrName string) (orgflow.OrgUnit, error)
	DepartmentManagers(ctx context.Context, company, unit int64) ([]orgflow.OrgMember, error)
	DepartmentParents(ctx context.Context, company, unit int64) ([]orgflow.OrgUnit, error)
	DepartmentsOf(ctx context.Context, company, member int64) ([]orgflow.OrgUnit, error)
	MembersOf(ctx context.Context, company, unit int64) ([]orgflow.OrgMember, error)
	SupervisorOf(ctx context.Context, company, member int64) (orgflow.OrgMember, error)
}

// Files are the companies' settings; package meta implements it.
type Files interface {
	Companies() []int64
	Company(id int64) (meta.Company, error)
}
