package store

import "orgflow"

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
}

func (r taskRow) task() FlowTask {
	return FlowTask{
		ID: r.ID, Visit: r.Visit, Round: r.Round, NodeSeq: r.NodeSeq, Kind: r.Kind, UserCode: r.UserCode, UserName: r.UserName,
		State: orgflow.TaskState(r.State), Cause: r.Cause, OpenedAt: r.OpenedAt.Time, DoneAt: r.DoneAt.Time, DueAt: r.DueAt.Time,
		LastUrgedAt: r.LastUrgedAt.Time, Urges: r.Urges,
	}
}
