package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.temporal.io/sdk/activity"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/orgtree"
)

// search looks for records that a whole read has not seen.
type search struct {
	merge   *pullMerge
	lookup  connectors.Lookup
	profile orgflow.Profile

	mu    sync.Mutex
	units map[string]bool            // departments of the organisation
	known map[orgflow.RemoteKey]bool // what was looked for: is it gone?
}

// placesOf lists the departments of an organisation, those that were not seen
// included.
func placesOf(before orgflow.OrgTree, read orgtree.Read) map[string]bool {
	out := map[string]bool{}
	for _, list := range [][]orgflow.OrgUnit{before.Units, read.Tree.Units} {
		for _, u := range list {
			out[u.RemoteID] = true
		}
	}
	return out
}

// all looks for departments from the root downwards, one after the other, as
// a department below one that is gone may have been moved out with it, then
// for people.
func (s *search) all(ctx context.Context, before orgflow.OrgTree, missing []orgflow.RemoteKey) error {
	var people []orgflow.RemoteKey
	var units []string
	for _, key := range missing {
		switch gone, looked := s.known[key]; {
		case looked && gone && key.Kind == orgflow.Org:
			delete(s.units, key.ID)
		case looked:
		case key.Kind == orgflow.Org:
			units = append(units, key.ID)
		default:
			people = append(people, key)
		}
	}
	for _, id := range downwards(before, units) {
		if err := s.one(ctx, orgflow.RemoteKey{Kind: orgflow.Org, ID: id}); err != nil {
			return err
		}
	}
	return inParallel(ctx, pullInFlight, each(people), s.one)
}

// downwards orders departments by their level.
func downwards(before orgflow.OrgTree, ids []string) []string {
	parent := map[string]string{}
	for _, u := range before.Units {
		parent[u.RemoteID] = u.ParentRemoteID
	}
	level := func(id string) (n int) {
		for ; id != "" && n < len(parent); n++ {
			id = parent[id]
		}
		return n
	}
	out := slices.Clone(ids)
	slices.SortStableFunc(out, func(a, b string) int { return level(a) - level(b) })
	return out
}

// one looks for a record and stores what came of it.
func (s *search) one(ctx context.Context, key orgflow.RemoteKey) error {
	var got connectors.RemoteRecord
	spent, throttled, err := patiently(ctx, s.merge.org.Sleep, func() (calls int, err error) {
		got, calls, err = s.lookup.ReadRecord(ctx, key.Kind, key.ID)
		return calls, err
	})
	if counted := s.merge.org.Store.AddPullCalls(context.WithoutCancel(ctx), s.merge.pull.ID, 0, spent, throttled); counted != nil {
		return counted
	}
	gone := false
	if err != nil {
		fault := orgflow.AsFault(err)
		last := activity.GetInfo(ctx).Attempt >= lastFetchAttempt
		if ctx.Err() != nil || fault.StopsRun() || fault.Transient() && !last {
			return err
		}
		gone = fault.Code == orgflow.CodeNotFound
	}
	s.mu.Lock()
	if err == nil {
		gone = !s.within(got)
	}
	s.known[key] = gone
	if gone && key.Kind == orgflow.Org {
		delete(s.units, key.ID)
	}
	s.mu.Unlock()
	return s.merge.org.Store.SaveMissing(ctx, s.merge.pull.ID, key, gone)
}

// within tells whether a record that was found belongs to the organisation:
// where only a branch is pulled, it may have been moved out of it.
func (s *search) within(r connectors.RemoteRecord) bool {
	field := s.profile.OrgFields.Parent
	if r.Kind == orgflow.Person {
		field = s.profile.PersonFields.Orgs
	}
	value, shown := r.Fields[field]
	if !shown {
		return true
	}
	return slices.ContainsFunc(strings.Split(fmt.Sprint(value), ","), func(id string) bool { return s.units[id] })
}
