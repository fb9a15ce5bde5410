package orgflow

import (
	"fmt"
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
	CompanyID int64    `json:"company_id"`
	FormID    string   `json:"form_id"`
	Kind      LoadKind `json:"kind"`
	// Deep makes an update read everything that a create would, so that rows
	// gone from the ERP are noticed however old they are.
	Deep bool `json:"deep,omitempty"`
}

// ERPRunID builds the workflow id of a load started by CLI or HTTP:
// "erp-129-SAL_SaleOrder-20261121T0100Z-7f3a".
func ERPRunID(companyID int64, formID string, at time.Time, suffix string) string {
	return fmt.Sprintf("erp-%d-%s-%s-%s", companyID, formID, at.UTC().Format("20060102T1504Z"), suffix)
}

// ERPForm is a form (business object) as the ERP's metadata describe it.
type ERPForm struct {
	ID      string
	Name    string
	Key     string // the field whose value tells the main table's rows apart; not always FID
	Fields  []ERPField
	Entries []ERPEntry
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
