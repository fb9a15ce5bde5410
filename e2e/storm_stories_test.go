package e2e

// story is what becomes of a flow.
type story struct {
	cast      string // what user codes begin with; the rest of a story leaves it out
	decisions []deed
	state     string
	round     int
	tasks     []string       // of the last round
	events    map[string]int // of the timeline, by type
	told      map[string]int // messages, by kind and receiver
	called    int            // how many calls of the board it is worth
}

// deed is something done to a flow: a decision of a person at a node, or a
// call where there is none.
type deed struct {
	node          int
	user, verdict string
	call          string
	state         string // of the flow afterwards
	at            []int  // its nodes
}

// approvedFirst and what follows are the deeds of stories.
var (
	approvedFirst = deed{node: 10, user: "E2", verdict: "approve", state: "RUNNING", at: []int{20}}
	approvedLast  = deed{node: 20, user: "E5", verdict: "approve", state: "APPROVED"}
	rejectedFirst = deed{node: 10, user: "E3", verdict: "reject", state: "RETURNED"}
	withdrawnNow  = deed{call: "withdraw", state: "RETURNED"}
	relaunchedNow = deed{call: "relaunch", state: "RUNNING", at: []int{10}}
	discardedNow  = deed{call: "discard", state: "DISCARDED"}
)

// stories are what flows of the storm go through, in turn.
var stories = []story{
	{
		decisions: []deed{approvedFirst, approvedLast}, state: "APPROVED", round: 1, called: 1,
		tasks:  []string{"10 E2 APPROVED", "10 E3 DONE_BY_OTHERS", "20 E5 APPROVED"},
		events: map[string]int{"launched": 1, "decided": 2, "approved": 1, "node_entered": 5, "node_left": 5, "task_opened": 3, "trigger_called": 1, "trigger_done": 1},
		told:   map[string]int{"onTask E2": 1, "onTask E3": 1, "onTask E5": 1, "onApproved E1": 1},
	},
	{
		decisions: []deed{rejectedFirst, relaunchedNow, approvedFirst, approvedLast}, state: "APPROVED", round: 2, called: 1,
		tasks:  []string{"10 E2 APPROVED", "10 E3 DONE_BY_OTHERS", "20 E5 APPROVED"},
		events: map[string]int{"launched": 1, "decided": 3, "returned": 1, "relaunched": 1, "approved": 1, "node_entered": 7, "node_left": 7, "task_opened": 5, "trigger_called": 1, "trigger_done": 1},
		told:   map[string]int{"onTask E2": 2, "onTask E3": 2, "onTask E5": 1, "onReturned E1": 1, "onReturned E2": 1, "onApproved E1": 1},
	},
	{
		decisions: []deed{approvedFirst, discardedNow}, state: "DISCARDED", round: 1,
		tasks:  []string{"10 E2 APPROVED", "10 E3 DONE_BY_OTHERS", "20 E5 CANCELLED"},
		events: map[string]int{"launched": 1, "decided": 1, "discarded": 1, "node_entered": 3, "node_left": 3, "task_opened": 3},
		told:   map[string]int{"onTask E2": 1, "onTask E3": 1, "onTask E5": 1, "onDiscarded E1": 1, "onDiscarded E5": 1},
	},
	{
		decisions: []deed{withdrawnNow, relaunchedNow, approvedFirst, approvedLast}, state: "APPROVED", round: 2, called: 1,
		tasks:  []string{"10 E2 APPROVED", "10 E3 DONE_BY_OTHERS", "20 E5 APPROVED"},
		events: map[string]int{"launched": 1, "decided": 2, "withdrawn": 1, "returned": 1, "relaunched": 1, "approved": 1, "node_entered": 7, "node_left": 7, "task_opened": 5, "trigger_called": 1, "trigger_done": 1},
		told:   map[string]int{"onTask E2": 2, "onTask E3": 2, "onTask E5": 1, "onReturned E1": 1, "onReturned E2": 1, "onReturned E3": 1, "onApproved E1": 1},
	},
}
