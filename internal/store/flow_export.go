package store

import (
	"context"
	"iter"
)

// ExportFlows streams the flows a filter selects, newest first, with their
// visits and tasks; Cursor and Limit do not matter. It reads page by page, so
// that no connection is held meanwhile and flows of different pages may be of
// different moments. The stream ends with the first error.
func (s *Store) ExportFlows(ctx context.Context, f FlowFilter) iter.Seq2[FlowDetail, error] {
	return func(yield func(FlowDetail, error) bool) {
		for f.Cursor, f.Limit = "", 200; ; {
			page, next, err := s.exportPage(ctx, f)
			if err != nil {
				yield(FlowDetail{}, err)
				return
			}
			for _, d := range page {
				if !yield(d, nil) {
					return
				}
			}
			if f.Cursor = next; next == "" {
				return
			}
		}
	}
}

func (s *Store) exportPage(ctx context.Context, f FlowFilter) ([]FlowDetail, string, error) {
	flows, next, err := s.ListFlows(ctx, f)
	if err != nil {
		return nil, "", err
	}
	page, place := make([]FlowDetail, len(flows)), map[FlowKey]*FlowDetail{}
	for i, flow := range flows {
		page[i].Flow = flow
		place[flow.FlowKey] = &page[i]
	}
	for company, numbers := range byCompany(flows) {
		in, arg := s.dialect.inList("flow_no", "text", numbers)
		var visits []struct {
			No string `db:"flow_no"`
			visitRow
		}
		err := s.list(ctx, "visits of flows", &visits,
			`SELECT flow_no, `+visitColumns+` FROM flow_node_visit WHERE company_id = ? AND `+in+` ORDER BY flow_no, id`, company, arg)
		if err != nil {
			return nil, "", err
		}
		for _, v := range visits {
			d := place[FlowKey{company, v.No}]
			d.Visits = append(d.Visits, v.visit())
		}
		var tasks []struct {
			No string `db:"flow_no"`
			taskRow
		}
		err = s.list(ctx, "tasks of flows", &tasks,
			`SELECT flow_no, `+taskColumns+` FROM flow_task WHERE company_id = ? AND `+in+` ORDER BY flow_no, id`, company, arg)
		if err != nil {
			return nil, "", err
		}
		for _, r := range tasks {
			d := place[FlowKey{company, r.No}]
			d.Tasks = append(d.Tasks, r.task())
		}
	}
	return page, next, nil
}
