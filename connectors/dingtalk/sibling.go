package dingtalk

import (
	"context"
	"errors"
	"slices"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// sibling is a department found in the place of one we want to create.
type sibling struct {
	id   int64
	ours bool // it bears our source_identifier
}

// rawSubDepartment is an element of listsub (DingTalk reference § 4.4).
type rawSubDepartment struct {
	DeptID   wire.Int  `json:"dept_id"`
	Name     wire.Text `json:"name"`
	ParentID wire.Int  `json:"parent_id"`
	// SourceID is not always shown; absent does not mean empty.
	SourceID        *wire.Text `json:"source_identifier"`
	CreateDeptGroup wire.Bool  `json:"create_dept_group"`
	AutoAddUser     wire.Bool  `json:"auto_add_user"`
}

func (c *Client) listSub(ctx context.Context, r *connectors.Receipt, parent int64) ([]rawSubDepartment, error) {
	var subs []rawSubDepartment
	_, _, err := c.call(ctx, r, request{path: pathDeptListSub, body: map[string]any{"dept_id": parent}}, &subs)
	if err == nil && (subs == nil || slices.ContainsFunc(subs, func(s rawSubDepartment) bool { return s.DeptID == 0 })) {
		err = vendorcode.MalformedRead("department/listsub shows no list, or a department without an id")
	}
	return subs, err
}

// findDepartment looks under the wanted parent for the department with our
// source_identifier, else for the one with exactly our name and no
// source_identifier. A namesake that belongs to another system, or several
// candidates, are a conflict; nothing found is nil.
func (c *Client) findDepartment(ctx context.Context, r *connectors.Receipt, body map[string]any) (*sibling, error) {
	parent, _ := body["parent_id"].(int64)
	name, _ := body["name"].(string)
	key, _ := body[sourceID].(string)
	subs, err := c.listSub(ctx, r, parent)
	if f, ok := errors.AsType[*orgflow.Fault](err); ok {
		return nil, blameParent(f)
	} else if err != nil {
		return nil, err
	}
	var namesakes []rawSubDepartment
	for _, s := range subs {
		if s.SourceID == nil && string(s.Name) == name {
			if err := c.completeSourceID(ctx, r, &s); err != nil {
				return nil, err
			}
		}
		switch {
		case key != "" && s.SourceID != nil && string(*s.SourceID) == key:
			return &sibling{id: int64(s.DeptID), ours: true}, nil
		case string(s.Name) == name:
			namesakes = append(namesakes, s)
		}
	}
	return chooseNamesake(namesakes)
}

func chooseNamesake(found []rawSubDepartment) (*sibling, error) {
	switch {
	case len(found) == 0:
		return nil, nil
	case len(found) > 1:
		return nil, &orgflow.Fault{
			Code: orgflow.CodeConflict, Field: "name",
			Message: "several departments under this parent have the name",
			Advice:  "rename or delete all but one of them at DingTalk, then run again",
		}
	case *found[0].SourceID != "":
		return nil, &orgflow.Fault{
			Code: orgflow.CodeConflict, Field: "name",
			Message: "the department of this name under this parent bears another system's source_identifier",
			Advice:  "rename one of the two, or clear source_identifier of the one at DingTalk if it may be taken over",
		}
	}
	return &sibling{id: int64(found[0].DeptID)}, nil
}

// completeSourceID asks for what listsub did not show.
func (c *Client) completeSourceID(ctx context.Context, r *connectors.Receipt, s *rawSubDepartment) error {
	var detail rawDepartment
	_, _, err := c.call(ctx, r, request{path: pathDeptGet, body: map[string]any{"dept_id": int64(s.DeptID)}}, &detail)
	if err != nil {
		return err
	}
	s.SourceID = &detail.SourceID
	return nil
}
