package approval

import "math/big"

// Ballot is what one person of a visit has said so far.
type Ballot struct {
	Cast   Cast
	Weight int // SignWeight of the person; 1 where the vote has no weights
}

// Cast is a vote, or that there is none.
type Cast int

// The casts.
const (
	CastOpen    Cast = iota // may still vote, or end up silent
	CastApprove             // for
	CastReject              // against
	CastSilent              // will not vote: the task timed out
)

// Tally is the result of a visit's ballots.
type Tally string

// The results.
const (
	TallyOpen     Tally = "open" // not decided yet
	TallyPassed   Tally = "passed"
	TallyRejected Tally = "rejected"
)

// Weight returns the weight a person's ballot has, who may act for somebody
// else: pass the user code of the person who was asked by the rules. Without
// weights everybody has 1; somebody who has none (added later) has 0.
func (s Sign) Weight(userCode string) int {
	if s.Pass == nil || s.Pass.Weights == nil {
		return 1
	}
	return s.Pass.Weights[userCode]
}

// Tally decides a visit from the ballots of everybody it asked. Tasks that
// were transferred, cancelled or removed are left out: only the person who
// now holds the item has a ballot. Under sequence, people whose turn has not
// come are open.
//
// A result is given as soon as no way the open ballots may go (for, against,
// silent) changes it, and not before; with early false only when none is
// open, except for a veto. The final result:
//
//   - any: the first decision. With ballots on both sides an approval wins,
//     but the caller decides ballot by ballot.
//   - all, sequence: passed if there is an approval and nothing else.
//   - vote: veto and a reject → rejected; the approvals reach the goal →
//     passed; the rejects reach the same goal → rejected; else the tie.
//
// Nobody asked is a tie under vote, rejected otherwise.
func (s Sign) Tally(ballots []Ballot) Tally {
	c := count(ballots)
	switch s.Mode {
	case SignVote:
		return s.vote(c)
	case SignAll, SignSequence:
		return s.unanimous(c)
	default:
		return first(c)
	}
}

// counts sums ballots by cast, each by number and weight.
type counts struct {
	number, weight [CastSilent + 1]int64
}

func count(ballots []Ballot) counts {
	var c counts
	for _, b := range ballots {
		c.number[b.Cast]++
		c.weight[b.Cast] += int64(b.Weight)
	}
	return c
}

func (c counts) has(cast Cast) bool { return c.number[cast] > 0 }

// with returns the counts after every open ballot went one way.
func (c counts) with(cast Cast) counts {
	c.number[cast] += c.number[CastOpen]
	c.weight[cast] += c.weight[CastOpen]
	c.number[CastOpen], c.weight[CastOpen] = 0, 0
	return c
}

func first(c counts) Tally {
	switch {
	case c.has(CastApprove):
		return TallyPassed
	case c.has(CastReject) || !c.has(CastOpen):
		return TallyRejected
	}
	return TallyOpen
}

func (s Sign) unanimous(c counts) Tally {
	early := s.Mode == SignSequence || s.EndsEarly()
	switch {
	case (c.has(CastReject) || c.has(CastSilent)) && (early || !c.has(CastOpen)):
		return TallyRejected
	case c.has(CastOpen):
		return TallyOpen
	case c.has(CastApprove):
		return TallyPassed
	}
	return TallyRejected
}

// vote looks at the extremes: more approvals and fewer rejects never make a
// result worse, and who stays silent lies between, also where only the votes
// count. So the result is fixed when the worst and the best way agree.
func (s Sign) vote(c counts) Tally {
	if s.Reject == NoVeto && c.has(CastReject) {
		return TallyRejected
	}
	if c.has(CastOpen) && !s.EndsEarly() {
		return TallyOpen
	}
	worst, best := s.final(c.with(CastReject)), s.final(c.with(CastApprove))
	if worst != best {
		return TallyOpen
	}
	return worst
}

// final decides counts without open ballots.
func (s Sign) final(c counts) Tally {
	switch {
	case s.Reject == NoVeto && c.has(CastReject):
		return TallyRejected
	case s.reached(c, CastApprove):
		return TallyPassed
	case s.reached(c, CastReject):
		return TallyRejected
	case s.Tie == TiePass:
		return TallyPassed
	}
	return TallyRejected
}

// reached tells whether a side has the goal, exactly.
func (s Sign) reached(c counts, side Cast) bool {
	switch {
	case s.Pass == nil:
		return false
	case s.Pass.Weights != nil:
		return c.weight[side] >= int64(s.Pass.Threshold)
	case s.Pass.Count > 0:
		return c.number[side] >= int64(s.Pass.Count)
	}
	base := c.number[CastApprove] + c.number[CastReject]
	if s.Base != BaseVoted {
		base += c.number[CastSilent]
	}
	percent, ok := new(big.Rat).SetString(s.Pass.Percent.String())
	if !ok || base == 0 {
		return false
	}
	// side/base >= percent/100
	goal := percent.Mul(percent, big.NewRat(base, 100))
	return big.NewRat(c.number[side], 1).Cmp(goal) >= 0
}
