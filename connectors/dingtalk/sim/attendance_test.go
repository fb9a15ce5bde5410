package dtsim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	dtsim "orgflow/connectors/dingtalk/sim"
)

// The clock of a world stands at 2026-03-02.
const punchState = `{"attendance": [
  {"userId": "E1", "workDate": "2026-02-26", "checkType": "OnDuty"},
  {"userId": "E1", "workDate": "2026-02-26", "checkType": "OffDuty", "timeResult": "NotSigned"},
  {"id": 70, "userId": "E1", "checkType": "OnDuty", "baseCheckTime": "2026-02-27 08:30:00", "userCheckTime": 1772152800000, "timeResult": "Late", "corpId": "c"},
  {"userId": "E2", "workDate": 1772121600000, "checkType": "OnDuty"}]}`

func (w *world) punches(body string) answer {
	w.t.Helper()
	return w.do("POST", "/attendance/list?access_token="+w.token, body)
}

func query(from, to, people string) string {
	return fmt.Sprintf(`{"workDateFrom":"%s 10:00:00","workDateTo":"%s 00:00:00","userIdList":[%s],"offset":0,"limit":50}`, from, to, people)
}

func TestAttendance(t *testing.T) {
	w := newWorld(t, "")
	if code, body := w.control("PUT", "state", punchState); code != 200 {
		t.Fatal(body)
	}
	a := w.punches(query("2026-02-26", "2026-02-26", `"E1"`))
	want := `{"errcode":0,"errmsg":"ok","hasMore":false,"recordresult":[` +
		`{"id":71,"userId":"E1","workDate":1772035200000,"checkType":"OnDuty","timeResult":"Normal","locationResult":"Normal","baseCheckTime":1772067600000,"userCheckTime":1772067600000,"planId":8000071,"groupId":121325603,"recordId":9000071,"sourceType":"USER"},` +
		`{"id":72,"userId":"E1","workDate":1772035200000,"checkType":"OffDuty","timeResult":"NotSigned","locationResult":"NotSigned","baseCheckTime":1772100000000,"userCheckTime":1772100000000,"planId":8000072,"groupId":121325603,"sourceType":"SYSTEM"}]}`
	if strings.TrimSpace(a.body) != want {
		t.Errorf("got\n%s\nwant\n%s", a.body, want)
	}
	for name, tc := range map[string]struct {
		body string
		ids  string
	}{
		"two people, the working day of a time": {query("2026-02-27", "2026-03-02", `"E2","E1","nobody"`), "70 73"},
		"nobody known":                          {query("2026-02-27", "2026-03-02", `"E9"`), ""},
		"seven days":                            {query("2026-02-24", "2026-03-02", `"E1"`), "71 72 70"},
		"abroad":                                {strings.Replace(query("2026-02-27", "2026-03-02", `"E1"`), "{", `{"isI18n":true,`, 1), ""},
		"a page":                                {`{"workDateFrom":"2026-02-24 00:00:00","workDateTo":"2026-03-02 00:00:00","userIdList":["E1"],"offset":1,"limit":1}`, "72 more"},
		"behind the end":                        {`{"workDateFrom":"2026-02-24 00:00:00","workDateTo":"2026-03-02 00:00:00","userIdList":["E1"],"offset":9000000000000000000,"limit":50}`, ""},
	} {
		var page struct {
			Errcode      int
			HasMore      bool
			Recordresult []struct{ ID int }
		}
		res := w.punches(tc.body)
		if err := json.Unmarshal([]byte(res.body), &page); err != nil || page.Errcode != 0 {
			t.Fatalf("%s: %s", name, res.body)
		}
		var ids []string
		for _, r := range page.Recordresult {
			ids = append(ids, fmt.Sprint(r.ID))
		}
		if page.HasMore {
			ids = append(ids, "more")
		}
		if got := strings.Join(ids, " "); got != tc.ids {
			t.Errorf("%s: %s, want %s", name, got, tc.ids)
		}
	}
}

func TestAttendanceRefusals(t *testing.T) {
	w := newWorld(t, "")
	many := strings.Repeat(`"E1",`, 50) + `"E1"`
	good := query("2026-02-27", "2026-03-02", `"E1"`)
	for name, tc := range map[string]struct{ options, body, code string }{
		"eight days":         {"", query("2026-02-23", "2026-03-02", `"E1"`), "41041"},
		"backwards":          {"", query("2026-03-02", "2026-03-01", `"E1"`), "40035"},
		"half a year":        {"", query("2025-09-01", "2025-09-01", `"E1"`), "40035"},
		"a date":             {"", `{"workDateFrom":"2026-03-02","workDateTo":"2026-03-02","userIdList":["E1"],"offset":0,"limit":50}`, "41100"},
		"51 people":          {"", query("2026-03-02", "2026-03-02", many), "40035"},
		"nobody":             {"", query("2026-03-02", "2026-03-02", ""), "40035"},
		"51 rows":            {"", strings.Replace(good, `"limit":50`, `"limit":51`, 1), "40069"},
		"no offset":          {"", strings.Replace(good, `"offset":0,`, ``, 1), "40035"},
		"a negative offset":  {"", strings.Replace(good, `"offset":0`, `"offset":-1`, 1), "40068"},
		"no permission":      {`{"missing_permissions":["qyapi_get_attendance_data"]}`, good, "60011"},
		"the month's calls":  {`{"monthly_quota":1,"missing_permissions":[]}`, good, "90020"},
		"an unreadable body": {`{"monthly_quota":0}`, `[]`, "43009"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.options)
			if tc.code == "90020" {
				if a := w.punches(good); a.text("errcode") != "0" {
					t.Fatal(a.body)
				}
			}
			if a := w.punches(tc.body); a.status != 200 || a.text("errcode") != tc.code || a.text("sub_code") != "" {
				t.Errorf("%d %s, want %s", a.status, a.body, tc.code)
			}
		})
	}
	if a := w.do("GET", "/attendance/list?access_token="+w.token, ""); a.text("errcode") != "404" {
		t.Errorf("GET: %s", a.body)
	}
}

func TestTheQuotaReturnsWithTheMonth(t *testing.T) {
	w := newWorld(t, `{"monthly_quota":1}`)
	good := query("2026-03-02", "2026-03-02", `"E1"`)
	if w.punches(good); w.punches(good).text("errcode") != "90020" {
		t.Error("the quota has no end")
	}
	if a := w.do("POST", "/topapi/v2/department/listsub?access_token="+w.token, `{}`); a.text("errcode") != "0" {
		t.Errorf("contact calls are exempt: %s", a.body)
	}
	w.clock.Pass(30 * 24 * 3600e9)
	w.token = w.login()
	if a := w.punches(query("2026-04-01", "2026-04-01", `"E1"`)); a.text("errcode") != "0" {
		t.Errorf("a month later: %s", a.body)
	}
}

func TestAttendanceOfAStateIsKept(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, "")
	if err := w.host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	if code, body := w.control("PUT", "state", punchState); code != 200 {
		t.Fatal(body)
	}
	before := w.state()
	if code, body := w.control("PUT", "state", before); code != 200 || w.state() != before {
		t.Errorf("put back: %d %s", code, body)
	}
	v := *w
	v.sim = dtsim.New(dtsim.Options{Now: w.clock.Now})
	v.host = newHost(t, v.sim, dir)
	if after := v.state(); after != before || !strings.Contains(after, `"userId":"E2"`) {
		t.Errorf("after a restart\n%s\nbefore\n%s", after, before)
	}
	for name, bad := range map[string]string{
		"nobody":       `{"attendance":[{"workDate":"2026-02-26","checkType":"OnDuty"}]}`,
		"no type":      `{"attendance":[{"userId":"E1","workDate":"2026-02-26"}]}`,
		"no day":       `{"attendance":[{"userId":"E1","checkType":"OnDuty"}]}`,
		"a bad day":    `{"attendance":[{"userId":"E1","workDate":"26.2.2026","checkType":"OnDuty"}]}`,
		"a bad result": `{"attendance":[{"userId":"E1","workDate":"2026-02-26","checkType":"OnDuty","timeResult":"Tired"}]}`,
		"id twice":     `{"attendance":[{"id":1,"userId":"E1","workDate":"2026-02-26","checkType":"OnDuty"},{"id":1,"userId":"E1","workDate":"2026-02-26","checkType":"OffDuty"}]}`,
	} {
		if code, body := w.control("PUT", "state", bad); code != 400 || w.state() != before {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	if code, _ := w.control("PUT", "state", `{"users":[]}`); code != 200 || strings.Contains(w.state(), "OnDuty") {
		t.Error("a state without attendance leaves some")
	}
}
