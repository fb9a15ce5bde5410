package erp

import (
	"slices"

	"orgflow"
)

// Table is the local table of a form's head, or of one of its entries.
type Table struct {
	Name  string `json:"name"` // to be quoted, like every column's
	Form  string `json:"form"`
	Entry string `json:"entry,omitempty"` // empty: the main table
	// Columns begin with those of the key. Key holds names of columns; their
	// values together tell rows apart, and ordering by them is a fixed order.
	Columns []Column `json:"columns"`
	Key     []string `json:"key"`
}

// Column is a column of a local table.
type Column struct {
	Name  string          `json:"name"`  // ColumnName(Field)
	Field string          `json:"field"` // as queries spell it
	Type  orgflow.ERPType `json:"type"`
	// Lookup says that the value is the id of something else: a number or a
	// text, and 0, "" or null where there is none.
	Lookup bool `json:"lookup,omitempty"`
}

// Fields returns what to ask the ERP for, in the order of the columns.
func (t Table) Fields() []string {
	out := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = c.Field
	}
	return out
}

// Modified is the field of a form's main table that says when a row was saved,
// by which a load catches up with what was saved while it ran; empty: the form
// has none.
func Modified(cfg Config, main Table) string {
	if cfg.WithDefaults().DateKind == DateModified {
		return cfg.DateField
	}
	if slices.ContainsFunc(main.Columns, func(c Column) bool { return c.Field == FieldModified }) {
		return FieldModified
	}
	return ""
}

// KeyFields returns the fields of the key: what a read has to be ordered by.
func (t Table) KeyFields() []string {
	var out []string
	for _, name := range t.Key {
		for _, c := range t.Columns {
			if c.Name == name {
				out = append(out, c.Field)
			}
		}
	}
	return out
}
