package approval_test

import (
	"encoding/json"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/approval"
)

func exported(t testing.TB) []byte {
	t.Helper()
	d, problems := approval.Decode("", example(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	e, err := approval.NewExport(d, 3, example(t))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAnExportIsImportedAsItWas(t *testing.T) {
	d, canonical, hash, problems := approval.Import("x.json", exported(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	plain, wantCanonical, wantHash, problems := approval.Import("x.json", example(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if hash != wantHash || string(canonical) != string(wantCanonical) || hash != orgflow.Hash(canonical) {
		t.Errorf("hash %s of %s", hash, canonical)
	}
	if d.FlowCode != plain.FlowCode || strings.Contains(string(canonical), `"version"`) {
		t.Errorf("flow %s, %s", d.FlowCode, canonical)
	}
}

func TestTheHashIsThatOfTheMeaning(t *testing.T) {
	same := func(a, b string) bool {
		x, err := approval.Canonical([]byte(a))
		if err != nil {
			t.Fatal(err)
		}
		y, err := approval.Canonical([]byte(b))
		if err != nil {
			t.Fatal(err)
		}
		return string(x) == string(y)
	}
	if !same(`{"a": 1, "version": 2, "b": "<甲>"}`, "\xEF\xBB\xBF{\"b\":\"\\u003c甲\\u003e\",\n\"a\":1}") {
		t.Error("spacing, order, escapes and version make a difference")
	}
	for _, other := range []string{`{"a": 2}`, `{"a": "1"}`, `{"a": 1, "b": null}`, `{"A": 1}`} {
		if same(`{"a": 1}`, other) {
			t.Errorf(`{"a": 1} and %s are the same`, other)
		}
	}
	if got, err := approval.Canonical([]byte(`{"b": 1.0, "a": "a < b & c"}`)); err != nil || string(got) != `{"a":"a < b & c","b":1.0}` {
		t.Errorf("canonical %s, %v", got, err)
	}
	if _, err := approval.Canonical([]byte(`[1]`)); err == nil {
		t.Error("a list was taken for a definition")
	}
}

func TestExportsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"altered":                    {"form.amount \\u003e 50000", "form.amount \\u003e 90000", "/sha256: is not the hash of the definition"},
		"no hash":                    {`"sha256": `, `"sha": `, `/sha: unknown key "sha"`},
		"unknown format":             {`"flow-export/1"`, `"flow-export/2"`, `/schema: must be "flow-export/1"`},
		"mistakes of the definition": {`"mode": "parallel"`, `"mode": "both"`, `/definition/nodes/3/mode: must be one of "parallel"`},
	} {
		raw := strings.Replace(string(exported(t)), c.from, c.to, 1)
		_, _, _, problems := approval.Import("x.json", []byte(raw))
		found := false
		for _, p := range problems {
			found = found || strings.Contains(p.String(), c.want) && p.Line > 1
		}
		if !found {
			t.Errorf("%s: %v, want %s with its line", name, problems, c.want)
		}
	}
	if _, _, _, problems := approval.Import("x.json", []byte(`{"schema": "flow-def/1"}`)); len(problems) == 0 {
		t.Error("an incomplete definition was imported")
	}
}
