package rest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// Whatever comes back, nothing panics, and nothing but the success of the
// definition is success.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{yes, gone, asIs, "", "<html>", `{"code":"0"}`, `{"code":0`, `{"code":0.0}`, `{"code":[0]}`, `[{"code":0}]`, `{"CODE":0}`, `{"code":0}{}`, "\ufeff" + yes} {
		for _, status := range []int{200, 204, 302, 404, 429, 500} {
			f.Add(status, body, byte(0))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string, which byte) {
		if status < 200 || status > 599 {
			return
		}
		effects := []connectors.Effect{insert(), update(map[string]any{"name": "x"}), remove(), inDoubt(insert()), inDoubt(remove())}
		e := effects[int(which)%len(effects)]
		s := &script{answers: []reply{{status: status, body: body}}}
		if status == http.StatusNoContent || status == http.StatusNotModified {
			s.answers[0].body = "" // the protocol has none
		}
		c := client(t, plainDefinition, s)
		r, err := c.Apply(t.Context(), e)
		if err != nil {
			if fault := orgflow.AsFault(err); fault.Code == "" || fault.Message == "" {
				t.Errorf("a fault that says nothing: %+v", fault)
			}
			return
		}
		var doc map[string]json.RawMessage
		if json.Unmarshal(trimBOM(s.answers[0].body), &doc) != nil {
			t.Fatalf("%d %q passes for success: %+v", status, body, r)
		}
		code := string(doc["code"])
		plainSuccess := status < 300 && code == "0"
		saidGone := e.Op == orgflow.Delete && (code == "404" || code == `"404"`)
		if !plainSuccess && !saidGone {
			t.Fatalf("%d %q passes for success", status, body)
		}
	})
}

func trimBOM(s string) []byte {
	b := []byte(s)
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	if len(b) > 2 && string(b[:3]) == "\ufeff" {
		b = b[3:]
	}
	return b
}
