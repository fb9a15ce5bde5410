package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// Somebody's tasks come as they were opened, page by page; those that wait,
// are done, are somebody else's or of another company do not.
func TestOpenTasksAreThosePeopleCanWorkOn(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		opened := func(no string, companyID int64, at time.Time, state orgflow.TaskState) {
			p := step(flowAt(t, s, no, november, func(n *store.NewFlow) { n.CompanyID = companyID }))
			p.Tasks[0].OpenedAt, p.Tasks[0].State = at, state
			p.Messages = nil
			commit(t, s, p)
		}
		opened("n1", company, noon.Add(time.Hour), orgflow.TaskActive)
		opened("n2", company, noon, orgflow.TaskActive)
		opened("n3", company, noon.Add(time.Hour), orgflow.TaskActive) // at the same instant as n1
		opened("n4", company, noon, orgflow.TaskApproved)
		opened("n5", 7, noon, orgflow.TaskActive)
		for _, c := range []struct {
			user  string
			limit int
			want  []string
		}{
			{"E5", 0, []string{"n2/1", "n1/1", "n3/1"}},
			{"E5", 1, []string{"n2/1", "n1/1", "n3/1"}},
			{"E6", 0, nil}, // their tasks wait
			{"nobody", 0, nil},
			{"", 0, nil},
			{"\x00", 0, nil},
		} {
			var got []string
			for cursor := ""; ; {
				page, next, err := s.OpenTasks(context.Background(), company, c.user, cursor, c.limit)
				must(t, err)
				for _, o := range page {
					got = append(got, fmt.Sprintf("%s/%d", o.Flow.No, o.Task.ID))
					if o.Node != "部门负责人" || o.Flow.Title != "招投标信息审批" || o.Task.NodeSeq != 10 {
						t.Errorf("%+v", o)
					}
				}
				if cursor = next; next == "" {
					break
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%q by %d: %s", c.user, c.limit, d)
			}
		}
		for _, cursor := range []string{"x", "1.2", "1.x.3", "x.1.3", "1.2.\x00"} {
			if _, _, err := s.OpenTasks(context.Background(), company, "E5", cursor, 0); !errors.Is(err, store.ErrBadCursor) {
				t.Errorf("cursor %q: %v", cursor, err)
			}
		}
	})
}
