package rest_test

import (
	"testing"

	"orgflow/connectors"
)

// A check claims no more than its definition lets it find out.
func TestWhatACheckLeavesOpen(t *testing.T) {
	const nothing = "nothing was tried, because the definition has no call check"
	withCheck := with(t, plainDefinition, map[string]any{"check": `{"method": "GET", "path": "/ping"}`})
	for want, definition := range map[string]string{nothing: plainDefinition, "": withCheck} {
		c := client(t, definition, &script{answers: ok(`{"code": 0}`)})
		if err := c.(connectors.Checker).Check(t.Context()); err != nil {
			t.Error(err)
		}
		if got := c.(connectors.Unproven).Unproven(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
