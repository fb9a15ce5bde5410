package live

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
)

// Tree shows a department and all below it: one call a department, and up to
// three for the first one and for what may be seen.
func (r *Reader) Tree(ctx context.Context, of Of, id int64) (orgflow.Viewed[orgflow.LiveTree], error) {
	key := fmt.Sprintf("tree/%s/%d", of.Name, id)
	return read(ctx, r.cache, key, KeepOrganisation, func(ctx context.Context) (orgflow.LiveTree, int, error) {
		w := &walk{reader: r, source: of.Source, children: map[int64][]connectors.Unit{}, seen: map[int64]bool{}}
		tree, err := w.tree(ctx, id)
		return tree, int(w.calls.Load()), err
	})
}

// walk reads a tree level by level.
type walk struct {
	reader   *Reader
	source   Source
	calls    atomic.Int64
	children map[int64][]connectors.Unit
	seen     map[int64]bool
}

func (w *walk) tree(ctx context.Context, id int64) (orgflow.LiveTree, error) {
	var scope connectors.OrganisationScope
	err := w.patiently(ctx, func() (calls int, err error) {
		scope, err = w.source.ReadScope(ctx)
		return scope.Calls, err
	})
	if err != nil {
		return orgflow.LiveTree{}, err
	}
	root, err := w.root(ctx, scope, id)
	if err != nil {
		return orgflow.LiveTree{}, err
	}
	w.seen[id] = true
	for level := []int64{id}; len(level) > 0; {
		if level, err = w.next(ctx, level); err != nil {
			return orgflow.LiveTree{}, err
		}
	}
	root.Children = w.below(id)
	return orgflow.LiveTree{LiveDepartment: root, Departments: len(w.seen), Complete: scope.Whole, Cause: scope.Cause}, nil
}

// root is the department asked for.
func (w *walk) root(ctx context.Context, scope connectors.OrganisationScope, id int64) (orgflow.LiveDepartment, error) {
	text := strconv.FormatInt(id, 10)
	if scope.Root.ID == text {
		return orgflow.LiveDepartment{ID: id, Name: scope.Root.Name}, nil
	}
	var got connectors.RemoteRecord
	err := w.patiently(ctx, func() (calls int, err error) {
		got, calls, err = w.source.ReadRecord(ctx, orgflow.Org, text)
		return calls, err
	})
	if err != nil {
		return orgflow.LiveDepartment{}, absent(err, id)
	}
	name, _ := got.Fields["name"].(string)
	parent, _ := got.Fields["parent_id"].(string)
	above, _ := strconv.ParseInt(parent, 10, 64) // the organisation itself has none
	return orgflow.LiveDepartment{ID: id, Name: name, ParentID: above}, nil
}

// absent says which department is not there.
func absent(err error, id int64) error {
	var fault *orgflow.Fault
	if !errors.As(err, &fault) || fault.Code != orgflow.CodeNotFound {
		return err
	}
	return &orgflow.Fault{
		Code: orgflow.CodeNotFound, VendorCode: fault.VendorCode, Field: "id", Err: err,
		Message: fmt.Sprintf("there is no department %d", id), Advice: "the organisation itself is 1; getTree?id=1 shows all ids",
	}
}

// next reads what is below the departments of a level, some at a time. Which
// of two levels a department that is moved meanwhile is met on, counts first.
func (w *walk) next(ctx context.Context, level []int64) ([]int64, error) {
	lists := make([]connectors.Units, len(level))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, id := range level {
		group.Go(func() error {
			err := w.patiently(inner, func() (calls int, err error) {
				lists[i], err = w.source.ReadUnits(inner, strconv.FormatInt(id, 10))
				return lists[i].Calls, err
			})
			var fault *orgflow.Fault
			if errors.As(err, &fault) && fault.Code == orgflow.CodeNotFound && len(w.seen) > 1 {
				return nil // deleted since its parent was read: nothing is below it any more
			}
			return absent(err, id)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var below []int64
	for i, list := range lists {
		for _, u := range list.Units {
			id, err := strconv.ParseInt(u.ID, 10, 64)
			if err != nil {
				return nil, vendorcode.MalformedRead("a department's id is no number")
			}
			if w.seen[id] {
				continue
			}
			w.seen[id] = true
			w.children[level[i]] = append(w.children[level[i]], u)
			below = append(below, id)
		}
	}
	if len(w.seen) > MaxDepartments {
		return nil, &orgflow.Fault{
			Code: orgflow.CodeQuota, Field: "id", Message: fmt.Sprintf("there are more than %d departments, the most that a live view shows", MaxDepartments),
			Advice: "ask for a department further down, or pull the organisation (starter pull) and use /api/v1/org/tree",
		}
	}
	return below, nil
}

// below nests what was read.
func (w *walk) below(id int64) []orgflow.LiveDepartment {
	out := make([]orgflow.LiveDepartment, 0, len(w.children[id]))
	for _, u := range w.children[id] {
		child, _ := strconv.ParseInt(u.ID, 10, 64) // next has read it
		out = append(out, orgflow.LiveDepartment{ID: child, Name: u.Name, ParentID: id, Children: w.below(child)})
	}
	return out
}

func (w *walk) patiently(ctx context.Context, call func() (int, error)) error {
	spent, err := w.reader.patiently(ctx, call)
	w.calls.Add(int64(spent))
	return err
}
