package live_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/live"
)

func units(parent string, ids ...int) (out []connectors.Unit) {
	for _, id := range ids {
		out = append(out, connectors.Unit{ID: strconv.Itoa(id), Parent: parent, Name: fmt.Sprint("部", id)})
	}
	return out
}

// outline writes a tree on one line.
func outline(d orgflow.LiveDepartment) string {
	text := fmt.Sprint(d.ID, "<", d.ParentID)
	var below []string
	for _, c := range d.Children {
		below = append(below, outline(c))
	}
	if below != nil {
		text += "(" + strings.Join(below, " ") + ")"
	}
	return text
}

func TestTree(t *testing.T) {
	f := &fake{below: map[string][]connectors.Unit{"1": units("1", 5, 3), "3": units("3", 8), "5": units("5", 7, 6)}}
	r := live.New(time.Now, sleep)
	got, err := r.Tree(t.Context(), of(f), 1)
	if err != nil || outline(got.Data.LiveDepartment) != "1<0(5<1(7<5 6<5) 3<1(8<3))" || got.Data.Departments != 6 || !got.Data.Complete || got.Data.Name != "公司" {
		t.Errorf("%+v, %v", got, err)
	}
	if got.Calls != 8 || f.count() != 7 { // one a department, and two for the scope in one question
		t.Errorf("%d calls: %q", got.Calls, f.calls)
	}
	part, err := r.Tree(t.Context(), of(f), 5)
	if err != nil || outline(part.Data.LiveDepartment) != "5<9(7<5 6<5)" || part.Data.Name != "部门5" || part.Calls != 6 {
		t.Errorf("%+v, %v", part, err)
	}
}

// A department that is moved while the tree is read, is met twice, or not.
func TestATreeThatChangesWhileItIsRead(t *testing.T) {
	f := &fake{below: map[string][]connectors.Unit{"1": units("1", 2, 3), "2": units("2", 4), "3": units("3", 2, 4, 5), "5": units("5", 1)}}
	f.fail = func(call string) error {
		if call == "units 5" {
			return &orgflow.Fault{Code: orgflow.CodeNotFound, Message: "deleted meanwhile"}
		}
		return nil
	}
	got, err := live.New(time.Now, sleep).Tree(t.Context(), of(f), 1)
	if err != nil || outline(got.Data.LiveDepartment) != "1<0(2<1(4<2) 3<1(5<3))" || got.Data.Departments != 5 {
		t.Errorf("%s, %v", outline(got.Data.LiveDepartment), err)
	}
}

func TestTreeFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		call string
		code orgflow.Code
		want orgflow.Code
	}{
		"nobody knows the department":       {"record org 5", orgflow.CodeNotFound, orgflow.CodeNotFound},
		"a part cannot be seen":             {"units 6", orgflow.CodePartialRead, orgflow.CodePartialRead},
		"a permission is missing":           {"scope", orgflow.CodeForbidden, orgflow.CodeForbidden},
		"it goes before its list is read":   {"units 5", orgflow.CodeNotFound, orgflow.CodeNotFound},
		"a part is gone meanwhile, no harm": {"units 6", orgflow.CodeNotFound, ""},
	} {
		f := &fake{below: map[string][]connectors.Unit{"5": units("5", 6, 7)}}
		f.fail = func(call string) error {
			if call == tc.call {
				return &orgflow.Fault{Code: tc.code, Message: "no"}
			}
			return nil
		}
		_, err := live.New(time.Now, sleep).Tree(t.Context(), of(f), 5)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || orgflow.AsFault(err).Code != tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATreeHasALimit(t *testing.T) {
	ids := make([]int, live.MaxDepartments)
	for i := range ids {
		ids[i] = i + 2
	}
	f := &fake{below: map[string][]connectors.Unit{"1": units("1", ids...)}}
	_, err := live.New(time.Now, sleep).Tree(t.Context(), of(f), 1)
	if fault := orgflow.AsFault(err); fault == nil || fault.Code != orgflow.CodeQuota || !strings.Contains(fault.Advice, "starter pull") || f.count() != 2 {
		t.Errorf("%v after %d calls", err, f.count())
	}
	f = &fake{below: map[string][]connectors.Unit{"1": units("1", ids[1:]...)}}
	if got, err := live.New(time.Now, sleep).Tree(t.Context(), of(f), 1); err != nil || got.Data.Departments != live.MaxDepartments {
		t.Errorf("at the limit: %v", err)
	}
}

func TestMembersOfAllPages(t *testing.T) {
	person := func(id string) connectors.Person {
		return connectors.Person{UserID: id, Name: "名" + id, JobNumber: "N", Title: "T", Mobile: "10000000001", Active: true, Leader: true, Main: "7"}
	}
	f := &fake{people: []connectors.People{{People: []connectors.Person{person("E1"), person("E2")}}, {People: []connectors.Person{person("E2"), person("E3")}}, {}}}
	got, err := live.New(time.Now, sleep).Members(t.Context(), of(f), 7)
	if err != nil || got.Calls != 3 || got.Data.Count != 3 || len(got.Data.Members) != 3 || got.Data.DepartmentID != 7 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := orgflow.LiveMember{UserID: "E3", Name: "名E3", JobNumber: "N", Title: "T", Mobile: "10000000001", Active: true, Leader: true, MainDepartment: 7}
	if diff := cmp.Diff(want, got.Data.Members[2]); diff != "" {
		t.Error(diff)
	}
}

// today is the day of the tests below, in China.
var today = time.Date(2026, 11, 22, 1, 0, 0, 0, zone)

func fixed() time.Time { return today.UTC() } // Saturday in London

func TestSpansAreAskedForInAsFewCallsAsPossible(t *testing.T) {
	for name, tc := range map[string]struct {
		from, to string
		windows  []string
	}{
		"today":                 {"", "", []string{"2026-11-22 2026-11-22"}},
		"31 days":               {"2026-10-23", "2026-11-22", []string{"2026-10-23 2026-10-29", "2026-10-30 2026-11-05", "2026-11-06 2026-11-12", "2026-11-13 2026-11-19", "2026-11-20 2026-11-22"}},
		"seven days":            {"2026-11-01", "2026-11-07", []string{"2026-11-01 2026-11-07"}},
		"into the future":       {"2026-11-21", "2027-11-21", []string{"2026-11-21 2026-11-22"}},
		"nothing but to come":   {"2026-11-23", "2026-11-30", nil},
		"a day of another zone": {"2026-11-20T20:00:00Z", "2026-11-21", []string{"2026-11-21 2026-11-21"}},
	} {
		f := &fake{rows: [][]orgflow.AttendanceRecord{{{ID: 1, UserID: "E1", WorkDate: "2026-11-21"}}}}
		got, err := live.New(fixed, sleep).Attendance(t.Context(), of(f), "E1", tc.from, tc.to)
		var windows []string
		for _, call := range f.calls {
			windows = append(windows, strings.TrimSpace(strings.TrimPrefix(call, "attendance [E1] ")))
		}
		if err != nil || got.Calls != len(tc.windows) || !slices.Equal(windows, tc.windows) {
			t.Errorf("%s: %d calls %q, %v", name, got.Calls, windows, err)
		}
	}
}

// Rows that move from page to page while they are read are read again, and
// not taken for all there are.
func TestRowsThatMove(t *testing.T) {
	page := func(ids ...int64) (out []orgflow.AttendanceRecord) {
		for _, id := range ids {
			out = append(out, orgflow.AttendanceRecord{ID: id, UserID: "E1", WorkDate: "2026-11-20"})
		}
		return out
	}
	f := &fake{pages: 2, rows: [][]orgflow.AttendanceRecord{page(1, 2), page(2, 3)}}
	seen := 0
	f.fail = func(string) error {
		if seen++; seen == 2 { // the second reading meets them at rest
			f.rows = [][]orgflow.AttendanceRecord{page(0, 1), page(2, 3)}
		}
		return nil
	}
	got, err := live.New(fixed, sleep).Attendance(t.Context(), of(f), "E1", "2026-11-20", "2026-11-20")
	if err != nil || f.count() != 4 || len(got.Data.Records) != 4 {
		t.Errorf("%d records, %v after %q", len(got.Data.Records), err, f.calls)
	}
	f = &fake{pages: 2, rows: [][]orgflow.AttendanceRecord{page(1, 2), page(2, 3)}}
	_, err = live.New(fixed, sleep).Attendance(t.Context(), of(f), "E1", "2026-11-20", "2026-11-20")
	if fault := orgflow.AsFault(err); fault == nil || fault.Code != orgflow.CodePartialRead || f.count() != 6 {
		t.Errorf("%v after %q", err, f.calls)
	}
}

// Without records, who is not there is told from who had nothing to do; a
// look that fails says nothing.
func TestWhoIsNotThere(t *testing.T) {
	for code, want := range map[orgflow.Code]orgflow.Code{"": "", orgflow.CodeNotFound: orgflow.CodeNotFound, orgflow.CodeForbidden: "", orgflow.CodePartialRead: ""} {
		f := &fake{fail: func(call string) error {
			if call == "record person E1" && code != "" {
				return &orgflow.Fault{Code: code, Message: "no"}
			}
			return nil
		}}
		got, err := live.New(fixed, sleep).Attendance(t.Context(), of(f), "E1", "", "")
		if want != "" {
			if fault := orgflow.AsFault(err); fault == nil || fault.Code != want || fault.Field != "id" {
				t.Errorf("%s: %v", code, err)
			}
		} else if err != nil || got.Calls != 2 || got.Data.Records == nil {
			t.Errorf("%s: %+v, %v", code, got, err)
		}
	}
}

// Of several people nobody is looked for: who has no records has none.
func TestAMonthOfPeopleWithoutRecords(t *testing.T) {
	f := &fake{fail: func(call string) error {
		if strings.HasPrefix(call, "record") {
			return &orgflow.Fault{Code: orgflow.CodeNotFound, Message: "no"}
		}
		return nil
	}}
	r := live.New(fixed, sleep)
	if got, err := r.Month(t.Context(), of(f), []string{"E1", "E2"}, ""); err != nil || len(got.Data.People) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, field := range []string{"user_id", "id"} { // the second answer is the first one's, kept
		var err error
		if field == "id" {
			_, err = r.Attendance(t.Context(), of(f), "E1", "2026-11-01", "")
		} else {
			_, err = r.Month(t.Context(), of(f), []string{"E1"}, "")
		}
		if fault := orgflow.AsFault(err); fault == nil || fault.Code != orgflow.CodeNotFound || fault.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if f.count() != 4+5 {
		t.Errorf("%q", f.calls)
	}
}

func TestRecordsAreShownOldestFirst(t *testing.T) {
	f := &fake{pages: 2, rows: [][]orgflow.AttendanceRecord{
		{{ID: 3, UserID: "E1", WorkDate: "2026-11-20"}, {ID: 1, UserID: "E1", WorkDate: "2026-11-20"}}, {{ID: 2, UserID: "E1", WorkDate: "2026-11-19"}},
	}}
	got, err := live.New(fixed, sleep).Attendance(t.Context(), of(f), "E1", "2026-11-19", "2026-11-20")
	var ids []int64
	for _, record := range got.Data.Records {
		ids = append(ids, record.ID)
	}
	if err != nil || !slices.Equal(ids, []int64{2, 1, 3}) {
		t.Errorf("%v, %v", ids, err)
	}
}

// A month of several people is one reading for all.
func TestMonthOfSeveralPeople(t *testing.T) {
	f := &fake{rows: [][]orgflow.AttendanceRecord{{
		{ID: 1, UserID: "E2", WorkDate: "2026-11-02", CheckType: "OnDuty", TimeResult: "Late"}, {ID: 2, UserID: "E2", WorkDate: "2026-11-02", CheckType: "OffDuty", TimeResult: "Normal"},
	}}}
	f.fail = func(string) error {
		if f.count() > 1 {
			f.rows = nil // the rows are of the first window
		}
		return nil
	}
	got, err := live.New(fixed, sleep).Month(t.Context(), of(f), []string{"E2", "E1", "E2"}, "2026-11")
	if err != nil || got.Calls != 4 || f.count() != 4 || !strings.HasPrefix(f.calls[0], "attendance [E1 E2] 2026-11-01 2026-11-07") {
		t.Fatalf("%+v, %v, %q", got, err, f.calls)
	}
	p := got.Data.People
	if len(p) != 3 || p[0].UserID != "E2" || p[0].Totals.LateDays == 0 || p[1].UserID != "E1" || p[1].Totals.ScheduledDays != 0 || len(p[1].Days) != 22 || got.Data.From != "2026-11-01" || got.Data.To != "2026-11-30" {
		t.Errorf("%+v", got.Data)
	}
	for _, users := range [][]string{nil, make([]string, 51)} {
		if _, err := live.New(fixed, sleep).Month(t.Context(), of(f), users, ""); orgflow.AsFault(err) == nil || orgflow.AsFault(err).Field != "user_id" {
			t.Errorf("%d people: %v", len(users), err)
		}
	}
	if _, err := live.New(fixed, sleep).Month(t.Context(), of(f), []string{"E1"}, "2026-05"); orgflow.AsFault(err) == nil || orgflow.AsFault(err).Field != "month" {
		t.Errorf("an old month: %v", err)
	}
}
