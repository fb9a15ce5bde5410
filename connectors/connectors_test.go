package connectors_test

import (
	"context"
	"errors"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

func TestAReceiptCountsCallsAndWrites(t *testing.T) {
	var r connectors.Receipt
	for _, write := range []bool{true, false, true} {
		r.Count(write)
	}
	if r.Calls != 3 || r.Writes != 2 {
		t.Errorf("%d calls, %d writes; want 3 and 2", r.Calls, r.Writes)
	}
}

func TestAnEffectGoesToTheFunctionOfItsKind(t *testing.T) {
	broken := errors.New("broken")
	by := func(name string, err error) func(context.Context, *connectors.Receipt, connectors.Effect) error {
		return func(_ context.Context, r *connectors.Receipt, e connectors.Effect) error {
			r.Note = name + " " + r.ConsumerID
			r.Count(true)
			return err
		}
	}
	for kind, want := range map[orgflow.Kind]string{orgflow.Person: "person 7", orgflow.Org: "org 7", "thing": ""} {
		r, err := connectors.ApplyKind(t.Context(), connectors.Effect{Kind: kind, ConsumerID: "7"}, by("person", nil), by("org", broken))
		switch {
		case r.Note != want, r.ConsumerID != "7":
			t.Errorf("%s: %+v", kind, r)
		case kind == orgflow.Org && (!errors.Is(err, broken) || r.Writes != 1):
			t.Errorf("%+v %v, want the error, and the call counted beside it", r, err)
		case kind == "thing" && orgflow.AsFault(err).Code != orgflow.CodeInternal:
			t.Errorf("an unknown kind: %v", err)
		}
	}
}
