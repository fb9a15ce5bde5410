package approval_test

import (
	"bytes"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/approval"
)

func TestStatesThatNoStepMakesAreRefused(t *testing.T) {
	good := bytesOf(t, inState[orgflow.FlowRunning](t).s)
	if _, err := approval.DecodeState([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string][2]string{
		"unknown key":             {`{"schema":1`, `{"colour":1,"schema":1`},
		"other schema":            {`"schema":1`, `"schema":2`},
		"unknown state":           {`"state":"RUNNING"`, `"state":"SLEEPING"`},
		"no round":                {`"round":1,"tokens"`, `"round":0,"tokens"`},
		"open in a closed flow":   {`"state":"RUNNING"`, `"state":"APPROVED"`},
		"faulted without a fault": {`"state":"RUNNING"`, `"state":"FAULTED"`},
		"token on a closed visit": {`"state":"ACTIVE","enteredAt"`, `"state":"PASSED","enteredAt"`},
		"nobody can end a visit":  {`"state":"ACTIVE","openedAt"`, `"state":"APPROVED","openedAt"`},
		"task without a visit":    {`"id":1,"visit":2`, `"id":1,"visit":7`},
		"task without a seat":     {`"seat":1`, `"seat":2`},
		"token that rests not":    {`"stage":"at"`, `"stage":"enter"`},
		"ids with gaps":           {`"lastVisit":2`, `"lastVisit":5`},
		"two documents":           {`"lastVisit":2`, `"lastVisit":2}{`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s: %s is not in %s", what, change[0], good)
		}
		if _, err := approval.DecodeState([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

// Whatever is read as a state is written the same, and every command on it
// ends in an outcome or an error.
func FuzzDecodeState(f *testing.F) {
	for _, make := range inState {
		f.Add([]byte(bytesOf(f, make(f).s)))
	}
	fork := launched(f, newTown(), forked(approval.ForkParallel)...)
	fork.yes("a", 10)
	f.Add([]byte(bytesOf(f, fork.s)))
	def := define(forked(approval.ForkParallel)...)
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := approval.DecodeState(raw)
		if err != nil {
			return
		}
		once, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := approval.DecodeState(once)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		twice, err := back.Encode()
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s\nbecomes\n%s", once, twice)
		}
		rows := []approval.Decision{{ID: 1, NodeSeq: 30, User: "b", Verdict: orgflow.VerdictApprove}, {ID: 2, NodeSeq: 40, User: "c", Verdict: orgflow.VerdictReject}}
		for _, cmd := range []approval.Command{approval.DoAudits{Rows: rows}, approval.DoRelaunch{}, approval.DoUrge{}, approval.Wake{},
			approval.DoRetract{By: "b"}, approval.DoJump{By: "admin", To: 70}, approval.DoRepair{By: "admin", Action: approval.RepairRetry},
			approval.AbsenceBegan{User: "b"}, approval.DoDiscard{System: true}} {
			_, _ = approval.Step(def, back, cmd, newTown())
		}
		_, _ = approval.Predict(def, back, initiator, newTown())
	})
}
