package activities

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/internal/store"
	"orgflow/meta"
)

// whatIfMost bounds the changes, and the findings, that a what-if of files
// shows: a template may change everybody.
const whatIfMost = 500

// replay maps what the scope read last once with today's files and once with
// those supposed, from the rows as the source gave them, and keeps what comes
// out otherwise. Source and consumer are not asked.
func (q *question) replay(ctx context.Context, look *lookups) error {
	today, err := mapped(q.sync.Files, q.job, look)
	if err != nil {
		return fmt.Errorf("the files as they are today: %w", err)
	}
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		now, ok := today.Kind(kind)
		then, also := q.resolved.Kind(kind)
		if !ok || !also || now.MetaFile == then.MetaFile && now.StandardFile == then.StandardFile && now.TemplateFile == then.TemplateFile {
			continue
		}
		if err := q.replayKind(ctx, now, then); err != nil {
			return err
		}
	}
	return look.err
}

func (q *question) replayKind(ctx context.Context, now, then meta.ResolvedService) error {
	kind := then.Service.Kind
	snapshot, found, err := q.sync.newestSnapshot(ctx, q.job, kind)
	if err != nil {
		return err
	}
	if !found {
		q.out.Notes = append(q.out.Notes, fmt.Sprintf(
			"no %s records of scope %q have been read yet: give rows to see what the files make of them", kind, q.job.Params.Scope))
		return nil
	}
	looked, before, renamed := 0, len(q.rows), 0
	for record, err := range q.sync.Store.RecordsByID(ctx, snapshot.ID) {
		if err != nil {
			return err
		}
		looked++
		row, differs := remapped(now, then, record)
		if row.Record.SourceID != record.SourceID {
			renamed++
		} else if differs {
			q.rows = append(q.rows, row)
		}
	}
	q.out.Notes = append(q.out.Notes, fmt.Sprintf("%d of the %d %s records read at %s come out otherwise with the supposed files",
		len(q.rows)-before, looked, kind, snapshot.CreatedAt.UTC().Format("2006-01-02 15:04:05Z")))
	if renamed > 0 {
		q.out.Notes = append(q.out.Notes, fmt.Sprintf(
			"%d %s records would get another id or none and are not shown: a run would take them for others", renamed, kind))
	}
	q.unread(now, then, snapshot)
	return nil
}

// remapped maps a record's row by the files of today and by those supposed. A
// row that is not kept any more leaves the record as it was staged.
func remapped(now, then meta.ResolvedService, record store.StagedRecord) (row meta.SourceRow, differs bool) {
	before, was := record.Record, []mapping.Issue(nil)
	row = meta.SourceRow{Service: then.Service.Name, Row: record.Position, Record: record.Record}
	if len(record.Raw) > 0 {
		before, was = now.Standard.Map(record.Raw)
		row.Record, row.Issues = then.Standard.Map(record.Raw)
	}
	if !reflect.DeepEqual(was, row.Issues) || before.ParentID != row.Record.ParentID {
		return row, true
	}
	a, b := item(now.Template, before), item(then.Template, row.Record)
	return row, a.Issue != b.Issue || !samePayload(a.Payload, b.Payload)
}

func samePayload(a, b orgflow.Payload) bool {
	x, errX := a.Encode()
	y, errY := b.Encode()
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// unread says what a replay cannot know: what the source was not asked for.
func (q *question) unread(now, then meta.ResolvedService, snapshot store.Snapshot) {
	var fresh []string
	for _, c := range then.Request.Columns {
		if !slices.ContainsFunc(now.Request.Columns, func(o mapping.Column) bool { return reflect.DeepEqual(o, c) }) {
			fresh = append(fresh, c.Key)
		}
	}
	if len(fresh) > 0 {
		q.out.Notes = append(q.out.Notes, fmt.Sprintf(
			"the source was not asked for %s when the %s records were read, so that they may count as empty here", strings.Join(fresh, ", "), then.Service.Kind))
	}
	if !reflect.DeepEqual(now.Request.FilterDict, then.Request.FilterDict) || now.Request.FilterStr != then.Request.FilterStr {
		q.out.Notes = append(q.out.Notes, fmt.Sprintf(
			"the filter of %s records changes: whom it adds or leaves out is not shown", then.Service.Kind))
	}
	if snapshot.Rejected > 0 {
		q.out.Notes = append(q.out.Notes, fmt.Sprintf(
			"%d %s records were set aside when they were read and are not looked at", snapshot.Rejected, then.Service.Kind))
	}
}

// shorten leaves out what nobody would read, and says so. Counts stay whole.
func (q *question) shorten() {
	if len(q.suppose.Rows) > 0 {
		return // whoever gave rows wants to know of each
	}
	if n := len(q.out.Changes); n > whatIfMost {
		q.out.Changes = q.out.Changes[:whatIfMost]
		q.out.Notes = append(q.out.Notes, fmt.Sprintf("the first %d of %d changes are shown", whatIfMost, n))
	}
	if n := len(q.out.Issues); n > whatIfMost {
		q.out.Issues = q.out.Issues[:whatIfMost]
		q.out.Notes = append(q.out.Notes, fmt.Sprintf("the first %d of %d findings are shown", whatIfMost, n))
	}
}
