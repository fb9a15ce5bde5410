package approval

import (
	"slices"

	"orgflow"
)

// ways returns the branches the definition draws each node in.
func (m *machine) ways() map[int][]Way {
	return NewGraph(m.def).Ways(func(int, int, []Way, []Way) {})
}

// shared returns how many branches a token keeps when it goes to a node of the
// given branches: those it is in and the node too.
func (m *machine) shared(t *Token, to []Way) int {
	keep := 0
	for keep < len(t.Path) && keep < len(to) &&
		m.forkNode(t.Path[keep].Fork) == to[keep].Fork && t.Path[keep].Edge == to[keep].Edge {
		keep++
	}
	return keep
}

// motion is a token's way to another node, past the edges.
type motion struct {
	to       int
	cause    Cause // of the visits in other branches that it overtakes
	sentBack bool
	direct   bool // come back here when the node has passed
	depts    []string
	chosen   []string
}

// move takes a token to a node. Inside the same branch only that token moves;
// a target outside ends the token's whole fork, siblings and all (approval
// reference B.4). A target inside other forks enters them with this token
// alone: their joins wait for nobody else.
func (m *machine) move(t *Token, mo motion) {
	to := m.ways()[mo.to]
	keep := m.shared(t, to)
	next := Token{Node: mo.to, Stage: StageEnter, Path: slices.Clone(t.Path[:keep]), From: t.From,
		Depts: mo.depts, Chosen: mo.chosen, SentBack: mo.sentBack}
	gone := []int{t.ID}
	if keep < len(t.Path) {
		gone = m.tokensInside(t.Path[keep].Fork)
	}
	if mo.direct {
		next.Back = m.remember(gone)
	}
	for _, way := range to[keep:] {
		m.s.LastFork++
		m.s.Forks = append(m.s.Forks, Fork{ID: m.s.LastFork, Node: way.Fork})
		next.Path = append(next.Path, Branch{Fork: m.s.LastFork, Edge: way.Edge})
	}
	m.dropTokens(gone, mo.cause)
	m.addToken(next)
	m.pruneForks()
}

func (m *machine) tokensInside(fork int) []int {
	var ids []int
	for i := range m.s.Tokens {
		if m.s.Tokens[i].inside(fork) {
			ids = append(ids, m.s.Tokens[i].ID)
		}
	}
	return ids
}

func (m *machine) allTokens() []int {
	var ids []int
	for i := range m.s.Tokens {
		ids = append(ids, m.s.Tokens[i].ID)
	}
	return ids
}

// dropTokens takes tokens away and cancels what they wait for.
func (m *machine) dropTokens(ids []int, cause Cause) {
	for _, id := range ids {
		if t := m.s.token(id); t.Stage == StageAt {
			m.cancelVisit(t.Visit, cause)
		}
	}
	m.s.Tokens = slices.DeleteFunc(m.s.Tokens, func(t Token) bool { return slices.Contains(ids, t.ID) })
}

// remember keeps tokens that are about to be taken away, so that a direct
// resume puts all of them back: siblings that had arrived at a join have
// arrived, the others enter their nodes again. What those themselves would
// have gone back to is forgotten: they walk.
func (m *machine) remember(ids []int) *Back {
	back := &Back{Version: m.def.Version}
	for _, id := range ids {
		t := *m.s.token(id)
		if t.Stage == StageAt || t.Stage == StageEnter {
			t.Stage, t.SentBack = StageEnter, true
		}
		t.Visit, t.Back = 0, nil
		back.Tokens = append(back.Tokens, t)
	}
	for _, f := range m.s.Forks {
		if !m.insideOthers(f.ID, ids) {
			back.Forks = append(back.Forks, f)
		}
	}
	return back.clone()
}

// insideOthers tells whether a token that is not among ids is in a fork.
func (m *machine) insideOthers(fork int, ids []int) bool {
	return slices.ContainsFunc(m.s.Tokens, func(t Token) bool { return t.inside(fork) && !slices.Contains(ids, t.ID) })
}

// restore puts the tokens back that a direct send-back took away.
func (m *machine) restore(t *Token) {
	back, from := t.Back.clone(), t.From
	m.log(Entry{Type: EntryResumed, Node: seqOf(t.Node)})
	m.dropTokens([]int{t.ID}, CauseReturn)
	m.putBack(back, from)
}

func (m *machine) putBack(back *Back, from int) {
	for _, f := range back.Forks {
		if m.forkNode(f.ID) < 0 {
			m.s.Forks = append(m.s.Forks, f)
		}
	}
	slices.SortFunc(m.s.Forks, func(a, b Fork) int { return a.ID - b.ID })
	for _, t := range back.Tokens {
		t.From = from
		m.addToken(t)
	}
	m.pruneForks()
}

// returnFlow sends the flow as a whole back to its initiator.
func (m *machine) returnFlow(cause Cause, resume Resume) error {
	var back *Back
	if resume == ResumeDirect {
		back = m.remember(m.allTokens())
	}
	m.dropAll(cause)
	m.s.Flow, m.s.Cause, m.s.Back, m.s.Fault = orgflow.FlowReturned, cause, back, nil
	m.s.AskedFrom = m.s.LastVisit
	m.log(Entry{Type: EntryReturned, Data: EntryData{Cause: cause}})
	return m.tellFlow(OnReturned, m.hadOpen, 1)
}

// closeFlow ends the flow.
func (m *machine) closeFlow(state orgflow.FlowState, cause Cause) error {
	m.dropAll(cause)
	m.s.Flow, m.s.Cause, m.s.Back, m.s.Fault = state, cause, nil, nil
	entry, event := EntryApproved, OnApproved
	switch state {
	case orgflow.FlowRejected:
		entry, event = EntryRejected, OnRejected
	case orgflow.FlowDiscarded:
		entry, event = EntryDiscarded, OnDiscarded
	default:
	}
	m.log(Entry{Type: entry, Actor: m.actor, Data: EntryData{Cause: cause}})
	return m.tellFlow(event, m.hadOpen, 1)
}

// dropAll ends everything that is open.
func (m *machine) dropAll(cause Cause) {
	m.dropTokens(m.allTokens(), cause)
	m.s.Forks = nil
	for i := range m.s.Tasks {
		if t := &m.s.Tasks[i]; t.Open() {
			m.closeTask(t, orgflow.TaskCancelled, cause)
		}
	}
}
