package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/cli"
	"orgflow/internal/store"
	"orgflow/meta"
)

var november = time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)

// ops is a company whose operators are told how runs end.
type ops struct {
	*App
	t    *testing.T
	dir  string
	log  *bytes.Buffer
	runs int
	seen int // messages
}

const (
	bothChannels = `{"operators": ["E1", "E2"], "channels": ["ding_talk", "webhook"], "webhook": {"url": "https://ops.invalid"}, "console": "https://console.invalid"%s}`
	aWebhook     = `{"webhook": {"url": "https://ops.invalid"}%s}`
)

func newOps(t *testing.T, notify string) *ops {
	t.Helper()
	o := &ops{t: t, dir: t.TempDir(), log: &bytes.Buffer{}}
	o.configure(notify)
	o.App = &App{Store: outbox(t), Log: slog.New(slog.NewTextHandler(o.log, nil))}
	o.restart()
	return o
}

// configure writes the company's file.
func (o *ops) configure(notify string) {
	o.t.Helper()
	file := filepath.Join(o.dir, "companies", "7", "company.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(`{"company_id": 7, "name": "示例公司", "notify": `+notify+`}`), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o *ops) restart() {
	o.t.Helper()
	var err error
	if o.Meta, err = meta.Open(o.dir, func(string) (string, bool) { return "", false }); err != nil {
		o.t.Fatal(err)
	}
}

// ends lets a run end.
func (o *ops) ends(status orgflow.Status, fault *orgflow.Fault) {
	o.t.Helper()
	o.runs++
	id := fmt.Sprint("run", o.runs)
	job := orgflow.Job{Services: []string{"person_new"}, Consumer: "ding_talk", CompanyID: 7}.WithDefaults()
	if _, _, err := o.Store.CreateRun(o.t.Context(), store.NewRun{FirstRunID: id, WorkflowID: id, Job: job}); err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.Store.FinishRun(o.t.Context(), id, status, fault, nil); err != nil {
		o.t.Fatal(err)
	}
}

// told lets operators be told and returns the new messages.
func (o *ops) told(at time.Duration) []store.Message {
	o.t.Helper()
	if _, err := o.tellOperators(o.t.Context(), november.Add(at)); err != nil {
		o.t.Fatal(err)
	}
	list, _, err := o.Store.ListMessages(o.t.Context(), store.MessageFilter{CompanyID: 7})
	if err != nil {
		o.t.Fatal(err)
	}
	fresh := list[o.seen:]
	o.seen = len(list)
	return fresh
}

func (o *ops) want(what string, at time.Duration, want ...string) {
	o.t.Helper()
	var got []string
	for _, m := range o.told(at) {
		text, err := orgflow.DecodeMessage(m.Body)
		if err != nil || m.Kind != store.NoticeKind {
			o.t.Fatalf("%+v, %v", m, err)
		}
		got = append(got, m.Channel+" "+m.ToUser+" "+text.Title)
	}
	if d := cmp.Diff(want, got); d != "" {
		o.t.Errorf("%s: %s", what, d)
	}
}

var refused = &orgflow.Fault{Code: orgflow.CodeUnauthorized, VendorCode: "40014", Message: "不合法的access_token", Advice: "check appkey and appsecret"}

// A failure is told at once, to everybody on every channel; what repeats, in
// one digest; and that it is over, once.
func TestOperatorsAreTold(t *testing.T) {
	o := newOps(t, fmt.Sprintf(bothChannels, ""))
	everybody := func(title string) []string {
		return []string{"ding_talk E1 " + title, "ding_talk E2 " + title, "webhook webhook " + title}
	}
	o.ends(orgflow.StatusCompleted, nil)
	o.want("all is well", 0)
	o.ends(orgflow.StatusFailed, refused)
	o.want("it fails", 0, everybody("已停止发送：示例公司 (7)")...)
	o.want("it was told", time.Minute)
	for range 3 {
		o.ends(orgflow.StatusFailed, refused)
	}
	o.want("again and again", 2*time.Minute)
	o.ends(orgflow.StatusFailed, orgflow.Faultf(orgflow.CodePartialRead, "m"))
	o.want("something else", 3*time.Minute, everybody("运行失败：示例公司 (7)")...)
	o.want("the window is over", time.Hour, everybody("已停止发送 ×3：示例公司 (7)")...)
	o.ends(orgflow.StatusCanceled, nil)
	o.want("canceled says nothing", time.Hour)
	o.ends(orgflow.StatusCompletedWithFailures, nil)
	o.want("two causes are over, one is new", 2*time.Hour, slices.Concat(everybody("已恢复 – 运行失败：示例公司 (7)"), everybody("运行完成，但有失败：示例公司 (7)"))...)
	o.ends(orgflow.StatusCompleted, nil)
	o.want("all is well again", 2*time.Hour, everybody("已恢复 – 运行完成，但有失败：示例公司 (7)")...)
	o.ends(orgflow.StatusCompleted, nil)
	o.want("still", 9*time.Hour)
}

func TestWhatOperatorsRead(t *testing.T) {
	o := newOps(t, fmt.Sprintf(bothChannels, `, "language": "en"`))
	o.ends(orgflow.StatusFailed, refused)
	list := o.told(0)
	if len(list) != 3 {
		t.Fatalf("%d messages", len(list))
	}
	text, err := orgflow.DecodeMessage(list[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	want := orgflow.MessageText{
		Title: "Nothing more is sent: 示例公司 (7)", Link: "https://console.invalid/sync/run1",
		Text: "Job: Sync ding_talk · default · person_new\nCause: credentials refused (unauthorized 40014): 不合法的access_token\n" +
			"Advice: check appkey and appsecret\nRun: run1\nTime: 2026-11-22 09:00:00 CST",
		Notice: &orgflow.NoticeFacts{
			CompanyID: 7, Event: orgflow.NoticeBreaker, Telling: "first", Job: "sync:ding_talk:default:person_new", Cause: "unauthorized 40014",
			Count: 1, Since: november, Ref: "run1",
		},
	}
	if d := cmp.Diff(want, text); d != "" {
		t.Error(d)
	}
}

// The process dies between the end of a run and the telling: another one
// tells. Of many that tell at once, one does.
func TestOneOfManyTells(t *testing.T) {
	o := newOps(t, fmt.Sprintf(aWebhook, ""))
	for range 3 {
		o.ends(orgflow.StatusFailed, refused)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := o.tellOperators(t.Context(), november); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	o.want("told by one of them", 0, "webhook webhook 已停止发送：示例公司 (7)")
	o.want("the others were counted", time.Hour, "webhook webhook 已停止发送 ×2：示例公司 (7)")
}

// What nobody wants to hear is forgotten, not kept for later.
func TestWhatNobodyWantsToHear(t *testing.T) {
	for name, notify := range map[string]string{
		"nobody to tell": `{"channels": ["ding_talk"]}`, "other events": fmt.Sprintf(aWebhook, `, "on": ["parked"]`), "operators without a channel": `{"operators": ["E1"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			o := newOps(t, notify)
			o.ends(orgflow.StatusFailed, refused)
			o.want("told", 0)
			o.configure(fmt.Sprintf(aWebhook, ""))
			o.restart()
			o.want("somebody listens now", 2*time.Hour)
		})
	}
}

// Who stops listening while something is counted hears no more of it.
func TestNoLongerWanted(t *testing.T) {
	o := newOps(t, fmt.Sprintf(aWebhook, ""))
	for range 2 {
		o.ends(orgflow.StatusFailed, refused)
	}
	o.want("the first", 0, "webhook webhook 已停止发送：示例公司 (7)")
	o.configure(fmt.Sprintf(aWebhook, `, "on": ["partial"]`))
	o.restart()
	o.want("the digest", time.Hour)
	if due, err := o.Store.NoticeCompanies(t.Context(), november.Add(time.Hour)); err != nil || len(due) > 0 {
		t.Errorf("still to be told: %v, %v", due, err)
	}
}

// A file that cannot be read keeps what is to be told; one that is gone does
// not.
func TestSettingsThatCannotBeRead(t *testing.T) {
	o := newOps(t, fmt.Sprintf(aWebhook, ""))
	o.ends(orgflow.StatusFailed, refused)
	o.configure(`{"channels": 1}`)
	o.restart()
	o.want("broken", 0)
	if !strings.Contains(o.log.String(), "operators could not be told how runs ended") {
		t.Errorf("nothing is said: %s", o.log)
	}
	o.configure(fmt.Sprintf(aWebhook, ""))
	o.restart()
	o.want("mended", 0, "webhook webhook 已停止发送：示例公司 (7)")
	o.ends(orgflow.StatusFailed, refused)
	if err := os.Remove(filepath.Join(o.dir, "companies", "7", "company.json")); err != nil {
		t.Fatal(err)
	}
	o.restart()
	o.want("gone", 2*time.Hour)
	if due, err := o.Store.NoticeCompanies(t.Context(), november.Add(9*time.Hour)); err != nil || len(due) > 0 {
		t.Errorf("still to be told: %v, %v", due, err)
	}
}

// An activity that ran twice has noticed a refusal twice.
func TestARunIsToldOfOnce(t *testing.T) {
	o := newOps(t, fmt.Sprintf(aWebhook, ""))
	refuse := func(id string) {
		n := store.Notice{CompanyID: 7, Job: "sync:ding_talk:default:org_new", Ref: id}
		if err := o.Store.NoticeRefusal(t.Context(), n, orgflow.Faultf(orgflow.CodeInvalidJob, "m")); err != nil {
			t.Fatal(err)
		}
	}
	refuse("a")
	o.want("the first", 0, "webhook webhook 运行失败：示例公司 (7)")
	refuse("a")
	o.want("again", 0)
	o.want("and no digest of it", 2*time.Hour)
	refuse("b")
	o.want("another one", 2*time.Hour, "webhook webhook 运行失败：示例公司 (7)")
}

// What goes on is shown until it is over; a request for a decision is told
// and no failure.
func TestTheBoardOfNotices(t *testing.T) {
	o := newOps(t, fmt.Sprintf(bothChannels, ""))
	for range 2 {
		o.ends(orgflow.StatusFailed, refused)
	}
	pull, _, err := o.Store.CreatePull(t.Context(), store.NewPull{FirstRunID: "f", WorkflowID: "p", Input: orgflow.PullInput{CompanyID: 7}.WithDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Store.ParkPull(t.Context(), pull.ID); err != nil {
		t.Fatal(err)
	}
	var lost []store.Message
	for _, m := range o.told(0) {
		if m.ToUser == "E2" {
			lost = append(lost, m)
			if err := o.Store.GiveUpMessage(t.Context(), m.ID, 0, "not_found: nobody"); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := notices{o.App}.Notices(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	want := cli.NoticeBoard{
		Open: []cli.OpenNotice{{CompanyID: 7, Job: "sync:ding_talk:default:person_new", Event: "breaker", Cause: "unauthorized 40014", Since: november, Untold: 1, Ref: "run2"}},
		Lost: []cli.LostNotice{
			{CompanyID: 7, At: lost[1].CreatedAt, Channel: "ding_talk", UserCode: "E2", Job: "pull:ding_talk", State: "dead", Note: "not_found: nobody"},
			{CompanyID: 7, At: lost[0].CreatedAt, Channel: "ding_talk", UserCode: "E2", Job: "sync:ding_talk:default:person_new", State: "dead", Note: "not_found: nobody"},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	o.ends(orgflow.StatusCompleted, nil)
	o.told(time.Minute)
	if got, err := (notices{o.App}).Notices(t.Context(), 7); err != nil || len(got.Open) != 0 {
		t.Errorf("over: %+v, %v", got.Open, err)
	}
}
