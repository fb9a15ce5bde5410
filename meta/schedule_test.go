package meta_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/meta"
)

const nightlyJob = `{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129}`

func schedulesOf(t *testing.T, content string) ([]meta.Schedule, []orgflow.Problem) {
	t.Helper()
	return openWith(t, map[string]string{
		"companies/129/schedules/nightly-departments.json": "{}", // the shipped ones
		"companies/129/schedules/nightly-persons.json":     "{}",
		"companies/129/schedules/sale-orders.json":         "{}",
		"companies/129/schedules/sale-orders-deep.json":    "{}",
		"companies/129/schedules/s.json":                   content,
	}).Schedules(129)
}

func TestScheduleDefaults(t *testing.T) {
	got, problems := schedulesOf(t, `{"id": "s", "cron": "0 3 * * 1-5", "job": `+nightlyJob+`}`)
	if len(problems) > 0 || len(got) != 1 {
		t.Fatalf("%d schedules, %v", len(got), problems)
	}
	s := got[0]
	if s.TimeZone != "Asia/Shanghai" || s.Overlap != meta.OverlapSkip || s.CatchupWindow != 10*time.Minute || s.Jitter != 0 ||
		s.Workflow != "SyncRun" || s.Paused || s.PauseOnFailure || s.CompanyID != 129 || s.Job.Params.Scope != "default" {
		t.Errorf("schedule = %+v", s)
	}
	if string(s.RawJob) != `{"services":["org_new"],"consumer":"ding_talk","company_id":129}` {
		t.Errorf("raw job = %s", s.RawJob)
	}
}

func TestAScheduleOfPulls(t *testing.T) {
	got, problems := schedulesOf(t, `{"id": "s", "cron": "10 5 * * *", "workflow": "OrgPull", "job": {"company_id": 129}}`)
	if len(problems) > 0 || len(got) != 1 || got[0].Workflow != "OrgPull" || got[0].Target() != (orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}) {
		t.Errorf("got %+v, %v", got, problems)
	}
	_, problems = schedulesOf(t, `{"id": "s", "cron": "10 5 * * *", "workflow": "OrgPull", "job": `+nightlyJob+`}`)
	if len(problems) != 2 || problems[0].Pointer != "/job/services" {
		t.Errorf("a sync job for a pull: %v", problems)
	}
}

func TestAScheduleOfLoads(t *testing.T) {
	got, problems := schedulesOf(t, `{"id": "s", "cron": "15 * * * *", "workflow": "DataSync", "job": {"company_id": 129, "form_id": "SAL_SaleOrder", "kind": "update"}}`)
	if len(problems) > 0 || len(got) != 1 || got[0].Target() != (orgflow.Target{CompanyID: 129, Consumer: "erp/SAL_SaleOrder"}) {
		t.Errorf("got %+v, %v", got, problems)
	}
	_, problems = schedulesOf(t, `{"id": "s", "cron": "15 * * * *", "workflow": "DataSync", "job": {"company_id": 129, "form_id": "SAL_SaleOder", "kind": "update"}}`)
	if len(problems) != 1 || problems[0].Pointer != "/job/form_id" || !strings.Contains(problems[0].Message, `did you mean "SAL_SaleOrder"?`) {
		t.Errorf("a form that is not there: %v", problems)
	}
}

func TestScheduleWithEverything(t *testing.T) {
	got, problems := schedulesOf(t, `{"id": "s", "description": "d", "calendar": [{"hour": "8-18/2", "minute": [0, "30"], "day_of_week": "1,5", "comment": "work"}],
		"time_zone": "UTC", "overlap": "buffer_one", "catchup_window": "1h30m", "jitter": "30s", "pause_on_failure": true, "paused": true, "workflow": "SyncRun", "job": `+nightlyJob+`}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []meta.Calendar{{Second: []meta.Range{{Step: 1}}, Minute: []meta.Range{{Start: 0, End: 0, Step: 1}, {Start: 30, End: 30, Step: 1}},
		Hour: []meta.Range{{Start: 8, End: 18, Step: 2}}, DayOfWeek: []meta.Range{{Start: 1, End: 1, Step: 1}, {Start: 5, End: 5, Step: 1}}, Comment: "work"}}
	s := got[0]
	if diff := cmp.Diff(want, s.Calendar); diff != "" {
		t.Error(diff)
	}
	if s.TimeZone != "UTC" || s.Overlap != meta.OverlapBufferOne || s.CatchupWindow != 90*time.Minute || s.Jitter != 30*time.Second || !s.PauseOnFailure || !s.Paused {
		t.Errorf("schedule = %+v", s)
	}
}

func TestBrokenSchedules(t *testing.T) {
	const range0 = `must be numbers from 0 to 23, such as "0", "0-23" or "*/2"`
	cases := map[string]struct{ content, want string }{
		"job":           {`{"id": "s", "cron": "0 3 * * *", "job": {"services": ["x"], "consumer": "ding_talk", "company_id": 129}}`, `1:55: /job/services/0: unknown service "x"; known: "org_del", "org_edit", "org_new", "org_reverse", "org_sync", "person_del", "person_edit", "person_new", "person_sync"`},
		"other company": {`{"id": "s", "cron": "0 3 * * *", "job": {"services": ["org_new"], "consumer": "ding_talk", "company_id": 7}}`, `1:106: /job/company_id: company 7 has no configuration (companies/7/company.json); configured: 129`},
		"cron fields":   {`{"id": "s", "cron": "0 3 * *", "job": ` + nightlyJob + `}`, `1:21: /cron: must be a cron line of five fields: minute hour day month weekday, such as "10 2 * * *"`},
		"cron hour":     {`{"id": "s", "cron": ["@daily", "0 24 * * *"], "job": ` + nightlyJob + `}`, `1:32: /cron/1: the hour of the cron line ` + range0},
		"cron backward": {`{"id": "s", "cron": "0 9-8 * * *", "job": ` + nightlyJob + `}`, `1:21: /cron: the hour of the cron line ` + range0},
		"cron step":     {`{"id": "s", "cron": "0 */0 * * *", "job": ` + nightlyJob + `}`, `1:21: /cron: the hour of the cron line ` + range0},
		"calendar":      {`{"id": "s", "calendar": [{"hour": "9-25"}], "job": ` + nightlyJob + `}`, `1:35: /calendar/0/hour: ` + range0},
		"time zone":     {`{"id": "s", "cron": "0 3 * * *", "time_zone": "Mars", "job": ` + nightlyJob + `}`, `1:47: /time_zone: must be an IANA time zone such as "Asia/Shanghai" or "UTC"`},
		"catch-up":      {`{"id": "s", "cron": "0 3 * * *", "catchup_window": "5s", "job": ` + nightlyJob + `}`, `1:52: /catchup_window: must be 10s or more`},
		"comment":       {`{"id": "s", "calendar": [{"comment": "` + strings.Repeat("夜", 67) + `"}], "job": ` + nightlyJob + `}`, `1:38: /calendar/0/comment: is longer than 200 bytes`},
		"no effect":     {`{"id": "s", "cron": "0 3 * * *", "overlap": "allow_all", "pause_on_failure": true, "job": ` + nightlyJob + `}`, `1:78: /pause_on_failure: has no effect with overlap "allow_all"; leave one of the two out`},
		"overlap":       {`{"id": "s", "cron": "0 3 * * *", "overlap": "both", "job": ` + nightlyJob + `}`, `1:45: /overlap: must be one of "skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"`},
		"cron and more": {`{"id": "s", "cron": "0 3 * * *", "calendar": [{"hour": 3}], "job": ` + nightlyJob + `}`, `1:1: must have exactly one of "cron" and "calendar"`},
		"workflow":      {`{"id": "s", "cron": "0 3 * * *", "workflow": "Notify", "job": ` + nightlyJob + `}`, `1:46: /workflow: must be one of "SyncRun", "OrgPull", "DataSync"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, problems := schedulesOf(t, c.content)
			if len(got) != 0 || len(problems) != 1 || problems[0].String() != "companies/129/schedules/s.json:"+c.want {
				t.Errorf("%d schedules, problems %v", len(got), problems)
			}
		})
	}
}

func TestCronLinesThatAreUsed(t *testing.T) {
	for _, line := range []string{"10 2 * * *", "*/15 8-18 * * mon-fri", "0 0 1,15 jan *", "0 0 ? * 7", "@hourly", " 5  4 * * SUN "} {
		if _, problems := schedulesOf(t, `{"id": "s", "cron": "`+line+`", "job": `+nightlyJob+`}`); len(problems) > 0 {
			t.Errorf("%q: %v", line, problems)
		}
	}
}

func TestTwoSchedulesOfOneID(t *testing.T) {
	s := openWith(t, map[string]string{
		"companies/129/schedules/b.json": `{"id": "x", "cron": "@daily", "job": ` + nightlyJob + `}`,
		"companies/129/schedules/a.json": `{"id": "x", "cron": "@daily", "job": ` + nightlyJob + `}`,
	})
	got, problems := s.Schedules(129)
	if len(got) != 5 || got[0].File.Name != "a.json" || got[1].ID != "nightly-departments" {
		t.Errorf("schedules = %v", got)
	}
	if len(problems) != 1 || problems[0].Message != "is the id of companies/129/schedules/a.json too; every schedule of a company needs its own" {
		t.Errorf("problems = %v", problems)
	}
}

// Departments run at night, and persons half an hour later. Each waits for
// what holds the target: persons for departments that take longer, departments
// for the persons of the night before, or for a repair or retry of a minute,
// which would cost them the night. Neither is kept from running by a run that
// awaits approval.
func TestShippedSchedules(t *testing.T) {
	got, problems := openWith(t, nil).Schedules(129)
	if len(got) != 4 || len(problems) > 0 {
		t.Fatalf("%d schedules, %v", len(got), problems)
	}
	departments, persons, deep, orders := got[0], got[1], got[2], got[3]
	if diff := cmp.Diff([]string{"10 2 * * *"}, departments.Cron); diff != "" || !cmp.Equal([]string{"org_new"}, departments.Job.Services) {
		t.Errorf("departments: %v %s", departments.Job.Services, diff)
	}
	if diff := cmp.Diff([]string{"40 2 * * *"}, persons.Cron); diff != "" || !cmp.Equal([]string{"person_new"}, persons.Job.Services) {
		t.Errorf("persons: %+v %s", persons.Job, diff)
	}
	form := orgflow.LoadInput{CompanyID: 129, FormID: "SAL_SaleOrder", Kind: orgflow.LoadUpdate}
	if orders.Load != form || orders.Workflow != orgflow.WorkflowDataSync || !orders.Paused || !deep.Paused {
		t.Errorf("sales orders: %+v", orders)
	}
	if form.Deep = true; deep.Load != form || deep.Target().String() != "129/erp/SAL_SaleOrder" {
		t.Errorf("deep sweep: %+v", deep)
	}
	for _, s := range got[:2] {
		if !s.Paused || s.Overlap != meta.OverlapAllowAll || s.TimeZone != "Asia/Shanghai" || s.Job.Target() != departments.Job.Target() || s.Job.Params.OnRunning != orgflow.RunningWait {
			t.Errorf("%s: %+v", s.ID, s)
		}
	}
}
