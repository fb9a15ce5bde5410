package approval_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"orgflow/internal/approval"
)

// generator makes valid definitions: chains of nodes of all types, with
// choices and forks nested in each other.
type generator struct {
	t     *rapid.T
	def   *approval.Definition
	conds int
	// decided says that the piece before this one is a node where people
	// decide.
	decided bool
}

// way is a piece of a definition: where it begins and which edges leave it.
type way struct {
	entry int
	exits []exit
}

// exit is an edge without a target yet: index of its node, and its own.
type exit struct{ node, edge int }

var crowd = []string{"u1", "u2", "u3", "u4", "u5", "u6"}

// genDefinition generates a definition that Check publishes.
func genDefinition(t *rapid.T) *approval.Definition {
	g := &generator{t: t, def: &approval.Definition{Schema: approval.SchemaV1, FlowCode: "f", Name: "F", Version: 1, Admins: []approval.Who{"user:admin"}}}
	g.policy()
	start := g.add(approval.Node{Seq: 0, Type: approval.NodeStart})
	body := g.chain(2, nil)
	end := g.add(approval.Node{Type: approval.NodeEnd})
	g.connect(start.exits, body.entry)
	g.connect(body.exits, end.entry)
	g.def.SetDefaults()
	known := approval.Known{Role: func(string) bool { return true }, Flow: func(string) bool { return true }}
	for _, p := range approval.Check(g.def, known) {
		t.Fatalf("the generator makes an invalid definition: %s", p)
	}
	return g.def
}

func (g *generator) policy() {
	p := &g.def.Policy
	p.ApproverMissing = g.missing("missing")
	p.InitiatorIsApprover = draw(g.t, "initiator", approval.InitiatorSelf, approval.InitiatorSkip, approval.InitiatorToManager, approval.InitiatorToSupervisor)
	p.Dedup = draw(g.t, "dedup", approval.DedupNone, approval.DedupConsecutive, approval.DedupAny)
	p.Reject.Resume = draw(g.t, "resume", approval.ResumeReplay, approval.ResumeDirect)
	p.Relaunch.Resume = draw(g.t, "relaunch", approval.ResumeReplay, approval.ResumeDirect)
	p.MinusOne = draw(g.t, "minus one", approval.MinusOneDefault, approval.MinusOneEnd, approval.MinusOneInitiator)
}

func (g *generator) missing(label string) approval.Missing {
	return draw(g.t, label, approval.Missing{Do: approval.MissingError}, approval.Missing{Do: approval.MissingPass}, approval.Missing{Do: approval.MissingReject},
		approval.Missing{Do: approval.MissingToAdmin}, approval.Missing{Do: approval.MissingToUsers, Users: []string{"u1"}})
}

func draw[T any](t *rapid.T, label string, from ...T) T {
	return from[rapid.IntRange(0, len(from)-1).Draw(t, label)]
}

// add adds a node with one edge that leads nowhere yet; all but the start get
// their seq here.
func (g *generator) add(n approval.Node) way {
	if n.Type != approval.NodeStart {
		n.Seq = len(g.def.Nodes) * 10
	}
	if n.Type == approval.NodeEnd {
		g.def.Nodes = append(g.def.Nodes, n)
		return way{entry: n.Seq}
	}
	if len(n.Next) == 0 {
		n.Next = []approval.Edge{{}}
	}
	g.def.Nodes = append(g.def.Nodes, n)
	return way{entry: n.Seq, exits: []exit{{len(g.def.Nodes) - 1, 0}}}
}

func (g *generator) connect(exits []exit, to int) {
	for _, e := range exits {
		g.def.Nodes[e.node].Next[e.edge].To = to
	}
}

// chain makes one to three pieces in a row. before are the seqs of the nodes
// with people that a rejection in it may lead to.
func (g *generator) chain(depth int, before []int) way {
	before = slices.Clone(before)
	var all way
	g.decided = false
	for i := range rapid.IntRange(1, 3).Draw(g.t, "length") {
		w := g.piece(depth, before)
		n, _ := g.def.Node(w.entry)
		g.decided = n.Type == approval.NodeApprove || n.Type == approval.NodeHandle
		if i == 0 {
			all = w
		} else {
			g.connect(all.exits, w.entry)
			all.exits = w.exits
		}
		if g.decided {
			before = append(before, w.entry)
		}
	}
	return all
}

func (g *generator) piece(depth int, before []int) way {
	kinds := []string{"approve", "approve", "approve", "handle", "cc", "delay", "trigger", "subflow", "choice", "fork", "fork"}
	if depth == 0 {
		kinds = kinds[:8]
	}
	switch draw(g.t, "piece", kinds...) {
	case "approve":
		return g.people(approval.NodeApprove, before)
	case "handle":
		return g.people(approval.NodeHandle, before)
	case "cc":
		return g.add(approval.Node{Type: approval.NodeCC, To: []approval.Approver{g.rule()}})
	case "delay":
		return g.add(approval.Node{Type: approval.NodeDelay, After: approval.Duration{Clock: time.Hour}})
	case "trigger":
		return g.add(approval.Node{Type: approval.NodeTrigger, HTTP: &approval.HTTPCall{URL: "https://example.com/"},
			OnFailure: draw(g.t, "failure", approval.FailureFaults, approval.FailurePasses)})
	case "subflow":
		return g.add(approval.Node{Type: approval.NodeSubflow, Flow: "g", Wait: draw(g.t, "wait", approval.WaitChild, approval.WaitNot),
			OnChildReject: draw(g.t, "child", approval.ChildRejects, approval.ChildPasses)})
	case "choice":
		return g.fork(approval.ForkExclusive, false, depth, before)
	default:
		return g.fork(draw(g.t, "mode", approval.ForkParallel, approval.ForkInclusive, approval.ForkExclusive), true, depth, before)
	}
}

func (g *generator) fork(mode approval.ForkMode, joined bool, depth int, before []int) way {
	n := approval.Node{Type: approval.NodeFork, Mode: mode}
	for i := range rapid.IntRange(2, 3).Draw(g.t, "branches") {
		e := approval.Edge{}
		if mode != approval.ForkParallel {
			if e.Default = i == 0; !e.Default {
				g.conds++
				e.When = fmt.Sprintf("form.c%d == true", g.conds)
			}
		}
		n.Next = append(n.Next, e)
	}
	at := len(g.def.Nodes)
	fork := g.add(n)
	var exits []exit
	for i := range n.Next {
		branch := g.chain(depth-1, before)
		g.connect([]exit{{at, i}}, branch.entry)
		exits = append(exits, branch.exits...)
	}
	if !joined {
		return way{entry: fork.entry, exits: exits}
	}
	join := g.add(approval.Node{Type: approval.NodeJoin, Of: fork.entry})
	g.connect(exits, join.entry)
	return way{entry: fork.entry, exits: join.exits}
}

// people makes a node where people sign.
func (g *generator) people(kind approval.NodeType, before []int) way {
	n := approval.Node{Type: kind, Approvers: []approval.Approver{g.rule()}}
	if g.decided && rapid.IntRange(0, 2).Draw(g.t, "of the decision") == 0 {
		n.Approvers = append(n.Approvers, draw(g.t, "rule", approval.Approver{By: approval.RuleTaskDeptManagers}, approval.Approver{By: approval.RulePreviousSelect}))
	}
	modes := []approval.SignMode{approval.SignAny, approval.SignAll, approval.SignSequence, approval.SignVote}
	if kind == approval.NodeHandle {
		modes = modes[:3]
	}
	n.Sign.Mode = draw(g.t, "sign", modes...)
	switch n.Sign.Mode {
	case approval.SignVote:
		n.Sign.Pass = &approval.Pass{Percent: draw(g.t, "percent", approval.Pass{Percent: "50"}, approval.Pass{Percent: "60"}, approval.Pass{Percent: "100"}).Percent}
		n.Sign.Base = draw(g.t, "base", approval.BaseAll, approval.BaseVoted)
		n.Sign.Reject = draw(g.t, "no", approval.NoBallot, approval.NoVeto)
		n.Sign.Tie = draw(g.t, "tie", approval.TieReject, approval.TiePass)
		n.Sign.Early = draw(g.t, "early", new(true), new(false))
	case approval.SignAll:
		n.Sign.Early = draw(g.t, "early", new(true), new(false))
	case approval.SignAny:
		n.Approvers[0].Pick = draw(g.t, "pick", approval.PickAll, approval.PickRandom, approval.PickClaim)
	}
	if kind == approval.NodeApprove && rapid.Bool().Draw(g.t, "on reject") {
		to := []approval.Target{approval.ToInitiator, approval.ToEnd}
		for _, seq := range before {
			to = append(to, approval.ToNode(seq))
		}
		n.OnReject = &approval.Reject{To: draw(g.t, "reject to", to...)}
		if !n.OnReject.To.End {
			n.OnReject.Resume = draw(g.t, "resume", approval.ResumeReplay, approval.ResumeDirect)
		}
	}
	if rapid.IntRange(0, 2).Draw(g.t, "own missing") == 0 {
		n.ApproverMissing = new(g.missing("missing"))
	}
	g.timeouts(&n)
	return g.add(n)
}

func (g *generator) timeouts(n *approval.Node) {
	kinds := []approval.TimeoutAction{"", "", approval.TimeoutRemind, approval.TimeoutEscalate, approval.TimeoutPass}
	if n.Type == approval.NodeApprove {
		kinds = append(kinds, approval.TimeoutReject)
	}
	if n.Sign.Mode == approval.SignVote {
		kinds = append(kinds, approval.TimeoutClose)
	}
	for i := range rapid.IntRange(0, 2).Draw(g.t, "timeouts") {
		t := approval.Timeout{After: approval.Duration{Clock: time.Duration(i+1) * time.Hour}, Do: draw(g.t, "timeout", kinds...)}
		switch t.Do {
		case "":
			continue
		case approval.TimeoutRemind:
			t.Every, t.Max = approval.Duration{Clock: time.Hour}, 3
		case approval.TimeoutEscalate:
			t.To = &approval.Approver{By: approval.RuleRole, Code: "boss"}
		}
		n.Timeouts = append(n.Timeouts, t)
	}
}

func (g *generator) rule() approval.Approver {
	return draw(g.t, "rule",
		approval.Approver{By: approval.RuleUser, Users: g.some("users", 1)},
		approval.Approver{By: approval.RuleUser, Users: g.some("more users", 2)},
		approval.Approver{By: approval.RuleRole, Code: "r1"},
		approval.Approver{By: approval.RuleRole, Code: "r2"},
		approval.Approver{By: approval.RuleInitiator},
		approval.Approver{By: approval.RuleDeptManager, ClimbIfVacant: true})
}

func (g *generator) some(label string, least int) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(crowd), least, 4, func(u string) string { return u }).Draw(g.t, label)
}

// genTown generates people and answers for a generated definition.
func genTown(t *rapid.T, def *approval.Definition) *town {
	w := newTown()
	shuffle(t, w, def)
	return w
}

// shuffle changes who is there and what holds.
func shuffle(t *rapid.T, w *town, def *approval.Definition) {
	some := rapid.SliceOfDistinct(rapid.SampledFrom(append([]string{initiator}, crowd...)), func(u string) string { return u })
	w.roles["r1"], w.roles["r2"], w.roles["boss"] = some.Draw(t, "r1"), some.Draw(t, "r2"), some.Draw(t, "boss")
	w.managers["D1"], w.managers["D2"] = some.Draw(t, "managers"), []string{"u6"}
	w.supervisors[initiator] = []string{"u5", "u6"}
	w.left, w.agents = map[string]bool{}, map[string]string{}
	for _, u := range crowd {
		switch rapid.IntRange(0, 9).Draw(t, u) {
		case 0:
			w.left[u] = true
		case 1:
			w.agents[u] = rapid.SampledFrom(append([]string{initiator}, crowd...)).Draw(t, "agent")
		}
	}
	for _, n := range def.Nodes {
		for _, e := range n.Next {
			if e.When == "" {
				continue
			}
			delete(w.holds, e.When)
			if rapid.IntRange(0, 9).Draw(t, "answers") > 0 {
				w.holds[e.When] = rapid.Bool().Draw(t, e.When)
			}
		}
	}
}

// mend makes a town where every rule finds somebody and every condition has
// an answer.
func mend(w *town, def *approval.Definition) {
	w.left, w.agents = map[string]bool{}, map[string]string{}
	w.roles["r1"], w.roles["r2"], w.roles["boss"], w.managers["D1"] = []string{"u1"}, []string{"u2", "u3"}, []string{"u4"}, []string{"u5"}
	for _, n := range def.Nodes {
		for _, e := range n.Next {
			if _, ok := w.holds[e.When]; e.When != "" && !ok {
				w.holds[e.When] = true
			}
		}
	}
}
