package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/internal/meter"
	"orgflow/internal/notice"
	"orgflow/internal/store"
	"orgflow/internal/temporalx"
)

const (
	// lookEvery is how often a worker looks whether schedules missed runs.
	lookEvery = time.Minute
	// lookAtMost bounds a look.
	lookAtMost = 30 * time.Second
)

// WatchSchedules has operators told, until ctx ends, of runs that schedules
// did not start. Every worker may do so: how many were told of is stored with
// the telling, so that each run is told of once whoever looks, and one that
// was missed while no worker was there is found by the next.
func (a *App) WatchSchedules(ctx context.Context, cl client.Client) {
	schedules := temporalx.NewSchedules(cl, a.payloads.DataConverter(), a.Config.Temporal.Namespace, scheduleOwner)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for said := false; ; {
		err := a.lookAtSchedules(ctx, schedules)
		if err != nil && !said && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "it could not be looked whether schedules missed runs; it is tried again", "error", err)
		}
		said = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (a *App) lookAtSchedules(ctx context.Context, schedules *temporalx.Schedules) error {
	ctx, cancel := context.WithTimeout(ctx, lookAtMost)
	defer cancel()
	list, err := schedules.Counted(ctx)
	if err != nil {
		return err
	}
	missed := missedRuns(list)
	a.showMissed(missed)
	return a.noticeMissed(ctx, missed)
}

// showMissed shows the counts as a metric.
func (a *App) showMissed(list []missed) {
	out := make([]meter.Missed, len(list))
	for i, m := range list {
		out[i] = meter.Missed{Schedule: m.schedule, Reason: m.reason, Runs: m.mark.Count}
	}
	a.meter.Schedules.Show(out)
}

// missed is how many runs of a schedule were not started for one reason,
// since the schedule was made.
type missed struct {
	schedule string // its id at Temporal
	reason   string
	mark     missedMark
}

// missedRuns are the counts of schedules by reason, those of 0 among them.
func missedRuns(list []temporalx.ScheduleEntry) (out []missed) {
	for _, s := range list {
		for _, c := range []struct {
			reason string
			n      int
		}{
			{orgflow.MissedCatchupWindow, s.Counts.Late}, {orgflow.MissedOverlap, s.Counts.Skipped}, {orgflow.MissedBuffer, s.Counts.Dropped},
		} {
			out = append(out, missed{s.ID, c.reason, missedMark{s.Counts.Made.Unix(), c.n}})
		}
	}
	return out
}

// noticeMissed stores notices of runs nobody was told of. A company's notices
// that cannot be stored do not hold up those of others.
func (a *App) noticeMissed(ctx context.Context, list []missed) error {
	known := map[int64]map[string]missedMark{}
	var failures []error
	for _, m := range list {
		company, file, ok := ofSchedule(m.schedule)
		if !ok || m.mark.Count == 0 {
			continue
		}
		marks, err := a.toldMissed(ctx, known, company)
		job := orgflow.ScheduleJob(file)
		if err == nil && m.mark.since(marks[job+" "+m.reason]) > 0 {
			err = a.Store.NoticeMissed(ctx, store.Notice{CompanyID: company, Job: job, Cause: m.reason, Ref: m.mark.String()})
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// toldMissed are how many runs operators of a company were told of, read once.
func (a *App) toldMissed(ctx context.Context, known map[int64]map[string]missedMark, company int64) (map[string]missedMark, error) {
	if marks, ok := known[company]; ok {
		return marks, nil
	}
	topics, err := a.Store.NoticeTopics(ctx, company)
	if err != nil {
		return nil, err
	}
	marks := map[string]missedMark{}
	for _, t := range topics {
		if t.Event == orgflow.NoticeMissed {
			marks[t.Job+" "+t.Cause] = readMark(t.Ref)
		}
	}
	known[company] = marks
	return marks, nil
}

// ofSchedule splits what scheduleID has put together.
func ofSchedule(id string) (company int64, file string, ok bool) {
	number, file, ok := strings.Cut(id, "-")
	company, err := strconv.ParseInt(number, 10, 64)
	return company, file, ok && err == nil
}

// ofJob is the id at Temporal of the schedule that a notice's job names.
func ofJob(company int64, job string) string {
	return scheduleID(company, strings.TrimPrefix(job, orgflow.ScheduleJob("")))
}

// missedMark is how many runs a schedule had missed. A schedule that is
// deleted and made again counts from 0; when it was made tells that.
type missedMark struct {
	Made  int64 // Unix seconds; 0 is before any schedule
	Count int
}

// String is the mark as notices and topics refer to it.
func (m missedMark) String() string { return fmt.Sprintf("%d/%d", m.Made, m.Count) }

func readMark(text string) (m missedMark) {
	if n, err := fmt.Sscanf(text, "%d/%d", &m.Made, &m.Count); n != 2 || err != nil {
		return missedMark{}
	}
	return m
}

// since is how many runs were missed after an earlier mark; 0 where m is the
// earlier one.
func (m missedMark) since(earlier missedMark) int {
	switch {
	case m.Made > earlier.Made:
		return m.Count
	case m.Made == earlier.Made:
		return max(m.Count-earlier.Count, 0)
	}
	return 0
}

// takeMissed takes runs of a schedule that were missed. What nobody wants to
// hear of counts as told: who wants to hear of it later is told of later ones.
func (t *teller) takeMissed(n store.Notice) {
	i := t.find(n)
	mark := readMark(n.Ref)
	fresh := mark.since(readMark(t.topics[i].Ref))
	if fresh == 0 { // two workers have looked
		return
	}
	t.topics[i].Ref = n.Ref
	t.touch(i)
	if !t.wants(orgflow.NoticeMissed) {
		t.topics[i].Since, t.topics[i].Quiet = t.now, t.now
		return
	}
	t.say(i, t.step(i, func(s notice.State) (notice.State, notice.Telling) {
		s.Failing = s.Missed > 0 // it is nothing that goes on
		return s.Failed(t.now, t.settings.Window, fresh)
	}))
}
