package app

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"orgflow"
	"orgflow/internal/notice"
)

// look adds what is known of the run that a notice is about, and returns the
// path of its page. A run that was removed meanwhile is told of by its id.
func (t *teller) look(ctx context.Context, f *notice.Facts) (path string, err error) {
	id := url.PathEscape(f.Ref)
	var run notice.Run
	switch kind, _, _ := strings.Cut(f.Job, ":"); {
	case f.Ref == "":
		return "", nil
	case kind == "schedule":
		f.Ref = ofJob(f.CompanyID, f.Job)
		f.Run = &notice.Run{Counts: []notice.Count{{Name: "missed_runs", N: int64(f.Telling.Count)}}}
		return "/schedules/" + url.PathEscape(f.Ref), nil
	case kind == "sync" || kind == "target":
		path = "/sync/" + id
		run, err = t.syncRun(ctx, f.Ref)
	case kind == "pull":
		path = "/org/pulls/" + id
		run, err = t.pullRun(ctx, f.Ref)
	case kind == "load":
		path = "/erp/loads/" + id
		run, err = t.loadRun(ctx, f.Ref)
	case kind == "messages":
		return fmt.Sprintf("/flows/%s?company=%d", id, t.company.ID), nil
	default:
		return "", nil
	}
	if isNotFound(err) {
		return "", nil
	}
	f.Run = &run
	return path, err
}

func (t *teller) syncRun(ctx context.Context, id string) (notice.Run, error) {
	s, err := t.app.Store.Summary(ctx, id)
	if err != nil {
		return notice.Run{}, err
	}
	states, err := t.app.Store.CountByState(ctx, id)
	if err != nil {
		return notice.Run{}, err
	}
	run := notice.Run{Fault: s.Error}
	for _, c := range []struct {
		name  string
		state orgflow.State
	}{
		{"failed_changes", orgflow.Failed}, {"blocked", orgflow.Blocked}, {"held", orgflow.Held}, {"disputed", orgflow.Disputed},
		{"needs_human", orgflow.NeedsHuman}, {"parked_changes", orgflow.Parked}, {"planned", orgflow.Planned},
	} {
		run.Counts = append(run.Counts, notice.Count{Name: c.name, N: int64(states[c.state])})
	}
	rejected := 0
	for _, fetch := range s.Fetch {
		rejected += fetch.Rejected
	}
	run.Counts = append(run.Counts, notice.Count{Name: "rejected", N: int64(rejected)})
	return run, nil
}

func (t *teller) pullRun(ctx context.Context, id string) (notice.Run, error) {
	p, err := t.app.Store.GetPull(ctx, id)
	s := p.Summary
	return notice.Run{Fault: s.Error, Counts: []notice.Count{
		{Name: "departments", N: int64(s.Departments)}, {Name: "members", N: int64(s.Members)}, {Name: "parked_changes", N: int64(s.ParkedRemovals)},
	}}, err
}

func (t *teller) loadRun(ctx context.Context, id string) (notice.Run, error) {
	l, err := t.app.Store.GetLoad(ctx, id)
	return notice.Run{Fault: l.Summary.Error, Counts: []notice.Count{{Name: "rows", N: l.Summary.Rows}}}, err
}
