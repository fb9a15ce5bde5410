package store

import (
	"context"
	"fmt"
	"time"

	"orgflow"
)

// UrgeRequest asks to remind those who have not decided.
type UrgeRequest struct {
	FlowKey
	Key         string        // names this urge; the same at every attempt
	MinInterval time.Duration // between two urges of a task
	MaxPerDay   int           // of a task, by the day in Shanghai; 0: no limit
}

// Urged is what UrgeOnce answers.
type Urged struct {
	Tasks      []FlowTask // to be reminded; Urges counts this one
	Open       int        // tasks that somebody has to decide, urged or not
	RetryAfter time.Duration
}

// UrgeOnce takes the turn to remind each open task of a flow that was not
// urged too recently, nor too often today. It is one conditional update, so
// that of two processes one gets the turn. Times are the database's. An urge
// that was granted before, under the same key, is granted again: repeating
// it changes nothing until another urge is granted.
//
// Without tasks, RetryAfter says when the first may be urged again.
func (s *Store) UrgeOnce(ctx context.Context, q UrgeRequest) (u Urged, err error) {
	what := "urge flow " + q.No
	if err := required("/urge", q.Key, "/flowRunningNumber", q.No); err != nil {
		return u, fmt.Errorf("%s: %w", what, err)
	}
	err = s.inTx(ctx, what, func(t *tx) error {
		u = Urged{}
		// The flow first, as steps do, so that nobody waits in a circle.
		var state string
		if err := t.get(ctx, &state, `SELECT state FROM flow_instance WHERE company_id = ? AND no = ?`+s.dialect.forUpdate, q.CompanyID, q.No); err != nil {
			return err
		}
		now, err := t.time(ctx)
		if err != nil {
			return err
		}
		day := now.In(shanghai).Format(time.DateOnly)
		_, err = t.exec(ctx, `
			UPDATE flow_task SET last_urged_at = ?, urges = urges + 1, urge_key = ?, urge_day = ?,
				day_urges = CASE WHEN urge_day = ? THEN day_urges + 1 ELSE 1 END
			WHERE company_id = ? AND flow_no = ? AND `+urgeable+` AND urge_key <> ?
				AND (last_urged_at IS NULL OR last_urged_at <= ?) AND (urge_day <> ? OR day_urges < ? OR ? = 0)
				AND NOT EXISTS (SELECT 1 FROM flow_task g WHERE g.company_id = flow_task.company_id AND g.flow_no = flow_task.flow_no AND g.urge_key = ?)`,
			now, q.Key, day, day, q.CompanyID, q.No, q.Key, at(now.Add(-q.MinInterval)), day, q.MaxPerDay, q.MaxPerDay, q.Key)
		if err != nil {
			return err
		}
		var rows []taskRow
		err = t.list(ctx, &rows, `SELECT `+taskColumns+`, urge_key, urge_day, day_urges FROM flow_task WHERE company_id = ? AND flow_no = ? AND `+urgeable+` ORDER BY id`,
			q.CompanyID, q.No)
		u = urged(rows, q, now, day)
		return err
	})
	return u, err
}

// urgeable is the condition of a task that somebody has to decide.
const urgeable = `state = 'ACTIVE' AND kind <> 'cc'`

func urged(rows []taskRow, q UrgeRequest, now stamp, day string) Urged {
	u := Urged{Open: len(rows)}
	first := time.Duration(-1)
	for _, r := range rows {
		if r.UrgeKey == q.Key {
			u.Tasks = append(u.Tasks, r.task())
			continue
		}
		wait := r.LastUrgedAt.Add(q.MinInterval).Sub(now.Time)
		if q.MaxPerDay > 0 && r.UrgeDay == day && r.DayUrges >= q.MaxPerDay {
			local := now.In(shanghai)
			midnight := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, shanghai)
			wait = max(wait, midnight.Sub(now.Time))
		}
		if first < 0 || wait < first {
			first = max(wait, 0)
		}
	}
	if len(u.Tasks) == 0 && first > 0 {
		u.RetryAfter = first
	}
	return u
}

const taskColumns = `id, visit, round, node_seq, kind, user_code, user_name, state, cause, opened_at, done_at, due_at, last_urged_at, urges`

type taskRow struct {
	ID          int64  `db:"id"`
	Visit       int64  `db:"visit"`
	Round       int    `db:"round"`
	NodeSeq     int    `db:"node_seq"`
	Kind        string `db:"kind"`
	UserCode    string `db:"user_code"`
	UserName    string `db:"user_name"`
	State       string `db:"state"`
	Cause       string `db:"cause"`
	OpenedAt    stamp  `db:"opened_at"`
	DoneAt      stamp  `db:"done_at"`
	DueAt       stamp  `db:"due_at"`
	LastUrgedAt stamp  `db:"last_urged_at"`
	Urges       int    `db:"urges"`
	UrgeKey     string `db:"urge_key"`
	UrgeDay     string `db:"urge_day"`
	DayUrges    int    `db:"day_urges"`
}

func (r taskRow) task() FlowTask {
	return FlowTask{
		ID: r.ID, Visit: r.Visit, Round: r.Round, NodeSeq: r.NodeSeq, Kind: r.Kind, UserCode: r.UserCode, UserName: r.UserName,
		State: orgflow.TaskState(r.State), Cause: r.Cause, OpenedAt: r.OpenedAt.Time, DoneAt: r.DoneAt.Time, DueAt: r.DueAt.Time,
		LastUrgedAt: r.LastUrgedAt.Time, Urges: r.Urges,
	}
}
