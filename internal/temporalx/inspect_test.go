package temporalx

import (
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
)

// What a program makes of inputs depends on its own key and on that of the
// program that wrote them.
func TestSample(t *testing.T) {
	write := func(payloadKey string) []*commonpb.Payload {
		dc, err := DataConverter(payloadKey)
		if err != nil {
			t.Fatal(err)
		}
		payloads, err := dc.ToPayloads(map[string]int{"company_id": 129})
		if err != nil {
			t.Fatal(err)
		}
		return payloads.GetPayloads()
	}
	for name, c := range map[string]struct {
		own, theirs       string
		unreadable, plain int
	}{
		"no keys":                 {"", "", 0, 1},
		"the same key":            {key(1), key(1), 0, 0},
		"another key":             {key(1), key(2), 1, 0},
		"they encrypt, we do not": {"", key(1), 1, 0},
		"we encrypt, they do not": {key(1), "", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dc, err := DataConverter(c.own)
			if err != nil {
				t.Fatal(err)
			}
			var s Sample
			s.look(dc, write(c.theirs))
			if s.Looked != 1 || s.Unreadable != c.unreadable || s.Plain != c.plain || (s.Cause != nil) != (c.unreadable > 0) {
				t.Errorf("%+v", s)
			}
			if s.Cause != nil && (strings.Contains(s.Cause.Error(), key(1)) || strings.Contains(s.Cause.Error(), key(2))) {
				t.Errorf("the cause shows a key: %v", s.Cause)
			}
		})
	}
}
