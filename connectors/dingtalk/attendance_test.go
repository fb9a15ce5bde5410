package dingtalk

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
)

func oneDay(users ...string) connectors.AttendanceQuery {
	return connectors.AttendanceQuery{UserIDs: users, From: testNow, To: testNow}
}

// The call goes by China's days, whatever zone a moment is given in.
func TestAttendanceIsAskedForByChinasDays(t *testing.T) {
	s := newStub(t, "v2")
	s.on(pathAttendance, `{"errcode":0,"hasMore":true,"recordresult":[{"id":1,"userId":"E1","workDate":1609430400000,"checkType":"OnDuty","timeResult":"Normal"}]}`,
		`{"errcode":0,"hasMore":false,"recordresult":[]}`)
	from := time.Date(2020, 12, 26, 17, 0, 0, 0, time.UTC) // the 27th in China
	q := connectors.AttendanceQuery{UserIDs: []string{"E1"}, From: from, To: from.AddDate(0, 0, 6)}
	page, err := s.client().ReadAttendance(t.Context(), q, "")
	if err != nil || page.Next != "50" || page.Calls != 2 || len(page.Records) != 1 || page.Records[0].WorkDate != "2021-01-01" || page.Records[0].BaseCheckTime != nil {
		t.Fatalf("%+v, %v", page, err)
	}
	if last, err := s.client().ReadAttendance(t.Context(), q, page.Next); err != nil || last.Next != "" || len(last.Records) != 0 {
		t.Errorf("%+v, %v", last, err)
	}
	asked := s.calls(pathAttendance)
	if got := fmt.Sprint(asked[0].body); got != "map[limit:50 offset:0 userIdList:[E1] workDateFrom:2020-12-27 00:00:00 workDateTo:2021-01-02 00:00:00]" {
		t.Errorf("asked %s", got)
	}
	if fmt.Sprint(asked[1].body["offset"]) != "50" {
		t.Errorf("the second page is asked for with %v", asked[1].body)
	}
}

func TestAttendanceBeyondTheLimitsIsNotAskedFor(t *testing.T) {
	many := make([]string, 51)
	for name, q := range map[string]connectors.AttendanceQuery{
		"eight days": {UserIDs: []string{"E1"}, From: testNow, To: testNow.AddDate(0, 0, 7)},
		"backwards":  {UserIDs: []string{"E1"}, From: testNow, To: testNow.AddDate(0, 0, -1)},
		"nobody":     oneDay(),
		"51 people":  oneDay(many...),
	} {
		page, err := newStub(t, "v2").client().ReadAttendance(t.Context(), q, "")
		if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeInvalidRecord || page.Calls != 0 {
			t.Errorf("%s: %v after %d calls", name, err, page.Calls)
		}
	}
}

// An answer that is not as documented must look neither like the end nor like
// nobody's punches.
func TestAttendanceThatIsNotAsDocumented(t *testing.T) {
	const row = `{"id":1,"userId":"E1","workDate":1609430400000,"checkType":"OnDuty","timeResult":"Normal"}`
	for name, answer := range map[string]string{
		"no list":            `{"errcode":0,"hasMore":false}`,
		"no word of more":    `{"errcode":0,"recordresult":[` + row + `]}`,
		"more of nothing":    `{"errcode":0,"hasMore":true,"recordresult":[]}`,
		"somebody else":      `{"errcode":0,"hasMore":false,"recordresult":[` + strings.Replace(row, "E1", "E2", 1) + `]}`,
		"no working day":     `{"errcode":0,"hasMore":false,"recordresult":[` + strings.Replace(row, "1609430400000", "0", 1) + `]}`,
		"a day with no text": `{"errcode":0,"hasMore":false,"recordresult":[` + strings.Replace(row, "1609430400000", "1609430400000000", 1) + `]}`,
		"no id":              `{"errcode":0,"hasMore":false,"recordresult":[` + strings.Replace(row, `"id":1,`, "", 1) + `]}`,
		"no result":          `{"errcode":0,"hasMore":false,"recordresult":[` + strings.Replace(row, "Normal", "", 1) + `]}`,
		"an empty row":       `{"errcode":0,"hasMore":false,"recordresult":[null]}`,
	} {
		s := newStub(t, "v2")
		s.on(pathAttendance, answer)
		page, err := s.client().ReadAttendance(t.Context(), oneDay("E1"), "")
		if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeUnavailable || f.VendorCode != "malformed" || len(page.Records) != 0 || page.Calls != 2 {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}

func TestAttendanceWithoutPermissionNamesIt(t *testing.T) {
	for _, answer := range []string{failure("60011"), wrapped("60011", "没有调用该接口的权限")} {
		s := newStub(t, "v2")
		s.on(pathAttendance, answer)
		_, err := s.client().ReadAttendance(t.Context(), oneDay("E1"), "")
		if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeForbidden || !strings.Contains(f.Advice, "qyapi_get_attendance_data") {
			t.Errorf("%v", err)
		}
	}
}

func TestAttendanceTakesOnlyCursorsItGave(t *testing.T) {
	for _, cursor := range []string{"x", "-50", "0"} {
		if _, err := newStub(t, "v2").client().ReadAttendance(t.Context(), oneDay("E1"), cursor); orgflow.AsFault(err) == nil {
			t.Errorf("%q is taken", cursor)
		}
	}
}
