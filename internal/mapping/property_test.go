package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orgflow"
)

// anyJSON draws arbitrary JSON, with the keys the sample meta reads.
func anyJSON(t *rapid.T, depth int) any {
	kinds := 5
	if depth > 0 {
		kinds = 7
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return nil
	case 1:
		return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"至今", "2024-03-01", "9999-12-31", "", "0", "\ue000"})).Draw(t, "text")
	case 2:
		return json.Number(rapid.SampledFrom([]string{"0", "-1", "3.0", "3.5", "1e300", "9007199254740993", "1E-9"}).Draw(t, "number"))
	case 3:
		return rapid.Bool().Draw(t, "bool")
	case 4:
		return json.Number(strconv.FormatInt(rapid.Int64().Draw(t, "int"), 10))
	case 5:
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "len"))
		for i := range list {
			list[i] = anyJSON(t, depth-1)
		}
		return list
	}
	return anyObject(t, depth-1)
}

func anyObject(t *rapid.T, depth int) map[string]any {
	keys := []string{"id", "name", "number", "mobile", "departments", "department", "origin_id", "position", "job_info",
		"position_status_id", "begin_date", "identity_card", "0", "*", "a.b", ""}
	obj := map[string]any{}
	for range rapid.IntRange(0, 8).Draw(t, "size") {
		obj[rapid.SampledFrom(keys).Draw(t, "key")] = anyJSON(t, depth)
	}
	return obj
}

// shuffled encodes a value with its object keys in random order.
func shuffled(v any, rng *rand.Rand) []byte {
	switch v := v.(type) {
	case map[string]any:
		keys := sortedKeys(v)
		rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		out := []byte("{")
		for i, k := range keys {
			if i > 0 {
				out = append(out, ", "...)
			}
			name, _ := json.Marshal(k)
			out = append(append(append(out, name...), " : "...), shuffled(v[k], rng)...)
		}
		return append(out, '}')
	case []any:
		out := []byte("[")
		for i, e := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, shuffled(e, rng)...)
		}
		return append(out, ']')
	}
	out, _ := json.Marshal(v)
	return out
}

func TestKeyOrderNeverMattersAndPayloadsAreCanonical(t *testing.T) {
	s := mustStandard(t, orgflow.Person, fetchMeta, personStandard)
	tpl := mustTemplate(t, template, TemplateOptions{})
	rapid.Check(t, func(t *rapid.T) {
		obj := anyObject(t, 3)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		first, issues := s.Map(shuffled(obj, rng))
		second, again := s.Map(shuffled(obj, rng))
		if fmt.Sprint(issues, textsOf(first.Fields), first.SourceID) != fmt.Sprint(again, textsOf(second.Fields), second.SourceID) {
			t.Fatalf("two orders, two records:\n%v %v\n%v %v", issues, textsOf(first.Fields), again, textsOf(second.Fields))
		}
		for key, raw := range first.Fields {
			if !json.Valid(raw) {
				t.Fatalf("%s is no JSON: %q", key, raw)
			}
		}
		if a, b := encoded(t, tpl, first), encoded(t, tpl, second); !bytes.Equal(a, b) {
			t.Fatalf("two orders, two payloads:\n%s\n%s", a, b)
		}
	})
}

func encoded(t *rapid.T, tpl *Template, r orgflow.Record) []byte {
	p, _ := tpl.Payload(r)
	raw, err := p.Encode()
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return raw
}

func TestDecimalsAgreeWithBigRationals(t *testing.T) {
	literal := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%d.%03de%d", rapid.Int64().Draw(t, "whole"), rapid.IntRange(0, 999).Draw(t, "frac"), rapid.IntRange(-30, 30).Draw(t, "exp"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := literal.Draw(t, "a"), literal.Draw(t, "b")
		da, okA := parseDecimal(a)
		db, okB := parseDecimal(b)
		ra, _ := new(big.Rat).SetString(a)
		rb, _ := new(big.Rat).SetString(b)
		if !okA || !okB {
			t.Fatalf("%s or %s was not read", a, b)
		}
		if da.cmp(db) != ra.Cmp(rb) {
			t.Fatalf("cmp(%s, %s) = %d, want %d", a, b, da.cmp(db), ra.Cmp(rb))
		}
		if back, ok := new(big.Rat).SetString(da.String()); !ok || back.Cmp(ra) != 0 {
			t.Fatalf("%s became %s", a, da)
		}
		if da.integral() != ra.IsInt() {
			t.Fatalf("%s integral %v", a, da.integral())
		}
	})
}

func FuzzMapNeverPanics(f *testing.F) {
	s := mustStandard(f, orgflow.Person, fetchMeta, personStandard)
	tpl := mustTemplate(f, template, TemplateOptions{})
	f.Add([]byte(row))
	f.Add([]byte(`{"id":{"a":[[[[1]]]]},"departments":[[[]],{"origin_id":[1]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rec, _ := s.Map(raw)
		for key, v := range rec.Fields {
			if !json.Valid(v) {
				t.Errorf("%s is no JSON: %q", key, v)
			}
		}
		if p, _ := tpl.Payload(rec); p.Fields == nil {
			t.Error("a payload without fields")
		}
	})
}

func FuzzPaths(f *testing.F) {
	f.Add("a.b", "*", []byte(`{"a":[{"b":[1,{"c":2}]}]}`))
	f.Add("0", "1", []byte(`{"0":[1,2]}`))
	f.Fuzz(func(t *testing.T, first, second string, raw []byte) {
		for _, field := range [][]string{{first}, {first, second}, {first, second, "*"}} {
			p, err := compilePath(field)
			if err != nil {
				continue
			}
			obj, err := decodeObject(raw)
			if err != nil {
				return
			}
			if v := p.from(obj); settle(v) == nil && v != nil {
				t.Errorf("path %q found %v, which is no value", field, v)
			}
			column(field)
		}
	})
}

// A layout that is accepted writes dates that it reads back.
func FuzzLayoutsReadWhatTheyWrite(f *testing.F) {
	for _, seed := range []string{"yyyy-MM-dd", "yyyymmdd", "yyyy年M月d日 HH:mm:ss", "dd/MM/yy", "yyyy-MM-ddTHH:mm:ss.SSSXXX", "2006-01-02", "unix_ms"} {
		f.Add(seed)
	}
	at := moment{wall: time.Date(2024, 3, 9, 8, 7, 6, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseLayout(text)
		if err != nil {
			return
		}
		written, ok := scalarText(at.format(l, defaultZone()))
		if !ok {
			t.Fatalf("layout %q wrote nothing", text)
		}
		back, err := parseMoment(written, []layout{l})
		if err != nil {
			t.Fatalf("layout %q (%s) wrote %q and cannot read it: %v", text, l.pattern, written, err)
		}
		if again, _ := scalarText(back.format(l, defaultZone())); again != written {
			t.Errorf("layout %q: %q, then %q", text, written, again)
		}
	})
}

func BenchmarkRowToPayload(b *testing.B) {
	s := mustStandard(b, orgflow.Person, fetchMeta, personStandard)
	tpl := mustTemplate(b, template, TemplateOptions{})
	raw := json.RawMessage(row)
	b.ReportAllocs()
	for b.Loop() {
		rec, _ := s.Map(raw)
		if _, issues := tpl.Payload(rec); len(issues) > 0 {
			b.Fatal(issues)
		}
	}
}
