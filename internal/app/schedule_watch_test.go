package app

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/temporalx"
)

// looks lets a worker see what Temporal counts of the company's nightly job.
func (o *ops) looks(made time.Time, late, skipped, dropped int) {
	o.t.Helper()
	list := []temporalx.ScheduleEntry{
		{ID: "7-nightly", Counts: temporalx.ScheduleCounts{Made: made, Starts: 9, Late: late, Skipped: skipped, Dropped: dropped}},
		{ID: "somebody-elses", Counts: temporalx.ScheduleCounts{Made: made, Late: 5}},
	}
	if err := o.noticeMissed(o.t.Context(), missedRuns(list)); err != nil {
		o.t.Fatal(err)
	}
}

const (
	lateRuns    = "webhook webhook 调度未启动运行：示例公司 (7)"
	lateRunsNxt = "webhook webhook 调度未启动运行 ×%d：示例公司 (7)"
)

// What was missed in an outage is told as soon as somebody looks, once,
// whoever looks how often; what follows within the window, in a digest.
func TestMissedRunsAreToldOnce(t *testing.T) {
	o := newOps(t, fmt.Sprintf(aWebhook, ""))
	o.looks(november, 0, 0, 0)
	o.want("nothing was missed", 0)
	o.looks(november, 3, 0, 0)
	o.looks(november, 3, 0, 0) // another worker
	o.want("after an outage", 0, fmt.Sprintf(lateRunsNxt, 3))
	o.looks(november, 3, 0, 0)
	o.want("the same again", 2*time.Hour)
	o.looks(november, 4, 0, 0)
	o.want("one more", 3*time.Hour, lateRuns)
	o.looks(november, 5, 0, 0)
	o.looks(november, 6, 0, 0)
	o.want("within the window", 3*time.Hour+time.Minute)
	o.want("and after it", 4*time.Hour, fmt.Sprintf(lateRunsNxt, 2))
	o.looks(november, 6, 1, 2)
	o.want("for other reasons", 4*time.Hour, lateRuns, fmt.Sprintf(lateRunsNxt, 2))
	o.looks(november.Add(time.Hour), 1, 0, 0)
	o.want("of a schedule made anew", 9*time.Hour, lateRuns)
	o.looks(november, 7, 0, 0) // a worker that has looked before
	o.want("of the one that is gone", 19*time.Hour)
}

func TestWhatIsSaidOfMissedRuns(t *testing.T) {
	o := newOps(t, fmt.Sprintf(aWebhook, `, "language": "en", "console": "https://console.invalid"`))
	o.looks(november, 0, 2, 0)
	list := o.told(0)
	if len(list) != 1 {
		t.Fatalf("%d messages", len(list))
	}
	text, err := orgflow.DecodeMessage(list[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	want := orgflow.MessageText{
		Title: "Scheduled runs not started ×2: 示例公司 (7)", Link: "https://console.invalid/schedules/7-nightly",
		Text: "Job: Schedule nightly\nCause: an earlier run had not ended (overlap)\nCounts: not started 2\nSchedule: 7-nightly\nTime: 2026-11-22 09:00:00 CST",
		Notice: &orgflow.NoticeFacts{
			CompanyID: 7, Event: orgflow.NoticeMissed, Telling: "digest", Job: "schedule:nightly", Cause: orgflow.MissedOverlap, Count: 2, Since: november, Ref: "7-nightly",
		},
	}
	if d := cmp.Diff(want, text); d != "" {
		t.Error(d)
	}
}

// Who does not want to hear of missed runs, and later does, hears of the
// later ones only.
func TestMissedRunsNobodyWantedToHearOf(t *testing.T) {
	o := newOps(t, fmt.Sprintf(aWebhook, `, "on": ["failed"]`))
	o.looks(november, 3, 0, 0)
	o.want("nobody listens", 0)
	o.configure(fmt.Sprintf(aWebhook, ""))
	o.restart()
	o.looks(november, 3, 0, 0)
	o.want("old ones", time.Hour)
	o.looks(november, 4, 0, 0)
	o.want("a new one", time.Hour, lateRuns)
}

// While company.json is broken the notice waits; looking again stores no
// second one.
func TestMissedRunsWaitForTheirSettings(t *testing.T) {
	o := newOps(t, fmt.Sprintf(aWebhook, ""))
	o.configure(`{"channels": 1}`)
	o.restart()
	for range 3 {
		o.looks(november, 1, 0, 0)
		o.want("broken", 0)
	}
	if list, _, err := o.Store.Notices(t.Context(), 7, 9); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	o.configure(fmt.Sprintf(aWebhook, ""))
	o.restart()
	o.want("mended", 0, lateRuns)
}

// Whatever marks workers see in whatever order, old ones among them: what was
// missed is counted, and nothing twice.
func TestMarksInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var told missedMark
		sum, most := 0, 0
		for _, count := range rapid.SliceOf(rapid.IntRange(0, 9)).Draw(t, "counts") {
			mark := readMark(missedMark{Made: november.Unix(), Count: count}.String())
			if n := mark.since(told); n > 0 {
				sum, told = sum+n, mark
			}
			most = max(most, count)
		}
		if sum != most {
			t.Fatalf("%d were missed, %d told", most, sum)
		}
	})
}

// Of many workers that look and tell at the same time, one tells.
func TestOneOfManyTellsOfMissedRuns(t *testing.T) {
	o := newOps(t, fmt.Sprintf(aWebhook, ""))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			o.looks(november, 2, 0, 0)
			if _, err := o.tellOperators(t.Context(), november); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	o.want("told by one of them", 0, fmt.Sprintf(lateRunsNxt, 2))
	o.want("and no digest", 2*time.Hour)
}
