package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Absence says who stands in for whom.
type Absence struct {
	ID       int64 // given by the store
	UserCode string
	Agent    string    // user code of who stands in
	From     time.Time // inclusive
	Till     time.Time // exclusive
	Flows    []string  // codes it holds for; empty: all
}

type absenceRow struct {
	ID       int64  `db:"id"`
	UserCode string `db:"user_code"`
	Agent    string `db:"agent"`
	From     stamp  `db:"from_at"`
	Till     stamp  `db:"till_at"`
	Flows    string `db:"flows"`
}

// PutAbsence stores an absence and returns its id. One of the same person,
// agent and begin is replaced, so that it may be repeated.
func (s *Store) PutAbsence(ctx context.Context, company int64, a Absence) (int64, error) {
	flows, err := encode(append([]string{}, a.Flows...))
	if err != nil {
		return 0, err
	}
	if err := errors.Join(required("/user", a.UserCode, "/agent", a.Agent), check("/flows", flows)); err != nil {
		return 0, fmt.Errorf("store absence: %w", err)
	}
	if !at(a.From).Before(at(a.Till).Time) {
		return 0, fmt.Errorf("store absence: it must end after it begins")
	}
	var id int64
	err = s.rw.GetContext(ctx, &id, s.rw.Rebind(`
		INSERT INTO absence (company_id, user_code, agent, from_at, till_at, flows, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (company_id, user_code, agent, from_at) DO UPDATE SET till_at = excluded.till_at, flows = excluded.flows, updated_at = excluded.updated_at
		RETURNING id`), company, a.UserCode, a.Agent, at(a.From), at(a.Till), flows, s.now())
	return id, s.wrap("store absence", err)
}

// DeleteAbsence removes an absence, if it is there.
func (s *Store) DeleteAbsence(ctx context.Context, company, id int64) error {
	_, err := s.exec(ctx, fmt.Sprintf("delete absence %d", id), `DELETE FROM absence WHERE company_id = ? AND id = ?`, company, id)
	return err
}

// Absences returns those absences of the people that touch the span from
// inclusive to till exclusive, in the order in which they begin; without
// people, of everybody. A single instant is the span of a microsecond.
func (s *Store) Absences(ctx context.Context, company int64, users []string, from, till time.Time) ([]Absence, error) {
	var w where
	w.add("company_id = ? AND from_at < ? AND till_at > ?", company, at(till), at(from))
	if len(users) > 0 {
		w.add(s.dialect.inList("user_code", "text", anys(users)))
	}
	var rows []absenceRow
	err := s.list(ctx, "absences", &rows, `SELECT id, user_code, agent, from_at, till_at, flows FROM absence`+w.sql()+` ORDER BY from_at, id`, w.args...)
	if err != nil {
		return nil, err
	}
	out := make([]Absence, len(rows))
	for i, r := range rows {
		out[i] = Absence{ID: r.ID, UserCode: r.UserCode, Agent: r.Agent, From: r.From.Time, Till: r.Till.Time}
		if err := decode(r.Flows, &out[i].Flows); err != nil {
			return nil, fmt.Errorf("absence %d: %w", r.ID, err)
		}
		if len(out[i].Flows) == 0 {
			out[i].Flows = nil
		}
	}
	return out, nil
}
