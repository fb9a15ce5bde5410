package api

import (
	"context"

	"orgflow"
)

// Views show what DingTalk holds now, without a local copy. What is asked for
// wrongly is an orgflow.CodeInvalidRecord fault that names the parameter.
type Views interface {
	// LiveTree shows a department with all below it, LiveMembers its direct
	// members.
	LiveTree(ctx context.Context, company, department int64) (orgflow.Viewed[orgflow.LiveTree], error)
	LiveMembers(ctx context.Context, company, department int64) (orgflow.Viewed[orgflow.LiveMembers], error)
	// LiveAttendance shows a person's attendance; from and to are days, today
	// where they are empty.
	LiveAttendance(ctx context.Context, company int64, user, from, to string) (orgflow.Viewed[orgflow.Attendance], error)
	// LiveMonth is an overview of some people's month, this one where it is
	// empty.
	LiveMonth(ctx context.Context, company int64, users []string, month string) (orgflow.Viewed[orgflow.AttendanceMonth], error)
}
