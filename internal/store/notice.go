package store

import (
	"context"
	"strings"
	"time"

	"orgflow"
)

// NoticeKind is the kind of messages to operators in the outbox.
const NoticeKind = "notice"

// Notice is something operators are to be told.
type Notice struct {
	ID        int64 // ascending in the order of storage
	CompanyID int64
	Job       string // what it happened to: runs that repeat each other
	Target    string // the job of the whole target, whose troubles a success ends too; may be empty
	Event     orgflow.NoticeEvent
	Cause     string // what tells one failure from another
	Ref       string // id of the run, number of the flow
	At        time.Time
}

// maxCause bounds causes: codes of vendors, which are short. maxJob bounds
// jobs, of which refused ones may be anything.
const (
	maxCause = 64
	maxJob   = 300
)

// notice stores what operators are to be told, in the transaction of what has
// happened. A success is left out where nothing was told of the job, nor is
// to be: it would tell nobody anything.
func (t *tx) notice(ctx context.Context, n Notice) error {
	if n.Event == orgflow.NoticeWell {
		var open bool
		err := t.get(ctx, &open, `SELECT
			EXISTS (SELECT 1 FROM notice_topic WHERE company_id = ? AND job IN (?, ?) AND (told OR missed > 0) AND event NOT IN ('parked', 'message', 'missed'))
			OR EXISTS (SELECT 1 FROM notice WHERE company_id = ? AND job IN (?, ?))`,
			n.CompanyID, n.Job, n.Target, n.CompanyID, n.Job, n.Target)
		if err != nil || !open {
			return err
		}
	}
	_, err := t.exec(ctx, `INSERT INTO notice (company_id, job, target, event, cause, ref, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		n.CompanyID, clean(prefix(n.Job, maxJob)), clean(n.Target), string(n.Event), clean(prefix(n.Cause, maxCause)), clean(n.Ref), t.s.now())
	t.noticed = true
	return err
}

// ended stores what the end of a run says to operators, if anything.
func (t *tx) ended(ctx context.Context, n Notice, status orgflow.Status, fault *orgflow.Fault) error {
	var ok bool
	if n.Event, n.Cause, ok = orgflow.EndNotice(status, fault); !ok {
		return nil
	}
	return t.notice(ctx, n)
}

// NoticeRefusal stores that a run was refused before it had a record, which
// operators would not hear of otherwise.
func (s *Store) NoticeRefusal(ctx context.Context, n Notice, fault *orgflow.Fault) error {
	return s.inTx(ctx, "notice a refusal", func(t *tx) error { return t.ended(ctx, n, orgflow.StatusFailed, fault) })
}

// NoticeMissed stores that a schedule did not start runs; one that is stored
// and not yet told of is not stored again.
func (s *Store) NoticeMissed(ctx context.Context, n Notice) error {
	n.Event = orgflow.NoticeMissed
	return s.inTx(ctx, "notice missed runs", func(t *tx) error {
		var open bool
		err := t.get(ctx, &open, `SELECT EXISTS (SELECT 1 FROM notice WHERE company_id = ? AND job = ? AND event = ? AND cause = ? AND ref = ?)`,
			n.CompanyID, n.Job, string(n.Event), n.Cause, n.Ref)
		if err != nil || open {
			return err
		}
		return t.notice(ctx, n)
	})
}

// noticeOf runs an update of a run's status and returns what a notice about
// the run begins with; ok is false where the update spared the run, or it is
// one nobody is told of: a dry run.
func (t *tx) noticeOf(ctx context.Context, update string, args ...any) (n Notice, ok bool, err error) {
	var row struct {
		ID  string `db:"id"`
		Job string `db:"job"`
	}
	err = t.get(ctx, &row, update+` RETURNING id, job`, args...)
	if noRows(err) {
		return n, false, nil
	}
	var job orgflow.Job
	if err == nil {
		err = decode(row.Job, &job)
	}
	n = Notice{CompanyID: job.CompanyID, Job: job.NoticeJob(), Target: job.Target().NoticeJob(), Ref: row.ID}
	return n, err == nil && !job.Params.DryRun, err
}

// causeOf is what the note of a message begins with: the code of what went
// wrong.
func causeOf(note string) string {
	code, _, found := strings.Cut(note, ":")
	if !found || len(code) > maxCause {
		return string(orgflow.CodeInternal)
	}
	return code
}
