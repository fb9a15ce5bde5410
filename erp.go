package orgflow

import (
	"fmt"
	"strings"
	"time"
)

// LoadKind says what an ERP load does to the local table.
type LoadKind string

// The kinds of spec § 6.
const (
	// LoadCreate builds the table anew from the last two years and swaps it in.
	LoadCreate LoadKind = "create"
	// LoadUpdate merges the last two months into the table there is.
	LoadUpdate LoadKind = "update"
)

// LoadInput is what a load is asked for:
// {"company_id": 129, "form_id": "SAL_SaleOrder", "kind": "create"}.
type LoadInput struct {
	// CompanyID may be left out where one company has an ERP.
	CompanyID int64    `json:"company_id,omitempty"`
	FormID    string   `json:"form_id"`
	Kind      LoadKind `json:"kind"`
	// Deep makes an update read everything that a create would, so that rows
	// gone from the ERP are noticed however old they are.
	Deep bool `json:"deep,omitempty"`
}

// Target returns what a load holds: the form's local table. A create and an
// update of one form never run together.
func (l LoadInput) Target() Target {
	return Target{CompanyID: l.CompanyID, Consumer: "erp/" + l.FormID}
}

// ERPWorkflowID is the workflow id of a form's loads started by CLI or HTTP,
// one after the other: "erp-129-SAL_SaleOrder". Temporal lets one run at a
// time; whoever starts a second one is told at once. Loads of schedules and
// of the Web UI have ids of their own, so that the database decides as well.
func ERPWorkflowID(companyID int64, formID string) string {
	return fmt.Sprintf("erp-%d-%s", companyID, formID)
}

// ERPRunID is the id of a load, whoever started it: its workflow's id and the
// end of the id of its first run, the part of it that is random:
// "erp-129-SAL_SaleOrder~3f2a9c1b7d4e". It is known when the workflow was
// started, before anything is recorded.
func ERPRunID(workflowID, firstRunID string) string {
	return workflowID + "~" + firstRunID[strings.LastIndexByte(firstRunID, '-')+1:]
}

// ERPForm is a form (business object) as the ERP's metadata describe it.
type ERPForm struct {
	ID      string
	Name    string
	Key     string // the field whose value tells the main table's rows apart; not always FID
	Fields  []ERPField
	Entries []ERPEntry
	// Notes say, for a person, what of the metadata was left out or guessed.
	Notes []string
}

// ERPEntry is a child table of a form: one row a line of the bill.
type ERPEntry struct {
	ID     string // FSaleOrderEntry
	Name   string
	Key    string // queried as "<ID>_<Key>" (Kingdee reference § 4.2)
	Parent string // of a sub-entry: the entry it hangs under
	Fields []ERPField
}

// ERPField is a field one may ask for.
type ERPField struct {
	ID     string // as queries spell it, case-sensitive
	Name   string
	Type   ERPType
	Lookup string // the form whose id the value is; empty for a plain value
}

// ERPType is the kind of a field's values.
type ERPType string

// The types; the ERP's metadata give neither length nor precision
// (Kingdee reference § 5).
const (
	ERPText     ERPType = "text"
	ERPLongText ERPType = "long_text"
	ERPInteger  ERPType = "integer" // 64 bits
	ERPDecimal  ERPType = "decimal" // exact
	ERPFloat    ERPType = "float"   // the ERP's own binary floating point
	ERPBoolean  ERPType = "boolean"
	ERPDate     ERPType = "date"
	ERPTime     ERPType = "timestamp" // date and time on the ERP's own clock, without a zone
)

// ERPRun is a load as users see it: CLI, HTTP, Web UI (contract § 5). It
// holds ids and counts only, never a value of a row.
type ERPRun struct {
	ID        string   `json:"id"`
	RunID     string   `json:"run_id"`
	CompanyID int64    `json:"company_id"`
	FormID    string   `json:"form_id"`
	Kind      LoadKind `json:"kind"`
	Deep      bool     `json:"deep,omitempty"`
	Status    Status   `json:"status"`
	Phase     Phase    `json:"phase"` // prepare, fetch, swap
	// Rows counts the rows of the main table that were stored so far, a row
	// that was read twice once.
	Rows    int64    `json:"rows"`
	Windows Progress `json:"windows"`
	// Error says why the load failed as a whole; the table is as it was before.
	Error      *Fault     `json:"error"`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"`
	// RowsPerSecond is the mean over the reading so far; 0 while nothing is known.
	RowsPerSecond float64 `json:"rows_per_second"`
	// RemainingSeconds is an estimate; null when nothing is known or the load
	// has ended.
	RemainingSeconds *int64 `json:"remaining_seconds"`
	// NewColumns are columns the ERP offers and the local table lacks; they
	// were added if the form's file says "evolve".
	NewColumns []string `json:"new_columns"`
	// MarkedGone counts rows that the ERP no longer has in a window read whole.
	MarkedGone int64    `json:"marked_gone"`
	Calls      int      `json:"calls"`
	Notes      []string `json:"notes,omitempty"`
}
