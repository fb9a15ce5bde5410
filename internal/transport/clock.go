package transport

import "time"

// drift is how fast two clocks may move apart; generous, for quartz does a
// tenth of it.
const drift = 500e-6

// offset estimates how much a remote clock is ahead of ours. Each reading of
// it came about at some moment between question and answer, so it bounds the
// offset from both sides; readings together bound it closely even where each
// alone took long (a lock, a busy machine).
type offset struct {
	low, high time.Duration // bounds of remote minus ours
	at        time.Time     // of the bounds; zero before the first reading
	readings  int
}

// read takes in that the remote clock showed remote at some moment from asked
// to answered, by our clock.
func (o *offset) read(remote, asked, answered time.Time) {
	low, high := remote.Sub(answered), remote.Sub(asked)
	slip := time.Duration(drift * float64(answered.Sub(o.at)))
	known := !o.at.IsZero()
	if known {
		low, high = max(low, o.low-slip), min(high, o.high+slip)
	}
	if known && low > high { // one of the clocks was set: what was known is void
		low, high = remote.Sub(answered), remote.Sub(asked)
	}
	o.low, o.high, o.at = low, high, answered
	o.readings++
}

// local translates a time of the remote clock into ours.
func (o *offset) local(remote time.Time) time.Time {
	return remote.Add(-(o.low + (o.high-o.low)/2))
}
