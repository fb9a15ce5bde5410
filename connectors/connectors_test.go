package connectors_test

import (
	"context"
	"errors"
	"strings"
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

func TestBaseAddress(t *testing.T) {
	for in, want := range map[string]bool{
		"https://api.example.com": true, "http://127.0.0.1:8080/x/": true, "https://a:b@example.com": true,
		"api.example.com": false, "ftp://example.com": false, "https://": false, "https://example.com?a=b": false, "http://exa mple": false, "": false,
	} {
		if _, ok := connectors.BaseAddress(in); ok != want {
			t.Errorf("%q: %v", in, ok)
		}
	}
	if u, _ := connectors.BaseAddress("https://a:b@example.com"); u.User == nil {
		t.Error("the user is not shown to the caller")
	}
}

func TestOrgNumber(t *testing.T) {
	if n, err := connectors.OrgNumber("9007199254740993"); n != 9007199254740993 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	for _, id := range []string{"", "0", "-7", "1.0", "x", "9223372036854775808"} {
		if _, err := connectors.OrgNumber(id); orgflow.AsFault(err).Code != orgflow.CodeInternal {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestSettingsAreReadStrictly(t *testing.T) {
	var doc struct {
		Dir  string `json:"dir"`
		Page int    `json:"page"`
	}
	if err := (connectors.Settings{JSON: []byte(`{"dir": "d", "page": 7}`)}).Decode(&doc); err != nil || doc.Dir != "d" || doc.Page != 7 {
		t.Errorf("%+v %v", doc, err)
	}
	for raw, want := range map[string]string{`{"folder": "d"}`: `"folder"`, `{"page": "hush"}`: "page must be of type int", `{`: "cannot be read"} {
		f := orgflow.AsFault((connectors.Settings{JSON: []byte(raw)}).Decode(&doc))
		if f.Code != orgflow.CodeInvalidConfig || !strings.Contains(f.Message, want) || strings.Contains(f.Message, "hush") {
			t.Errorf("%s: %+v", raw, f)
		}
	}
}
