package activities

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/mapping"
	"orgflow/internal/planner"
	"orgflow/meta"
)

// WhatIf plans rows of the source that do not exist yet, or not like this, as
// if a run of the job had just read them: against today's bindings, among the
// departments of the scope's newest read. It is no activity: nothing is
// stored, sent or started, nobody is asked but the database and, by a
// transform "lookup", the source.
//
// Where files are supposed they stand in the place of the company's. Without
// rows the records are planned that the newest read holds and that those files
// map otherwise than today's do.
//
// Only the rows' records are planned, whatever source_ids the job names. All
// of them are there, so nothing is ever deleted, except to be inserted again
// where the consumer cannot change a field.
//
// Errors: an *orgflow.InvalidError for rows that cannot be read (see
// meta.Resolved.Rows, pointers into rows) or files that the job does not use;
// a fault that a run would end with.
func (s *Sync) WhatIf(ctx context.Context, job orgflow.Job, suppose orgflow.Supposition) (orgflow.WhatIf, error) {
	if !job.Has(orgflow.StageSend) {
		return orgflow.WhatIf{}, &orgflow.Fault{
			Code: orgflow.CodeInvalidJob, Field: "/params/stages",
			Message: `a what-if shows what would be sent, and this job does not send`,
			Advice:  `leave "stages" out, or add "send"`,
		}
	}
	if job.Params.Undo != "" {
		return orgflow.WhatIf{}, &orgflow.Fault{
			Code: orgflow.CodeInvalidJob, Field: "/params/undo",
			Message: "a what-if plans rows of the source, and an undo reads none",
			Advice:  "look at a dry run of the undo",
		}
	}
	q := &question{sync: s, job: job, suppose: suppose, files: s.Files, out: orgflow.WhatIf{
		Changes: []orgflow.Change{}, Plan: map[orgflow.Kind]orgflow.PlanCount{}, Notes: []string{}, Issues: []orgflow.RowIssue{},
	}}
	if len(suppose.Files) > 0 {
		q.files = s.Files.Suppose(job.CompanyID, suppose.Files)
	}
	err := q.ask(ctx)
	return q.out, err
}

// question is a what-if on its way to the answer.
type question struct {
	sync     *Sync
	job      orgflow.Job
	suppose  orgflow.Supposition
	files    Files // those supposed laid over today's
	resolved *meta.Resolved
	rows     []meta.SourceRow
	out      orgflow.WhatIf
}

func (q *question) ask(ctx context.Context) error {
	late := &lateSource{open: sync.OnceValues(func() (connectors.Source, error) { return q.sync.source(q.job) })}
	look := &lookups{ctx: ctx, source: late, known: map[[3]string]map[string]any{}}
	if err := q.read(ctx, look); err != nil {
		return err
	}
	q.restrict()
	g, err := q.sync.frame(ctx, q.job, look)
	if err != nil {
		return err
	}
	var kinds []orgflow.Kind
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		svc, ok := q.resolved.Kind(kind)
		if !ok {
			continue
		}
		q.out.Plan[kind] = orgflow.PlanCount{}
		kinds = append(kinds, kind)
		if err := acceptable(g.in.Profile, svc); err != nil {
			return err
		}
		if err := q.fill(ctx, svc, g); err != nil {
			return err
		}
	}
	if first, err := q.sync.needsRemote(ctx, q.job, kinds); err != nil {
		return err
	} else if first {
		q.out.Notes = append(q.out.Notes, fmt.Sprintf(
			"nothing is bound yet: the first run looks what %s holds and adopts what it finds there; a what-if does not look", q.job.Consumer))
	}
	if look.err != nil {
		return look.err
	}
	if len(q.job.Params.SourceIDs) == 0 {
		return nil // every row would be set aside; no selection would mean all
	}
	plan, err := g.build()
	if err != nil {
		return err
	}
	q.answer(plan)
	return nil
}

// read maps the rows with the files.
func (q *question) read(ctx context.Context, look *lookups) error {
	var err error
	if q.resolved, err = mapped(q.files, q.job, look); err != nil {
		return err
	}
	if err := q.resolved.Supposed(q.suppose.Files); err != nil {
		return err
	}
	if len(q.suppose.Rows) > 0 || len(q.suppose.Files) == 0 {
		q.rows, err = q.resolved.Rows(q.suppose.Rows)
	} else {
		err = q.replay(ctx, look)
	}
	if look.err != nil {
		return look.err // the source's failure, not the rows'
	}
	for _, row := range q.rows {
		q.note(row, orgflow.StageFetch, row.Issues)
	}
	return err
}

// mapped resolves a job's files for mapping rows.
func mapped(files Files, job orgflow.Job, look *lookups) (*meta.Resolved, error) {
	resolved, err := files.Resolve(job)
	if err != nil {
		return nil, err
	}
	return files.Thaw(resolved.Frozen(), look.find)
}

func (q *question) note(row meta.SourceRow, stage orgflow.Stage, issues []mapping.Issue) {
	for _, i := range issues {
		q.out.Issues = append(q.out.Issues, orgflow.RowIssue{
			Service: row.Service, Row: row.Row, SourceID: row.Record.SourceID,
			Stage: stage, Key: i.Key, Target: i.Map, Message: i.Message, Fatal: i.Fatal,
		})
	}
}

// restrict makes the job one for the rows' records alone.
func (q *question) restrict() {
	q.job.Params.SourceIDs = nil
	for _, row := range q.rows {
		if !row.Rejected() {
			key := orgflow.RecordKey{Kind: row.Record.Kind, ID: row.Record.SourceID}
			q.job.Params.SourceIDs = append(q.job.Params.SourceIDs, key.String())
		}
	}
	if q.job.Params.Mode == orgflow.Reconcile {
		q.job.Params.Mode = orgflow.Incremental
		q.out.Notes = append(q.out.Notes, fmt.Sprintf(
			"a what-if does not read what %s holds: the rows are compared with what it accepted last, as in mode \"incremental\"", q.job.Consumer))
	}
}

// fill gives the planner the rows of one kind. Departments stand among those
// read last, because a tree cannot be judged in pieces; of other persons only
// what is bound matters, and that is streamed.
func (q *question) fill(ctx context.Context, svc meta.ResolvedService, g *gathered) error {
	kind := svc.Service.Kind
	side := g.side(kind)
	side.Present, side.Ops, side.Complete = true, svc.Operations, true
	if kind == orgflow.Org {
		if err := q.departments(ctx, svc, g); err != nil {
			return err
		}
	}
	q.overlay(svc, side)
	var err error
	side.RecentDeletes, err = q.sync.Store.DeletesSince(ctx, q.job.Target(), kind, q.sync.Now().Add(-recentWindow))
	return err
}

// overlay puts the rows in the place of what was read under their ids, the
// new ones behind. A row that a fetch would set aside leaves no record.
func (q *question) overlay(svc meta.ResolvedService, side *planner.Side) {
	at := make(map[string]int, len(side.Records))
	for i, it := range side.Records {
		at[it.SourceID] = i
	}
	aside := map[string]bool{}
	for _, row := range q.rows {
		id := row.Record.SourceID
		if row.Record.Kind != svc.Service.Kind {
			continue
		}
		if row.Rejected() {
			aside[id] = true
			continue
		}
		it, issues := judged(svc.Template, row.Record)
		q.note(row, orgflow.StageSend, issues)
		if i, read := at[id]; read {
			side.Records[i] = it
		} else {
			side.Records = append(side.Records, it)
		}
	}
	side.Records = slices.DeleteFunc(side.Records, func(it planner.Item) bool { return aside[it.SourceID] })
}

// departments are those of the scope's newest read, if there is one.
func (q *question) departments(ctx context.Context, svc meta.ResolvedService, g *gathered) error {
	snapshot, found, err := q.sync.newestSnapshot(ctx, q.job, orgflow.Org)
	if err != nil {
		return err
	}
	if !found {
		q.out.Notes = append(q.out.Notes, fmt.Sprintf(
			"no departments of scope %q have been read yet: a parent has to be among the rows, or known at %s", q.job.Params.Scope, q.job.Consumer))
		return nil
	}
	g.in.Orgs.Records, err = inSourceOrder(q.sync.items(ctx, svc.Template, snapshot.ID, g.look))
	return err
}

func (q *question) answer(plan *planner.Plan) {
	now := q.sync.Now()
	for _, c := range plan.Changes {
		c.UpdatedAt = now
		q.out.Changes = append(q.out.Changes, c.Shown())
	}
	q.shorten()
	q.out.Plan = plan.Counts
	q.out.Notes = append(q.out.Notes, plan.Notes...)
}

// lateSource connects to the source when a lookup asks for the first time: a
// what-if without lookups needs neither its address nor its secrets.
type lateSource struct {
	open func() (connectors.Source, error)
}

// ReadPage implements connectors.Source.
func (l *lateSource) ReadPage(ctx context.Context, q connectors.Query, cursor string) (connectors.Page, error) {
	source, err := l.open()
	if err != nil {
		return connectors.Page{}, err
	}
	return source.ReadPage(ctx, q, cursor)
}
