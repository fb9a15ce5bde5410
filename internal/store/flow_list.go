package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"orgflow"
)

// FlowFilter selects flows; zero fields select everything.
type FlowFilter struct {
	CompanyID int64
	Code      string
	States    []orgflow.FlowState
	Initiator string // user code
	Assignee  string // user code of somebody with an ACTIVE task
	DataID    string
	From, To  time.Time // started at From or later, before To
	Cursor    string
	Limit     int // default 100, at most 1000
}

// ListFlows returns flows, newest first, and the cursor of the next page,
// empty on the last one. Flows that start between two calls do not move the
// pages.
func (s *Store) ListFlows(ctx context.Context, f FlowFilter) ([]Flow, string, error) {
	if check("", f.Code, "", f.Initiator, "", f.Assignee, "", f.DataID) != nil {
		return nil, "", nil //nolint:nilerr // no flow can have such a text
	}
	w, err := f.where(s)
	if err != nil {
		return nil, "", fmt.Errorf("list flows: %w", err)
	}
	limit := pageSize(f.Limit)
	var rows []flowRow
	err = s.list(ctx, "list flows", &rows, `SELECT `+flowColumns+` FROM flow_instance`+w.sql()+
		` ORDER BY started_at DESC, company_id DESC, no DESC LIMIT `+strconv.Itoa(limit+1), w.args...)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r flowRow) string {
		return fmt.Sprintf("%d.%d.%s", r.StartedAt.UnixMicro(), r.CompanyID, r.No)
	})
	flows := flowsOf(rows)
	return flows, next, s.addCurrentNodes(ctx, flows)
}

func (f FlowFilter) where(s *Store) (w where, err error) {
	if f.CompanyID != 0 {
		w.add("company_id = ?", f.CompanyID)
	}
	for _, c := range []struct{ column, value string }{{"code", f.Code}, {"initiator", f.Initiator}, {"data_id", f.DataID}} {
		if c.value != "" {
			w.add(c.column+" = ?", c.value)
		}
	}
	if len(f.States) > 0 {
		w.add(s.dialect.inList("state", "text", anys(texts(f.States))))
	}
	if f.Assignee != "" {
		w.add(`EXISTS (SELECT 1 FROM flow_task k WHERE k.company_id = flow_instance.company_id AND k.flow_no = flow_instance.no
			AND k.user_code = ? AND k.state = 'ACTIVE')`, f.Assignee)
	}
	if !f.From.IsZero() {
		w.add("started_at >= ?", at(f.From))
	}
	if !f.To.IsZero() {
		w.add("started_at < ?", at(f.To))
	}
	if f.Cursor != "" {
		started, behind, err := parseFlowCursor(f.Cursor)
		if err != nil {
			return w, err
		}
		w.add("(started_at, company_id, no) < (?, ?, ?)", started, behind.CompanyID, behind.No)
	}
	return w, nil
}

func parseFlowCursor(cursor string) (stamp, FlowKey, error) {
	parts := strings.SplitN(cursor, ".", 3)
	if len(parts) != 3 || !sound(parts[2]) {
		return stamp{}, FlowKey{}, ErrBadCursor
	}
	micros, errMicros := strconv.ParseInt(parts[0], 10, 64)
	company, errCompany := strconv.ParseInt(parts[1], 10, 64)
	if errMicros != nil || errCompany != nil {
		return stamp{}, FlowKey{}, ErrBadCursor
	}
	return stamp{time.UnixMicro(micros).UTC()}, FlowKey{company, parts[2]}, nil
}

// addCurrentNodes looks up which nodes of the flows are ACTIVE.
func (s *Store) addCurrentNodes(ctx context.Context, flows []Flow) error {
	nodes := map[FlowKey][]int{}
	for company, numbers := range byCompany(flows) {
		in, arg := s.dialect.inList("flow_no", "text", numbers)
		var rows []struct {
			No      string `db:"flow_no"`
			NodeSeq int    `db:"node_seq"`
		}
		err := s.list(ctx, "current nodes of flows", &rows,
			`SELECT flow_no, node_seq FROM flow_node_visit WHERE company_id = ? AND state = 'ACTIVE' AND `+in, company, arg)
		if err != nil {
			return err
		}
		for _, r := range rows {
			k := FlowKey{company, r.No}
			nodes[k] = append(nodes[k], r.NodeSeq)
		}
	}
	for i := range flows {
		flows[i].CurrentNodes = sortedSet(nodes[flows[i].FlowKey])
	}
	return nil
}

// byCompany returns the numbers of the flows of each company.
func byCompany(flows []Flow) map[int64][]any {
	out := map[int64][]any{}
	for _, f := range flows {
		out[f.CompanyID] = append(out[f.CompanyID], f.No)
	}
	return out
}

func sortedSet(list []int) []int {
	slices.Sort(list)
	return slices.Compact(list)
}
