package e2e

import "slices"

// steering are the calls that need a RUNNING flow, besides those of boards.
var steering = []string{withdraw, retract, jump}

// places bring flows into every state of the table, in every way that makes a
// call be answered differently.
func places() []place {
	return slices.Concat(runningPlaces(), returnedPlaces(), approvedPlaces(), rejectedPlaces(), discardedPlaces(), faultedPlaces())
}

func runningPlaces() []place {
	return []place{
		{"RUNNING", "just launched", launchedAs("table"), all(
			[]illegal{{"launch", again, 200, "existing"}, {"launch", again[2:], 200, "existing"}},
			refused(422, "NO_STORED_DECISION", "onAudit"), refused(409, "STILL_RUNNING", "relaunch"), refused(409, "NOT_FAULTED", repair),
			[]illegal{{withdraw, []string{"by", "E7"}, 403, "NOT_INITIATOR"}, {withdraw, []string{"by", "E1"}, 409, "NOT_ALLOWED"},
				{retract, []string{"by", "E2"}, 409, "NOT_RETRACTABLE"}, {jump, []string{"by", "E7", "to_node_seq", "20"}, 403, "NOT_ADMIN"},
				{jump, []string{"by", "E9", "to_node_seq", "77"}, 404, "NODE_NOT_FOUND"}},
		), discarded},
		{"RUNNING", "just decided", decidedBy(launchedAs("table"), 10, "E2", "approve"), refused(200, "already", "onAudit"), nil},
		{"RUNNING", "decided long ago", aged(decidedBy(launchedAs("table"), 10, "E2", "approve")), refused(422, "NO_STORED_DECISION", "onAudit"), nil},
		{"RUNNING", "just relaunched", relaunchedAfter(decidedBy(launchedAs("sacred"), 10, "E2", "reject")), refused(200, "already", "relaunch"), nil},
		{"RUNNING", "relaunched long ago", aged(relaunchedAfter(decidedBy(launchedAs("sacred"), 10, "E2", "reject"))), refused(409, "STILL_RUNNING", "relaunch"), nil},
		{"RUNNING", "just urged", urged, refused(429, "URGED_TOO_OFTEN", "urgent"), nil},
		{"RUNNING", "nobody is asked", launchedAs("waits"), refused(409, "NOTHING_TO_URGE", "urgent"), discarded},
		{"RUNNING", "just repaired", repaired, refused(200, "already", repair), nil},
	}
}

func returnedPlaces() []place {
	bring := decidedBy(launchedAs("sacred"), 10, "E2", "reject")
	refuses := all(refused(409, "USE_RELAUNCH", "launch"), refused(409, "NOT_UNDER_APPROVAL", append(steering, "urgent")...), refused(409, "NOT_FAULTED", repair))
	return []place{
		{"RETURNED", "just now", bring, all(refuses, refused(200, "already", "onAudit")), discarded},
		{"RETURNED", "long ago", aged(bring), refused(409, "NOT_UNDER_APPROVAL", "onAudit"), nil},
		{"RETURNED", "with a late decision", late(bring, "NOT_UNDER_APPROVAL"), refused(409, "NOT_UNDER_APPROVAL", "onAudit"), func(w *flowWorld, no string) {
			w.relaunched(no, 2)
			a := w.flow("onAudit", "flowRunningNumber", no)
			if got := w.outcomes(no); a.Status != 200 || a.Data.Applied != 0 || !slices.Equal(got, []string{"applied", "ignored_late"}) || !slices.Equal(a.Data.Nodes, []int{10}) {
				w.t.Errorf("a decision of the round before: %s, %v", a, got)
			}
		}},
	}
}

func approvedPlaces() []place {
	bring := func(code string) func(*flowWorld, string) string {
		return decidedBy(decidedBy(launchedAs(code), 10, "E2", "approve"), 20, "E2", "approve")
	}
	refuses := all(refused(409, "FLOW_FINISHED", append(steering, "launch", "relaunch", "urgent")...), refused(409, "NOT_FAULTED", repair))
	return []place{
		{"APPROVED", "just now", bring("table"), all(refuses, refused(200, "already", "onAudit")), discarded},
		{"APPROVED", "long ago", aged(bring("table")), refused(409, "FLOW_FINISHED", "onAudit"), nil},
		{"APPROVED", "with a late decision", late(bring("table"), "FLOW_FINISHED"), refused(409, "FLOW_FINISHED", "onAudit"), nil},
		{"APPROVED", "for good", bring("sacred"), refused(409, "FLOW_FINISHED", "discard"), nil},
	}
}

func rejectedPlaces() []place {
	bring := decidedBy(launchedAs("table"), 10, "E3", "reject")
	refuses := all(refused(409, "FLOW_FINISHED", append(steering, "launch", "urgent")...), refused(409, "NOT_RELAUNCHABLE", "relaunch"), refused(409, "NOT_FAULTED", repair))
	return []place{
		{"REJECTED", "just now", bring, all(refuses, refused(200, "already", "onAudit")), discarded},
		{"REJECTED", "long ago", aged(bring), refused(409, "FLOW_FINISHED", "onAudit"), nil},
		{"REJECTED", "with a late decision", late(bring, "FLOW_FINISHED"), refused(409, "FLOW_FINISHED", "onAudit"), nil},
	}
}

func discardedPlaces() []place {
	bring := func(w *flowWorld, data string) string {
		no := decidedBy(launchedAs("table"), 10, "E2", "approve")(w, data)
		discarded(w, no)
		return no
	}
	refuses := all(refused(409, "USE_RELAUNCH", "launch"), refused(409, "FLOW_DISCARDED", append(steering, "onAudit", "urgent")...), refused(409, "NOT_FAULTED", repair))
	return []place{
		{"DISCARDED", "just now", bring, all(refuses, refused(200, "already", "discard")), nil},
		{"DISCARDED", "long ago", aged(bring), all(refused(409, "FLOW_DISCARDED", "onAudit"), refused(200, "already", "discard")), nil},
		{"DISCARDED", "with a late decision", late(bring, "FLOW_DISCARDED"), refused(409, "FLOW_DISCARDED", "onAudit"),
			func(w *flowWorld, no string) { w.relaunched(no, 2) }},
	}
}

func faultedPlaces() []place {
	bring := decidedBy(launchedAs("faulty"), 10, "E2", "approve")
	refuses := refused(409, "FLOW_FAULTED", append(steering, "launch", "onAudit", "relaunch", "urgent")...)
	refuses = append(refuses, illegal{repair, []string{"by", "E7", "action", "retry"}, 403, "NOT_ADMIN"},
		illegal{repair, []string{"by", "E9", "action", "jump", "to_node_seq", "77"}, 404, "NODE_NOT_FOUND"})
	return []place{
		{"FAULTED", "just now", bring, refuses, discarded},
		{"FAULTED", "long ago", aged(bring), refuses, nil},
		{"FAULTED", "while a decision waits", func(w *flowWorld, data string) string {
			no := bring(w, data)
			w.decide(no, 30, "E3", "approve")
			return no
		}, refuses, func(w *flowWorld, no string) {
			w.repairs(no, 30)
			if a := w.flow("onAudit", "flowRunningNumber", no); a.Data.State != "APPROVED" {
				w.t.Errorf("the decision that waited for the repair: %s", a)
			}
		}},
	}
}

// launchedAs launches a flow whose number is its form row's.
func launchedAs(code string) func(*flowWorld, string) string {
	return func(w *flowWorld, data string) string { return w.launched(code, data, "flowRunningNumber", data) }
}

// decidedBy has somebody decide.
func decidedBy(bring func(*flowWorld, string) string, node int, user, verdict string) func(*flowWorld, string) string {
	return func(w *flowWorld, data string) string {
		no := bring(w, data)
		if a := w.decided(no, node, user, verdict); a.Status != 200 || a.Data.Applied != 1 {
			w.t.Fatalf("%s of %s: %s", verdict, user, a)
		}
		return no
	}
}

// aged lets time pass.
func aged(bring func(*flowWorld, string) string) func(*flowWorld, string) string {
	return func(w *flowWorld, data string) string {
		no := bring(w, data)
		w.ages(no)
		return no
	}
}

// late has a decision stored after the end, which the first call marks.
func late(bring func(*flowWorld, string) string, code string) func(*flowWorld, string) string {
	return func(w *flowWorld, data string) string {
		no := bring(w, data)
		before := w.traces(no)
		w.decide(no, 10, "E3", "approve")
		if a := w.flow("onAudit", "flowRunningNumber", no); a.Status != 409 || a.Code != code {
			w.t.Errorf("a decision that comes too late: %s, want 409 %s", a, code)
		}
		after := w.traces(no)
		if got := w.outcomes(no); !slices.Contains(got, "ignored_late") {
			w.t.Errorf("decisions %v", got)
		}
		before["flow_audit"] = after["flow_audit"]
		w.same(before, after)
		return no
	}
}

func urged(w *flowWorld, data string) string {
	no := launchedAs("table")(w, data)
	if a := w.flow("urgent", "flowRunningNumber", no); a.Status != 200 || len(a.Data.Urged) != 2 {
		w.t.Fatalf("urgent: %s", a)
	}
	return no
}

func repaired(w *flowWorld, data string) string {
	no := decidedBy(launchedAs("faulty"), 10, "E2", "approve")(w, data)
	w.repairs(no, 30)
	return no
}

func relaunchedAfter(bring func(*flowWorld, string) string) func(*flowWorld, string) string {
	return func(w *flowWorld, data string) string {
		no := bring(w, data)
		w.relaunched(no, 2)
		return no
	}
}

func discarded(w *flowWorld, no string) {
	if a := w.flow("discard", "flowRunningNumber", no, "userName", "员工1"); a.Status != 200 || a.Data.State != "DISCARDED" || a.Data.Already {
		w.t.Errorf("discard: %s", a)
	}
}
