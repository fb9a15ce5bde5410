package approval

import (
	"slices"

	"orgflow"
)

// launch starts a flow, or answers a repeated launch.
func (m *machine) launch(c DoLaunch) error {
	if m.s != nil {
		return m.launchAgain()
	}
	m.s = &State{Schema: StateV1, Number: c.Number, FlowCode: m.def.FlowCode, Version: m.def.Version,
		Initiator: c.Initiator, Flow: orgflow.FlowRunning}
	m.actor = c.Initiator
	if m.launching = !c.Accepted; m.launching {
		may, err := m.belongs(c.Initiator, m.def.Launch.Who)
		if err != nil {
			return err
		}
		if !may {
			return refusef(MayNotLaunch, "%s may not launch %s; its definition says who may", c.Initiator, m.def.FlowCode)
		}
	}
	m.log(Entry{Type: EntryLaunched, Actor: c.Initiator})
	return m.goOn(m.openRound(nil))
}

func (m *machine) launchAgain() error {
	switch m.s.Flow {
	case orgflow.FlowRunning, orgflow.FlowStarting:
		m.answer.Existing = true
		return nil
	case orgflow.FlowReturned, orgflow.FlowDiscarded:
		return refusef(UseRelaunch, "flow %s exists and is %s; relaunch it", m.s.Number, m.s.Flow)
	default:
		return refuseState(m.s)
	}
}

// openRound begins a round: at the start node, or where back says.
func (m *machine) openRound(back *Back) error {
	m.s.Round++
	m.s.Flow, m.s.Cause, m.s.AfterApproval, m.s.Fault, m.s.Back = orgflow.FlowRunning, "", false, nil, nil
	m.s.Visits, m.s.Tasks, m.s.Tokens, m.s.Forks = nil, nil, nil, nil
	m.s.AskedFrom = m.s.LastVisit
	if _, ok := m.def.Node(StartSeq); !ok {
		return refusef(NodeNotFound, "version %d of %s has no start node", m.def.Version, m.def.FlowCode)
	}
	t := m.addToken(Token{Node: StartSeq, Stage: StageEnter})
	start, err := m.node(StartSeq)
	if err != nil {
		return err
	}
	m.passThrough(t, start)
	if back != nil {
		m.dropToken(t.ID)
		m.putBack(back, 0)
	}
	return nil
}

// relaunch opens the next round of a flow that is with its initiator or was
// discarded. A second click on a running flow that nobody has decided on since
// answers as the first (approval reference, Settled 1).
func (m *machine) relaunch() error {
	switch {
	case m.s.Flow == orgflow.FlowRunning:
		if m.recent(m.s.Relaunched) && m.undecided(m.s.Relaunched) {
			return m.already()
		}
		return refusef(StillRunning, "flow %s is running; discard it before it is relaunched", m.s.Number)
	case m.s.Flow == orgflow.FlowRejected:
		return refusef(NotRelaunchable, "flow %s was rejected for good", m.s.Number)
	case m.s.Flow != orgflow.FlowReturned && m.s.Flow != orgflow.FlowDiscarded:
		return refuseState(m.s)
	case !slices.Contains(m.def.Policy.Relaunch.From, m.s.Flow):
		return refusef(NotRelaunchable, "%s allows no relaunch of a %s flow", m.s.FlowCode, m.s.Flow)
	}
	back := m.s.Back
	if back != nil && back.Version != m.def.Version {
		back = nil // other nodes: walk
	}
	m.s.Version, m.actor = m.def.Version, m.s.Initiator
	m.s.Relaunched = m.moment()
	if err := m.openRound(back); err != nil {
		return err
	}
	m.log(Entry{Type: EntryRelaunched, Actor: m.s.Initiator})
	return m.advance()
}

// discard ends a flow for good, in any state, for its initiator and admins.
func (m *machine) discard(c DoDiscard) error {
	if !c.System && c.By != m.s.Initiator {
		admin, err := m.isAdmin(c.By)
		if err != nil {
			return err
		}
		if !admin {
			return refusef(NotInitiatorOrAdm, "only the initiator and the admins of flow %s may discard it", m.s.Number)
		}
	}
	switch m.s.Flow {
	case orgflow.FlowDiscarded:
		return m.already()
	case orgflow.FlowApproved:
		if may := m.def.Policy.DiscardAfterApproval; may != nil && !*may {
			return refusef(FlowFinished, "flow %s is approved, and %s does not allow to discard it then", m.s.Number, m.s.FlowCode)
		}
		m.s.AfterApproval = true
	default:
	}
	m.acts(c.By)
	if c.System {
		m.actor = ""
	}
	return m.closeFlow(orgflow.FlowDiscarded, CauseDiscard)
}
