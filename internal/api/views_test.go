package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"orgflow"
)

// views are what the API asks of DingTalk, by hand.
type views struct {
	*world
	asked string // the last question
}

// viewedAt is 90 seconds before the API's now.
func viewedAt[T any](v T) orgflow.Viewed[T] {
	return orgflow.Viewed[T]{Data: v, ReadAt: time.Date(2026, 11, 21, 0, 58, 30, 0, time.UTC), Calls: 7}
}

func (v *views) LiveTree(ctx context.Context, company, department int64) (orgflow.Viewed[orgflow.LiveTree], error) {
	v.asked = fmt.Sprint("tree ", company, department)
	return viewedAt(orgflow.LiveTree{LiveDepartment: orgflow.LiveDepartment{ID: 1, Name: "<公司>", Children: []orgflow.LiveDepartment{
		{ID: 100002, Name: "研发部", ParentID: 1, Children: []orgflow.LiveDepartment{}}}}, Departments: 2, Complete: true}), v.begin(ctx)
}

func (v *views) LiveMembers(ctx context.Context, company, department int64) (orgflow.Viewed[orgflow.LiveMembers], error) {
	v.asked = fmt.Sprint("members ", company, department)
	return viewedAt(orgflow.LiveMembers{DepartmentID: department, Count: 1, Members: []orgflow.LiveMember{{UserID: "E1", Name: "员工"}}}), v.begin(ctx)
}

func (v *views) LiveAttendance(ctx context.Context, company int64, user, from, to string) (orgflow.Viewed[orgflow.Attendance], error) {
	v.asked = fmt.Sprintf("attendance %d %s %q %q", company, user, from, to)
	return viewedAt(orgflow.Attendance{UserID: user, Records: []orgflow.AttendanceRecord{}, Days: []orgflow.AttendanceDay{}}), v.begin(ctx)
}

func (v *views) LiveMonth(ctx context.Context, company int64, users []string, month string) (orgflow.Viewed[orgflow.AttendanceMonth], error) {
	v.asked = fmt.Sprintf("month %d %q %q", company, users, month)
	return viewedAt(orgflow.AttendanceMonth{Month: month, People: []orgflow.AttendancePerson{}}), v.begin(ctx)
}

func viewWorld() (*world, *views, http.Handler) {
	w := newWorld()
	v := &views{world: w}
	d := w.deps()
	d.Views = v
	return w, v, New(d)
}

func TestViewsTakeQueryAndFormByGetAndPost(t *testing.T) {
	_, v, h := viewWorld()
	const attendance = "/dingtalk/attendance/getByUserId"
	for _, tc := range []struct{ method, path, query, asked string }{
		{"GET", "/dingtalk/department/getTree", "id=1", "tree 0 1"},
		{"GET", "/dingtalk/department/getTree", "", "tree 0 1"},
		{"GET", "/dingtalk/department/getTree", "_=1700000000&id=7&company_id=129", "tree 129 7"},
		{"GET", "/dingtalk/user/getByDepartmentId", "id=100002", "members 0 100002"},
		{"GET", attendance, "id=0113000000000000&startTime=2026-07-10", `attendance 0 0113000000000000 "2026-07-10" ""`},
		{"GET", attendance, "id=E1&startTime=2026-07-10+08:00:00&endTime=2026-07-11T00:00:00%2B08:00&company_id=129", `attendance 129 E1 "2026-07-10 08:00:00" "2026-07-11T00:00:00+08:00"`},
	} {
		ask := func(name, method, path, body string, headers ...string) {
			t.Helper()
			v.asked = ""
			res := call(h, method, path, body, headers...)
			var got map[string]any
			if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || res.Code != 200 {
				t.Fatalf("%s %s?%s: %d %s", name, path, tc.query, res.Code, res.Body)
			}
			if v.asked != tc.asked || got["code"] != 0.0 || got["message"] != "ok" || got["data"] == nil || got["age_seconds"] != 90.0 || got["calls"] != 7.0 ||
				got["read_at"] != "2026-11-21T00:58:30Z" || res.Header().Get("Age") != "90" || got["request_id"] != "generated-id" {
				t.Errorf("%s %s?%s asked %s: %s", name, path, tc.query, v.asked, res.Body)
			}
		}
		ask("GET", "GET", tc.path+"?"+tc.query, "")
		ask("POST with a query", "POST", tc.path+"?"+tc.query, "")
		ask("form", "POST", tc.path, tc.query, "Content-Type: application/x-www-form-urlencoded")
		values, _ := url.ParseQuery(tc.query)
		var parts strings.Builder
		for name := range values {
			fmt.Fprintf(&parts, "--b\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, values.Get(name))
		}
		if len(values) > 0 {
			ask("multipart", "POST", tc.path, parts.String()+"--b--\r\n", "Content-Type: multipart/form-data; boundary=b")
		}
	}
}

func TestTheTreeIsNested(t *testing.T) {
	_, _, h := viewWorld()
	res := call(h, "GET", "/dingtalk/department/getTree?id=1", "")
	const want = `"data":{"id":1,"name":"<公司>","parent_id":0,"children":[{"id":100002,"name":"研发部","parent_id":1,"children":[]}],"departments":2,"complete":true}`
	if !strings.Contains(res.Body.String(), want) {
		t.Errorf("%s", res.Body)
	}
}

func TestBadParametersOfViewsAreNamed(t *testing.T) {
	w, v, h := viewWorld()
	long := strings.Repeat("x", 65)
	for path, field := range map[string]string{
		"/dingtalk/department/getTree?id=x":                                "id",
		"/dingtalk/department/getTree?id=-7":                               "id",
		"/dingtalk/department/getTree?id=99999999999999999999":             "id",
		"/dingtalk/department/getTree?company_id=0":                        "company_id",
		"/dingtalk/department/getTree?deptId=1":                            "deptId",
		"/dingtalk/department/getTree?id=1&id=2":                           "id",
		"/dingtalk/user/getByDepartmentId":                                 "id",
		"/dingtalk/user/getByDepartmentId?id=%20":                          "id",
		"/dingtalk/attendance/getByUserId":                                 "id",
		"/dingtalk/attendance/getByUserId?id=a%20b":                        "id",
		"/dingtalk/attendance/getByUserId?id=" + long:                      "id",
		"/dingtalk/attendance/getByUserId?id=E1&starttime=2026-11-01":      "starttime",
		"/dingtalk/attendance/getByUserId?id=E1&company_id=x":              "company_id",
		"/api/v1/dingtalk/attendance/month":                                "user_id",
		"/api/v1/dingtalk/attendance/month?user_id=a%20b":                  "user_id",
		"/api/v1/dingtalk/attendance/month?user_id=E1&month=" + long:       "month",
		"/api/v1/dingtalk/attendance/month?user_id=E1&months=2026-11":      "months",
		"/api/v1/dingtalk/attendance/month?user_id=E1&company_id=nonsense": "company_id",
	} {
		v.asked = ""
		res := call(h, "GET", path, "")
		if e := errorOf(t, res); res.Code != http.StatusUnprocessableEntity || e.Code != codeInvalidParameter || e.Field != field || v.asked != "" {
			t.Errorf("%s: %d %s, asked %q", path, res.Code, res.Body, v.asked)
		}
	}
	w.err = &orgflow.Fault{Code: orgflow.CodeInvalidRecord, Field: "startTime", Message: "is no date"}
	res := call(h, "GET", "/dingtalk/attendance/getByUserId?id=E1&startTime=x", "")
	if e := errorOf(t, res); res.Code != 422 || e.Code != codeInvalidParameter || e.Field != "startTime" || e.Message != "startTime is no date" {
		t.Errorf("%d %s", res.Code, res.Body)
	}
	res = call(h, "POST", "/dingtalk/department/getTree", "%zz", "Content-Type: application/x-www-form-urlencoded")
	if e := errorOf(t, res); res.Code != 400 || e.Code != codeInvalidBody {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}

func TestWhatTheVendorRefusesIsNoSuccessOfAView(t *testing.T) {
	w, _, h := viewWorld()
	for code, status := range map[orgflow.Code]int{
		orgflow.CodeForbidden: 502, orgflow.CodeQuota: 502, orgflow.CodeNotFound: 404, orgflow.CodeThrottled: 429, orgflow.CodeUnavailable: 503, orgflow.CodePartialRead: 502,
	} {
		w.err = &orgflow.Fault{Code: code, VendorCode: "60011", Message: "m", Advice: "grant it", RetryAfter: 1500 * time.Millisecond}
		for _, path := range []string{"/dingtalk/attendance/getByUserId?id=E1", "/api/v1/dingtalk/attendance/month?user_id=E1"} {
			res := call(h, "GET", path, "")
			if e := errorOf(t, res); res.Code != status || e.Code != code || e.Message != "60011 m (grant it)" || res.Header().Get("Retry-After") != "2" {
				t.Errorf("%s %s: %d %s", code, path, res.Code, res.Body)
			}
		}
	}
}

func TestTheMonthOfSeveralPeople(t *testing.T) {
	_, v, h := viewWorld()
	res := call(h, "GET", "/api/v1/dingtalk/attendance/month?user_id=E1,%20E2,,E1&month=2026-11&company_id=129", "")
	if want := `month 129 ["E1" "E2" "E1"] "2026-11"`; v.asked != want {
		t.Errorf("asked %s, want %s", v.asked, want)
	}
	const want = `{"month":"2026-11","from":"","to":"","time_zone":"","people":[],"read_at":"2026-11-21T00:58:30Z","age_seconds":90,"calls":7}`
	if res.Code != 200 || strings.TrimSpace(res.Body.String()) != want || res.Header().Get("Age") != "90" {
		t.Errorf("%d %v %s", res.Code, res.Header(), res.Body)
	}
}
