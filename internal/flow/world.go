package flow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/store"
	"orgflow/meta"
)

// world is what the state machine sees during one step: the organisation, the
// form's snapshot, absences and calendars, as of one instant.
type world struct {
	*directory
	store   Store
	company meta.Company
	now     time.Time
	exprs   *approval.Expressions
	form    json.RawMessage
	bound   *approval.Bound
	work    *approval.WorkTime
	agents  map[string][]store.Absence
}

func (k *Keeper) newWorld(ctx context.Context, f *Flow) *world {
	return &world{
		directory: newDirectory(ctx, k.Store, f.Company, f.Initiator),
		store:     k.Store, company: f.Company, now: k.Now(), exprs: f.exprs, form: f.Form,
		agents: map[string][]store.Absence{},
	}
}

// Now is the instant of the step.
func (w *world) Now() time.Time { return w.now }

// Holds evaluates a condition.
func (w *world) Holds(when string) (bool, error) {
	b, err := w.facts()
	if err != nil {
		return false, err
	}
	return b.Holds(when)
}

// People evaluates an expression that yields user codes.
func (w *world) People(expr string) ([]string, error) {
	b, err := w.facts()
	if err != nil {
		return nil, err
	}
	return b.People(expr)
}

// Field returns a field of the form.
func (w *world) Field(name string) ([]string, error) {
	b, err := w.facts()
	if err != nil {
		return nil, err
	}
	return b.Field(name)
}

// facts binds the expressions to form and initiator, once they are asked for.
func (w *world) facts() (*approval.Bound, error) {
	if w.bound != nil {
		return w.bound, nil
	}
	form, err := fields(w.form)
	if err != nil {
		return nil, err
	}
	person := approval.Person{
		UserCode: w.initiator.Code, UserName: w.initiator.Name, DeptName: w.initiator.Dept, Roles: w.company.RolesOf(w.initiator.Code),
	}
	m, err := w.member(w.initiator.Code)
	if err != nil {
		return nil, err
	}
	if m != nil {
		units, err := w.org.DepartmentsOf(w.ctx, w.company.ID, m.ID)
		if err != nil && !isNobody(err) {
			return nil, err
		}
		for _, u := range units {
			person.Depts = append(person.Depts, w.know(u))
		}
	}
	w.bound = w.exprs.Bind(approval.Facts{Form: form, Initiator: person})
	return w.bound, nil
}

// fields reads a form row; numbers keep their digits.
func fields(row json.RawMessage) (map[string]any, error) {
	if len(row) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(row))
	dec.UseNumber()
	var out map[string]any
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("the form's snapshot: %w", err)
	}
	return out, nil
}

// Agent returns who stands in for a person, "" if the person is there. Of
// several the one whose turn began first.
func (w *world) Agent(user, flowCode string, at time.Time) (string, error) {
	list, ok := w.agents[user]
	if !ok {
		var err error
		if list, err = w.store.Absences(w.ctx, w.company.ID, []string{user}, at, at.Add(time.Microsecond)); err != nil {
			return "", err
		}
		w.agents[user] = list
	}
	for _, a := range list {
		if len(a.Flows) == 0 || slices.Contains(a.Flows, flowCode) {
			return a.Agent, nil
		}
	}
	return "", nil
}

// Deadline reckons in the company's working time or by its wall clock.
func (w *world) Deadline(from time.Time, after approval.Duration, calendar approval.Calendar) (time.Time, error) {
	if w.work == nil {
		work, err := workTime(w.company)
		if err != nil {
			return time.Time{}, err
		}
		w.work = work
	}
	return w.work.Deadline(from, after, calendar)
}

func workTime(c meta.Company) (*approval.WorkTime, error) {
	f, ok, err := c.FlowFile(meta.WorkCalendarFile)
	if err != nil || !ok {
		return approval.DefaultWorkTime(c.TimeZone), err
	}
	work, problems := approval.ReadWorkTime(f.Path, f.Raw)
	if len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	return work, nil
}
