package dingtalk_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/dingtalk"
	dtsim "orgflow/connectors/dingtalk/sim"
)

// clocked is a client of a simulator whose clock stands.
func clocked(t *testing.T, api, options, state string) *dingtalk.Client {
	t.Helper()
	sim := dtsim.New(dtsim.Options{Now: func() time.Time { return time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC) }})
	if err := sim.SetOptions(json.RawMessage(options)); err != nil {
		t.Fatal(err)
	}
	if err := sim.PutState(json.RawMessage(state)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	c, err := dingtalk.New(dingtalk.Config{
		BaseURL: server.URL, APIBaseURL: server.URL, AppKey: "dingsim-app", AppSecret: "dingsim-secret", API: api, QPS: new(float64(0)),
	}, dingtalk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A week of 120 rows, page by page: each comes once, and is what was put in.
func TestAttendancePageByPage(t *testing.T) {
	eachAPI(t, func(t *testing.T, api string) {
		var rows []string
		for i := range 120 {
			result := "Normal"
			if i%10 == 0 {
				result = "NotSigned"
			}
			rows = append(rows, fmt.Sprintf(`{"id": %d, "userId": "E%d", "workDate": "2026-11-%02d", "checkType": "OnDuty", "timeResult": %q}`, 500+i, i%3, 9+i%7, result))
		}
		rows = append(rows, `{"userId": "E1", "workDate": "2026-11-08", "checkType": "OnDuty"}`, `{"userId": "E7", "workDate": "2026-11-09", "checkType": "OnDuty"}`)
		c := clocked(t, api, `{"qps": 0}`, `{"attendance": [`+strings.Join(rows, ",")+`]}`)
		q := connectors.AttendanceQuery{UserIDs: []string{"E0", "E1", "E2"}, From: time.Date(2026, 11, 9, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 15, 0, 0, 0, 0, time.UTC)}
		seen := map[int64]orgflow.AttendanceRecord{}
		pages, total := 0, 0
		for cursor, first := "", true; first || cursor != ""; first = false {
			page, err := c.ReadAttendance(t.Context(), q, cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				seen[r.ID] = r
			}
			pages, total, cursor = pages+1, total+len(page.Records), page.Next
		}
		if pages != 3 || total != 120 || len(seen) != 120 {
			t.Errorf("%d pages, %d rows, %d of them different", pages, total, len(seen))
		}
		if r := seen[500]; !r.Missing || r.UserCheckTime != nil || r.UserID != "E0" || r.WorkDate != "2026-11-09" {
			t.Errorf("%+v", r)
		}
		if r := seen[501]; r.Missing || r.UserCheckTime == nil || r.RecordID == 0 || r.BaseCheckTime.Format(time.DateTime) != "2026-11-10 09:00:00" {
			t.Errorf("%+v", r)
		}
	})
}

func TestAttendanceThatTheSimulatorRefuses(t *testing.T) {
	for want, options := range map[string]string{
		"forbidden 60011":       `{"qps": 0, "missing_permissions": ["qyapi_get_attendance_data"]}`,
		"throttled 90018":       `{"qps": 1, "throttle_mode": "bucket"}`,
		"quota_exhausted 90020": `{"qps": 0, "monthly_quota": 1}`,
		"invalid_record 40035":  `{"qps": 0}`,
	} {
		eachAPI(t, func(t *testing.T, api string) {
			c := clocked(t, api, options, `{}`)
			day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
			if want == "invalid_record 40035" {
				day = day.AddDate(-1, 0, 0) // DingTalk does not keep it
			}
			var err error
			for range 2 {
				_, err = c.ReadAttendance(t.Context(), connectors.AttendanceQuery{UserIDs: []string{"E1"}, From: day, To: day}, "")
			}
			if f := orgflow.AsFault(err); f == nil || string(f.Code)+" "+f.VendorCode != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}
