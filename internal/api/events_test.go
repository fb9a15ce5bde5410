package api

import (
	"fmt"
	"strings"
	"testing"

	"orgflow"
)

func TestAnEventNeedsNoKeyAndIsAnsweredAsTheConsumerWants(t *testing.T) {
	w := newWorld()
	d := w.deps()
	d.Keys = keys(t)
	res := call(New(d), "POST", "/events/129/ding_talk?signature=abc&timestamp=1&whatever=x", `{"encrypt":"x"}`, "Host: orgflow.example.com")
	if res.Code != 200 || res.Body.String() != `{"encrypt":"success"}` || res.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", res.Code, res.Body)
	}
	if want := (orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}); w.target != want || w.heard != `abc {"encrypt":"x"}` {
		t.Errorf("received %v %s", w.target, w.heard)
	}
	if strings.Contains(w.logs.String(), "abc") {
		t.Error("the log shows the query")
	}
}

func TestAnEventThatIsRefusedOrCannotBeStored(t *testing.T) {
	for name, c := range map[string]struct {
		path, body string
		err        error
		status     int
		code       orgflow.Code
	}{
		"not the consumer's":   {"/events/129/ding_talk", "{}", fmt.Errorf("%w: the signature", ErrNotAuthentic), 401, codeUnauthenticated},
		"nothing configured":   {"/events/129/ding_talk", "{}", orgflow.Faultf(orgflow.CodeNotFound, "company 129 has no configuration; configured: 7"), 404, codeNoRoute},
		"no company":           {"/events/x/ding_talk", "{}", nil, 404, codeNoRoute},
		"database away":        {"/events/129/ding_talk", "{}", orgflow.Faultf(orgflow.CodeUnavailable, "away"), 503, orgflow.CodeUnavailable},
		"larger than any":      {"/events/129/ding_talk", strings.Repeat("x", maxEvent+1), nil, 413, codeTooLarge},
		"missing on this side": {"/events/129", "{}", nil, 404, codeNoRoute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.err = c.err
			res := call(New(w.deps()), "POST", c.path, c.body)
			if e := errorOf(t, res); res.Code != c.status || e.Code != c.code || strings.Contains(e.Message, "configured: 7") {
				t.Errorf("%d %s", res.Code, res.Body)
			}
		})
	}
}
