package temporalx

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

func nightly() Schedule {
	return Schedule{
		ID: "nightly", Workflow: "SyncRun", TaskQueue: "orgflow",
		Spec:  Spec{Cron: []string{"30 2 * * *"}, TimeZone: "Asia/Shanghai"},
		Input: json.RawMessage(`{"company_id": 129, "services": ["org_new"]}`),
	}
}

func TestAScheduleIsReadFromItsFile(t *testing.T) {
	const file = `{"id": "nightly", "workflow": "SyncRun", "task_queue": "orgflow", "overlap": "buffer_one", "catchup_window": "20m",
	  "spec": {"calendars": [{"hour": "2", "minute": "30", "day_of_week": "mon-fri"}], "intervals": [{"every": "2h", "offset": "5m"}],
	           "time_zone": "Asia/Shanghai", "jitter": "30s", "start_at": "2026-12-01T00:00:00+08:00"}, "input": {"company_id": 129}}`
	var s Schedule
	if err := json.Unmarshal([]byte(file), &s); err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	texts, err := wantedTexts(s.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []fieldText{
		{"calendars", "0 30 2 * * 1-5 *"}, {"intervals", "every 2h0m0s + 5m0s"}, {"jitter", "30s"},
		{"start_at", "2026-11-30T16:00:00Z"}, {"catchup_window", "20m0s"}, {"overlap", "buffer_one"}, {"workflow_id", "nightly"},
	} {
		if !slices.Contains(texts, want) {
			t.Errorf("lacks %+v in %+v", want, texts)
		}
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	s := Schedule{
		Spec:          Spec{Cron: []string{"61 * * * *"}, Calendars: []Calendar{{Hour: "25"}}, Skip: []Calendar{{Month: "smarch"}}, TimeZone: "Asia/Atlantis"},
		Overlap:       "both",
		CatchupWindow: Duration(time.Second),
		Input:         json.RawMessage(`{`),
	}
	err := s.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"id", "workflow", "task_queue", "overlap", "catchup_window", "input", `cron "61 * * * *"`, "calendar: hour", "skip: month", "Asia/Atlantis"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
}

func TestValidateRefusesImpossibleTimes(t *testing.T) {
	for name, c := range map[string]struct {
		spec Spec
		want string
	}{
		"no time":         {Spec{}, "names no time"},
		"short interval":  {Spec{Intervals: []Interval{{Every: Duration(time.Millisecond)}}}, "at least 1s"},
		"offset too long": {Spec{Intervals: []Interval{{Every: Duration(time.Hour), Offset: Duration(time.Hour)}}}, "offset"},
		"negative jitter": {Spec{Cron: []string{"@daily"}, Jitter: -1}, "jitter"},
		"end first":       {Spec{Cron: []string{"@daily"}, StartAt: time.Unix(2, 0), EndAt: time.Unix(1, 0)}, "end_at"},
		"local zone":      {Spec{Cron: []string{"@daily"}, TimeZone: "Local"}, "Local"},
	} {
		s := nightly()
		s.Spec = c.spec
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// asService is the schedule as the service would give it back.
func asService(t *testing.T, s Schedule) client.Schedule {
	t.Helper()
	s = s.withDefaults()
	spec, err := s.Spec.resolve()
	if err != nil {
		t.Fatal(err)
	}
	payload, err := converter.GetDefaultDataConverter().ToPayload(s.Input)
	if err != nil {
		t.Fatal(err)
	}
	a := action(s)
	a.Args = []any{payload}
	return client.Schedule{
		Spec: &spec, Action: a,
		Policy: &client.SchedulePolicies{Overlap: overlaps[s.Overlap], CatchupWindow: time.Duration(s.CatchupWindow), PauseOnFailure: s.PauseOnFailure},
		State:  &client.ScheduleState{Paused: true, Note: "paused by a person"},
	}
}

func differences(t *testing.T, present client.Schedule, want Schedule) []FieldDifference {
	t.Helper()
	texts, err := wantedTexts(want.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return compare(presentTexts(present, converter.GetDefaultDataConverter()), texts)
}

func TestAScheduleWrittenDifferentlyIsUnchanged(t *testing.T) {
	present := asService(t, nightly())
	// As the service answers: cron as a calendar, ends and steps left out.
	present.Spec.Calendars = []client.ScheduleCalendarSpec{{
		Second: []client.ScheduleRange{{}}, Minute: []client.ScheduleRange{{Start: 30}}, Hour: []client.ScheduleRange{{Start: 2}},
		DayOfMonth: []client.ScheduleRange{{Start: 1, End: 31}}, Month: []client.ScheduleRange{{Start: 1, End: 12}},
		DayOfWeek: []client.ScheduleRange{{Start: 0, End: 6}},
	}}
	want := nightly()
	want.Input = json.RawMessage(`{"services":["org_new"],  "company_id":129}`)
	want.Overlap = "SKIP"
	want.Spec = Spec{Calendars: []Calendar{{Minute: "30", Hour: "2"}}, TimeZone: "Asia/Shanghai"}
	if got := differences(t, present, want); len(got) != 0 {
		t.Errorf("differences: %+v", got)
	}
	present.Policy.Overlap = enumspb.SCHEDULE_OVERLAP_POLICY_UNSPECIFIED
	if got := differences(t, present, want); len(got) != 0 {
		t.Errorf("an unspecified overlap is skip, got %+v", got)
	}
}

func TestEveryChangedFieldShows(t *testing.T) {
	for field, change := range map[string]func(*Schedule){
		"calendars":         func(s *Schedule) { s.Spec.Cron = []string{"31 2 * * *"} },
		"intervals":         func(s *Schedule) { s.Spec.Intervals = []Interval{{Every: Duration(time.Hour)}} },
		"skip":              func(s *Schedule) { s.Spec.Skip = []Calendar{{Month: "1", DayOfMonth: "1"}} },
		"time_zone":         func(s *Schedule) { s.Spec.TimeZone = "" },
		"jitter":            func(s *Schedule) { s.Spec.Jitter = Duration(time.Minute) },
		"start_at":          func(s *Schedule) { s.Spec.StartAt = time.Unix(1, 0) },
		"end_at":            func(s *Schedule) { s.Spec.EndAt = time.Unix(1, 0) },
		"overlap":           func(s *Schedule) { s.Overlap = "allow_all" },
		"catchup_window":    func(s *Schedule) { s.CatchupWindow = Duration(time.Hour) },
		"pause_on_failure":  func(s *Schedule) { s.PauseOnFailure = true },
		"workflow":          func(s *Schedule) { s.Workflow = "OrgPull" },
		"input":             func(s *Schedule) { s.Input = nil },
		"workflow_id":       func(s *Schedule) { s.WorkflowID = "other" },
		"task_queue":        func(s *Schedule) { s.TaskQueue = "other" },
		"search_attributes": func(s *Schedule) { s.SearchAttributes = map[string]string{"OrgflowCompany": "129"} },
	} {
		want := nightly()
		change(&want)
		got := differences(t, asService(t, nightly()), want)
		if len(got) != 1 || got[0].Field != field || got[0].Before == got[0].After {
			t.Errorf("%s: differences %+v", field, got)
		}
	}
}

func TestPausedAndNoteAreNoDifference(t *testing.T) {
	want := nightly()
	want.Paused, want.Note = false, "as delivered"
	if got := differences(t, asService(t, nightly()), want); len(got) != 0 {
		t.Errorf("differences: %+v", got)
	}
}

func TestAForeignActionCountsAsDifferent(t *testing.T) {
	present := asService(t, nightly())
	a := present.Action.(*client.ScheduleWorkflowAction)
	a.Args = nil
	a.TypedSearchAttributes = temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyInt64("Rows").ValueSet(3))
	got := differences(t, present, nightly())
	if len(got) != 2 || got[0].Before != "(0 arguments)" || got[1].Before != "Rows=3" {
		t.Errorf("differences: %+v", got)
	}
}
