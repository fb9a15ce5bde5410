package wecom

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// members remembers who is in which department, as user/list_id told. That
// call knows no departments: it goes through all memberships of the
// enterprise, one row each, and those of one person may stand on different
// pages (WeCom reference § 4.2). So it is read whole and kept for a walk over
// all departments: until the walk begins anew at the root, until this client
// writes, and a minute at most, because others may write, too.
type members struct {
	turn   turn
	writes atomic.Int64 // of people, by this client
	seen   int64        // writes when it was read
	read   time.Time
	people map[int64][]string // userids by department
	places map[string][]int64 // departments by userid
}

const (
	membersLife = time.Minute
	membersPage = 10000 // the largest that may be asked for
)

// membersByID shows a department's people with their userids and departments.
func (c *Client) membersByID(ctx context.Context, r *connectors.Receipt, dept int64) (connectors.RemotePage, error) {
	var page connectors.RemotePage
	if err := c.members.turn.take(ctx); err != nil {
		return page, err
	}
	defer c.members.turn.give()
	m := &c.members
	if dept == c.cfg.RootDepartmentID || m.people == nil || m.seen != m.writes.Load() || c.link.Now().Sub(m.read) > membersLife {
		if err := c.readMemberships(ctx, r, m); err != nil {
			return page, err
		}
	}
	for _, userid := range slices.Sorted(slices.Values(m.people[dept])) {
		page.Records = append(page.Records, connectors.RemoteRecord{
			Kind: orgflow.Person, ConsumerID: userid,
			Fields: map[string]any{"userid": userid, "department": sortedIDs(m.places[userid])},
		})
	}
	return page, nil
}

// readMemberships goes through all pages. Nothing is kept of a read that
// fails.
func (c *Client) readMemberships(ctx context.Context, r *connectors.Receipt, m *members) error {
	written := m.writes.Load()
	places := map[string]map[int64]bool{}
	spelled := map[string]string{} // rows of one person may differ in case
	err := c.eachMembership(ctx, r, func(userid string, dept int64) {
		key := strings.ToLower(userid)
		if places[key] == nil {
			places[key], spelled[key] = map[int64]bool{}, userid
		}
		places[key][dept] = true
	})
	if err != nil {
		return err
	}
	m.people, m.places, m.read, m.seen = map[int64][]string{}, map[string][]int64{}, c.link.Now(), written
	for key, depts := range places {
		userid := spelled[key]
		m.places[userid] = slices.Collect(maps.Keys(depts))
		for dept := range depts {
			m.people[dept] = append(m.people[dept], userid)
		}
	}
	return nil
}

// eachMembership shows all rows of user/list_id, page by page.
func (c *Client) eachMembership(ctx context.Context, r *connectors.Receipt, show func(userid string, dept int64)) error {
	seen := map[string]bool{}
	for cursor := ""; ; {
		var got struct {
			Next wire.Text `json:"next_cursor"`
			Rows []struct {
				UserID     wire.Text `json:"userid"`
				Department wire.Int  `json:"department"`
			} `json:"dept_user"`
		}
		body := map[string]any{"cursor": cursor, "limit": membersPage}
		if _, err := c.call(ctx, r, request{path: pathUserListID, body: body}, &got); err != nil {
			return err
		}
		if got.Rows == nil {
			return vendorcode.MalformedRead("user/list_id shows no list")
		}
		for _, row := range got.Rows {
			if row.UserID == "" || row.Department < 1 {
				return vendorcode.MalformedRead("user/list_id shows a row without userid or department")
			}
			show(string(row.UserID), int64(row.Department))
		}
		if cursor = string(got.Next); cursor == "" {
			return nil
		}
		if seen[cursor] {
			return vendorcode.MalformedRead("user/list_id gives a cursor twice")
		}
		seen[cursor] = true
	}
}
