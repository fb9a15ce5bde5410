package store

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWordsAreTakenFromWhatIsAboutThePerson(t *testing.T) {
	w := newWords()
	w.read(`{"name":"王测试","mobile":10012345678,"department":{"name":"研发部","number":"D-0011"},"position":{"name":"工程师"},"age":"41","manager":{"mobile":"10099999999"},"manager_userid":"E1000"}`)
	w.read(`{"fields":{"name":"王小测","email":"e7@test.example","ext":{"身份证号":"TEST-9","部门":"研发部"}}}`)
	w.read(`{"mobile":{"before":"10012345670","after":"1001***5678"},"name":{"before":"王旧名","after":""}}`)
	w.read(`not JSON`)
	want := map[string]bool{"王测试": true, "王小测": true, "王旧名": true}
	if d := cmp.Diff(want, w.names); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	want = map[string]bool{"10012345678": true, "e7@test.example": true, "10012345670": true, "TEST-9": true}
	if d := cmp.Diff(want, w.unique); d != "" {
		t.Errorf("numbers (-want +got):\n%s", d)
	}
}

func TestErasedWordsStandAlone(t *testing.T) {
	e := newEraser(map[string]string{"E1001": "erased-a-1", "10012345678": erasedWord, "person:7": "person:erased-a-2"}, map[string]bool{"王测试": true})
	for text, want := range map[string]string{
		"E1001":                   "erased-a-1",
		"E10010, E1001, xE1001":   "E10010, erased-a-1, xE1001",
		"@person:7 @person:77":    "@person:erased-a-2 @person:77",
		"王测试 asks E1001":          "[erased] asks erased-a-1",
		`{"m":10012345678,"n":1}`: `{"m":"[erased]","n":1}`,
		`{"m":"10012345678"}`:     `{"m":"[erased]"}`,
		`{"E1001":{"x":[1.50]}}`:  `{"erased-a-1":{"x":[1.50]}}`,
		"":                        "",
	} {
		if got := e.erase(text, true); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if got := e.erase("王测试 asks", false); got != "王测试 asks" {
		t.Errorf("a namesake's: %q", got)
	}
}

// Whatever is erased from JSON leaves JSON, without the words.
func TestErasedJSONStaysJSON(t *testing.T) {
	e := newEraser(map[string]string{"E1001": "erased-a-1", "10012345678": erasedWord}, map[string]bool{"王测试": true})
	value := rapid.OneOf(
		rapid.SampledFrom([]any{"E1001", "10012345678", json.Number("10012345678"), "王测试", nil, true, json.Number("7"), "tel 10012345678"}),
		rapid.Map(rapid.String(), func(s string) any { return s }),
	)
	rapid.Check(t, func(t *rapid.T) {
		doc := map[string]any{}
		for _, k := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "E1001", "王测试"}), 1, 4).Draw(t, "keys") {
			doc[k] = rapid.OneOf(value, rapid.Map(rapid.SliceOf(value), func(l []any) any { return l })).Draw(t, "value")
		}
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		out := e.erase(string(raw), true)
		if !json.Valid([]byte(out)) {
			t.Fatalf("%s becomes %s", raw, out)
		}
		if strings.Contains(out, `"E1001"`) || strings.Contains(out, "王测试") || strings.Contains(out, `:10012345678`) {
			t.Fatalf("%s becomes %s", raw, out)
		}
	})
}
