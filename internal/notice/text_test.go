package notice_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/notice"
)

func lines(text ...string) string { return strings.Join(text, "\n") }

func TestTexts(t *testing.T) {
	zone := time.FixedZone("CST", 8*3600)
	base := notice.Facts{CompanyID: 7, Since: november, Now: november.Add(time.Hour), Zone: zone, Telling: notice.Telling{Kind: notice.First, Count: 1}}
	with := func(change func(*notice.Facts)) notice.Facts {
		f := base
		change(&f)
		return f
	}
	for name, c := range map[string]struct {
		facts       notice.Facts
		lang        string
		title, text string
	}{
		"some records failed": {with(func(f *notice.Facts) {
			f.Event, f.Job, f.Ref = orgflow.NoticePartial, "sync:ding_talk:default:org_new", "r1"
			f.Run = &notice.Run{Counts: []notice.Count{{Name: "failed_changes", N: 3}, {Name: "blocked"}, {Name: "held", N: 1}}}
		}), "zh", "运行完成，但有失败：7", lines("任务：同步 ding_talk · default · org_new", "数量：失败 3，保留 1", "运行：r1", "时间：2026-11-22 10:00:00 CST")},
		"a pull waits": {with(func(f *notice.Facts) {
			f.Event, f.Job, f.Ref = orgflow.NoticeParked, "pull:we_com", "p1"
			f.Run = &notice.Run{Counts: []notice.Count{{Name: "members", N: 300}, {Name: "parked_changes", N: 40}}}
		}), "en", "Changes wait for approval: 7", lines("Job: Pull we_com", "Counts: members 300, waiting 40", "Run: p1", "Time: 2026-11-22 10:00:00 CST")},
		"a load, again and again": {with(func(f *notice.Facts) {
			f.Event, f.Job, f.Cause, f.Ref, f.Telling = orgflow.NoticeFailed, "load:SAL_Bill:update", "unavailable", "l9", notice.Telling{Kind: notice.Digest, Count: 4}
			f.Run = &notice.Run{Fault: orgflow.Faultf(orgflow.CodeUnavailable, "no\nanswer")}
		}), "en", "Run failed ×4: 7", lines("Job: Load SAL_Bill · update", "Cause: does not answer (unavailable): no answer", "Repeated: 4 times more, since 2026-11-22 09:00:00 CST", "Run: l9", "Time: 2026-11-22 10:00:00 CST")},
		"over": {with(func(f *notice.Facts) {
			f.Event, f.Job, f.Cause, f.Ref, f.Telling = orgflow.NoticeFailed, "pull:ding_talk", "unavailable", "p2", notice.Telling{Kind: notice.Clear, Over: true}
			f.Run = &notice.Run{}
		}), "en", "Over – Run failed: 7", lines("Job: Pull ding_talk", "Cause: does not answer (unavailable)", "Repeated: since 2026-11-22 09:00:00 CST", "Run: p2", "Time: 2026-11-22 10:00:00 CST")},
		"a ban": {with(func(f *notice.Facts) {
			f.Event, f.Job, f.Cause = orgflow.NoticeBreaker, "target:ding_talk", "throttled"
		}),
			"zh", "已停止发送：7", lines("任务：目标 ding_talk", "原因：地址被封禁，或调用被暂停数分钟 (throttled)", "时间：2026-11-22 10:00:00 CST")},
		"a lost message": {with(func(f *notice.Facts) {
			f.Event, f.Job, f.Cause, f.Ref = orgflow.NoticeMessage, "messages:we_com", "143105", "RW1"
		}), "zh", "消息未送达：7", lines("任务：消息 we_com", "原因：143105", "关于：RW1", "时间：2026-11-22 10:00:00 CST")},
		"missed runs": {with(func(f *notice.Facts) {
			f.Event, f.Job, f.Cause, f.Ref, f.Telling = orgflow.NoticeMissed, "schedule:nightly", "catchup_window", "7-nightly", notice.Telling{Kind: notice.Digest, Count: 3}
			f.Run = &notice.Run{Counts: []notice.Count{{Name: "missed_runs", N: 3}}}
		}), "en", "Scheduled runs not started ×3: 7", lines("Job: Schedule nightly", "Cause: Temporal was away for longer than the catch-up window (catchup_window)", "Counts: not started 3", "Schedule: 7-nightly", "Time: 2026-11-22 10:00:00 CST")},
		"a defect of ours": {with(func(f *notice.Facts) {
			f.Event, f.Job, f.Cause = orgflow.NoticeFailed, "pull:ding_talk", "internal"
			f.Run = &notice.Run{Fault: orgflow.Faultf(orgflow.CodeInternal, "what nobody has looked through")}
		}), "en", "Run failed: 7", lines("Job: Pull ding_talk", "Cause: unexpected failure (internal)", "Time: 2026-11-22 10:00:00 CST")},
	} {
		t.Run(name, func(t *testing.T) {
			got := notice.Text(c.facts, c.lang)
			if d := cmp.Diff([2]string{c.title, c.text}, [2]string{got.Title, got.Text}); d != "" {
				t.Error(d)
			}
		})
	}
	long := with(func(f *notice.Facts) {
		f.Cause, f.Run = "conflict", &notice.Run{Fault: orgflow.Faultf(orgflow.CodeConflict, "%s", strings.Repeat("长", 500))}
	})
	if got := notice.Text(long, "zh").Text; strings.Count(got, "长") != 199 || !strings.Contains(got, "长…\n时间") {
		t.Errorf("long words: %s", got)
	}
}

// Both languages have the same words.
func TestLanguagesAreAlike(t *testing.T) {
	for _, event := range orgflow.NoticeEvents() {
		for _, name := range []string{"zh", "en"} {
			if title := notice.Text(notice.Facts{Event: event}, name).Title; strings.HasPrefix(title, string(event)) {
				t.Errorf("%s has no word for %s", name, event)
			}
		}
	}
}
