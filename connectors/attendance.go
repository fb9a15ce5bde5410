package connectors

import (
	"context"
	"time"

	"orgflow"
)

// Attendance is implemented by systems that show how people's punches were
// judged. It only reads; the walk from page to page and from one span to the
// next is the caller's.
type Attendance interface {
	// AttendanceLimits are constant.
	AttendanceLimits() AttendanceLimits
	// ReadAttendance returns a page of the records of some people's working
	// days, the first for an empty cursor. People the system does not know
	// have none. Asking for more than the limits allow is CodeInvalidRecord.
	// Calls are counted beside an error too.
	ReadAttendance(ctx context.Context, q AttendanceQuery, cursor string) (AttendancePage, error)
}

// AttendanceLimits are what one query may ask for, and how far back.
type AttendanceLimits struct {
	Days   int            // of a query, both ends included
	People int            // of a query
	Kept   int            // days: what is older is refused
	Zone   *time.Location // of working days
}

// AttendanceQuery says whose records of which days are wanted.
type AttendanceQuery struct {
	UserIDs  []string
	From, To time.Time // any moment of the first and of the last working day
}

// AttendancePage is a part of the records, in no order that is defined.
type AttendancePage struct {
	Records []orgflow.AttendanceRecord
	Next    string // empty on the last page
	Calls   int
}
