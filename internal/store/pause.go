package store

import (
	"context"
	"fmt"
	"slices"

	"orgflow"
)

// PauseRun makes a run paused and keeps who did it, why and when. A run that
// is paused already gets the new words; one that has ended stays as it is.
func (s *Store) PauseRun(ctx context.Context, id string, p orgflow.Pause) error {
	p.By, p.Reason, p.At = clean(p.By), clean(p.Reason), at(p.At).Time
	words, err := encode(p)
	if err != nil {
		return err
	}
	return s.updateRun(ctx, "pause run "+id, id,
		`UPDATE sync_run SET status = ?, paused = ? WHERE id = ? AND `+live, string(orgflow.StatusPaused), words, id)
}

// ResumeRun makes a paused run run again and leaves a note about the pause.
// A run that is not paused stays as it is, so that a repeated call changes
// nothing.
func (s *Store) ResumeRun(ctx context.Context, id, by string) error {
	what := "resume run " + id
	return s.inTx(ctx, what, func(t *tx) error {
		var row runRow
		err := t.get(ctx, &row, `SELECT `+runColumns+` FROM sync_run WHERE id = ?`+s.dialect.forUpdate, id)
		if err != nil || row.Status != string(orgflow.StatusPaused) {
			return err
		}
		run, err := row.run()
		if err != nil {
			return err
		}
		if run.Paused != nil {
			run.Notes = append(run.Notes, fmt.Sprintf("paused %s, from %s to %s; resumed by %s",
				run.Paused, run.Paused.At.UTC().Format(noteTime), s.now().Format(noteTime), clean(by)))
		}
		notes, err := encode(cleanAll(run.Notes))
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE sync_run SET status = ?, paused = NULL, notes = ? WHERE id = ?`, string(orgflow.StatusRunning), notes, id)
		return err
	})
}

// NoteRun adds a sentence for people to a run's notes. One that stands there
// already is not added again, and a run that has ended stays as it is, so that
// a repeated call changes nothing.
func (s *Store) NoteRun(ctx context.Context, id, note string) error {
	what := "note of run " + id
	return s.inTx(ctx, what, func(t *tx) error {
		var row runRow
		if err := t.get(ctx, &row, `SELECT `+runColumns+` FROM sync_run WHERE id = ?`+s.dialect.forUpdate, id); err != nil {
			return err
		}
		run, err := row.run()
		if note = clean(note); err != nil || run.Status.Terminal() || slices.Contains(run.Notes, note) {
			return err
		}
		notes, err := encode(append(run.Notes, note))
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE sync_run SET notes = ? WHERE id = ?`, notes, id)
		return err
	})
}

// noteTime is how notes write a time.
const noteTime = "2006-01-02 15:04:05Z"
