package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/orgtree"
	"orgflow/internal/planner"
	"orgflow/internal/store"
)

// recently is the time over which removals are summed for the limits.
const recently = 7 * 24 * time.Hour

// lookMost is how many records are looked for one by one. More of them are
// removed only after somebody has approved it, and then at once: looking for
// each would take longer than pulling everything again, which brings back
// whoever was missed, with the id of before.
const lookMost = 1000

// MergePull makes a version of the organisation of what was read. What a
// whole read has not seen is looked for one by one before it is removed; more
// removals than the limits allow are parked, and the rest is done. Repeating
// it finds the version made, or the records looked for.
func (o *Org) MergePull(ctx context.Context, p PullParams) (MergedPull, error) {
	defer keepAlive(ctx)()
	out, err := o.merge(ctx, p)
	return out, temporalError(err)
}

func (o *Org) merge(ctx context.Context, p PullParams) (MergedPull, error) {
	pull, err := o.Store.GetPull(ctx, p.PullID)
	if err != nil {
		return MergedPull{}, err
	}
	if merged := pull.Summary.Version > 0; merged && (!p.Approved || pull.Summary.ParkedRemovals == 0) {
		return MergedPull{Summary: pull.Summary}, nil
	}
	m := &pullMerge{org: o, pull: pull, target: pull.Input.Target(), approved: p.Approved}
	for {
		out, err := m.run(ctx)
		if !errors.Is(err, store.ErrVersionMoved) {
			return out, err
		}
	}
}

type pullMerge struct {
	org      *Org
	pull     store.Pull
	target   orgflow.Target
	approved bool
	notes    []string
}

func (m *pullMerge) run(ctx context.Context) (MergedPull, error) {
	m.notes = nil
	base, err := m.org.Store.LatestVersion(ctx, m.target)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return MergedPull{}, err
	}
	if m.approved && base.Version != m.pull.Summary.Version {
		return MergedPull{Summary: m.pull.Summary, Superseded: true}, nil
	}
	before, err := m.org.Store.OrgTree(ctx, m.target, base.Version)
	if err != nil {
		return MergedPull{}, err
	}
	read, err := m.read(ctx)
	if err != nil {
		return MergedPull{}, err
	}
	activity.RecordHeartbeat(ctx)
	missing := orgtree.Missing(before, read)
	allowed, err := m.allowed(ctx, before, read, missing)
	if err != nil {
		return MergedPull{}, err
	}
	gone, err := m.gone(ctx, before, read, allowed)
	if err != nil {
		return MergedPull{}, err
	}
	after := orgtree.Merge(before, read, gone)
	counts := orgtree.Count(orgtree.Diff(before, after))
	parked := len(missing) - len(allowed)
	for kind, n := range counts {
		n.Parked = ofKind(missing, kind) - ofKind(allowed, kind)
		counts[kind] = n
	}
	_, err = m.org.Store.CommitVersion(ctx, store.NewVersion{
		PullID: m.pull.ID, Target: m.target, Base: base.Version, Tree: after, Changes: counts, Parked: parked,
	})
	if err != nil {
		return MergedPull{}, err
	}
	pull, err := m.org.Store.GetPull(ctx, m.pull.ID)
	return MergedPull{Summary: pull.Summary, Notes: m.notes}, err
}

func ofKind(keys []orgflow.RemoteKey, kind orgflow.Kind) (n int) {
	for _, key := range keys {
		if key.Kind == kind {
			n++
		}
	}
	return n
}

// read is what was seen, with what orgflow itself has written where the
// origin's lists do not show it: codes of departments and supervisors.
func (m *pullMerge) read(ctx context.Context) (orgtree.Read, error) {
	staged, err := m.org.Store.StagedPull(ctx, m.pull.ID)
	if err != nil {
		return orgtree.Read{}, err
	}
	read := orgtree.Read{
		Tree: staged.Tree, Root: m.pull.Root, Whole: m.pull.Summary.Complete, Unread: staged.Unread, Supervisors: staged.Supervised,
	}
	codes := map[string]string{}
	for binding, err := range m.org.Store.Bindings(ctx, m.target, orgflow.Org) {
		if err != nil {
			return read, err
		}
		codes[binding.ConsumerID] = binding.SourceID
	}
	for i, u := range read.Tree.Units {
		if code, ours := codes[u.RemoteID]; ours {
			read.Tree.Units[i].Code = code
		} else if strings.HasPrefix(u.Code, "orgflow:") {
			read.Tree.Units[i].Code = ""
		}
	}
	supervisors, err := m.written(ctx)
	if err != nil {
		return read, err
	}
	for i, p := range read.Tree.Members {
		if who, known := supervisors[p.UserID]; known && !read.Supervisors[p.UserID] {
			read.Tree.Members[i].Supervisor = who
			read.Supervisors[p.UserID] = true
		}
	}
	return read, nil
}

// written returns the supervisors that the origin has accepted from orgflow,
// by userid.
func (m *pullMerge) written(ctx context.Context) (map[string]string, error) {
	_, consumer, err := m.org.origin(m.pull.Input)
	if err != nil {
		return nil, err
	}
	field := consumer.Profile().PersonFields.Manager
	ids, named := map[orgflow.RecordKey]string{}, map[string]string{}
	for binding, err := range m.org.Store.Bindings(ctx, m.target, orgflow.Person) {
		if err != nil {
			return nil, err
		}
		ids[orgflow.RecordKey{Kind: orgflow.Person, ID: binding.SourceID}] = binding.ConsumerID
		if len(binding.Payload) == 0 {
			continue
		}
		payload, err := orgflow.DecodePayload(binding.Payload)
		if err != nil {
			return nil, fmt.Errorf("binding of person %s: %w", binding.SourceID, err)
		}
		if who, _ := payload.Fields[field].(string); who != "" {
			named[binding.ConsumerID] = who
		}
	}
	out := make(map[string]string, len(named))
	for user, who := range named {
		id, _, ok := orgflow.ResolveRefs(who, func(k orgflow.RecordKey) (string, bool) { id, ok := ids[k]; return id, ok })
		if ok && id != "" {
			out[user] = id
		}
	}
	return out, nil
}

// allowed returns the missing records whose removal the safeguards let go,
// kind by kind, and notes those they stop.
func (m *pullMerge) allowed(ctx context.Context, before orgflow.OrgTree, read orgtree.Read, missing []orgflow.RemoteKey) ([]orgflow.RemoteKey, error) {
	if len(missing) == 0 || m.approved {
		return missing, nil
	}
	units, members, err := m.org.Store.RemovedSince(ctx, m.target, m.org.Now().Add(-recently))
	if err != nil {
		return nil, err
	}
	var allowed []orgflow.RemoteKey
	for _, k := range []struct {
		kind                  orgflow.Kind
		recent, managed, seen int
	}{
		{orgflow.Org, units, len(before.Units), len(read.Tree.Units)},
		{orgflow.Person, members, len(before.Members), len(read.Tree.Members)},
	} {
		of := slices.DeleteFunc(slices.Clone(missing), func(key orgflow.RemoteKey) bool { return key.Kind != k.kind })
		if len(of) == 0 {
			continue
		}
		reason := planner.OverLimit(*m.pull.Input.DeleteLimit, k.kind, len(of)+k.recent, k.recent, k.managed)
		if k.seen == 0 {
			reason = "the source answered with no rows at all"
		}
		if reason == "" {
			allowed = append(allowed, of...)
			continue
		}
		m.notes = append(m.notes, fmt.Sprintf("a safeguard held the deletes of %s records: %s", k.kind, reason))
	}
	return allowed, nil
}

// gone looks for each record before it is removed: what was moved while the
// departments were read is still there, and stays. A record that cannot be
// looked for stays, too.
func (m *pullMerge) gone(ctx context.Context, before orgflow.OrgTree, read orgtree.Read, missing []orgflow.RemoteKey) (orgtree.Gone, error) {
	_, consumer, err := m.org.origin(m.pull.Input)
	if err != nil {
		return nil, err
	}
	lookup, ok := consumer.(connectors.Lookup)
	gone := make(orgtree.Gone, len(missing))
	if !ok || m.approved && len(missing) > lookMost {
		for _, key := range missing {
			gone[key] = true
		}
		return gone, nil
	}
	known, err := m.org.Store.MissingOf(ctx, m.pull.ID)
	if err != nil {
		return nil, err
	}
	s := &search{merge: m, lookup: lookup, profile: consumer.Profile(), units: placesOf(before, read), known: known}
	if err := s.all(ctx, before, missing); err != nil {
		return nil, err
	}
	stays := 0
	for _, key := range missing {
		gone[key] = s.known[key]
		if !s.known[key] {
			stays++
		}
	}
	if stays > 0 {
		m.notes = append(m.notes, fmt.Sprintf("%d records were not seen where they belong and are still there, or could not be looked for; they stay where they were", stays))
	}
	return gone, nil
}
