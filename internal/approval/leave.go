package approval

import (
	"fmt"
	"slices"

	"orgflow"
)

// passVisit ends a visit and lets its token go on.
func (m *machine) passVisit(id int, state orgflow.VisitState, cause Cause) error {
	n, t, v, err := m.endVisit(id, state, cause)
	if err != nil {
		return err
	}
	users := m.doneUsers(id)
	t.Stage, t.Visit = StageLeave, 0
	if state == orgflow.VisitSkipped {
		return nil // as if it were not there
	}
	t.Depts, t.Chosen = nil, v.Chosen
	if n.Type == NodeApprove || n.Type == NodeHandle {
		t.From = id
	}
	if v.Override != nil {
		t.Depts = v.Override.Depts
		if v.Override.Jump != nil {
			if err := m.jump(t.ID, *v.Override.Jump); err != nil {
				return err
			}
		}
	}
	return m.tellNode(OnDone, n, id, users)
}

// rejectVisit ends a visit and sends the flow where its rejections go.
func (m *machine) rejectVisit(id int, state orgflow.VisitState, cause Cause) error {
	n, t, v, err := m.endVisit(id, state, cause)
	if err != nil {
		return err
	}
	if v.Override != nil && v.Override.Jump != nil {
		t.Depts = v.Override.Depts
		return m.jump(t.ID, *v.Override.Jump)
	}
	return m.sendBack(t.ID, m.def.RejectOf(n), v.deptsAsked(), CauseReject)
}

// deptsAsked returns the departments a call named for what follows the visit.
func (v *Visit) deptsAsked() []string {
	if v.Override == nil {
		return nil
	}
	return v.Override.Depts
}

// endVisit closes a visit and what is open of it.
func (m *machine) endVisit(id int, state orgflow.VisitState, cause Cause) (*Node, *Token, *Visit, error) {
	v, t := m.s.visit(id), m.s.tokenAt(id)
	if v == nil || t == nil {
		return nil, nil, nil, fmt.Errorf("flow %s: visit %d has no token; the stored state is damaged", m.s.Number, id)
	}
	n, err := m.node(v.Node)
	if err != nil {
		return nil, nil, nil, err
	}
	left, why := others(n), CauseDecided
	if state == orgflow.VisitTimedOut {
		left, why = orgflow.TaskTimedOut, cause
	}
	m.closeTasks(id, left, why)
	m.closeVisit(v, state, cause)
	return n, t, v, nil
}

// doneUsers returns who has approved a visit.
func (m *machine) doneUsers(visit int) []string {
	var users []string
	for _, id := range m.s.tasksOf(visit) {
		if t := m.s.task(id); t.State == orgflow.TaskApproved {
			users = append(users, t.User)
		}
	}
	return users
}

// sendBack leads a token whose visit was rejected or returned to an earlier
// node, or the whole flow to its initiator or its end.
func (m *machine) sendBack(token int, r Reject, depts []string, cause Cause) error {
	if r.To.End {
		return m.closeFlow(orgflow.FlowRejected, CauseReject)
	}
	t := m.s.token(token)
	t.Stage, t.Visit = StageEnter, 0
	if r.To.Initiator() {
		return m.returnFlow(cause, m.resumeAt(t.Node, r.Resume))
	}
	m.s.AskedFrom = m.s.LastVisit
	m.log(Entry{Type: EntrySentBack, Actor: m.actor, Node: seqOf(t.Node), Data: EntryData{To: seqOf(r.To.Seq), Cause: cause}})
	m.move(t, motion{to: r.To.Seq, cause: CauseSibling, sentBack: true, direct: r.Resume == ResumeDirect, depts: depts})
	return nil
}

// resumeAt returns how a relaunch goes on after a node's rejection: as the
// node's own rule says, else as the policies of rejections and of relaunches
// do, of which direct is the one somebody asked for.
func (m *machine) resumeAt(seq int, resume Resume) Resume {
	n, ok := m.def.Node(seq)
	if ok && n.OnReject == nil && m.def.Policy.Relaunch.Resume == ResumeDirect {
		return ResumeDirect
	}
	return resume
}

// jump leads a token where a decision's call wants it, past the edges.
func (m *machine) jump(token, to int) error {
	t := m.s.token(token)
	t.Stage, t.Visit = StageEnter, 0
	m.log(Entry{Type: EntryJumped, Actor: m.actor, Node: seqOf(t.Node), Data: EntryData{To: seqOf(to), Depts: t.Depts}})
	m.answer.Jump = JumpDone
	if to == StartSeq {
		return m.returnFlow(CauseJump, m.def.Policy.Relaunch.Resume)
	}
	back := m.visited(to)
	if back {
		m.s.AskedFrom = m.s.LastVisit
	}
	m.move(t, motion{to: to, cause: CauseJump, sentBack: back, depts: t.Depts, chosen: t.Chosen})
	return nil
}

// visited tells whether this round has entered a node before.
func (m *machine) visited(seq int) bool {
	return slices.ContainsFunc(m.s.Visits, func(v Visit) bool { return v.Node == seq })
}
