package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"orgflow"
)

// RunID makes the id of a new run, readable and unique:
// "sync-129-ding_talk-20261121T0100Z-7f3a9c".
func RunID(job orgflow.Job, at time.Time) string {
	return orgflow.SyncRunID(job.Target(), at, randomID()[:6])
}

// PullID makes the id of a new pull, readable and unique.
func PullID(in orgflow.PullInput, at time.Time) string {
	return orgflow.OrgPullID(in.Target(), at, randomID()[:6])
}

// claim is what an idempotency key stands for. It is stored before the run
// is started: if the start fails, its repetition uses the same id.
type claim struct {
	Job string `json:"job"` // hash of the job or input, defaults filled in
	Run string `json:"run"` // id of the run or pull
}

// wish is something to start: a run or a pull.
type wish struct {
	kind    string // keeps the keys of different things apart, and stands in messages
	content any    // what is asked for, defaults filled in
	id      string // a new one
}

// startOptions finds the id to start under: the wish's own, or the one that
// the idempotency key got first.
func (s *server) startOptions(ctx context.Context, w wish, key string) (StartOptions, error) {
	who := callerOf(ctx)
	opts := StartOptions{WorkflowID: w.id, IdempotencyKey: key, By: who.name()}
	if opts.By == "" {
		opts.By = localUser
	}
	if key == "" {
		return opts, nil
	}
	content, err := json.Marshal(w.content)
	if err != nil {
		return opts, fmt.Errorf("encode what is to be started: %w", err)
	}
	mine := claim{Job: orgflow.Hash(content), Run: opts.WorkflowID}
	first, err := s.claim(ctx, who, w.kind, key, mine)
	if err != nil {
		return opts, err
	}
	if first.Job != mine.Job {
		f := orgflow.Faultf(orgflow.CodeConflict, "this Idempotency-Key was used for another %s (%s)", w.kind, first.Run)
		f.Field, f.Advice = "Idempotency-Key", "use a new key for what is new"
		return opts, f
	}
	opts.WorkflowID = first.Run
	return opts, nil
}

// claim returns what the key was first used for, now perhaps. Who sends it
// belongs to the key: two programs or people may choose the same one.
func (s *server) claim(ctx context.Context, who caller, kind, key string, mine claim) (claim, error) {
	value, err := json.Marshal(mine)
	if err != nil {
		return claim{}, fmt.Errorf("encode idempotency key: %w", err)
	}
	sum := sha256.Sum256([]byte(who.subject() + "\x00" + key))
	stored, _, err := s.Idempotency.Remember(ctx, kind+":"+hex.EncodeToString(sum[:]), string(value))
	if err != nil {
		return claim{}, fmt.Errorf("idempotency key: %w", err)
	}
	var first claim
	if err := json.NewDecoder(strings.NewReader(stored)).Decode(&first); err != nil {
		return claim{}, fmt.Errorf("stored idempotency key: %w", err)
	}
	return first, nil
}
