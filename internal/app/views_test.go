package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"orgflow"
)

// organisation is 1 → 10…19, below each of which are 3; 250 people in 10.
func organisation() string {
	var depts, users []string
	for i := 10; i < 20; i++ {
		depts = append(depts, fmt.Sprintf(`{"dept_id": %d, "name": "部%d", "parent_id": 1}`, i, i))
		for j := range 3 {
			depts = append(depts, fmt.Sprintf(`{"dept_id": %d, "name": "组%d", "parent_id": %d}`, i*10+j, j, i))
		}
	}
	for i := range 250 {
		users = append(users, fmt.Sprintf(`{"userid": "E%03d", "name": "员工%d", "mobile": "100%08d", "dept_id_list": [10, 1], "job_number": "N%d"}`, i, i, i+1, i))
	}
	return fmt.Sprintf(`"departments": [%s], "users": [%s]`, strings.Join(depts, ","), strings.Join(users, ","))
}

func TestViewsOfTheOrganisation(t *testing.T) {
	for _, api := range []struct{ name, listSub, userList string }{
		{"v2", "/topapi/v2/department/listsub", "/topapi/v2/user/list"}, {"v1", "/department/list", "/user/listbypage"},
	} {
		t.Run(api.name, func(t *testing.T) {
			w := newViewWorld(t, api.name)
			w.control("PUT", "state", "{"+organisation()+"}", nil)
			tree := viewOf[orgflow.LiveTree](w, "/dingtalk/department/getTree?id=1")
			if tree.Data.Name == "" || tree.Data.Departments != 41 || len(tree.Data.Children) != 10 || len(tree.Data.Children[3].Children) != 3 || !tree.Data.Complete {
				t.Errorf("%+v", tree)
			}
			if of, others := w.called(api.listSub); of != 41 || others != 2 || tree.Calls != 44 { // and a token
				t.Errorf("%d calls, %d others, %d told", of, others, tree.Calls)
			}
			if again := viewOf[orgflow.LiveTree](w, "/dingtalk/department/getTree?company_id=129"); again.Data.Departments != 41 {
				t.Errorf("%+v", again)
			}
			if of, others := w.called(api.listSub); of+others != 0 {
				t.Errorf("a kept answer took %d calls", of+others)
			}
			part := viewOf[orgflow.LiveTree](w, "/dingtalk/department/getTree?id=13")
			if part.Data.ID != 13 || part.Data.Name != "部13" || part.Data.ParentID != 1 || part.Data.Departments != 4 {
				t.Errorf("%+v", part)
			}
			w.called("")
			members := viewOf[orgflow.LiveMembers](w, "/dingtalk/user/getByDepartmentId?id=10")
			if of, others := w.called(api.userList); of != 3 || others != 0 || members.Data.Count != 250 || len(members.Data.Members) != 250 {
				t.Errorf("%d calls, %d others, %d people", of, others, members.Data.Count)
			}
			for path, want := range map[string]string{
				"/dingtalk/department/getTree?id=77":                     "404 not_found id",
				"/dingtalk/user/getByDepartmentId?id=77":                 "404 not_found id",
				"/dingtalk/department/getTree?id=-7":                     "422 invalid_parameter id",
				"/dingtalk/user/getByDepartmentId?id=10&company_id=4711": "404 not_found ",
			} {
				if status, code, field, _ := w.refused(path); fmt.Sprint(status, " ", code, " ", field) != want {
					t.Errorf("%s: %d %s %s", path, status, code, field)
				}
			}
		})
	}
}

// workday is days before today, in China.
func workday(ago int) time.Time {
	return time.Now().In(time.FixedZone("CST", 8*60*60)).AddDate(0, 0, -ago)
}

// shifts are rows of a person's day: so many pairs.
func shifts(user string, ago, pairs int) (rows []string) {
	for i := range pairs {
		for _, kind := range []string{"OnDuty", "OffDuty"} {
			rows = append(rows, fmt.Sprintf(`{"userId": %q, "workDate": %q, "checkType": %q, "planId": %d}`, user, workday(ago).Format(time.DateOnly), kind, i+1))
		}
	}
	return rows
}

func attendancePath(user string, from, to int) string {
	return fmt.Sprintf("/dingtalk/attendance/getByUserId?id=%s&startTime=%s&endTime=%s", user, workday(from).Format(time.DateOnly), workday(to).Format(time.DateOnly))
}

func TestAttendanceOfAnySpan(t *testing.T) {
	for _, api := range []string{"v2", "v1"} {
		t.Run(api, func(t *testing.T) {
			w := newViewWorld(t, api)
			var rows []string
			for ago := 10; ago <= 40; ago++ { // 31 days, 62 rows
				rows = append(rows, shifts("E1", ago, 1)...)
			}
			for ago := 20; ago <= 26; ago++ { // 120 rows in a week, and two more
				rows = append(rows, shifts("E2", ago, 9)...)
			}
			rows = rows[:len(rows)-4]
			w.control("PUT", "state", `{"attendance": [`+strings.Join(rows, ",")+`]}`, nil)
			month := viewOf[orgflow.Attendance](w, attendancePath("E1", 40, 10))
			if len(month.Data.Records) != 62 || len(month.Data.Days) != 31 || month.Data.Totals.NormalDays != 31 || month.Data.TimeZone != "Asia/Shanghai" {
				t.Errorf("%d records, %+v", len(month.Data.Records), month.Data.Totals)
			}
			if of, others := w.called("/attendance/list"); of != 5 || others != 0 { // 31 days in windows of 7
				t.Errorf("%d calls, %d others", of, others)
			}
			week := viewOf[orgflow.Attendance](w, attendancePath("E2", 26, 20))
			if of, _ := w.called("/attendance/list"); of != 3 || len(week.Data.Records) != 122 { // pages of 50
				t.Errorf("%d calls, %d records", of, len(week.Data.Records))
			}
			seen := map[int64]bool{}
			for i, r := range week.Data.Records {
				if seen[r.ID] || i > 0 && week.Data.Records[i-1].WorkDate > r.WorkDate {
					t.Fatalf("record %d of %s is there twice or out of order", r.ID, r.WorkDate)
				}
				seen[r.ID] = true
			}
		})
	}
}

func TestMissingPunchesAreShown(t *testing.T) {
	w := newViewWorld(t, "v2")
	date := func(ago int) string { return workday(ago).Format(time.DateOnly) }
	w.control("PUT", "state", fmt.Sprintf(`{"attendance": [
		{"userId": "E1", "workDate": %[1]q, "checkType": "OnDuty", "timeResult": "Late", "userCheckTime": "%[1]s 09:11:00"},
		{"userId": "E1", "workDate": %[1]q, "checkType": "OffDuty", "timeResult": "NotSigned"},
		{"userId": "E1", "workDate": %[2]q, "checkType": "OnDuty"}]}`, date(9), date(8)), nil)
	got := viewOf[orgflow.Attendance](w, attendancePath("E1", 9, 7)).Data
	if len(got.Records) != 3 || !got.Records[1].Missing || got.Records[1].UserCheckTime != nil || got.Records[1].BaseCheckTime.Hour() != 18 ||
		got.Records[0].UserCheckTime.Format("15:04 -07") != "09:11 +08" {
		t.Errorf("%+v", got.Records)
	}
	var days []string
	for _, d := range got.Days {
		text := string(d.Status)
		for _, m := range d.Missing {
			text += fmt.Sprint(" ", m.CheckType, m.Inferred)
		}
		days = append(days, text)
	}
	if text := strings.Join(days, ", "); text != "missing OffDutyfalse, missing OffDutytrue, unscheduled" {
		t.Errorf("days %s", text)
	}
	month := workday(9).Format("2006-01")
	rec := w.ask("GET", "/api/v1/dingtalk/attendance/month?user_id=E1,E2&month="+month)
	var overview orgflow.AttendanceMonth
	if err := json.Unmarshal(rec.Body.Bytes(), &overview); err != nil || rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	people := overview.People
	if overview.Month != month || len(people) != 2 || people[0].Totals.LateDays != 1 || people[0].Totals.MissingOffDuty < 1 || people[0].Totals.LateMinutes != 11 || people[1].Totals.ScheduledDays != 0 {
		t.Errorf("%s", rec.Body)
	}
}

// Two at once cost the calls of one.
func TestParallelViewsShareTheirCalls(t *testing.T) {
	w := newViewWorld(t, "v2")
	w.control("PUT", "state", `{"attendance": [`+strings.Join(shifts("E1", 9, 30), ",")+`]}`, nil)
	w.control("PUT", "options", `{"latency_ms": 50}`, nil)
	var wg sync.WaitGroup
	bodies := make([]string, 4)
	for i := range bodies {
		wg.Go(func() { bodies[i] = w.ask("POST", attendancePath("E1", 15, 9)).Body.String() })
	}
	wg.Wait()
	if of, others := w.called("/attendance/list"); of != 2 || others != 0 {
		t.Errorf("%d calls, %d others", of, others)
	}
	for _, body := range bodies {
		if strings.Count(body, `"work_date"`) != 60 {
			t.Errorf("%.300s", body)
		}
	}
}

func TestRefusedAttendanceSaysWhatToDo(t *testing.T) {
	w := newViewWorld(t, "v2")
	w.control("PUT", "state", `{"users": [{"userid": "E1", "name": "甲", "mobile": "10000000001", "dept_id_list": [1]}]}`, nil)
	for name, tc := range map[string]struct {
		options, path        string
		status               int
		code, field, message string
	}{
		"nobody":           {"{}", attendancePath("E9", 9, 9), 404, "not_found", "id", "getByDepartmentId"},
		"no permission":    {`{"missing_permissions": ["qyapi_get_attendance_data"]}`, attendancePath("E1", 9, 9), 502, "forbidden", "", "qyapi_get_attendance_data"},
		"the quota is out": {`{"missing_permissions": [], "monthly_quota": 1}`, attendancePath("E1", 30, 9), 502, "quota_exhausted", "", "90020"},
		"too old":          {"{}", attendancePath("E1", 181, 9), 422, "invalid_parameter", "startTime", "180 days"},
		"backwards":        {"{}", attendancePath("E1", 9, 10), 422, "invalid_parameter", "startTime", "after"},
		"no date":          {"{}", "/dingtalk/attendance/getByUserId?id=E1&endTime=1.2.2026", 422, "invalid_parameter", "endTime", "2026-11-20"},
		"another company":  {"{}", attendancePath("E1", 9, 9) + "&company_id=7", 404, "not_found", "", "configured: 129"},
	} {
		t.Run(name, func(t *testing.T) {
			w.control("PUT", "options", tc.options, nil)
			status, code, field, message := w.refused(tc.path)
			if status != tc.status || code != tc.code || field != tc.field || !strings.Contains(message, tc.message) {
				t.Errorf("%d %s %s %s", status, code, field, message)
			}
			w.control("PUT", "options", `{"missing_permissions": [], "monthly_quota": 0}`, nil)
		})
	}
}
