package flow

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// effect turns what the machine decided into what is stored.
type effect struct {
	*trial
	out       approval.Outcome
	decisions []store.Decision // that the step worked on
}

// stepped is what the workflow is told of a step.
func (t *trial) stepped(out approval.Outcome) (orgflow.FlowStepped, error) {
	answer, err := json.Marshal(out.Answer)
	if err != nil {
		return orgflow.FlowStepped{}, fmt.Errorf("answer of flow %s: %w", t.flow.No, err)
	}
	s := orgflow.FlowStepped{FlowReply: orgflow.FlowReply{Answer: answer}, Status: t.flow.status(out.State), Parent: t.flow.parent()}
	for _, trigger := range out.Effect.Triggers {
		s.Triggers = append(s.Triggers, trigger.Visit)
	}
	for _, c := range out.Effect.Children {
		s.Children = append(s.Children, t.flow.child(c.Visit, c.Flow, c.DataField, c.Wait))
	}
	s.Dropped = out.Effect.Dropped
	for _, visit := range out.Effect.Orphans {
		s.Orphans = append(s.Orphans, ChildNo(t.flow.No, visit))
	}
	return s, nil
}

// step is the transaction of a step, but for its answer.
func (e *effect) step(key string) (store.FlowStep, error) {
	f, s := e.flow, e.out.State
	doc, err := Document{State: s, Form: f.Form, Parent: f.Parent}.Encode()
	if err != nil {
		return store.FlowStep{}, err
	}
	p := store.FlowStep{
		FlowKey: f.FlowKey, Rev: s.Rev, Key: key, State: s.Flow, Round: s.Round, Version: s.Version, StateDoc: doc,
		NextWake: s.NextWake(), ClosedAt: e.closedAt(),
	}
	if f.State == nil || s.Round != f.State.Round {
		if p.Title, err = e.title(); err != nil {
			return p, err
		}
	}
	if err := e.rows(&p); err != nil {
		return p, err
	}
	for _, a := range e.out.Effect.Audits {
		mark := store.AuditMark{ID: a.ID, Outcome: a.Outcome}
		if a.Task > 0 {
			mark.Task = new(int64(a.Task))
		}
		p.Audits = append(p.Audits, mark)
	}
	p.Messages, err = e.messages()
	return p, err
}

func (e *effect) closedAt() time.Time {
	if !e.flow.status(e.out.State).Closed() {
		return time.Time{}
	}
	return e.world.now
}

// Stepped is what a step that was committed has done to its flow.
type Stepped struct {
	From, To orgflow.FlowState // equal where the step did not change it
	Closed   bool              // the flow has ended
	Launched time.Time
	At       time.Time
	Waited   []time.Duration // of the decisions that it dealt with, since they were stored
}

func (e *effect) watched() Stepped {
	now := e.world.now
	s := Stepped{
		From: e.flow.status(e.flow.State).State, To: e.out.State.Flow,
		Closed: e.flow.status(e.out.State).Closed(), Launched: e.flow.StartedAt, At: now,
	}
	for _, d := range e.decisions {
		if slices.ContainsFunc(e.out.Effect.Audits, func(a approval.AuditResult) bool { return a.ID == d.ID }) {
			s.Waited = append(s.Waited, max(now.Sub(d.CreatedAt), 0)) // the database's clock may be ahead
		}
	}
	return s
}

// title names the flow for people: at launch, and when a new round looks at
// the form again.
func (e *effect) title() (string, error) {
	facts, err := e.facts()
	if err != nil {
		return "", err
	}
	return approval.FlowTitle(e.flow.Def, facts)
}

// rows are the projection of the step: visits, tasks and timeline.
func (e *effect) rows(p *store.FlowStep) error {
	for _, v := range e.out.Effect.Visits {
		row := store.FlowVisit{
			ID: int64(v.ID), Round: v.Round, NodeSeq: v.Node, Type: string(v.Type), State: v.State, Cause: string(v.Cause),
			EnteredAt: v.EnteredAt, LeftAt: v.LeftAt,
		}
		if n, ok := e.flow.Def.Node(v.Node); ok {
			row.Name = n.Name
		}
		p.Visits = append(p.Visits, row)
	}
	for _, t := range e.out.Effect.Tasks {
		name, err := e.world.name(t.User)
		if err != nil {
			return err
		}
		row := store.FlowTask{
			ID: int64(t.ID), Visit: int64(t.Visit), Round: t.Round, NodeSeq: t.Node, Kind: string(t.Kind),
			UserCode: t.User, UserName: name, State: t.State, Cause: string(t.Cause), OpenedAt: t.OpenedAt, DoneAt: t.DoneAt, DueAt: t.Due,
			Urges: t.Urges,
		}
		if n := len(t.Urged); n > 0 {
			row.LastUrgedAt = t.Urged[n-1]
		}
		p.Tasks = append(p.Tasks, row)
	}
	for _, entry := range e.out.Effect.Timeline {
		row, err := e.event(entry)
		if err != nil {
			return err
		}
		p.Events = append(p.Events, row)
	}
	return nil
}

func (e *effect) event(entry approval.Entry) (store.FlowEvent, error) {
	name, err := e.called(entry.Actor)
	if err != nil {
		return store.FlowEvent{}, err
	}
	data, err := json.Marshal(entry.Data)
	if err != nil {
		return store.FlowEvent{}, fmt.Errorf("timeline entry %s: %w", entry.Type, err)
	}
	row := store.FlowEvent{
		Type: string(entry.Type), Round: entry.Round, NodeSeq: entry.Node, Actor: entry.Actor, ActorName: name, At: entry.At, Data: data,
	}
	if entry.Visit > 0 {
		row.Visit = new(int64(entry.Visit))
	}
	if entry.Task > 0 {
		row.Task = new(int64(entry.Task))
	}
	return row, nil
}

// called names a person for people to read: the initiator as at launch.
func (e *effect) called(user string) (string, error) {
	switch user {
	case "":
		return "", nil
	case e.flow.Initiator.Code:
		if e.flow.Initiator.Name != "" {
			return e.flow.Initiator.Name, nil
		}
	}
	name, err := e.world.name(user)
	return cmp.Or(name, user), err
}
