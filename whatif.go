package orgflow

// WhatIf is what a run would do with records that do not exist yet, or not
// like this. Nothing of it is stored, sent or started.
type WhatIf struct {
	// Changes in the plan's order, before → after listed and sensitive values
	// masked (Change.Shown).
	Changes []Change `json:"changes"`
	// Plan counts the rows by what would happen to them.
	Plan  map[Kind]PlanCount `json:"plan"`
	Notes []string           `json:"notes"`
	// Issues are what the mapping files find about single rows.
	Issues []RowIssue `json:"issues"`
}

// RowIssue is a finding about one row of a what-if.
type RowIssue struct {
	Service  string `json:"service"`
	Row      int    `json:"row"` // place in the service's list, from 0
	SourceID string `json:"source_id"`
	// Stage is StageFetch, where a fatal issue sets the row aside, or
	// StageSend, where it holds the record.
	Stage   Stage  `json:"stage"`
	Key     string `json:"key,omitempty"`    // standard key
	Target  string `json:"target,omitempty"` // the consumer's name
	Message string `json:"message"`
	Fatal   bool   `json:"fatal"`
}
