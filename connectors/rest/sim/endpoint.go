package restsim

import (
	"maps"
	"slices"
	"strconv"

	"orgflow/connectors/rest"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
)

// endpoint is a call of the definition and what it does.
type endpoint struct {
	call   *rest.Call
	list   *rest.List
	entity *rest.Entity
	kind   string
	wire   map[string]string // wire name → target
	run    func(*input) (map[string]any, *refusal)
}

func (s *Sim) endpoints() []endpoint {
	var out []endpoint
	if s.def.Check != nil {
		out = append(out, endpoint{call: s.def.Check, run: func(*input) (map[string]any, *refusal) { return map[string]any{}, nil }})
	}
	for kind, e := range map[string]*rest.Entity{simbase.Orgs: s.def.Org, simbase.Persons: s.def.Person} {
		if e == nil {
			continue
		}
		wire := map[string]string{}
		for target, f := range e.Fields {
			name := f.Wire
			if name == "" {
				name = target
			}
			wire[name] = target
		}
		add := func(c *rest.Call, l *rest.List, run func(*input) (map[string]any, *refusal)) {
			if c != nil {
				out = append(out, endpoint{call: c, list: l, entity: e, kind: kind, wire: wire, run: run})
			}
		}
		add(e.Insert, nil, (*input).insert)
		add(e.Update, nil, (*input).update)
		add(e.Delete, nil, (*input).remove)
		add(e.Get, nil, (*input).get)
		for _, l := range []*rest.List{e.Children, e.Members} {
			if l != nil {
				add(&l.Call, l, (*input).page)
			}
		}
	}
	return out
}

func (in *input) insert() (map[string]any, *refusal) {
	if r := in.body(); r != nil {
		return nil, r
	}
	s, e := in.sim, in.endpoint
	s.Mu.Lock()
	defer s.Mu.Unlock()
	out, entries := map[string]any{}, []any{}
	for _, v := range in.records {
		id, changes, r := in.created(v)
		if r == nil {
			r = in.check(id, v, true)
		}
		if r == nil {
			changes = append(changes, simctl.Change{Kind: e.kind, ID: id, Value: in.merged(id, v)})
			if err := s.Commit(changes...); err != nil {
				r = refuse(rest.Unknown, "%v", err)
			}
		}
		in.call.Wrote = in.call.Wrote || r == nil
		if e.call.Batch == nil || e.call.Batch.Results == nil {
			if r != nil {
				return nil, r
			}
			put(out, e.call.ID, id)
			continue
		}
		entries = append(entries, in.result(id, r))
	}
	if b := e.call.Batch; b != nil && b.Results != nil {
		put(out, b.Results.List, entries)
	}
	return out, nil
}

// created says under which id a record comes to be.
func (in *input) created(v values) (string, []simctl.Change, *refusal) {
	e := in.endpoint.entity
	if e.ID == "" {
		id, counted := in.sim.NextID()
		return id, []simctl.Change{counted}, nil
	}
	id := simbase.Text(v[e.ID])
	in.call.Key = id
	if in.sim.Held(in.endpoint.kind, id) != nil && !in.endpoint.call.Idempotent {
		return id, nil, refuse(rest.UpdateInstead, "exists already")
	}
	return id, nil, nil
}

// merged is the record after a change.
func (in *input) merged(id string, v values) simbase.Object {
	fields := map[string]any{}
	if old := in.sim.Held(in.endpoint.kind, id); old != nil {
		fields = maps.Clone(old["fields"].(map[string]any))
	}
	maps.Copy(fields, v)
	return simbase.Object{"id": id, "fields": fields}
}

// result is an entry of the answer to a batch.
func (in *input) result(id string, r *refusal) map[string]any {
	by, out := in.endpoint.call.Batch.Results, map[string]any{}
	put(out, by.Key, id)
	if r == nil {
		satisfy(out, by.Success)
		put(out, by.ID, id)
		return out
	}
	failed := in.sim.failed(in.endpoint.call, r)
	put(out, by.Code, literal(failed.Outcome))
	put(out, by.Message, r.text)
	return out
}

func (in *input) update() (map[string]any, *refusal) {
	if r := in.body(); r != nil {
		return nil, r
	}
	s, kind, id := in.sim, in.endpoint.kind, in.vars["id"]
	in.call.Key = id
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if s.Held(kind, id) == nil {
		return nil, refuse(rest.Gone, "no such record")
	}
	if r := in.check(id, in.records[0], false); r != nil {
		return nil, r
	}
	if err := s.Commit(simctl.Change{Kind: kind, ID: id, Value: in.merged(id, in.records[0])}); err != nil {
		return nil, refuse(rest.Unknown, "%v", err)
	}
	in.call.Wrote = true
	return map[string]any{}, nil
}

func (in *input) remove() (map[string]any, *refusal) {
	s, kind, id := in.sim, in.endpoint.kind, in.vars["id"]
	in.call.Key = id
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if s.Held(kind, id) == nil {
		return nil, refuse(rest.Gone, "no such record")
	}
	if kind == simbase.Orgs && (len(s.below(id)) > 0 || len(s.inside(id)) > 0) {
		return nil, refuse(blocked, "the department is not empty")
	}
	if err := s.Commit(simctl.Change{Kind: kind, ID: id}); err != nil {
		return nil, refuse(rest.Unknown, "%v", err)
	}
	in.call.Wrote = true
	return map[string]any{}, nil
}

func (in *input) get() (map[string]any, *refusal) {
	s := in.sim
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	o := s.Held(in.endpoint.kind, in.vars["id"])
	if o == nil {
		return nil, refuse(rest.Gone, "no such record")
	}
	shown := in.shown(o)
	if in.endpoint.call.Record == "" {
		return shown, nil
	}
	out := map[string]any{}
	put(out, in.endpoint.call.Record, shown)
	return out, nil
}

// shown is a record as it is answered: each field at its read path.
func (in *input) shown(o simbase.Object) map[string]any {
	e, out := in.endpoint.entity, map[string]any{}
	fields, _ := o["fields"].(map[string]any)
	for target, f := range e.Fields {
		if v, held := fields[target]; held && f.Read != "" {
			put(out, f.Read, v)
		}
	}
	put(out, e.ReadID, o["id"])
	return out
}

// page answers a piece of a list.
func (in *input) page() (map[string]any, *refusal) {
	s, l := in.sim, in.endpoint.list
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	all := s.inside(in.vars["id"])
	switch {
	case l.At == "root":
		all = s.All(in.endpoint.kind)
	case in.endpoint.kind == simbase.Orgs:
		all = s.below(in.vars["id"])
	}
	items, out := []any{}, map[string]any{}
	from, to := 0, len(all)
	p := l.Paging
	if p != nil {
		size, _ := strconv.Atoi(in.vars["size"])
		size = max(size, 1)
		at, _ := strconv.Atoi(in.vars[p.Kind])
		switch p.Kind {
		case rest.PageNumber:
			from = (at - p.First) * size
		case rest.PageOffset:
			from = at - p.First
		default:
			from = at
		}
		from = min(max(from, 0), len(all))
		to = min(from+size, len(all))
		put(out, p.Total, len(all))
		put(out, p.More, to < len(all))
		if to < len(all) {
			put(out, p.Next, strconv.Itoa(to))
		}
	}
	for _, o := range all[from:to] {
		items = append(items, in.shown(o))
	}
	put(out, l.Items, items)
	return out, nil
}

// below lists the departments directly under one, inside its members. The
// caller holds Mu.
func (s *Sim) below(id string) []simbase.Object {
	return s.where(simbase.Orgs, s.def.Org.Profile.Parent, id)
}

func (s *Sim) inside(id string) []simbase.Object {
	return s.where(simbase.Persons, s.def.Person.Profile.Orgs, id)
}

func (s *Sim) where(kind, target, id string) []simbase.Object {
	return slices.DeleteFunc(s.All(kind), func(o simbase.Object) bool {
		fields, _ := o["fields"].(map[string]any)
		return target == "" || !slices.Contains(list(fields[target]), id)
	})
}

func list(v any) []string {
	many, isList := v.([]any)
	if !isList {
		return []string{simbase.Text(v)}
	}
	out := make([]string, len(many))
	for i, one := range many {
		out[i] = simbase.Text(one)
	}
	return out
}

// check refuses what the definition says the consumer refuses.
func (in *input) check(id string, v values, whole bool) *refusal {
	s, e := in.sim, in.endpoint.entity
	if id == "" || slices.Contains(s.Set().Refuse, id) {
		return refuse(rest.FailRecord, "the record is malformed")
	}
	for target, f := range e.Fields {
		if _, sent := v[target]; f.Required && whole && !sent && f.Relation == nil {
			return refuse(rest.FailRecord, "%s is missing", target)
		}
	}
	for _, target := range e.Profile.Unique {
		for _, o := range s.All(in.endpoint.kind) {
			fields, _ := o["fields"].(map[string]any)
			if v[target] != nil && v[target] != "" && o["id"] != id && fields[target] == v[target] {
				return refuse(rest.FailRecord, "%s is taken", target)
			}
		}
	}
	return in.places(v)
}

// places refuses departments that are not there.
func (in *input) places(v values) *refusal {
	s, e := in.sim, in.endpoint.entity
	for _, target := range []string{e.Profile.Parent, e.Profile.Orgs} {
		if v[target] == nil || target == "" {
			continue
		}
		for _, one := range list(v[target]) {
			if one != s.def.RootID && s.Held(simbase.Orgs, one) == nil {
				return refuse(blocked, "no such department")
			}
		}
	}
	return nil
}
