package erp

import (
	"slices"

	"orgflow"
)

// Config is a form file: companies/129/forms/SAL_SaleOrder.json.
type Config struct {
	FormID      string `json:"form_id"`
	Description string `json:"description,omitempty"` // for people
	// DateField is the field of the main table whose value puts a row into a
	// window of time.
	DateField string   `json:"date_field"`
	DateKind  DateKind `json:"date_kind,omitempty"` // default modified
	// Key tells rows apart; empty: the metadata's key.
	Key string `json:"key,omitempty"`
	// Fields are read, in this order, besides those every table has; empty:
	// all fields of the head, lookups with number and name.
	Fields        []string       `json:"fields,omitempty"`
	PageSize      int            `json:"page_size,omitempty"` // rows; default 2000, at most 10000
	Organisations *Organisations `json:"organisations,omitempty"`
	// Types overrides the type of fields that the metadata describe badly.
	Types   map[string]orgflow.ERPType `json:"types,omitempty"`
	Entries []Entry                    `json:"entries,omitempty"`
	// Evolve lets an update add the columns that the ERP has and the local
	// table lacks.
	Evolve  bool      `json:"evolve,omitempty"`
	Windows WindowSet `json:"windows,omitzero"`
}

// DateKind says what the date field's value means.
type DateKind string

// The kinds of date fields (Kingdee reference § 4.3).
const (
	// DateModified is a moment that the ERP sets, as a rule when it last saved
	// the row.
	DateModified DateKind = "modified"
	// DateBusiness is a day that people enter; it may lie in the past and does
	// not move when the row is changed.
	DateBusiness DateKind = "business"
)

// Organisations narrows a form to the rows of some organisations.
type Organisations struct {
	Field  string   `json:"field"`  // FSaleOrgId.FNumber
	Values []string `json:"values"` // never empty
}

// Entry is a child table to load besides the main one.
type Entry struct {
	ID     string   `json:"id"`               // FSaleOrderEntry
	Fields []string `json:"fields,omitempty"` // empty: all of them
}

// WindowSet says how far back loads reach and in which pieces.
type WindowSet struct {
	CreateYears    int `json:"create_years,omitempty"`    // default 2
	UpdateMonths   int `json:"update_months,omitempty"`   // default 2
	WindowDays     int `json:"window_days,omitempty"`     // default 31: two years are 24 windows
	OverlapMinutes int `json:"overlap_minutes,omitempty"` // default 10
}

// Defaults of a form file, and the largest page the platform can be
// configured to (Kingdee reference § 4.1).
const (
	DefaultPageSize = 2000
	MaxPageSize     = 10000

	defaultYears, defaultMonths, defaultDays, defaultOverlap = 2, 2, 31, 10
)

// WithDefaults returns the configuration with every absent optional setting
// set. Key, Fields and Entries stay: the metadata complete them.
func (c Config) WithDefaults() Config {
	if c.DateKind == "" {
		c.DateKind = DateModified
	}
	orElse(&c.PageSize, DefaultPageSize)
	orElse(&c.Windows.CreateYears, defaultYears)
	orElse(&c.Windows.UpdateMonths, defaultMonths)
	orElse(&c.Windows.WindowDays, defaultDays)
	orElse(&c.Windows.OverlapMinutes, defaultOverlap)
	return c
}

func orElse(value *int, fallback int) {
	if *value == 0 {
		*value = fallback
	}
}

// Filter is the restriction of every query of the form, as a connector takes
// it; nil: none.
func (c Config) Filter() map[string][]string {
	if c.Organisations == nil {
		return nil
	}
	return map[string][]string{c.Organisations.Field: slices.Clone(c.Organisations.Values)}
}
