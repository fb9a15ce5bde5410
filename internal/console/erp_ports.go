package console

import (
	"context"
	"time"

	"orgflow"
)

// Forms shows how forms of ERPs are loaded, and the local tables.
type Forms interface {
	// Forms lists the forms of all companies that have an ERP, and what is
	// wrong with files that are broken; the other forms are listed all the same.
	Forms(ctx context.Context) ([]Form, []orgflow.Problem)
	// Form returns one of them. One that has no file is an
	// orgflow.CodeNotFound fault, one whose file is broken an
	// *orgflow.InvalidError.
	Form(ctx context.Context, company int64, id string) (Form, error)
	// TableRows returns rows of the local table of a form's head, or of an
	// entry. A form that is not configured, an entry that its file does not
	// name and a table that no load has filled are orgflow.CodeNotFound faults.
	TableRows(ctx context.Context, company int64, form, entry, cursor string, limit int) (TableRows, error)
}

// Form is how a form of a company's ERP is loaded.
type Form struct {
	CompanyID   int64
	Company     string // name
	ID          string
	Description string
	File        string
	DateField   string
	DateKind    string // modified, business
	Key         string // empty: the metadata's
	Fields      int    // listed in the file; 0: all of the head
	PageSize    int    // rows
	Evolve      bool   // an update adds columns
	// How far back loads reach, and the length of a window.
	CreateYears, UpdateMonths, WindowDays int
	Entries                               []string // ids of the child tables
}

// TableRows is a page of a local table, in the order of its key.
type TableRows struct {
	Table   string // name
	Columns []TableColumn
	More    int // columns that are left out
	Rows    []TableRow
	Next    string // cursor of what follows; empty at the end
}

// TableColumn is a column in the database's words.
type TableColumn struct {
	Name, Type string
	Key        bool
}

// TableRow is a row. Gone says that the ERP no longer has it, GoneAt since
// when, zero where that is not known.
type TableRow struct {
	Cells  []TableCell
	Gone   bool
	GoneAt time.Time
}

// TableCell is a value as text; Cut: there is more of it.
type TableCell struct {
	Text      string
	Null, Cut bool
}
