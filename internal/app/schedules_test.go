package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orgflow/meta"
)

// files opens the shipped files with one schedule of company 129 laid over.
func files(t *testing.T) (dir string, open func() *Schedules) {
	dir = filepath.Join(t.TempDir(), "companies", "129", "schedules")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, func() *Schedules {
		m, err := meta.Open(filepath.Dir(filepath.Dir(filepath.Dir(dir))), nil)
		if err != nil {
			t.Fatal(err)
		}
		return (&App{Meta: m}).Schedules()
	}
}

// cronLines are lines as people write them, right and wrong.
func cronLines() *rapid.Generator[string] {
	columns := [][]string{
		{"*", "0", "5,35", "*/15", "10-50/10", "60", "5-1"},
		{"*", "2", "8-18/2", "0-23", "24", "?"},
		{"*", "?", "1,15", "28-31", "*/2", "0", "32"},
		{"*", "jan", "1-6/2", "12", "JUL,aug", "13", "0"},
		{"*", "?", "mon-fri", "7", "0-7", "sun,SAT", "5-7/2", "8", "fri-sun"},
	}
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 19).Draw(t, "macro") == 0 {
			return rapid.SampledFrom([]string{"@daily", "@hourly", "@weekly", "@every 2h", "@reboot"}).Draw(t, "name")
		}
		fields := make([]string, len(columns))
		for i, column := range columns {
			fields[i] = rapid.SampledFrom(column).Draw(t, "field")
		}
		return strings.Join(fields, " ")
	})
}

// What lint finds in order, Temporal takes: a file never fails with less
// than its name and place when it is applied.
func TestAScheduleInOrderIsOneTemporalTakes(t *testing.T) {
	dir, open := files(t)
	name := filepath.Join(dir, "s.json")
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		line := cronLines().Draw(t, "cron")
		when := fmt.Sprintf(`"cron": %q`, line)
		if rapid.Bool().Draw(t, "calendar") {
			hour := rapid.StringMatching(`(\*|[0-9]{1,2}|[0-9]-[0-9]{1,2})(/[0-9]{1,2})?`)
			when = fmt.Sprintf(`"calendar": [{"hour": %q, "day_of_week": %q, "comment": %q}]`,
				hour.Draw(t, "hour"), rapid.StringMatching(`[0-9]|[0-9]-[0-9]`).Draw(t, "day"), strings.Repeat("夜", rapid.IntRange(0, 80).Draw(t, "comment")))
		}
		content := fmt.Sprintf(`{"id": "s", %s, "catchup_window": "%ds", "job": {"services": ["org_new"], "consumer": "ding_talk", "company_id": 129}}`,
			when, rapid.SampledFrom([]int{9, 10, 60, 600}).Draw(t, "seconds"))
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open()
		list, problems := s.app.Meta.Schedules(129)
		if len(problems) > 0 {
			if problems[0].Pointer == "" || problems[0].Line == 0 {
				t.Fatalf("a problem without its place: %+v", problems)
			}
			return
		}
		good++
		for _, file := range list {
			w := s.schedule(file)
			w.TaskQueue = "orgflow"
			if err := w.Validate(); err != nil {
				t.Fatalf("%s: Temporal would refuse %v", content, err)
			}
		}
	})
	if good == 0 {
		t.Error("no schedule was in order: the test shows nothing")
	}
}
