package activities

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"orgflow"
	"orgflow/connectors"
)

// window is a consumer that shows what its directory holds, members in pages
// of two.
type window struct {
	*directory
	mu    sync.Mutex
	fail  map[string][]error // what the next calls meet, by "org 12" or "members 12/2"
	asked []string
	enter func() // of every call about a department, outside the lock
}

// view shows the directory of a company with departments 2 to n, each below
// half its number, and two persons and a half in each.
func view(n int) *window {
	v := &window{directory: newDirectory(), fail: map[string][]error{}}
	for i := 2; i <= n; i++ {
		id, parent := strconv.Itoa(i), strconv.Itoa(i/2)
		v.orgs[id] = &entry{key: "org:" + id, fields: map[string]any{"name": "部门" + id, "parent_id": parent}}
		for _, p := range []string{"a" + id, "b" + id} {
			v.people[p] = &entry{fields: map[string]any{"userid": p, "dept_id_list": id}}
		}
		v.people["c"+id] = &entry{fields: map[string]any{"userid": "c" + id, "dept_id_list": id + "," + parent}, ext: map[string]any{"工号": id}}
	}
	return v
}

func (v *window) meet(what string) error {
	v.mu.Lock()
	v.asked = append(v.asked, what)
	var err error
	if q := v.fail[what]; len(q) > 0 {
		err, v.fail[what] = q[0], q[1:]
	}
	enter := v.enter
	v.mu.Unlock()
	if enter != nil {
		enter()
	}
	return err
}

func (v *window) ReadOrg(ctx context.Context, id string) (connectors.RemoteOrg, error) {
	org := connectors.RemoteOrg{Calls: 2}
	if err := v.meet("org " + id); err != nil {
		return org, err
	}
	if at := v.orgs[id]; id != "1" && at == nil {
		return org, orgflow.Faultf(orgflow.CodeNotFound, "no department")
	} else if id != "1" {
		org.Record = &connectors.RemoteRecord{Kind: orgflow.Org, ConsumerID: id, Key: at.key, Fields: at.fields, Ext: map[string]any{}}
	}
	for _, child := range slices.Sorted(maps.Keys(v.orgs)) {
		if child != "1" && v.orgs[child].fields["parent_id"] == id {
			org.Children = append(org.Children, child)
		}
	}
	return org, ctx.Err()
}

func (v *window) ReadMembers(ctx context.Context, org, cursor string) (connectors.RemotePage, error) {
	page := connectors.RemotePage{Calls: 1}
	from, _ := strconv.Atoi(cursor)
	if err := v.meet(fmt.Sprintf("members %s/%d", org, from)); err != nil {
		return page, err
	}
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(v.people)) {
		if slices.Contains(listed(v.people[id].fields["dept_id_list"]), org) {
			ids = append(ids, id)
		}
	}
	for _, id := range ids[from:min(from+2, len(ids))] {
		page.Records = append(page.Records, connectors.RemoteRecord{Kind: orgflow.Person, ConsumerID: id, Fields: v.people[id].fields, Ext: v.people[id].ext})
	}
	if from+2 < len(ids) {
		page.Next = strconv.Itoa(from + 2)
	}
	return page, ctx.Err()
}

// look begins a run whose consumer shows what it holds.
func (w *world) look(v *window) string {
	w.t.Helper()
	run := w.begin(bothKinds("")).RunID
	w.sync = w.worker(w.db, v)
	return run
}

func (w *world) readRemote(k task, run string) (got RemoteCount, err error) {
	err = w.perform(k, orgflow.ActivityReadRemote, RunParams{RunID: run}, &got)
	return got, err
}

// heldRemote is what the database keeps of a read, as the window would show it.
func (w *world) heldRemote(run string) map[string]map[string]any {
	w.t.Helper()
	out := map[string]map[string]any{}
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		for r, err := range w.db.RemoteRecords(context.Background(), run, kind) {
			if err != nil {
				w.t.Fatal(err)
			}
			out[fmt.Sprintf("%s %s %s %v", kind, r.ConsumerID, r.Key, r.Ext)] = r.Fields
		}
	}
	return out
}

// all is what a whole read shows.
func (v *window) all() map[string]map[string]any {
	out := map[string]map[string]any{}
	for id, at := range v.orgs {
		if id != "1" {
			out[fmt.Sprintf("org %s %s map[]", id, at.key)] = at.fields
		}
	}
	for id, at := range v.people {
		out[fmt.Sprintf("person %s  %v", id, at.ext)] = at.fields
	}
	return out
}
