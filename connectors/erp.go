package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"orgflow"
)

// ERP reads forms.
type ERP interface {
	// Form returns what the ERP's metadata say of a form. An unknown form is
	// orgflow.CodeNotFound.
	Form(ctx context.Context, formID string) (orgflow.ERPForm, error)
	// Rows returns one page: at most q.Limit rows. Fewer mean that there are
	// no more. It may be asked for the same page again.
	Rows(ctx context.Context, q ERPQuery) (ERPPage, error)
}

// ErrNoField is the cause inside the fault of a query for a field that the
// form does not have; Fault.Field is its key.
var ErrNoField = errors.New("the form has no such field")

// ERPQuery asks for rows of a form from a half-open window of time, in a
// fixed order.
type ERPQuery struct {
	FormID  string
	Fields  []string // the order of each row's values
	OrderBy []string // ascending; together unique. A page of several calls needs them among Fields
	// DateField lies in [From, Until); both are read off the ERP's own clock.
	// Empty: no window.
	DateField   string
	From, Until time.Time
	// In narrows fields to one of the values given; empty does not narrow.
	In    map[string][]string
	Start int // number of rows to pass over
	Limit int
}

// ERPPage is a piece of a read. A cell is the ERP's JSON, so that no number
// passes through a float.
type ERPPage struct {
	Rows  [][]json.RawMessage
	Calls int
	// Parts is how many answers the rows came in. Rows of one answer were read
	// at one moment; between those of several, rows may have been saved.
	Parts int
}
