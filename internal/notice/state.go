// Package notice decides when operators are told of what happens to runs, and
// in which words. It is pure: states, events and times in, tellings and texts
// out.
//
// The same failure of the same job is a topic. Its first occurrence is told
// at once; those that follow within a window are counted and told together,
// in one digest, when the window is over; the first success afterwards is
// told as an all-clear.
package notice

import "time"

// State is what is known of a topic; the zero value is one nobody has heard
// of.
type State struct {
	Failing bool // the last that happened was a failure
	Told    bool // the last that was told was a failure that goes on
	Missed  int  // occurrences nobody was told of yet
	// Since is when the failures began that Failing or Missed tell of.
	Since time.Time
	// Quiet is when the next failure may be told.
	Quiet time.Time
}

// Telling is what people are told now. The zero value is nothing.
type Telling struct {
	Kind  Kind
	Count int // occurrences it tells of for the first time
	// Over: they have stopped meanwhile.
	Over bool
}

// Kind is a kind of telling.
type Kind string

// The kinds of tellings.
const (
	First  Kind = "first"  // it happened
	Digest Kind = "digest" // it happened several times within the window
	Clear  Kind = "clear"  // it is over
)

// Failed takes occurrences at a time: one, or several that became known
// together.
func (s State) Failed(now time.Time, window time.Duration, times int) (State, Telling) {
	if !s.Failing && s.Missed == 0 {
		s.Since = now
	}
	s.Failing = true
	s.Missed += times
	if now.Before(s.Quiet) {
		return s, Telling{}
	}
	return s.tell(now, window)
}

// Passed takes the time: what was counted is told when the window is over.
func (s State) Passed(now time.Time, window time.Duration) (State, Telling) {
	if s.Missed == 0 || now.Before(s.Quiet) {
		return s, Telling{}
	}
	return s.tell(now, window)
}

func (s State) tell(now time.Time, window time.Duration) (State, Telling) {
	t := Telling{Kind: Digest, Count: s.Missed, Over: !s.Failing}
	if s.Missed == 1 && s.Failing {
		t.Kind = First
	}
	s.Told, s.Missed, s.Quiet = s.Failing, 0, now.Add(window)
	return s, t
}

// Well takes a success. Failures since the last telling are told along with
// the all-clear; those nobody has heard of at all wait for the digest.
func (s State) Well() (State, Telling) {
	s.Failing = false
	if !s.Told {
		return s, Telling{}
	}
	t := Telling{Kind: Clear, Count: s.Missed, Over: true}
	s.Told, s.Missed = false, 0
	return s, t
}

// Due is when Passed has something to tell; zero: never.
func (s State) Due() time.Time {
	if s.Missed == 0 {
		return time.Time{}
	}
	return s.Quiet
}
