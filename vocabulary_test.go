package orgflow

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRefsSurviveJoinsAndResolve(t *testing.T) {
	text := Ref(Org, "11") + "," + Ref(Org, "12")
	if got := Refs(text); len(got) != 2 || got[0] != (RecordKey{Org, "11"}) || got[1] != (RecordKey{Org, "12"}) {
		t.Fatalf("Refs = %v", got)
	}
	ids := map[RecordKey]string{{Org, "11"}: "9001"}
	find := func(k RecordKey) (string, bool) { id, ok := ids[k]; return id, ok }
	if _, missing, ok := ResolveRefs(text, find); ok || missing.ID != "12" {
		t.Errorf("an unknown reference must be reported, got ok=%v missing=%v", ok, missing)
	}
	ids[RecordKey{Org, "12"}] = "9002"
	if got, _, ok := ResolveRefs(text, find); !ok || got != "9001,9002" {
		t.Errorf("ResolveRefs = %q, %v", got, ok)
	}
	if got := ShowRefs(text); got != "@org:11,@org:12" {
		t.Errorf("ShowRefs = %q", got)
	}
}

func TestRefsRoundTripAnyID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringN(1, 20, -1).Filter(func(s string) bool { return !HasRefMark(s) }).Draw(t, "id")
		prefix := rapid.String().Filter(func(s string) bool { return !HasRefMark(s) }).Draw(t, "prefix")
		got, _, ok := ResolveRefs(prefix+Ref(Person, id), func(k RecordKey) (string, bool) { return k.ID, k.Kind == Person })
		if !ok || got != prefix+id {
			t.Fatalf("ResolveRefs = %q, %v", got, ok)
		}
	})
}

func TestEqualPayloadsHaveEqualBytes(t *testing.T) {
	a := Payload{Fields: map[string]any{"a": "1", "b": []any{"x"}}, Sensitive: []string{"b", "a"}, CreateOnly: []string{"z", "y"}}
	b := Payload{Fields: map[string]any{"b": []any{"x"}, "a": "1"}, Sensitive: []string{"a", "b"}, CreateOnly: []string{"y", "z"}}
	x, _ := a.Encode()
	y, _ := b.Encode()
	if string(x) != string(y) || Hash(x) != Hash(y) {
		t.Errorf("%s\n%s", x, y)
	}
	back, err := DecodePayload(x)
	if err != nil || back.Fields["a"] != "1" {
		t.Errorf("DecodePayload = %v, %v", back, err)
	}
}

func TestFaultsAreNeverLostOrMistakenForSuccess(t *testing.T) {
	if AsFault(nil) != nil {
		t.Error("no error is no fault")
	}
	if f := AsFault(errors.New("boom")); f.Code != CodeInternal || f.StopsRun() {
		t.Errorf("an unknown error is %v", f)
	}
	invalid := &InvalidError{Code: CodeInvalidJob, Problems: []Problem{
		{Pointer: "/consumer", Message: `must be one of "ding_talk"`}, {Pointer: "/services/0", Message: "unknown"},
	}}
	f := AsFault(invalid)
	if f.Code != CodeInvalidJob || f.Field != "/consumer" || !strings.Contains(f.Message, "/services/0") {
		t.Errorf("an invalid input becomes %+v", f)
	}
	for code, stops := range map[Code]bool{CodeUnauthorized: true, CodeForbidden: true, CodeInvalidRecord: false, CodeThrottled: false, CodeUnknownOutcome: false} {
		if (&Fault{Code: code}).StopsRun() != stops {
			t.Errorf("%s stops a run: want %v", code, stops)
		}
	}
}

func TestJobDefaults(t *testing.T) {
	j := Job{Consumer: "ding_talk", CompanyID: 129}.WithDefaults()
	if !j.Has(StageFetch) || !j.Has(StageSend) || len(j.Params.Operations) != 3 || j.Params.Mode != Incremental ||
		j.Params.DeleteLimit.Count != 200 || j.Params.Scope != DefaultScope {
		t.Errorf("defaults = %+v", j.Params)
	}
	a, b := Job{}.WithDefaults(), Job{}.WithDefaults()
	a.Params.DeleteLimit.Count = 1
	a.Params.Stages[0] = "x"
	if b.Params.DeleteLimit.Count != 200 || b.Params.Stages[0] != StageFetch {
		t.Error("two jobs share their defaults")
	}
}

func TestSyncRunID(t *testing.T) {
	at := time.Date(2026, 11, 21, 9, 0, 0, 0, time.FixedZone("CST", 8*3600))
	if got := SyncRunID(Target{129, "ding_talk"}, at, "7f3a"); got != "sync-129-ding_talk-20261121T0100Z-7f3a" {
		t.Error(got)
	}
}
