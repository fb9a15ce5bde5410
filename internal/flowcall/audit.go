package flowcall

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/internal/store"
)

// auditing asks a flow's workflow to work on decisions. What the call wants
// besides is stored with the newest of them first, so that whoever works on
// them does what it wants, even if this very process dies now: a decision must
// not count without its nextNodeSeq.
func (s *Service) auditing(f *flow.Flow, pending []store.Decision, c orgflow.FlowCommand, machine approval.Command) question {
	key := f.FlowKey
	q := question{
		key: key, update: orgflow.UpdateFlowAudit, command: c, machine: machine,
		id: func(*flow.Flow) string { return auditID(c) },
	}
	if asksNothing(f, pending, c) {
		return q
	}
	q.command = orgflow.FlowCommand{Kind: c.Kind, MaxAudit: c.MaxAudit, Asked: true}
	q.before = func(ctx context.Context) error {
		stands, err := s.Store.AskBeside(ctx, key, c.MaxAudit, store.Asked{NextNodeSeq: c.NextNodeSeq, Depts: c.Depts})
		if err == nil && !stands {
			return errAgain // somebody has dealt with the decision meanwhile
		}
		return err
	}
	return q
}

// asksNothing tells whether a call only says that there are decisions: many
// boards send nextNodeSeq=-1 always. Where something is stored it takes that
// back.
func asksNothing(f *flow.Flow, pending []store.Decision, c orgflow.FlowCommand) bool {
	if len(c.Depts) > 0 {
		return false
	}
	newest := len(pending) - 1
	return c.NextNodeSeq == nil ||
		*c.NextNodeSeq == -1 && f.Def.Policy.MinusOne == approval.MinusOneDefault && (newest < 0 || pending[newest].Asked == nil)
}

// auditID names a notification by the newest decision it saw, and what else
// it asks for: with another override it is another command.
func auditID(c orgflow.FlowCommand) string {
	id := fmt.Sprintf("audit:%d", c.MaxAudit)
	if c.NextNodeSeq == nil && len(c.Depts) == 0 {
		return id
	}
	raw, _ := json.Marshal([]any{c.NextNodeSeq, c.Depts}) // numbers and texts: cannot fail
	sum := sha256.Sum256(raw)
	return id + ":" + hex.EncodeToString(sum[:6])
}
