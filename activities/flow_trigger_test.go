package activities

import (
	"errors"
	"testing"

	"orgflow"
)

// What another attempt cannot change is settled at once.
func TestHowTriggersEnd(t *testing.T) {
	forbidden := orgflow.Faultf(orgflow.CodeInvalidConfig, "calls what is not listed")
	for name, c := range map[string]struct {
		status int
		err    error
		want   FlowTriggered
		again  bool
	}{
		"done":             {204, nil, FlowTriggered{OK: true}, false},
		"refused":          {422, nil, FlowTriggered{Message: "answered with status 422"}, false},
		"redirected":       {302, nil, FlowTriggered{Message: "answered with status 302; redirects are not followed, name the address they lead to"}, false},
		"must not be made": {0, forbidden, FlowTriggered{Message: "calls what is not listed"}, false},
		"throttled":        {429, nil, FlowTriggered{Message: "answered with status 429"}, true},
		"too slow":         {408, nil, FlowTriggered{Message: "answered with status 408"}, true},
		"broken":           {503, nil, FlowTriggered{Message: "answered with status 503"}, true},
		"silent":           {0, errors.New("no answer"), FlowTriggered{Message: "did not answer"}, true},
	} {
		if got, again := triggered(c.status, c.err); got != c.want || again != c.again {
			t.Errorf("%s: %+v, again %t; want %+v, %t", name, got, again, c.want, c.again)
		}
	}
}
