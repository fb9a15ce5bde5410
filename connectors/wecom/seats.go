package wecom

import (
	"context"
	"maps"
	"slices"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// seats are a person's departments with what stands beside each.
type seats struct {
	departments, flags, orders []int64 // of one length; orders may be nil
}

// seats reads them from what user/get shows.
func (got record) seats() (seats, error) {
	var s seats
	for name, into := range map[string]*[]int64{"department": &s.departments, isLeader: &s.flags, "order": &s.orders} {
		var list wire.Ints
		if err := wire.Field(got[name], &list); err != nil {
			return s, vendorcode.MalformedRead("user/get shows a " + name + " that is not as documented")
		}
		*into = list
	}
	if len(s.flags) != len(s.departments) {
		s.flags = make([]int64, len(s.departments))
	}
	if len(s.orders) != len(s.departments) {
		s.orders = nil
	}
	return s, nil
}

// put fills the fields that WeCom takes together only.
func (s seats) put(body map[string]any) {
	body["department"], body[isLeader] = s.departments, s.flags
	if s.orders != nil {
		body["order"] = s.orders
	}
}

// at is the flag or order beside a department, 0 where there is none.
func (s seats) at(list []int64, dept int64) int64 {
	if i := slices.Index(s.departments, dept); i >= 0 && i < len(list) {
		return list[i]
	}
	return 0
}

// checkSeats: what stands beside the departments has one entry for each, and
// the main department is one of them.
func checkSeats(body map[string]any) error {
	departments, given := body["department"].([]int64)
	if !given {
		return nil
	}
	for _, name := range []string{isLeader, "order"} {
		if list, ok := body[name].([]int64); ok && len(list) != len(departments) {
			return connectors.Refuse(name, "must have one entry for each department")
		}
	}
	if main, ok := body["main_department"].(int64); ok && !slices.Contains(departments, main) {
		return connectors.Refuse("main_department", "must be one of the person's departments")
	}
	return nil
}

// complete adds to an update what belongs to it. order and is_leader_in_dept
// count only beside department (WeCom reference § 4.2); whether they stay
// when department goes alone is not said, so those of departments that stay
// are sent along. Where details may not be read, department goes alone.
func (c *Client) complete(ctx context.Context, r *connectors.Receipt, body map[string]any) (map[string]any, error) {
	_, moves := body["department"]
	_, flags := body[isLeader]
	_, orders := body["order"]
	if moves && flags && orders || !moves && !flags && !orders {
		return body, nil
	}
	got, err := c.readPerson(ctx, r, r.ConsumerID)
	switch {
	case isBlind(err) && moves:
		noteThat(r, "leader flags of other departments could not be read and were left to WeCom")
		return body, nil
	case isBlind(err):
		return nil, &orgflow.Fault{
			Code: orgflow.CodeNeedsHuman, VendorCode: "48009", Field: isLeader,
			Message: "order and is_leader_in_dept are taken together with department only, which this address may not read",
			Advice:  "set it in the admin console, or let the template fill department too, so that all go together",
		}
	case err != nil:
		return nil, err
	case got == nil:
		return body, nil // the update will say so
	}
	old, err := got.seats()
	if err != nil {
		return nil, err
	}
	body = maps.Clone(body)
	old.carry(body)
	return body, nil
}

// carry fills what an update leaves out of the fields that go together.
func (s seats) carry(body map[string]any) {
	departments, moves := body["department"].([]int64)
	if !moves {
		departments = s.departments
		body["department"] = departments
	}
	if _, given := body[isLeader]; !given {
		body[isLeader] = carried(s, s.flags, departments)
	}
	if _, given := body["order"]; !given && s.orders != nil {
		body["order"] = carried(s, s.orders, departments)
	}
}

func carried(old seats, list, departments []int64) []int64 {
	out := make([]int64, len(departments))
	for i, dept := range departments {
		out[i] = old.at(list, dept)
	}
	return out
}
