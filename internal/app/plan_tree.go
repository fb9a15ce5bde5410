package app

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/store"
)

// treeChanges and treeDepartments bound what a tree is made of: the largest
// organisation orgflow is measured with, and some more.
const (
	treeChanges     = 30_000
	treeDepartments = 20_000
)

// Tree returns a run's plan by department.
func (r *Runs) Tree(ctx context.Context, id string) (api.PlanTree, error) {
	run, err := r.app.Store.GetRun(ctx, id)
	if err != nil {
		return api.PlanTree{}, noRun(id, err)
	}
	lines, more, err := r.app.Store.PlanLines(ctx, id, treeChanges)
	if err != nil {
		return api.PlanTree{}, err
	}
	known, err := r.knownDepartments(ctx, run)
	if err != nil {
		return api.PlanTree{}, err
	}
	return planTree(lines, known, more), nil
}

// knownDepartments are those the run read, or where it read none those of the
// scope's newest complete read.
func (r *Runs) knownDepartments(ctx context.Context, run store.Run) ([]store.StagedDepartment, error) {
	all, err := r.app.Store.SnapshotsOfRun(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	usable := func(s store.Snapshot) bool { return s.Kind == orgflow.Org && s.FinishedAt != nil && !s.Dropped }
	at := slices.IndexFunc(all, usable)
	if at < 0 {
		all, err = r.app.Store.LatestSnapshots(ctx, store.SnapshotFilter{
			Target: run.Job.Target(), Scope: run.Job.Params.Scope, Kind: orgflow.Org, Complete: true,
		})
		if at = slices.IndexFunc(all, usable); err != nil || at < 0 {
			return nil, err
		}
	}
	return r.app.Store.StagedDepartments(ctx, all[at].ID, treeDepartments)
}

// Names returns the names of the records that changes are about.
func (r *Runs) Names(ctx context.Context, id string, changes []int) (map[int]string, error) {
	lines, err := r.app.Store.PlanLinesOf(ctx, id, changes)
	names := make(map[int]string, len(lines))
	for _, l := range lines {
		if name := nameIn(l); name != "" {
			names[l.ID] = name
		}
	}
	return names, err
}

// planTree hangs each change below its department, and each department below
// its parent as far up as departments are known.
func planTree(lines []store.PlanLine, known []store.StagedDepartment, cut bool) api.PlanTree {
	t := treeBuilder{known: map[string]store.StagedDepartment{}, at: map[string]int{}}
	for _, d := range known {
		t.known[d.SourceID] = d
	}
	t.tree.Cut = cut
	for _, l := range lines { // departments first: people are put into them
		if l.Kind == orgflow.Org {
			t.department(l)
		}
	}
	for _, l := range lines {
		if l.Kind == orgflow.Person {
			t.person(l)
		}
	}
	return t.tree
}

type treeBuilder struct {
	known map[string]store.StagedDepartment
	at    map[string]int // places in tree.Departments
	tree  api.PlanTree
}

func (t *treeBuilder) department(l store.PlanLine) {
	line := short(l)
	d, read := t.known[l.SourceID]
	parent := d.ParentID
	if !read {
		parent = departmentIn(l)
	}
	if parent == l.SourceID {
		parent = ""
	}
	i, there := t.at[l.SourceID]
	if !there {
		i = t.add(api.PlanDepartment{SourceID: l.SourceID, ParentID: parent})
	}
	node := &t.tree.Departments[i]
	node.Name, node.ParentID = cmp.Or(line.Name, d.Name, node.Name), parent
	if node.Change == nil || line.Op != orgflow.Update { // a record that is deleted to be inserted again shows the insert
		node.Change = &line
	}
	t.above(parent)
}

func (t *treeBuilder) person(l store.PlanLine) {
	id := departmentIn(l)
	if id == "" {
		t.tree.Elsewhere = append(t.tree.Elsewhere, short(l))
		return
	}
	t.above(id)
	node := &t.tree.Departments[t.at[id]]
	node.People = append(node.People, short(l))
}

// above adds a department and those above it that are not there yet.
func (t *treeBuilder) above(id string) {
	for id != "" {
		if _, there := t.at[id]; there {
			return
		}
		d := t.known[id]
		t.add(api.PlanDepartment{SourceID: id, ParentID: d.ParentID, Name: d.Name})
		id = d.ParentID
	}
}

func (t *treeBuilder) add(d api.PlanDepartment) int {
	t.at[d.SourceID] = len(t.tree.Departments)
	t.tree.Departments = append(t.tree.Departments, d)
	return t.at[d.SourceID]
}

func short(l store.PlanLine) api.PlanLine {
	return api.PlanLine{ID: l.ID, Op: l.Op, SourceID: l.SourceID, Name: nameIn(l), State: l.State}
}

// departmentIn is the department a change is in: the first that its payload
// refers to, the main one of a person and the parent of a department.
func departmentIn(l store.PlanLine) string {
	for _, raw := range [][]byte{l.Payload, l.Before} {
		for _, key := range orgflow.Refs(string(raw)) {
			if key.Kind == orgflow.Org {
				return key.ID
			}
		}
	}
	return ""
}

// nameFields are what consumers call a record's name.
var nameFields = []string{"name", "displayName", "departmentName", "realName"}

// nameIn is the name in a change's payloads, "" where they have none, or one
// that must not be shown.
func nameIn(l store.PlanLine) string {
	for _, raw := range []json.RawMessage{l.Payload, l.Before} {
		p, err := orgflow.DecodePayload(raw)
		if err != nil {
			continue // there is none
		}
		for _, field := range nameFields {
			if name, ok := p.Fields[field].(string); ok && name != "" && !slices.Contains(p.Sensitive, field) {
				return name
			}
		}
	}
	return ""
}
