package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// noticed returns what operators are to be told, and how often the store said
// so.
func noticed(t *testing.T, s *store.Store) []string {
	t.Helper()
	list, _, err := s.Notices(context.Background(), company, 0)
	must(t, err)
	var out []string
	for _, n := range list {
		out = append(out, fmt.Sprintf("%s %q of %s: %s", n.Event, n.Cause, n.Job, n.Ref))
	}
	return out
}

func wantNoticed(t *testing.T, s *store.Store, what string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, noticed(t, s)); d != "" {
		t.Errorf("%s: %s", what, d)
	}
}

// The end of a run and what operators are to be told of it are stored
// together, once.
func TestTheEndOfARunIsNoticed(t *testing.T) {
	wrong := &orgflow.Fault{Code: orgflow.CodeUnauthorized, VendorCode: "40014", Message: "m"}
	const of = " of sync:ding_talk:default:org_new,person_new: "
	cases := []struct {
		status orgflow.Status
		fault  *orgflow.Fault
		want   string
	}{
		{orgflow.StatusCompleted, nil, ""}, // nothing was told before
		{orgflow.StatusCanceled, wrong, ""},
		{orgflow.StatusRejected, nil, ""},
		{orgflow.StatusSuperseded, nil, ""},
		{orgflow.StatusFailed, wrong, `breaker "unauthorized 40014"` + of},
		{orgflow.StatusFailed, orgflow.Faultf(orgflow.CodePartialRead, "m"), `failed "partial_read"` + of},
		{orgflow.StatusFailed, nil, `failed "internal"` + of},
		{orgflow.StatusCompletedWithFailures, nil, `partial ""` + of},
	}
	forEachDB(t, func(t *testing.T, s *store.Store) {
		var want []string
		for i, c := range cases {
			id := fmt.Sprint("r", i)
			newRun(t, s, id)
			for range 2 {
				must(t, second(s.FinishRun(context.Background(), id, c.status, c.fault, nil)))
			}
			if c.want != "" {
				want = append(want, c.want+id)
			}
			wantNoticed(t, s, fmt.Sprintf("%s ended twice as %s", id, c.status), want...)
		}
	})
}

func TestRunsThatWaitAndDryRunsAreNoticed(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "w")
		for range 2 {
			must(t, s.SetStatus(ctx, "w", orgflow.StatusAwaitingApproval))
		}
		const waits = `parked "" of sync:ding_talk:default:org_new,person_new: w`
		wantNoticed(t, s, "it waits", waits)
		if err := s.SetStatus(ctx, "nobody", orgflow.StatusAwaitingApproval); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a run that is not there: %v", err)
		}
		n := store.NewRun{FirstRunID: "d", WorkflowID: "d", Job: job()}
		n.Job.Params.DryRun = true
		must(t, second2(s.CreateRun(ctx, n)))
		must(t, second(s.FinishRun(ctx, "d", orgflow.StatusFailed, nil, nil)))
		wantNoticed(t, s, "a dry run failed", waits)
		must(t, second(s.FinishRun(ctx, "w", orgflow.StatusCompleted, nil, nil)))
		wantNoticed(t, s, "it completed, and was noticed before", waits, `well "" of sync:ding_talk:default:org_new,person_new: w`)
	})
}

func second2[A, B any](_ A, _ B, err error) error { return err }

func TestPullsAndLoadsAreNoticed(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		pull, _, err := s.CreatePull(ctx, store.NewPull{FirstRunID: "f", WorkflowID: "p", Input: orgflow.PullInput{CompanyID: company}.WithDefaults()})
		must(t, err)
		for range 2 {
			must(t, s.ParkPull(ctx, pull.ID))
		}
		for range 2 {
			must(t, second(s.FinishPull(ctx, pull.ID, orgflow.StatusCompletedWithFailures, nil, nil)))
		}
		in := orgflow.LoadInput{CompanyID: company, FormID: "SAL_Bill", Kind: orgflow.LoadUpdate}
		load, _, err := s.CreateLoad(ctx, store.NewLoad{FirstRunID: "1", WorkflowID: "l", Input: in})
		must(t, err)
		busy := orgflow.Faultf(orgflow.CodeTargetBusy, "m")
		var refused store.Load
		for range 2 {
			refused, err = s.RefuseLoad(ctx, store.NewLoad{FirstRunID: "2", WorkflowID: "m", Input: in}, busy)
			must(t, err)
			must(t, second(s.FinishLoad(ctx, load.ID, orgflow.StatusFailed, orgflow.Faultf(orgflow.CodeUnauthorized, "m"))))
		}
		wantNoticed(t, s, "all of them", `parked "" of pull:ding_talk: p`, `partial "" of pull:ding_talk: p`,
			`failed "target_busy" of load:SAL_Bill:update: `+refused.ID, `breaker "unauthorized" of load:SAL_Bill:update: `+load.ID)
	})
}

// A message that reaches nobody is noticed, but for those to operators: they
// would tell of themselves for ever.
func TestLostMessagesAreNoticed(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		toOperators := message("job", 3)
		toOperators.Kind = store.NoticeKind
		aboutFlow := message("A", 1)
		aboutFlow.No = "A"
		must(t, second(s.Enqueue(ctx, company, []store.NewMessage{aboutFlow, message("B", 2), toOperators})))
		list := lease(t, s, 3)
		must(t, s.ConfirmSent(ctx, list[1].ID, "p", time.Minute))
		for range 2 {
			must(t, s.GiveUpMessage(ctx, list[0].ID, list[0].Tries, "not_found: user code E9 is nobody's"))
			must(t, s.ConfirmDropped(ctx, list[1].ID, "143105: too many"))
			must(t, s.GiveUpMessage(ctx, list[2].ID, list[2].Tries, "not_found: user code E9 is nobody's"))
		}
		wantNoticed(t, s, "lost", `message "not_found" of messages:ding_talk: A`, `message "143105" of tasks:ding_talk: B`)
		lost, err := s.LostNotices(ctx, company, 0)
		must(t, err)
		if len(lost) != 1 || lost[0].ID != list[2].ID {
			t.Errorf("lost notices: %+v", lost)
		}
	})
}

// A ban is noticed once, whatever many calls were in flight; a short pause is
// how a vendor says "too fast".
func TestABanIsNoticedOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		must(t, s.HoldTarget(ctx, target, time.Minute))
		wantNoticed(t, s, "a short pause")
		for range 3 {
			must(t, s.HoldTarget(ctx, target, 5*time.Minute))
		}
		wantNoticed(t, s, "a ban", `breaker "throttled" of target:ding_talk: `)
		newRun(t, s, "r")
		must(t, second(s.FinishRun(ctx, "r", orgflow.StatusCompleted, nil, nil)))
		wantNoticed(t, s, "a run of the target completed", `breaker "throttled" of target:ding_talk: `, `well "" of sync:ding_talk:default:org_new,person_new: r`)
	})
}

// Two processes that tell at once: one of them has told nobody anything.
func TestNoticesAreToldOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		must(t, second(s.FinishRun(ctx, "r", orgflow.StatusFailed, nil, nil)))
		list, topics, err := s.Notices(ctx, company, 0)
		must(t, err)
		if len(list) != 1 || len(topics) != 0 {
			t.Fatalf("%+v, %+v", list, topics)
		}
		told := func(rev int64, key string, done ...int64) error {
			return s.TellNotices(ctx, store.ToldNotices{
				CompanyID: company, Done: done, Messages: []store.NewMessage{{DedupKey: key, Channel: "webhook", ToUser: "webhook", Subject: "j", Kind: store.NoticeKind, Body: "{}"}},
				Topics: []store.NoticeTopic{{Job: list[0].Job, Event: list[0].Event, Cause: list[0].Cause, Rev: rev, Failing: true, Missed: 1, Since: november, Quiet: november, Ref: "r"}},
			})
		}
		must(t, told(0, "first", list[0].ID))
		for what, err := range map[string]error{
			"the notice is gone": told(1, "second", list[0].ID), "the topic is there": told(0, "third"), "the topic moved on": told(7, "fourth"),
		} {
			if !errors.Is(err, store.ErrNoticesMoved) {
				t.Errorf("%s: %v", what, err)
			}
		}
		messages, _, err := s.ListMessages(ctx, store.MessageFilter{CompanyID: company})
		must(t, err)
		if len(messages) != 1 || messages[0].DedupKey != "first" {
			t.Errorf("messages: %+v", messages)
		}
		due, err := s.NoticeCompanies(ctx, november)
		must(t, err)
		if d := cmp.Diff([]int64{company}, due); d != "" {
			t.Error("the window is over:", d)
		}
		must(t, told(1, "fifth"))
		if early, _ := s.NoticeCompanies(ctx, november.Add(-time.Second)); len(early) != 0 {
			t.Errorf("the window is not over: %v", early)
		}
	})
}

// Runs that a schedule missed are stored once, as long as nobody was told.
func TestMissedRunsAreNoticedOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		n := store.Notice{CompanyID: company, Job: orgflow.ScheduleJob("nightly"), Cause: orgflow.MissedOverlap, Ref: "1/2"}
		for range 2 {
			must(t, s.NoticeMissed(context.Background(), n))
		}
		n.Ref = "1/3"
		must(t, s.NoticeMissed(context.Background(), n))
		wantNoticed(t, s, "missed", `missed "overlap" of schedule:nightly: 1/2`, `missed "overlap" of schedule:nightly: 1/3`)
	})
}
