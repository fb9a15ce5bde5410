package planner

import (
	"strings"

	"orgflow"
)

// turn is whose record a change of leaders writes. What is parked and what
// is not never run at the same time, and do not wait for each other.
type turn struct {
	person string
	state  orgflow.State
}

// leadInTurn puts changes of leaders that have a person in common into
// waves of their own, where the consumer keeps with the person what they
// lead: two workers that read and write the same person at the same time
// would undo each other's part. lists are the leaders before and after.
//
// The edges go from earlier to later departments and nothing waits for a
// second pass, so that no circle can come of them.
func (b *builder) leadInTurn(d *draft, lists ...any) {
	if !b.in.Profile.LeadersOnMembers {
		return
	}
	for _, list := range lists {
		for who := range strings.SplitSeq(plainText(list), ",") {
			if id, known := b.resolved(who); known { // a list may come from the consumer
				who = id
			}
			if who == "" {
				continue
			}
			at := turn{who, d.State}
			d.require(b.turns[at], follows, "")
			b.turns[at] = d
		}
	}
}
