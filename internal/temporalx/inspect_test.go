package temporalx

import (
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
)

// What a program makes of inputs depends on its own key and on that of the
// program that wrote them.
func TestSample(t *testing.T) {
	write := func(keys []byte) []*commonpb.Payload {
		payloads, err := keysOf(t, keys...).DataConverter().ToPayloads(map[string]int{"company_id": 129})
		if err != nil {
			t.Fatal(err)
		}
		return payloads.GetPayloads()
	}
	for name, c := range map[string]struct {
		own, theirs       []byte // the first byte's key encrypts
		unreadable, plain int
	}{
		"no keys":                 {nil, nil, 0, 1},
		"the same key":            {[]byte{1}, []byte{1}, 0, 0},
		"a key being rotated":     {[]byte{1, 2}, []byte{2, 1}, 0, 0},
		"another key":             {[]byte{1}, []byte{2}, 1, 0},
		"they encrypt, we do not": {nil, []byte{1}, 1, 0},
		"we encrypt, they do not": {[]byte{1}, nil, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var s Sample
			s.look(keysOf(t, c.own...).DataConverter(), write(c.theirs))
			if s.Looked != 1 || s.Unreadable != c.unreadable || s.Plain != c.plain || (s.Cause != nil) != (c.unreadable > 0) {
				t.Errorf("%+v", s)
			}
			if s.Cause != nil && (strings.Contains(s.Cause.Error(), string(key(1))) || strings.Contains(s.Cause.Error(), string(key(2)))) {
				t.Errorf("the cause shows a key: %v", s.Cause)
			}
		})
	}
}
