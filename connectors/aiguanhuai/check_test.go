package aiguanhuai_test

import (
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors/aiguanhuai"
)

// A check needs somebody who answers, whatever they say, and writes nothing.
func TestCheck(t *testing.T) {
	v := newVendor(t)
	if err := v.client().Check(t.Context()); err != nil {
		t.Error(err)
	}
	if r := v.sim.Desk().Requests(); r.Writes != 0 || r.Total != 1 {
		t.Errorf("a check makes %d calls, %d of them write", r.Total, r.Writes)
	}
	nobody := v.client(func(c *aiguanhuai.Config) { c.BaseURL = "http://127.0.0.1:1" })
	if f := orgflow.AsFault(nobody.Check(t.Context())); f == nil || f.Code != orgflow.CodeUnavailable {
		t.Errorf("where nobody listens: %v", f)
	}
	if open := nobody.Unproven(); !strings.Contains(open, "signature") {
		t.Errorf("a check that any answer satisfies claims to prove more: %q", open)
	}
}
