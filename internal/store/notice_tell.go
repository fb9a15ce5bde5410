package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
)

// ErrNoticesMoved tells that somebody else has dealt with the notices meanwhile.
var ErrNoticesMoved = errors.New("somebody else has told operators meanwhile")

// NoticeTopic is what operators have been told of one cause.
type NoticeTopic struct {
	Job     string
	Event   orgflow.NoticeEvent
	Cause   string
	Rev     int64 // tellings so far; 0 is a topic that is not stored
	Failing bool
	Told    bool
	Missed  int
	Since   time.Time
	Quiet   time.Time
	Ref     string // of what happened last
}

type noticeRow struct {
	ID        int64  `db:"id"`
	CompanyID int64  `db:"company_id"`
	Job       string `db:"job"`
	Target    string `db:"target"`
	Event     string `db:"event"`
	Cause     string `db:"cause"`
	Ref       string `db:"ref"`
	At        stamp  `db:"at"`
}

type topicRow struct {
	Job     string `db:"job"`
	Event   string `db:"event"`
	Cause   string `db:"cause"`
	Rev     int64  `db:"rev"`
	Failing bool   `db:"failing"`
	Told    bool   `db:"told"`
	Missed  int    `db:"missed"`
	Since   stamp  `db:"since"`
	Quiet   stamp  `db:"quiet_until"`
	Ref     string `db:"ref"`
}

// NoticeCompanies returns the companies of which operators are to be told
// something now: notices, or what was counted until now.
func (s *Store) NoticeCompanies(ctx context.Context, now time.Time) (ids []int64, err error) {
	return ids, s.list(ctx, "companies with notices", &ids, `SELECT company_id FROM notice
		UNION SELECT company_id FROM notice_topic WHERE missed > 0 AND quiet_until <= ? ORDER BY 1`, at(now))
}

// Notices returns the oldest notices of a company, at most limit, and its
// topics.
func (s *Store) Notices(ctx context.Context, company int64, limit int) ([]Notice, []NoticeTopic, error) {
	var rows []noticeRow
	err := s.list(ctx, "notices", &rows, `SELECT id, company_id, job, target, event, cause, ref, at FROM notice WHERE company_id = ? ORDER BY id LIMIT ?`,
		company, pageSize(limit))
	if err != nil {
		return nil, nil, err
	}
	list := make([]Notice, len(rows))
	for i, r := range rows {
		list[i] = Notice{r.ID, r.CompanyID, r.Job, r.Target, orgflow.NoticeEvent(r.Event), r.Cause, r.Ref, r.At.Time}
	}
	topics, err := s.NoticeTopics(ctx, company)
	return list, topics, err
}

// NoticeTopics returns the topics of a company, the one that fails longest
// first.
func (s *Store) NoticeTopics(ctx context.Context, company int64) ([]NoticeTopic, error) {
	var rows []topicRow
	err := s.list(ctx, "topics of notices", &rows, `SELECT job, event, cause, rev, failing, told, missed, since, quiet_until, ref
		FROM notice_topic WHERE company_id = ? ORDER BY since, job, event, cause`, company)
	out := make([]NoticeTopic, len(rows))
	for i, r := range rows {
		out[i] = NoticeTopic{r.Job, orgflow.NoticeEvent(r.Event), r.Cause, r.Rev, r.Failing, r.Told, r.Missed, r.Since.Time, r.Quiet.Time, r.Ref}
	}
	return out, err
}

// ToldNotices is what is stored when operators have been told: notices that
// are dealt with, topics as they are now, each with the Rev it was read with,
// and the messages.
type ToldNotices struct {
	CompanyID int64
	Done      []int64
	Topics    []NoticeTopic
	Messages  []NewMessage
}

// TellNotices stores messages to operators with what they tell of, in one
// transaction: whoever comes second gets ErrNoticesMoved and has told nobody
// anything.
func (s *Store) TellNotices(ctx context.Context, p ToldNotices) error {
	return s.inTx(ctx, "tell operators", func(t *tx) error {
		in, arg := s.dialect.inList("id", "bigint", anys(p.Done))
		if n, err := t.exec(ctx, `DELETE FROM notice WHERE company_id = ? AND `+in, p.CompanyID, arg); err != nil || n != len(p.Done) {
			return errors.Join(err, moved(n == len(p.Done)))
		}
		for _, topic := range p.Topics {
			if err := t.putTopic(ctx, p.CompanyID, topic); err != nil {
				return err
			}
		}
		_, err := t.enqueue(ctx, p.CompanyID, p.Messages)
		return err
	})
}

func moved(as bool) error {
	if as {
		return nil
	}
	return ErrNoticesMoved
}

func (t *tx) putTopic(ctx context.Context, company int64, n NoticeTopic) error {
	if err := check("/job", n.Job, "/cause", n.Cause, "/ref", n.Ref); err != nil {
		return fmt.Errorf("topic: %w", err)
	}
	state := []any{n.Failing, n.Told, n.Missed, at(n.Since), at(n.Quiet), n.Ref}
	key := []any{company, n.Job, string(n.Event), n.Cause}
	var rows int
	var err error
	if n.Rev == 0 {
		rows, err = t.exec(ctx, `INSERT INTO notice_topic (failing, told, missed, since, quiet_until, ref, company_id, job, event, cause, rev)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`, append(state, key...)...)
	} else {
		rows, err = t.exec(ctx, `UPDATE notice_topic SET failing = ?, told = ?, missed = ?, since = ?, quiet_until = ?, ref = ?, rev = rev + 1
			WHERE company_id = ? AND job = ? AND event = ? AND cause = ? AND rev = ?`, append(append(state, key...), n.Rev)...)
	}
	return errors.Join(err, moved(err != nil || rows == 1))
}

// LostNotices returns the newest messages to operators that reached nobody,
// newest first; company 0 means all.
func (s *Store) LostNotices(ctx context.Context, company int64, limit int) ([]Message, error) {
	var rows []messageRow
	err := s.list(ctx, "notices that reached nobody", &rows, `SELECT `+messageColumns+`, '' AS task_state FROM outbox o
		WHERE o.kind = ? AND o.state IN ('dropped', 'dead') AND (o.company_id = ? OR ? = 0) ORDER BY o.id DESC LIMIT ?`,
		NoticeKind, company, company, pageSize(limit))
	return messages(rows), err
}
