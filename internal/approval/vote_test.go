package approval_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"orgflow/internal/approval"
)

// ballots writes a visit's ballots as a word: a approve, r reject, s silent,
// . open; each with weight 1.
func ballots(word string) []approval.Ballot {
	casts := map[rune]approval.Cast{'a': approval.CastApprove, 'r': approval.CastReject, 's': approval.CastSilent, '.': approval.CastOpen}
	var out []approval.Ballot
	for _, letter := range word {
		out = append(out, approval.Ballot{Cast: casts[letter], Weight: 1})
	}
	return out
}

func percent(p string) approval.Sign {
	return approval.Sign{Mode: approval.SignVote, Pass: &approval.Pass{Percent: json.Number(p)}, Base: approval.BaseAll,
		Reject: approval.NoBallot, Tie: approval.TieReject}
}

func TestTally(t *testing.T) {
	late, third := percent("60"), percent("33.4")
	late.Early = new(false)
	veto := percent("60")
	veto.Reject = approval.NoVeto
	voted := percent("60")
	voted.Base = approval.BaseVoted
	tiePass := percent("60")
	tiePass.Tie = approval.TiePass
	two := approval.Sign{Mode: approval.SignVote, Pass: &approval.Pass{Count: 2}, Tie: approval.TieReject}
	patient := approval.Sign{Mode: approval.SignAll, Early: new(false)}

	cases := []struct {
		name string
		sign approval.Sign
		word string
		want approval.Tally
	}{
		{"any: nobody yet", approval.Sign{Mode: approval.SignAny}, "..", approval.TallyOpen},
		{"any: first approves", approval.Sign{Mode: approval.SignAny}, ".a.", approval.TallyPassed},
		{"any: first rejects", approval.Sign{Mode: approval.SignAny}, "r..", approval.TallyRejected},
		{"any: all silent", approval.Sign{Mode: approval.SignAny}, "ss", approval.TallyRejected},
		{"all: one missing", approval.Sign{Mode: approval.SignAll}, "aa.", approval.TallyOpen},
		{"all: everybody", approval.Sign{Mode: approval.SignAll}, "aaa", approval.TallyPassed},
		{"all: a reject ends it", approval.Sign{Mode: approval.SignAll}, "r..", approval.TallyRejected},
		{"all: waits for everybody", patient, "r..", approval.TallyOpen},
		{"all: then rejects", patient, "raa", approval.TallyRejected},
		{"all: nobody asked", approval.Sign{Mode: approval.SignAll}, "", approval.TallyRejected},
		{"sequence: the turn of the second", approval.Sign{Mode: approval.SignSequence}, "a..", approval.TallyOpen},
		{"sequence: a reject stops the chain", approval.Sign{Mode: approval.SignSequence}, "ar.", approval.TallyRejected},
		{"vote: 3 of 5 are 60 percent", percent("60"), "aaa..", approval.TallyPassed},
		{"vote: 2 of 5 may still make it", percent("60"), "aar..", approval.TallyOpen},
		{"vote: 3 rejects of 5 leave no way", percent("60"), "rrr..", approval.TallyRejected},
		{"vote: early is off", late, "aaa..", approval.TallyOpen},
		{"vote: 1 of 3 is not 33.4 percent", third, "arr", approval.TallyRejected},
		{"vote: half and half is a tie", percent("60"), "ar", approval.TallyRejected},
		{"vote: a tie that passes", tiePass, "ar", approval.TallyPassed},
		{"vote: a tie that passes is fixed early", tiePass, "aar.", approval.TallyPassed},
		{"vote: 50 percent is enough at 50", percent("50"), "ar", approval.TallyPassed},
		{"vote: a veto ends it", veto, "aar..", approval.TallyRejected},
		{"vote: a veto is possible until the last", veto, "aaaa.", approval.TallyOpen},
		{"vote: the silent count in the base", percent("60"), "aarss", approval.TallyRejected},
		{"vote: the silent do not count", voted, "aarss", approval.TallyPassed},
		{"vote: nobody voted", voted, "ss", approval.TallyRejected},
		{"vote: two approvals", two, "ar.a", approval.TallyPassed},
		{"vote: two approvals are out of reach", two, "a", approval.TallyRejected},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.sign.Tally(ballots(c.word)); got != c.want {
				t.Errorf("%q = %s, want %s", c.word, got, c.want)
			}
		})
	}
}

func TestWeightsOfAVote(t *testing.T) {
	s := approval.Sign{Mode: approval.SignVote, Tie: approval.TieReject,
		Pass: &approval.Pass{Weights: map[string]int{"E1": 3, "E2": 1, "E3": 1}, Threshold: 4}}
	box := func(casts map[string]approval.Cast) []approval.Ballot {
		var out []approval.Ballot
		for user, cast := range casts {
			out = append(out, approval.Ballot{Cast: cast, Weight: s.Weight(user)})
		}
		return out
	}
	const yes, no, open = approval.CastApprove, approval.CastReject, approval.CastOpen
	for _, c := range []struct {
		casts map[string]approval.Cast
		want  approval.Tally
	}{
		{map[string]approval.Cast{"E1": yes, "E2": open, "E3": open}, approval.TallyOpen},
		{map[string]approval.Cast{"E1": yes, "E2": yes, "E3": open}, approval.TallyPassed},
		{map[string]approval.Cast{"E1": open, "E2": no, "E3": no}, approval.TallyRejected},
		{map[string]approval.Cast{"E1": no, "E2": open, "E3": open}, approval.TallyRejected},
		{map[string]approval.Cast{"E1": yes, "E2": open, "E3": no, "added": yes}, approval.TallyOpen},
	} {
		if got := s.Tally(box(c.casts)); got != c.want {
			t.Errorf("%v = %s, want %s", c.casts, got, c.want)
		}
	}
}

// drawSign draws a vote of any kind, with its voters' weights.
func drawSign(t *rapid.T) (approval.Sign, []approval.Ballot) {
	n := rapid.IntRange(0, 6).Draw(t, "voters")
	box := make([]approval.Ballot, n)
	for i := range box {
		box[i].Cast = approval.Cast(rapid.IntRange(0, 3).Draw(t, "cast"))
		box[i].Weight = rapid.IntRange(0, 4).Draw(t, "weight")
	}
	s := approval.Sign{
		Mode:   approval.SignVote,
		Base:   rapid.SampledFrom([]approval.VoteBase{approval.BaseAll, approval.BaseVoted}).Draw(t, "base"),
		Reject: rapid.SampledFrom([]approval.VoteNo{approval.NoBallot, approval.NoVeto}).Draw(t, "reject"),
		Tie:    rapid.SampledFrom([]approval.VoteTie{approval.TieReject, approval.TiePass}).Draw(t, "tie"),
	}
	switch rapid.IntRange(0, 2).Draw(t, "goal") {
	case 0:
		p := rapid.SampledFrom([]string{"1", "20", "33.3", "33.34", "40", "50", "50.01", "60", "66.6", "66.67", "75", "99.9", "100"}).Draw(t, "percent")
		s.Pass = &approval.Pass{Percent: json.Number(p)}
	case 1:
		s.Pass = &approval.Pass{Count: rapid.IntRange(1, 7).Draw(t, "count")}
	case 2:
		s.Pass = &approval.Pass{Weights: map[string]int{"E1": 1}, Threshold: rapid.IntRange(1, 16).Draw(t, "threshold")}
	}
	return s, box
}

// outcome decides a finished vote in the words of the reference, with other
// arithmetic than the code: everything multiplied out, side by side.
func outcome(s approval.Sign, box []approval.Ballot) approval.Tally {
	var yes, no, all, yesWeight, noWeight int64
	for _, b := range box {
		switch b.Cast {
		case approval.CastApprove:
			yes, all, yesWeight = yes+1, all+1, yesWeight+int64(b.Weight)
		case approval.CastReject:
			no, all, noWeight = no+1, all+1, noWeight+int64(b.Weight)
		case approval.CastSilent:
			if s.Base == approval.BaseAll {
				all++
			}
		default:
			panic("open ballot in a finished vote")
		}
	}
	goal := func(number, weight int64) bool {
		switch {
		case s.Pass.Count > 0:
			return number >= int64(s.Pass.Count)
		case s.Pass.Weights != nil:
			return weight >= int64(s.Pass.Threshold)
		}
		p, _ := new(big.Rat).SetString(s.Pass.Percent.String())
		share := new(big.Rat).SetInt64(100 * number)
		return all > 0 && share.Quo(share, big.NewRat(all, 1)).Cmp(p) >= 0
	}
	switch {
	case s.Reject == approval.NoVeto && no > 0:
		return approval.TallyRejected
	case goal(yes, yesWeight):
		return approval.TallyPassed
	case goal(no, noWeight):
		return approval.TallyRejected
	}
	return map[approval.VoteTie]approval.Tally{approval.TiePass: approval.TallyPassed, approval.TieReject: approval.TallyRejected}[s.Tie]
}

// completions calls visit with every way the open ballots may go.
func completions(box []approval.Ballot, visit func([]approval.Ballot)) {
	for i := range box {
		if box[i].Cast != approval.CastOpen {
			continue
		}
		for _, cast := range []approval.Cast{approval.CastApprove, approval.CastReject, approval.CastSilent} {
			box[i].Cast = cast
			completions(box, visit)
		}
		box[i].Cast = approval.CastOpen
		return
	}
	visit(box)
}

func TestAVoteIsDecidedAsSoonAsAllWaysLeadToOneResult(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, box := drawSign(t)
		seen := map[approval.Tally]bool{}
		completions(box, func(done []approval.Ballot) { seen[outcome(s, done)] = true })
		want := approval.TallyOpen
		if len(seen) == 1 {
			for only := range seen {
				want = only
			}
		}
		if got := s.Tally(box); got != want {
			t.Fatalf("%s: %s, but the open ballots may lead to %v", show(s, box), got, seen)
		}
		s.Early = new(false)
		open := len(seen) > 0 && hasOpen(box)
		got := s.Tally(box)
		if vetoed := s.Reject == approval.NoVeto && hasCast(box, approval.CastReject); open && !vetoed && got != approval.TallyOpen {
			t.Fatalf("%s: decided %s before everybody voted", show(s, box), got)
		}
		if !open && got != want {
			t.Fatalf("%s: %s at the end, want %s", show(s, box), got, want)
		}
	})
}

func TestTheOrderOfBallotsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, box := drawSign(t)
		s.Mode = rapid.SampledFrom([]approval.SignMode{approval.SignAny, approval.SignAll, approval.SignSequence, approval.SignVote}).Draw(t, "mode")
		if a, b := s.Tally(box), s.Tally(rapid.Permutation(box).Draw(t, "order")); a != b {
			t.Fatalf("%s: %s, in another order %s", show(s, box), a, b)
		}
	})
}

func hasOpen(box []approval.Ballot) bool { return hasCast(box, approval.CastOpen) }

func hasCast(box []approval.Ballot, cast approval.Cast) bool {
	for _, b := range box {
		if b.Cast == cast {
			return true
		}
	}
	return false
}

func show(s approval.Sign, box []approval.Ballot) string {
	raw, err := json.Marshal(s)
	return fmt.Sprintf("%s %v (%v)", raw, box, err)
}
