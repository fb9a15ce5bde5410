package dtsim_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// The clock of a world stands at 2026-03-02, a Monday.
func TestInventedAttendance(t *testing.T) {
	w := newWorld(t, `{"invent_attendance": true}`)
	const users = `{"users": [{"userid": "E1", "name": "甲", "mobile": "10000000001", "dept_id_list": [1]},
		{"userid": "E2", "name": "乙", "mobile": "10000000002", "dept_id_list": [1]}],
		"attendance": [{"userId": "E2", "workDate": "2026-02-26", "checkType": "OnDuty"}]}`
	if code, body := w.control("PUT", "state", users); code != 200 {
		t.Fatal(body)
	}
	type row struct {
		ID                                   int64
		UserID, CheckType, TimeResult        string
		WorkDate, BaseCheckTime, RecordID    int64
		UserCheckTime                        int64
		LocationResult, SourceType, ProcInst string
	}
	read := func(from, to, people string) (rows []row) {
		t.Helper()
		var page struct{ Recordresult []row }
		res := w.punches(query(from, to, people))
		if err := json.Unmarshal([]byte(res.body), &page); err != nil {
			t.Fatal(res.body)
		}
		return page.Recordresult
	}
	china := time.FixedZone("CST", 8*60*60)
	results, ids := map[string]int{}, map[int64]bool{}
	for monday := time.Date(2025, 9, 8, 0, 0, 0, 0, china); monday.Before(time.Date(2026, 2, 23, 0, 0, 0, 0, china)); monday = monday.AddDate(0, 0, 7) {
		from, to := monday.Format(time.DateOnly), monday.AddDate(0, 0, 6).Format(time.DateOnly)
		week := read(from, to, `"E1"`)
		if len(week) != 10 {
			t.Fatalf("a week from %s has %d results, want two a working day", from, len(week))
		}
		if again := read(from, to, `"E1"`); fmt.Sprint(again) != fmt.Sprint(week) {
			t.Fatal("the same week looks different the second time")
		}
		for _, r := range week {
			results[r.TimeResult]++
			ids[r.ID] = true
			late, missed := r.UserCheckTime > r.BaseCheckTime, r.TimeResult == "NotSigned"
			switch day := time.UnixMilli(r.WorkDate).In(china).Weekday(); {
			case day == time.Saturday || day == time.Sunday,
				r.CheckType == "OnDuty" && !missed && late != (r.TimeResult == "Late" || r.TimeResult == "SeriousLate"),
				r.CheckType == "OffDuty" && (r.UserCheckTime < r.BaseCheckTime) != (r.TimeResult == "Early"),
				missed != (r.RecordID == 0):
				t.Errorf("%+v", r)
			}
		}
	}
	for _, kind := range []string{"Late", "Early", "NotSigned"} {
		if results[kind] == 0 || results["Normal"] < 5*results[kind] {
			t.Errorf("%s: there is nothing to see in %v", kind, results)
		}
	}
	if len(ids) != 240 {
		t.Errorf("%d ids of 240 results", len(ids))
	}
	if rows := read("2026-02-24", "2026-03-02", `"E2"`); len(rows) != 1 {
		t.Errorf("who has results has %d, invented ones too", len(rows))
	}
	if rows := read("2026-02-24", "2026-03-02", `"E9"`); len(rows) != 0 {
		t.Errorf("nobody has %v", rows)
	}
	if rows := read("2026-03-03", "2026-03-06", `"E1"`); len(rows) != 0 {
		t.Errorf("the days to come have %v", rows)
	}
}
