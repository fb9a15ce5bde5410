package connectors_test

import (
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// All findings come at once, one a key, and say what the key must be.
func TestASectionIsReadStrictly(t *testing.T) {
	type section struct {
		text  string
		yes   bool
		whole int64
		rate  *float64
	}
	checked := []orgflow.Problem{{Pointer: "/erp/text", Message: "is missing"}, {Pointer: "/erp/whole", Message: "must be 1 or more"}}
	for raw, want := range map[string][]string{
		`{"text": 7, "yes": "on", "whole": 1.5, "rate": "fast", "txet": "a"}`: {
			"/erp/rate: must be a number", "/erp/text: must be a text", "/erp/txet: is not known here; allowed are rate, text, whole, yes",
			"/erp/whole: must be a whole number", "/erp/yes: must be true or false"},
		`{"text": "a", "yes": true, "rate": 0.5}`: {"/erp/text: is missing", "/erp/whole: must be 1 or more"},
		`[]`:    {"/erp: must be a JSON object"},
		`null`:  {"/erp: must be a JSON object"},
		`{} {}`: {"/erp: must be one JSON object and nothing behind it"},
	} {
		var s section
		err := connectors.ReadSection("/erp", []byte(raw), map[string]any{"text": &s.text, "yes": &s.yes, "whole": &s.whole, "rate": &s.rate},
			func() []orgflow.Problem { return checked })
		if err == nil || err.Error() != "invalid_config: "+strings.Join(want, "; ") {
			t.Errorf("%s:\n%v, want\n%s", raw, err, strings.Join(want, "\n"))
		}
	}
	var s section
	err := connectors.ReadSection("/erp", []byte(`{"text": "a", "rate": 0.5}`), map[string]any{"text": &s.text, "rate": &s.rate}, func() []orgflow.Problem { return nil })
	if err != nil || s.text != "a" || *s.rate != 0.5 {
		t.Errorf("%+v, %v", s, err)
	}
}
