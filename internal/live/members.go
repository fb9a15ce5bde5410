package live

import (
	"context"
	"fmt"
	"strconv"

	"orgflow"
	"orgflow/connectors"
)

// Members shows the direct members of a department, one call a page of 100.
func (r *Reader) Members(ctx context.Context, of Of, id int64) (orgflow.Viewed[orgflow.LiveMembers], error) {
	key := fmt.Sprintf("members/%s/%d", of.Name, id)
	return read(ctx, r.cache, key, KeepOrganisation, func(ctx context.Context) (orgflow.LiveMembers, int, error) {
		out := orgflow.LiveMembers{DepartmentID: id, Members: []orgflow.LiveMember{}}
		calls := 0
		seen := map[string]bool{} // somebody may move from one page to the next while they are read
		for cursor, first := "", true; first || cursor != ""; first = false {
			var page connectors.People
			spent, err := r.patiently(ctx, func() (_ int, err error) {
				page, err = of.Source.ReadPeople(ctx, strconv.FormatInt(id, 10), cursor)
				return page.Calls, err
			})
			if calls += spent; err != nil {
				return out, calls, absent(err, id)
			}
			for _, p := range page.People {
				if !seen[p.UserID] {
					seen[p.UserID] = true
					out.Members = append(out.Members, member(p))
				}
			}
			cursor = page.Next
		}
		out.Count = len(out.Members)
		return out, calls, nil
	})
}

func member(p connectors.Person) orgflow.LiveMember {
	main, _ := strconv.ParseInt(p.Main, 10, 64) // 0 where it is not said
	return orgflow.LiveMember{
		UserID: p.UserID, Name: p.Name, JobNumber: p.JobNumber, Title: p.Title, Mobile: p.Mobile,
		Active: p.Active, Leader: p.Leader, MainDepartment: main,
	}
}
