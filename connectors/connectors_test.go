package connectors_test

import (
	"testing"

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
