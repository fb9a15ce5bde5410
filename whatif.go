package orgflow

import "encoding/json"

// Supposition is what a what-if supposes: rows, files, or both.
type Supposition struct {
	// Rows of the source by service, {"person_new": [{…}]}. Without them the
	// records are looked at that were read last and that Files make different.
	Rows json.RawMessage
	// Files are contents by name that stand in the place of the company's own:
	// templates, fetch meta files and standard formats that the job uses.
	Files map[string][]byte
}

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
	Row      int    `json:"row"` // place in the service's list, or in the read, from 0
	SourceID string `json:"source_id"`
	// Stage is StageFetch, where a fatal issue sets the row aside, or
	// StageSend, where it holds the record.
	Stage   Stage  `json:"stage"`
	Key     string `json:"key,omitempty"`    // standard key
	Target  string `json:"target,omitempty"` // the consumer's name
	Message string `json:"message"`
	Fatal   bool   `json:"fatal"`
}
