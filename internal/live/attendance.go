package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/attendance"
)

// Attendance shows a person's attendance from one day to another. Both are
// written as in attendance.Formats; left out they are today. Days to come are
// not asked for.
func (r *Reader) Attendance(ctx context.Context, of Of, user, from, to string) (orgflow.Viewed[orgflow.Attendance], error) {
	limits := of.Source.AttendanceLimits()
	var out orgflow.Viewed[orgflow.Attendance]
	span, err := attendance.ParseSpan(from, to, r.now(limits), limits.Kept, attendance.Names{From: "startTime", To: "endTime"})
	if err != nil {
		return out, err
	}
	got, err := r.records(ctx, of, []string{user}, span)
	if err != nil {
		return out, nobody(err, "id")
	}
	records := got.Data[user]
	days := attendance.Days(span, records, got.ReadAt.In(limits.Zone))
	if records == nil {
		records = []orgflow.AttendanceRecord{}
	}
	out.ReadAt, out.Calls = got.ReadAt, got.Calls
	out.Data = orgflow.Attendance{
		UserID: user, From: span.From.Format(time.DateOnly), To: span.To.Format(time.DateOnly), TimeZone: zoneName,
		Records: records, Days: days, Totals: attendance.Totals(days, records),
	}
	return out, nil
}

// zoneName is how the zone of working days is called.
const zoneName = "Asia/Shanghai"

// Month shows an overview of some people's month, 2026-11; left out it is
// this one. All of them together cost as many calls as their records need.
func (r *Reader) Month(ctx context.Context, of Of, users []string, month string) (orgflow.Viewed[orgflow.AttendanceMonth], error) {
	limits := of.Source.AttendanceLimits()
	var out orgflow.Viewed[orgflow.AttendanceMonth]
	if len(users) < 1 || len(users) > limits.People {
		return out, &orgflow.Fault{Code: orgflow.CodeInvalidRecord, Field: "user_id", Message: fmt.Sprintf("names 1 to %d people, separated by commas; these are %d", limits.People, len(users))}
	}
	span, err := attendance.ParseMonth(month, r.now(limits), limits.Kept, "month")
	if err != nil {
		return out, err
	}
	got, err := r.records(ctx, of, users, span)
	if err != nil {
		return out, nobody(err, "user_id")
	}
	out.ReadAt, out.Calls = got.ReadAt, got.Calls
	out.Data = orgflow.AttendanceMonth{
		Month: span.From.Format("2006-01"), From: span.From.Format(time.DateOnly), To: span.To.Format(time.DateOnly),
		TimeZone: zoneName, People: make([]orgflow.AttendancePerson, len(users)),
	}
	for i, user := range users {
		days := attendance.Days(span, got.Data[user], got.ReadAt.In(limits.Zone))
		out.Data.People[i] = orgflow.AttendancePerson{UserID: user, Days: days, Totals: attendance.Totals(days, got.Data[user])}
	}
	return out, nil
}

func (r *Reader) now(limits connectors.AttendanceLimits) time.Time {
	return r.cache.now().In(limits.Zone)
}

type recordsOf = map[string][]orgflow.AttendanceRecord

// records reads what there is up to today, sorted, by person.
func (r *Reader) records(ctx context.Context, of Of, users []string, span attendance.Span) (orgflow.Viewed[recordsOf], error) {
	limits := of.Source.AttendanceLimits()
	asked := slices.Compact(slices.Sorted(slices.Values(users)))
	today := attendance.Day(r.now(limits))
	past, some := span.Until(today)
	if !some {
		return orgflow.Viewed[recordsOf]{Data: recordsOf{}, ReadAt: r.cache.now()}, nil
	}
	life := KeepSettled
	if past.To.After(today.AddDate(0, 0, -3)) { // records of these days may still come
		life = KeepRecent
	}
	key := fmt.Sprintf("attendance/%s/%s/%s/%q", of.Name, past.From.Format(time.DateOnly), past.To.Format(time.DateOnly), strings.Join(asked, "\x00"))
	return read(ctx, r.cache, key, life, func(ctx context.Context) (recordsOf, int, error) {
		out, calls := recordsOf{}, 0
		for _, window := range past.Windows(limits.Days) {
			records, spent, err := r.window(ctx, of.Source, connectors.AttendanceQuery{UserIDs: asked, From: window.From, To: window.To})
			if calls += spent; err != nil {
				return nil, calls, err
			}
			for _, record := range records {
				out[record.UserID] = append(out[record.UserID], record)
			}
		}
		for _, records := range out {
			attendance.Sort(records)
		}
		spent, err := r.known(ctx, of.Source, asked, out)
		return out, calls + spent, err
	})
}

// rereads bounds the readings of one window.
const rereads = 3

// window reads one query to its end. Pages are cut by position: a row that
// comes twice has been pushed down by one that came meanwhile, and others may
// have been passed over, so that the window is read again.
func (r *Reader) window(ctx context.Context, source connectors.Attendance, q connectors.AttendanceQuery) (records []orgflow.AttendanceRecord, calls int, err error) {
	for range rereads {
		moved := false
		seen := map[int64]bool{}
		records = nil
		for cursor, first := "", true; first || cursor != ""; first = false {
			var page connectors.AttendancePage
			spent, err := r.patiently(ctx, func() (_ int, err error) {
				page, err = source.ReadAttendance(ctx, q, cursor)
				return page.Calls, err
			})
			if calls += spent; err != nil {
				return nil, calls, err
			}
			for _, record := range page.Records {
				moved = moved || seen[record.ID]
				seen[record.ID] = true
			}
			records, cursor = append(records, page.Records...), page.Next
			if moved {
				break
			}
		}
		if !moved {
			return records, calls, nil
		}
	}
	return nil, calls, &orgflow.Fault{
		Code: orgflow.CodePartialRead, Message: fmt.Sprintf("rows of attendance moved from page to page in %d readings, so that some may be missing", rereads),
		Advice: "ask again in a moment",
	}
}

// known looks for a single person without any record: an id that DingTalk does
// not know is ignored by attendance without a word (DingTalk reference § 6.1).
// The look is no call that the quota counts. Where it fails for another reason
// than that there is nobody, nothing is known, and nothing said.
func (r *Reader) known(ctx context.Context, source connectors.Lookup, asked []string, found recordsOf) (calls int, err error) {
	if len(asked) != 1 || len(found) > 0 {
		return 0, nil
	}
	_, calls, err = source.ReadRecord(ctx, orgflow.Person, asked[0])
	var fault *orgflow.Fault
	if !errors.As(err, &fault) || fault.Code != orgflow.CodeNotFound {
		return calls, nil
	}
	return calls, &orgflow.Fault{
		Code: orgflow.CodeNotFound, VendorCode: fault.VendorCode, Message: "there is no such person, and no attendance",
		Advice: "getByDepartmentId shows the userids of a department", Err: err,
	}
}

// nobody names the parameter that asked for who is not there. The fault may
// be kept and be another caller's too.
func nobody(err error, field string) error {
	var fault *orgflow.Fault
	if !errors.As(err, &fault) || fault.Code != orgflow.CodeNotFound {
		return err
	}
	own := *fault
	own.Field = field
	return &own
}
