package approval

import "encoding/json"

// Sign says how the decisions of a visit's people make its result (approval
// reference B.2, "Sign semantics").
type Sign struct {
	Mode SignMode `json:"mode,omitempty"`
	// Early decides as soon as the result is fixed; false waits for
	// everybody. Of all and vote; nil is true.
	Early *bool `json:"early,omitempty"`

	// Of vote:

	Pass   *Pass    `json:"pass,omitempty"`
	Base   VoteBase `json:"base,omitempty"`
	Reject VoteNo   `json:"reject,omitempty"`
	Tie    VoteTie  `json:"tie,omitempty"`
}

// SignMode is how several people sign.
type SignMode string

// The sign modes.
const (
	SignAny      SignMode = "any"      // 或签: the first decision is the result
	SignAll      SignMode = "all"      // 会签: everybody must approve
	SignSequence SignMode = "sequence" // 依次: one after the other, all must approve
	SignVote     SignMode = "vote"     // 票签: the goal of Pass must be reached
)

// Pass is the goal of a vote: exactly one of Percent, Count, and Weights with
// Threshold.
type Pass struct {
	// Percent of the base, above 0 and at most 100, compared exactly.
	Percent json.Number `json:"percent,omitempty"`
	Count   int         `json:"count,omitempty"` // so many approvals
	// Weights gives each voter's weight by user code; the approvals' weights
	// must add up to Threshold.
	Weights   map[string]int `json:"weights,omitempty"`
	Threshold int            `json:"threshold,omitempty"`
}

// VoteBase is what a percentage is taken of.
type VoteBase string

// The bases of a percentage.
const (
	BaseAll   VoteBase = "all"   // everybody who was asked
	BaseVoted VoteBase = "voted" // those who have voted when the vote ends
)

// VoteNo is what a reject means in a vote.
type VoteNo string

// The meanings of a reject.
const (
	NoBallot VoteNo = "ballot" // a vote against
	NoVeto   VoteNo = "veto"   // ends the vote as rejected (一票否决)
)

// VoteTie is the result when the vote is over and neither side has reached
// the goal.
type VoteTie string

// The results of a tie.
const (
	TieReject VoteTie = "reject"
	TiePass   VoteTie = "pass"
)

// EndsEarly tells whether the result counts as soon as it is fixed.
func (s Sign) EndsEarly() bool { return s.Early == nil || *s.Early }
