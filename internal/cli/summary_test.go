package cli

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/testgolden"
)

var began = time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)

func after(d time.Duration) *time.Time {
	t := began.Add(d)
	return &t
}

// completed is the example of contract § 5.
func completed() orgflow.Summary {
	return orgflow.Summary{
		ID: "sync-129-ding_talk-20261121T0100Z-7f3a", RunID: "r", CompanyID: 129, Consumer: "ding_talk",
		Status: orgflow.StatusCompleted, Phase: "person_insert", Progress: orgflow.Progress{Done: 339, Total: 339},
		StartedAt: began, FinishedAt: after(133 * time.Second),
		Fetch: map[orgflow.Kind]orgflow.FetchCount{"org": {Read: 41, Staged: 41, Complete: true}, "person": {Read: 300, Staged: 299, Rejected: 1, Complete: true}},
		Plan:  map[orgflow.Kind]orgflow.PlanCount{"org": {Insert: 40}, "person": {Insert: 299}},
		Applied: map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{
			"org": {"insert": {Done: 40}}, "person": {"insert": {Done: 299}, "update": {}},
		},
		Calls: 341, TokenRenewals: 1,
		Files: []orgflow.UsedFile{
			{Name: "Employee.meta.list.json", Layer: "shipped", SHA256: "9f86d081884c7d65"},
			{Name: "HcmDingSyncService.person_new.json", Layer: "company", SHA256: "2c26b46b68ffc68f"},
		},
	}
}

// troubled has something of everything, Chinese texts among it.
func troubled() orgflow.Summary {
	s := completed()
	s.Status, s.ParkedDeletes, s.Throttled, s.Calls = orgflow.StatusCompletedWithFailures, 12, 3, 12345
	s.FinishedAt = after(2*time.Hour + 5*time.Minute)
	s.Progress = orgflow.Progress{Done: 11980, Total: 11992}
	s.Fetch["org"] = orgflow.FetchCount{Read: 41, Staged: 41, Cause: "网关在第 3 页停止响应，声明的总数为 58 条，实际读取 41 条；请检查 HCM 网关后重试 (page 3 did not answer)"}
	s.Plan["org"] = orgflow.PlanCount{Insert: 1, Update: 2, Unchanged: 36, Held: 2, References: 4}
	s.Plan["person"] = orgflow.PlanCount{Insert: 11900, Update: 80, Delete: 12, Unchanged: 5}
	s.Applied = map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{
		"org":    {"insert": {Done: 1}, "update": {Done: 1, Failed: 1}},
		"person": {"insert": {Done: 11890, Failed: 3, Blocked: 7}, "update": {Done: 79, Pending: 1}, "delete": {Pending: 12}},
	}
	s.Notes = []string{"1 张三 was adopted: 已有同号成员"}
	return s
}

func failed() orgflow.Summary {
	s := orgflow.Summary{ID: "sync-129-we_com-x", CompanyID: 129, Consumer: "we_com", Status: orgflow.StatusFailed, StartedAt: began, FinishedAt: after(820 * time.Millisecond)}
	s.Error = &orgflow.Fault{Code: orgflow.CodeForbidden, VendorCode: "60020", Message: "not allow to access from your ip", Advice: "add this machine's address to the trusted IPs of the application in the WeCom admin console (企业可信IP), then start the run again"}
	return s
}

func waiting() orgflow.Summary {
	s := completed()
	s.Status, s.ParkedDeletes, s.FinishedAt = orgflow.StatusAwaitingApproval, 1, nil
	s.Applied["person"]["delete"] = orgflow.Applied{Pending: 1}
	s.Plan["person"] = orgflow.PlanCount{Insert: 299, Delete: 1}
	s.Progress.Total = 340
	s.Irreversible = []orgflow.Irreversible{
		{Kind: orgflow.Org, Op: orgflow.Delete, Count: 2, Why: "a department that is inserted again gets another id at the consumer"},
		{Kind: orgflow.Person, Op: orgflow.Delete, Count: 1, Why: "a person who is inserted again is a new member: what the consumer tied to the old membership stays lost"},
	}
	return s
}

func pausedRun() orgflow.Summary {
	s := running()
	s.Status, s.Paused = orgflow.StatusPaused, &orgflow.Pause{By: "E1001", Reason: "DingTalk 维护", At: began}
	return s
}

func planned() orgflow.Summary {
	s := completed()
	s.DryRun, s.Applied = true, nil
	s.Progress = orgflow.Progress{Total: 339}
	return s
}

func running() orgflow.Summary {
	s := completed()
	s.Status, s.FinishedAt, s.Progress.Done = orgflow.StatusRunning, nil, 120
	s.Applied = map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{"org": {"insert": {Done: 40}}, "person": {"insert": {Done: 80, Failed: 2, Pending: 217}}}
	return s
}

func TestRenderSummary(t *testing.T) {
	for name, s := range map[string]orgflow.Summary{
		"completed": completed(), "troubled": troubled(), "failed": failed(), "waiting": waiting(), "dry_run": planned(), "running": running(), "paused": pausedRun(), "empty": {},
	} {
		var b strings.Builder
		if err := RenderSummary(&b, s, 80, false); err != nil {
			t.Fatal(err)
		}
		testgolden.Check(t, "summary_"+name+".golden", b.String())
		for _, line := range strings.Split(b.String(), "\n") {
			if columns(line) > 80 && !strings.Contains(line, "starter ") {
				t.Errorf("%s: %d columns: %s", name, columns(line), line)
			}
		}
	}
}

func TestColourOnlyColours(t *testing.T) {
	ansi := regexp.MustCompile(`\x1b\[[0-9]+m`)
	var plain, coloured strings.Builder
	if err := RenderSummary(&plain, troubled(), 80, false); err != nil {
		t.Fatal(err)
	}
	if err := RenderSummary(&coloured, troubled(), 80, true); err != nil {
		t.Fatal(err)
	}
	if !ansi.MatchString(coloured.String()) || ansi.MatchString(plain.String()) {
		t.Error("colour where it does not belong, or none where it does")
	}
	if got := ansi.ReplaceAllString(coloured.String(), ""); got != plain.String() {
		t.Errorf("without colour:\n%s\nwant:\n%s", got, plain.String())
	}
}

func TestProgressLine(t *testing.T) {
	fetching := orgflow.Summary{Phase: orgflow.PhaseFetch, Status: orgflow.StatusRunning, Fetch: map[orgflow.Kind]orgflow.FetchCount{"person": {Read: 1500}}}
	for want, s := range map[string]orgflow.Summary{
		"insert persons: 120/339 (35%) · 2 failed": running(),
		"reading the source: 1,500 records read":   fetching,
		"waiting":                                  {Status: orgflow.StatusRunning},
		"completed: 339/339 (100%)":                completed(),
		"awaiting approval: 339/340 (99%)":         waiting(),
		"failed":                                   failed(),
	} {
		if got := ProgressLine(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPace(t *testing.T) {
	var p pace
	p.add(orgflow.Summary{}, began.Add(-time.Hour)) // reading does not count
	s := running()
	p.add(s, began)
	if got := p.text(s); got != "" {
		t.Errorf("a guess without anything to go by: %q", got)
	}
	s.Progress.Done += 20
	p.add(s, began.Add(10*time.Second))
	if got, want := p.text(s), " · 2.0/s · about 1 min 39 s left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Progress.Done = s.Progress.Total
	p.add(s, began.Add(20*time.Second))
	if got := p.text(s); got != "" {
		t.Errorf("time left at the end: %q", got)
	}
}

func TestForeignTextCannotMoveTheCursor(t *testing.T) {
	s := failed()
	s.ID, s.Error.Message = "id\x1b[2J", "a\x1b]0;title\x07b\r\nc\u202e\u009bd"
	var b strings.Builder
	if err := RenderSummary(&b, s, 80, false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\x07\r\u202e\u009b") {
		t.Errorf("%q", b.String())
	}
}

// TestWrapLosesNothing: whatever the text, no line is too wide unless a
// single word is, and no character but spaces disappears.
func TestWrapLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab 部门é，")), 0, 200, -1).Draw(t, "text")
		width, indent := rapid.IntRange(30, 90).Draw(t, "width"), rapid.IntRange(0, 8).Draw(t, "indent")
		got := wrap(text, width, indent)
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if squeeze(got) != squeeze(text) {
			t.Fatalf("%q became %q", text, got)
		}
		longest := 0
		for _, w := range words(text) {
			longest = max(longest, columns(w))
		}
		for i, line := range strings.Split(got, "\n") {
			limit := max(width, indent+longest)
			if i == 0 {
				limit -= indent
			}
			if columns(line) > limit {
				t.Fatalf("line %q has %d columns of %d", line, columns(line), limit)
			}
		}
	})
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ms", 820 * time.Millisecond: "820 ms", 12340 * time.Millisecond: "12.3 s",
		133 * time.Second: "2 min 13 s", 2*time.Hour + 5*time.Minute: "2 h 5 min",
	} {
		if got := duration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
