package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"

	"go.temporal.io/sdk/activity"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/mapping"
	"orgflow/internal/store"
	"orgflow/meta"
)

const (
	// pagesPerFetch is how many source pages one activity reads before the
	// workflow shows the progress.
	pagesPerFetch = 20
	// lastFetchAttempt is the attempt from which on a read that began but
	// cannot be finished is used as partial instead of tried again. It must
	// not exceed the attempts of the workflow's "reading" profile.
	lastFetchAttempt = 4
)

// FetchPages reads pages of one kind, maps them to the standard format
// and stages them in base_sync_data. Repeating is harmless: a page's records
// that are already staged stay as they are, and the heartbeat carries the
// position.
func (s *Sync) FetchPages(ctx context.Context, p FetchParams) (Fetched, error) {
	f, err := s.fetcher(ctx, p)
	if err != nil {
		return Fetched{}, temporalError(err)
	}
	if out, ended, err := f.ended(ctx); err != nil || ended {
		return out, temporalError(err)
	}
	f.mark()
	defer keepAlive(ctx, func() any { return f.reached.Load() })()
	out, err := f.read(ctx)
	return out, temporalError(err)
}

// fetcher is one activity's share of a read.
type fetcher struct {
	store  Store
	runID  string
	source connectors.Source
	look   *lookups
	svc    meta.ResolvedService
	cursor FetchCursor
	// reached is the position behind the last stored page, for heartbeats.
	reached atomic.Pointer[FetchCursor]
}

func (f *fetcher) mark() {
	cursor := f.cursor
	f.reached.Store(&cursor)
}

func (s *Sync) fetcher(ctx context.Context, p FetchParams) (*fetcher, error) {
	run, err := s.Store.GetRun(ctx, p.RunID)
	if err != nil {
		return nil, err
	}
	if err := s.Store.SetPhase(ctx, run.ID, orgflow.PhaseFetch); err != nil {
		return nil, err
	}
	look, err := s.lookups(ctx, run.Job)
	if err != nil {
		return nil, err
	}
	resolved, err := s.Files.Thaw(run.Frozen, look.find)
	if err != nil {
		return nil, err
	}
	svc, ok := resolved.Kind(p.Kind)
	if !ok {
		return nil, orgflow.Faultf(orgflow.CodeInternal, "run %s reads no %s records", run.ID, p.Kind)
	}
	f := &fetcher{store: s.Store, runID: run.ID, source: look.source, look: look, svc: svc, cursor: p.From}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &f.cursor); err != nil {
			return nil, fmt.Errorf("read position: %w", err)
		}
	}
	if f.cursor.Snapshot == 0 {
		snapshot, err := s.Store.BeginSnapshot(ctx, store.NewSnapshot{
			RunID: run.ID, Target: run.Job.Target(), Scope: run.Job.Params.Scope,
			Service: svc.Service.Name, Kind: svc.Service.Kind,
			FilterHash: svc.FilterHash, MetaHash: svc.MetaFile.SHA256,
		})
		if err != nil {
			return nil, err
		}
		f.cursor.Snapshot = snapshot.ID
	}
	staged, rejected, err := s.Store.CountStaged(ctx, f.cursor.Snapshot)
	f.cursor.Reading.Resume(staged + rejected)
	return f, err
}

func (s *Sync) source(job orgflow.Job) (connectors.Source, error) {
	company, err := s.Files.Company(job.CompanyID)
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	if err := company.SourceConnection(&raw); err != nil {
		return nil, err
	}
	return s.Connectors.Source(connectors.Settings{CompanyID: job.CompanyID, Name: company.SourceType(), JSON: raw})
}

// ended answers with the snapshot when an earlier attempt has closed it and
// only its answer was lost.
func (f *fetcher) ended(ctx context.Context) (Fetched, bool, error) {
	snapshot, err := f.store.GetSnapshot(ctx, f.cursor.Snapshot)
	if err != nil || snapshot.FinishedAt == nil {
		return Fetched{}, false, err
	}
	f.cursor.Done = true
	return f.answer(snapshot), true, nil
}

// answer reports a closed snapshot.
func (f *fetcher) answer(snapshot store.Snapshot) Fetched {
	return Fetched{Cursor: f.cursor, Count: orgflow.FetchCount{
		Read: snapshot.Read, Staged: snapshot.Staged, Rejected: snapshot.Rejected,
		Complete: snapshot.Complete, Cause: snapshot.Cause,
	}}
}

// read stages pages until the source ends, the activity's share is read, the
// worker stops or the source fails for good.
func (f *fetcher) read(ctx context.Context) (Fetched, error) {
	for range pagesPerFetch {
		page, err := f.source.ReadPage(ctx, query(f.svc.Request), f.cursor.Page)
		if err != nil {
			return f.broken(ctx, err)
		}
		if err := f.stage(ctx, page); err != nil {
			return Fetched{}, err
		}
		if err := f.store.AddCounters(ctx, f.runID, store.Counters{Calls: page.Calls}); err != nil {
			return Fetched{}, err
		}
		if f.cursor.Done {
			return f.end(ctx, "")
		}
		f.mark()
		activity.RecordHeartbeat(ctx, f.cursor)
		if workerStops(ctx) {
			break // a smaller share; another worker reads the next one
		}
	}
	staged, rejected, err := f.store.CountStaged(ctx, f.cursor.Snapshot)
	return Fetched{Cursor: f.cursor, Count: orgflow.FetchCount{Read: f.cursor.Reading.Read, Staged: staged, Rejected: rejected}}, err
}

// stage maps and stores one page and moves the cursor behind it.
func (f *fetcher) stage(ctx context.Context, page connectors.Page) error {
	rows := make([]store.StagedRow, len(page.Rows))
	for i, raw := range page.Rows {
		rows[i] = stageRow(f.svc.Standard, raw, f.cursor.Reading.Read+i)
	}
	if f.look.err != nil {
		return f.look.err // the source's failure, not the records'
	}
	fresh, err := f.store.StagePage(ctx, f.cursor.Snapshot, rows)
	if err != nil {
		return err
	}
	more := f.cursor.Reading.Add(page, fresh)
	f.cursor.Page = page.Next
	f.cursor.Done = !more
	return nil
}

// stageRow converts one source row; a record that fails is set aside with
// its reason and the others go on.
func stageRow(standard *mapping.Standard, raw json.RawMessage, position int) store.StagedRow {
	record, issues := standard.Map(raw)
	row := store.StagedRow{Record: record}
	var reasons []string
	for _, issue := range issues {
		if issue.Fatal {
			reasons = append(reasons, issue.Key+": "+issue.Message)
		}
	}
	row.Reject = strings.Join(reasons, "; ")
	if row.Record.SourceID == "" {
		// Kept under its position, so that the operator finds it.
		row.Record.SourceID = fmt.Sprintf("row %d", position+1)
		if row.Reject == "" {
			row.Reject = "has no id"
		}
	}
	return row
}

// broken decides what a failed page means: try again, fail the run, or keep
// what was read as a partial read that never feeds a delete.
func (f *fetcher) broken(ctx context.Context, err error) (Fetched, error) {
	fault := orgflow.AsFault(err)
	last := activity.GetInfo(ctx).Attempt >= lastFetchAttempt
	if ctx.Err() != nil || f.cursor.Reading.Read == 0 || (fault.Transient() && !last) {
		return Fetched{}, err
	}
	f.cursor.Done = true
	return f.end(ctx, "the source stopped answering: "+fault.Error())
}

// end closes the snapshot with its proof of completeness.
func (f *fetcher) end(ctx context.Context, cause string) (Fetched, error) {
	complete := false
	if cause == "" {
		complete, cause = f.cursor.Reading.Proof()
	}
	snapshot, err := f.store.GetSnapshot(ctx, f.cursor.Snapshot)
	if err != nil {
		return Fetched{}, err
	}
	if snapshot.Filled, err = filled(f.store.RecordsByID(ctx, snapshot.ID)); err != nil {
		return Fetched{}, err
	}
	if snapshot.Staged, _, err = f.store.CountStaged(ctx, snapshot.ID); err != nil {
		return Fetched{}, err
	}
	if complete {
		if cause, err = f.fieldProof(ctx, snapshot); err != nil {
			return Fetched{}, err
		}
		complete = cause == ""
	}
	snapshot, err = f.store.FinishSnapshot(ctx, snapshot.ID, store.SnapshotResult{
		Read: f.cursor.Reading.Read, Declared: f.cursor.Reading.Declared, Complete: complete, Cause: cause, Filled: snapshot.Filled,
	})
	return f.answer(snapshot), err
}

// query is what a source understands of a resolved request.
func query(r meta.Request) connectors.Query {
	q := connectors.Query{
		Model: r.Model, API: r.API, FilterDict: r.FilterDict, FilterStr: r.FilterStr, Sorts: r.Sorts,
		OnlyList: r.OnlyList, PageSize: r.PageSize, ExtraProperty: r.ExtraProperty,
	}
	for _, c := range r.Columns {
		q.Fields = append(q.Fields, connectors.Column{Key: c.Key, Field: c.Field})
	}
	return q
}
