package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// OpenTask is a task that waits for its person.
type OpenTask struct {
	Flow Flow // without its current nodes
	Node string
	Task FlowTask
}

type openTaskRow struct {
	FlowNo string `db:"flow_no"`
	Node   string `db:"node_name"`
	taskRow
}

// OpenTasks returns the ACTIVE tasks of a person in the order they were
// opened, and the cursor of the next page, empty on the last one. limit is
// 1 to 1000, default 100.
func (s *Store) OpenTasks(ctx context.Context, company int64, user, cursor string, limit int) ([]OpenTask, string, error) {
	if user == "" || !sound(user) {
		return nil, "", nil
	}
	var w where
	w.add("k.company_id = ?", company)
	w.add("k.user_code = ?", user)
	w.add("k.state = 'ACTIVE'")
	if cursor != "" {
		opened, no, id, err := parseTaskCursor(cursor)
		if err != nil {
			return nil, "", fmt.Errorf("open tasks: %w", err)
		}
		w.add("(k.opened_at, k.flow_no, k.id) > (?, ?, ?)", opened, no, id)
	}
	limit = pageSize(limit)
	var rows []openTaskRow
	err := s.list(ctx, "open tasks", &rows, `SELECT k.flow_no, `+taskColumns+`,
		(SELECT v.name FROM flow_node_visit v WHERE v.company_id = k.company_id AND v.flow_no = k.flow_no AND v.id = k.visit) AS node_name
		FROM flow_task k`+w.sql()+` ORDER BY k.opened_at, k.flow_no, k.id LIMIT `+strconv.Itoa(limit+1), w.args...)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r openTaskRow) string { return fmt.Sprintf("%d.%d.%s", r.OpenedAt.UnixMicro(), r.ID, r.FlowNo) })
	tasks, err := s.withFlows(ctx, company, rows)
	return tasks, next, err
}

// withFlows adds the flows of tasks of a company.
func (s *Store) withFlows(ctx context.Context, company int64, rows []openTaskRow) ([]OpenTask, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	numbers := make([]any, len(rows))
	for i, r := range rows {
		numbers[i] = r.FlowNo
	}
	in, arg := s.dialect.inList("no", "text", numbers)
	var heads []flowRow
	err := s.list(ctx, "flows of open tasks", &heads, `SELECT `+flowColumns+` FROM flow_instance WHERE company_id = ? AND `+in, company, arg)
	if err != nil {
		return nil, err
	}
	flows := map[string]Flow{}
	for _, f := range heads {
		flows[f.No] = f.flow()
	}
	out := make([]OpenTask, len(rows))
	for i, r := range rows {
		out[i] = OpenTask{Flow: flows[r.FlowNo], Node: r.Node, Task: r.task()}
	}
	return out, nil
}

func parseTaskCursor(cursor string) (opened stamp, no string, id int64, err error) {
	parts := strings.SplitN(cursor, ".", 3)
	if len(parts) != 3 || !sound(parts[2]) {
		return stamp{}, "", 0, ErrBadCursor
	}
	micros, errMicros := strconv.ParseInt(parts[0], 10, 64)
	id, errID := strconv.ParseInt(parts[1], 10, 64)
	if errMicros != nil || errID != nil {
		return stamp{}, "", 0, ErrBadCursor
	}
	return stamp{time.UnixMicro(micros).UTC()}, parts[2], id, nil
}
