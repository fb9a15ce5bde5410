package wecom

import (
	"context"
	"fmt"
	"slices"

	"orgflow"
	"orgflow/connectors"
)

// setLeaders makes exactly these people lead a department. WeCom keeps that
// with the people, as a flag beside each of their departments, and takes the
// flags whole (WeCom reference § 4.1): so each person whose flag has to
// change is read, and written with all departments. Everybody is compared
// first, so that repeating it writes nothing twice.
//
// The read and the write of a person must not be pulled apart by another
// department's leaders, so one department is done at a time. Where details
// may not be read, it cannot be done.
func (c *Client) setLeaders(ctx context.Context, r *connectors.Receipt, dept int64, wanted []string) error {
	if err := c.leading.take(ctx); err != nil {
		return err
	}
	defer c.leading.give()
	got, err := c.readDepartment(ctx, r, dept)
	switch {
	case isBlind(err):
		return leadersClosed()
	case err != nil:
		return err
	case got == nil:
		m := meaningOf("60003", 0)
		return &orgflow.Fault{Code: m.Code, VendorCode: "60003", Message: "the department is not there", Advice: m.Advice}
	}
	raw, err := got.department()
	if err != nil {
		return err
	}
	for _, id := range raw.Leaders {
		if !containsFold(wanted, id) {
			if err := c.setLeader(ctx, r, id, dept, 0); err != nil {
				return err
			}
		}
	}
	for _, id := range wanted {
		if err := c.setLeader(ctx, r, id, dept, 1); err != nil {
			return err
		}
	}
	return nil
}

// setLeader sets or clears a person's flag in one department.
func (c *Client) setLeader(ctx context.Context, r *connectors.Receipt, userid string, dept, flag int64) error {
	got, err := c.readPerson(ctx, r, userid)
	if isBlind(err) {
		return leadersClosed()
	}
	if err != nil {
		return err
	}
	var seat seats
	if got != nil {
		if seat, err = got.seats(); err != nil {
			return err
		}
	}
	at := slices.Index(seat.departments, dept)
	switch {
	case at < 0 && flag == 0: // has left: leads nothing here
		return nil
	case at < 0:
		return &orgflow.Fault{
			Code: orgflow.CodeBlocked, Field: leaders, Message: fmt.Sprintf("person %s is not a member of the department", userid),
			Advice: "a leader must be a member of the department first",
		}
	case seat.flags[at] == flag:
		return nil
	}
	seat.flags[at] = flag
	body := map[string]any{"userid": userid}
	seat.put(body)
	_, err = c.call(ctx, r, request{path: pathUserUpdate, body: body, write: true}, nil)
	return err
}

func leadersClosed() *orgflow.Fault {
	return &orgflow.Fault{
		Code: orgflow.CodeNeedsHuman, VendorCode: "48009", Field: leaders,
		Message: "the leaders of a department cannot be set without reading its members, which this address may not",
		Advice:  "set the leader in the admin console, or take department_leader out of the template, or run from an address that was trusted before 2022-08-15",
	}
}
