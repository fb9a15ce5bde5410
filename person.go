package orgflow

import (
	"encoding/json"
	"time"
)

// DataSubject is what orgflow knows somebody by, of one company.
type DataSubject struct {
	CompanyID int64     `json:"company_id"`
	Sources   []string  `json:"source_ids"` // at the source
	Accounts  []Account `json:"accounts"`   // at consumers and origins
	Codes     []string  `json:"user_codes"` // in flows, on boards, in the audit log
}

// Account is somebody at a consumer.
type Account struct {
	Consumer string `json:"consumer"`
	ID       string `json:"id"`
}

// PersonExport is all that is stored about somebody, readable by programs.
type PersonExport struct {
	Person     DataSubject `json:"person"`
	ExportedAt time.Time   `json:"exported_at"`
	// Tables are the rows about the person, by table; column by column.
	Tables map[string][]map[string]any `json:"tables"`
	// NamedIn counts rows about others in which the person is named, by table.
	NamedIn map[string]int `json:"named_in,omitempty"`
}

// Rows counts the exported rows.
func (e PersonExport) Rows() int {
	n := 0
	for _, rows := range e.Tables {
		n += len(rows)
	}
	return n
}

// EraseRequest asks for a person's data to be removed. Ref is a user code, an
// id at the source ("source:1001") or at a consumer ("user:E1001").
type EraseRequest struct {
	CompanyID int64
	Ref       string
	By        string
	// Origin is from where they do it, for the audit log: "cli alice".
	Origin string
	Reason string
	// Force erases somebody who is still at the source or at a consumer.
	Force  bool
	DryRun bool // says what would be done
}

// Erasure is what came of it.
type Erasure struct {
	// Pseudonym begins the names that stand in place of the person's ids; empty
	// where nothing was found.
	Pseudonym string         `json:"pseudonym,omitempty"`
	DryRun    bool           `json:"dry_run,omitempty"`
	Removed   map[string]int `json:"removed,omitempty"` // rows that are gone, by table
	Cleared   map[string]int `json:"cleared,omitempty"` // rows of the person that stay without them
	Mentions  map[string]int `json:"mentions,omitempty"`
	// Left says what still names the person, and why.
	Left []string `json:"left,omitempty"`
}

// Rows counts the rows that were touched.
func (e Erasure) Rows() int {
	n := 0
	for _, counts := range []map[string]int{e.Removed, e.Cleared, e.Mentions} {
		for _, rows := range counts {
			n += rows
		}
	}
	return n
}

// RawOrText is a stored text as JSON where it is a JSON object or list, else
// as a string.
func RawOrText(text string) any {
	if len(text) > 0 && (text[0] == '{' || text[0] == '[') && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}
