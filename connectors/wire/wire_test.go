package wire_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"orgflow/connectors/wire"
)

// values has a field of each tolerant type.
type values struct {
	Text  wire.Text
	Int   wire.Int
	Bool  wire.Bool
	Texts wire.Texts
	Ints  wire.Ints
}

func TestValuesComeInManyForms(t *testing.T) {
	for _, tc := range []struct {
		raw  string
		want any
	}{
		{`"a\u0062"`, wire.Text("ab")}, {`12`, wire.Text("12")}, {`1.50`, wire.Text("1.50")}, {`true`, wire.Text("true")}, {`null`, wire.Text("")},
		{`176362815343598513`, wire.Int(176362815343598513)}, {`" -7 "`, wire.Int(-7)}, {`""`, wire.Int(0)}, {`null`, wire.Int(0)},
		{`true`, wire.Bool(true)}, {`"TRUE"`, wire.Bool(true)}, {`1`, wire.Bool(true)}, {`"0"`, wire.Bool(false)}, {`""`, wire.Bool(false)}, {`null`, wire.Bool(false)},
		{`["a",1,true]`, wire.Texts{"a", "1", "true"}}, {`"a,b|c"`, wire.Texts{"a", "b", "c"}}, {`"[1, 2]"`, wire.Texts{"1", "2"}}, {`7`, wire.Texts{"7"}},
		{`null`, wire.Texts{}}, {`[]`, wire.Texts{}}, {`"[\"a\"]"`, wire.Texts{"a"}},
		{`[1,"2"]`, wire.Ints{1, 2}}, {`"1|2"`, wire.Ints{1, 2}}, {`3`, wire.Ints{3}}, {`null`, wire.Ints{}},
	} {
		into := reflect.New(reflect.TypeOf(tc.want))
		err := json.Unmarshal([]byte(tc.raw), into.Interface())
		if got := into.Elem().Interface(); err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s is %#v (%v), want %#v", tc.raw, got, err, tc.want)
		}
	}
}

func TestWhatIsNoValueOfItsTypeIsRefused(t *testing.T) {
	for raw, into := range map[string]any{
		`{}`: new(wire.Text), `[]`: new(wire.Text), `[1]`: new(wire.Int), `[true]`: new(wire.Bool),
		`1.0`: new(wire.Int), `"x"`: new(wire.Int), `9223372036854775808`: new(wire.Int), `"yes"`: new(wire.Bool), `2`: new(wire.Bool),
		`[{}]`: new(wire.Texts), `{"a":1}`: new(wire.Texts), `"1,x"`: new(wire.Ints), `[1.5]`: new(wire.Ints), `{"a":2}`: new(wire.Ints),
	} {
		if err := json.Unmarshal([]byte(raw), into); err == nil {
			t.Errorf("%s passes for a %T", raw, into)
		}
	}
}

func FuzzTypes(f *testing.F) {
	for _, s := range []string{`1`, `"1"`, `"true"`, `[1,"2"]`, `"1|2"`, `null`, `1e3`, `{}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var v values
		for _, key := range []string{"Text", "Int", "Bool", "Texts", "Ints"} {
			_ = json.Unmarshal([]byte(`{"`+key+`":`+s+`}`), &v) // must not panic
		}
		for _, n := range v.Ints {
			if len(v.Texts) == 0 && n != 0 {
				t.Fatalf("%q has numbers %v and no texts", s, v.Ints)
			}
		}
	})
}

func TestEncodeKeepsTextsAsTheyAre(t *testing.T) {
	got, err := wire.Encode(map[string]any{"b": "<1> & 2", "a": json.Number("12345678901234567890")})
	if want := `{"a":12345678901234567890,"b":"<1> & 2"}`; err != nil || string(got) != want {
		t.Errorf("%s %v, want %s", got, err, want)
	}
	if _, err := wire.Encode(func() {}); err == nil {
		t.Error("a function is encoded")
	}
}

func TestDecodeReadsOneValue(t *testing.T) {
	got, err := wire.Decode([]byte(` {"a":[1.50,null]} `))
	if want := map[string]any{"a": []any{json.Number("1.50"), nil}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", got, err)
	}
	for _, raw := range []string{``, `{`, `{} {}`, `1 x`, `nul`} {
		if _, err := wire.Decode([]byte(raw)); err == nil {
			t.Errorf("%q is decoded", raw)
		}
	}
}

func TestTrim(t *testing.T) {
	for _, raw := range []string{"{}", " {}\n", "\ufeff{}", "\n \ufeff {} "} {
		if got := wire.Trim([]byte(raw)); string(got) != "{}" {
			t.Errorf("%q is trimmed to %q", raw, got)
		}
	}
}

func TestBlank(t *testing.T) {
	for raw, want := range map[string]bool{"": true, "null": true, `""`: true, "[]": true, "0": false, "false": false, "{}": false, `" "`: false} {
		if wire.Blank(json.RawMessage(raw)) != want {
			t.Errorf("%q: %v", raw, !want)
		}
	}
}

func TestAnAbsentFieldReadsLikeNull(t *testing.T) {
	n := wire.Int(5)
	if err := wire.Field(nil, &n); err != nil || n != 0 {
		t.Errorf("%d %v", n, err)
	}
	if err := wire.Field(json.RawMessage("7"), &n); err != nil || n != 7 {
		t.Errorf("%d %v", n, err)
	}
	if wire.Field(json.RawMessage("{}"), &n) == nil {
		t.Error("an object passes for a number")
	}
}

func TestScalar(t *testing.T) {
	for _, tc := range []struct {
		v    any
		want string
		ok   bool
	}{
		{"a", "a", true}, {"", "", true}, {json.Number("1.50"), "1.50", true}, {true, "true", true}, {false, "false", true},
		{7, "7", true}, {int32(-7), "-7", true}, {int64(1) << 60, "1152921504606846976", true}, {1577808000000.0, "1577808000000", true}, {1.5, "1.5", true},
		{nil, "", false}, {[]any{"a"}, "", false}, {map[string]any{}, "", false},
	} {
		if got, ok := wire.Scalar(tc.v); got != tc.want || ok != tc.ok {
			t.Errorf("%v: %q %v", tc.v, got, ok)
		}
	}
}

func TestSameSet(t *testing.T) {
	a := []string{"b", "a", "b"}
	if !wire.SameSet(a, []string{"a", "b"}) || !wire.SameSet([]int64{}, nil) {
		t.Error("equal sets differ")
	}
	if wire.SameSet(a, []string{"a"}) || wire.SameSet([]int64{1}, []int64{1, 2}) {
		t.Error("different sets are the same")
	}
	if a[0] != "b" {
		t.Error("the list itself was sorted")
	}
}
