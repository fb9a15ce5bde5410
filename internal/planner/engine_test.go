package planner

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"orgflow"
)

// engine executes plans against the model the way the activities do:
// references resolved from bindings, the differing fields of an update sent.
type engine struct {
	c        *consumer
	bindings map[orgflow.RecordKey]orgflow.Binding
	name     string // of the run
}

func newEngine(p orgflow.Profile) *engine {
	return &engine{c: newConsumer(p), bindings: map[orgflow.RecordKey]orgflow.Binding{}}
}

// fill puts the bindings into an input.
func (e *engine) fill(in Input) Input {
	in.Orgs.Bindings, in.People.Bindings = nil, nil
	for _, bd := range e.bindings {
		if bd.Kind == orgflow.Org {
			in.Orgs.Bindings = append(in.Orgs.Bindings, bd)
		} else {
			in.People.Bindings = append(in.People.Bindings, bd)
		}
	}
	return in
}

// start stores what has to be stored before the first change.
func (e *engine) start(plan *Plan) {
	if plan.Root != "" {
		e.bindings[orgKey(plan.Root)] = orgflow.Binding{Kind: orgflow.Org, SourceID: plan.Root, ConsumerID: rootDept, Scope: orgflow.DefaultScope, State: orgflow.BindingRoot}
	}
	for _, bd := range slices.Concat(plan.Adopt, plan.Refresh, plan.Takeover) {
		bd.LastRun = e.name
		e.bindings[orgflow.RecordKey{Kind: bd.Kind, ID: bd.SourceID}] = bd
	}
}

// do executes one change.
func (e *engine) do(ch orgflow.Change) error {
	p, err := orgflow.DecodePayload(orEmpty(ch.Payload))
	if err != nil {
		return err
	}
	id := ch.ConsumerID
	if bd, bound := e.bindings[ch.Key()]; bound && ch.Op != orgflow.Insert {
		id = bd.ConsumerID
	}
	set := map[string]string{}
	for name, v := range p.Fields {
		if _, differs := ch.Fields[name]; ch.Op == orgflow.Update && !differs {
			continue
		}
		resolved, missing, ok := orgflow.ResolveRefs(plainText(v), func(k orgflow.RecordKey) (string, bool) {
			bd, bound := e.bindings[k]
			return bd.ConsumerID, bound
		})
		if !ok {
			return fmt.Errorf("%s refers to %s, which is not bound", name, missing)
		}
		set[name] = resolved
	}
	if id, err = e.call(ch, id, set); err != nil {
		return fmt.Errorf("%s %s %s: %w", ch.Aspect, ch.Op, ch.Key(), err)
	}
	if ch.Op == orgflow.Delete {
		delete(e.bindings, ch.Key())
		return nil
	}
	e.bindings[ch.Key()] = orgflow.Binding{Kind: ch.Kind, SourceID: ch.SourceID, ConsumerID: id, Scope: orgflow.DefaultScope,
		Payload: ch.Payload, Hash: ch.Hash, State: orgflow.BindingActive, LastRun: e.name}
	return nil
}

func (e *engine) call(ch orgflow.Change, id string, set map[string]string) (string, error) {
	c := e.c
	if ch.Aspect == orgflow.AspectTemporary {
		c.temps++
	}
	switch {
	case ch.Kind == orgflow.Org && ch.Op == orgflow.Insert:
		return c.insertDept(dept{name: set["name"], parent: set["parent_id"], leaders: split(set["leaders"])})
	case ch.Kind == orgflow.Org && ch.Op == orgflow.Update:
		return id, c.updateDept(id, set)
	case ch.Kind == orgflow.Org:
		return id, c.deleteDept(id)
	case ch.Op == orgflow.Delete:
		return id, c.deleteUser(id)
	case ch.Op == orgflow.Insert:
		return set["userid"], c.putUser(set["userid"], set, true)
	}
	return id, c.putUser(id, set, false)
}

func orEmpty(raw []byte) []byte {
	if len(raw) == 0 {
		return []byte(`{"fields":{}}`)
	}
	return raw
}

// holds renders what the consumer holds by source ids, so that it can be
// compared with what it should hold.
func (e *engine) holds() map[string]string {
	source := map[string]string{rootDept: "1"}
	for k, bd := range e.bindings {
		source[bd.ConsumerID] = k.ID
	}
	names := func(ids []string) string {
		out := make([]string, len(ids))
		for i, id := range ids {
			out[i] = source[id]
		}
		slices.Sort(out)
		return strings.Join(out, ",")
	}
	out := map[string]string{}
	for id, d := range e.c.depts {
		if id != rootDept {
			out["org "+source[id]] = fmt.Sprintf("%s under %s led by %s", d.name, source[d.parent], names(d.leaders))
		}
	}
	for id, u := range e.c.users {
		manager := source[u.fields["manager"]]
		if _, there := e.c.users[u.fields["manager"]]; !there {
			manager = ""
		}
		out["person "+source[id]] = fmt.Sprintf("%s %s %s %s in %s managed by %s", id, u.fields["mobile"], u.fields["email"], u.fields["title"], names(u.depts), manager)
	}
	return out
}

// run plans and executes: waves in order, the changes of a wave in any
// order. The first refusal of the consumer fails the test.
func (e *engine) run(t *rapid.T, in Input, shuffle *rand.Rand) *Plan {
	in = e.fill(in)
	plan, err := Build(in)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	e.carryOut(t, in, plan, shuffle)
	return plan
}

// carryOut executes a plan.
func (e *engine) carryOut(t *rapid.T, in Input, plan *Plan, shuffle *rand.Rand) {
	e.start(plan)
	e.wantOrigins(t, in, plan)
	for from := 0; from < len(plan.Changes); {
		to := from
		for to < len(plan.Changes) && plan.Changes[to].Wave == plan.Changes[from].Wave {
			to++
		}
		wave := slices.Clone(plan.Changes[from:to])
		shuffle.Shuffle(len(wave), func(i, j int) { wave[i], wave[j] = wave[j], wave[i] })
		for _, ch := range wave {
			if ch.State != orgflow.Planned {
				continue
			}
			if err := e.do(ch); err != nil {
				t.Fatalf("change %d of wave %d: %v\nplan:\n%s", ch.ID, ch.Wave, err, show(plan))
			}
		}
		from = to
	}
}

// wantOrigins checks that every change carries what it was planned from: the
// binding as it is stored once the plan is, and what the consumer held, which
// is the binding's payload unless somebody has changed it there.
func (e *engine) wantOrigins(t *rapid.T, in Input, plan *Plan) {
	reconcile := in.Job.Params.Mode == orgflow.Reconcile
	for _, c := range plan.Changes {
		if c.State == orgflow.Skipped {
			continue // planned from nothing
		}
		bd := e.bindings[c.Key()]
		if c.Base != bd.Hash {
			t.Fatalf("change %d is based on %q, its record is bound as %q\n%s", c.ID, c.Base, bd.Hash, show(plan))
		}
		if !reconcile && string(c.Before) != string(bd.Payload) {
			t.Fatalf("change %d: before is %s, bound was %s\n%s", c.ID, c.Before, bd.Payload, show(plan))
		}
	}
}

func show(p *Plan) string {
	var b strings.Builder
	for i, line := range lines(p) {
		c := p.Changes[i]
		fmt.Fprintf(&b, "%3d w%d %s %s after %v: %s\n", c.ID, c.Wave, c.Aspect, line, c.DependsOn, c.Reason)
	}
	return b.String()
}
