package coerce_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orgflow/connectors/coerce"
)

func TestText(t *testing.T) {
	rule := coerce.Text{Max: 3, Forbidden: "-,"}
	for _, tc := range []struct {
		rule  coerce.Text
		in    any
		want  string
		wrong string
	}{
		{rule, "字字字", "字字字", ""}, {rule, 12, "12", ""}, {rule, json.Number("12"), "12", ""}, {rule, 12.0, "12", ""}, {rule, "", "", ""},
		{rule, "字字字字", "", "must have at most 3 characters"}, {rule, "a,b", "", "must contain none of - ,"},
		{rule, 1.5, "", "must be text"}, {rule, true, "", "must be text"}, {rule, nil, "", "must be text"}, {rule, []any{"a"}, "", "must be text"},
		{coerce.Text{Required: true}, "", "", "must not be empty"},
		{coerce.Text{Enum: []string{"a", "b"}}, "b", "b", ""}, {coerce.Text{Enum: []string{"a", "b"}}, "", "", ""}, {coerce.Text{Enum: []string{"a", "b"}}, "c", "", "must be one of a, b"},
	} {
		got, err := tc.rule.Read(tc.in)
		if got != tc.want || message(err) != tc.wrong {
			t.Errorf("%+v of %v: %q, %v; want %q, %q", tc.rule, tc.in, got, err, tc.want, tc.wrong)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestInt(t *testing.T) {
	for _, tc := range []struct {
		in          any
		least, most int64
		want        int64
		wrong       string
	}{
		{" 1577808000000 ", 1, 0, 1577808000000, ""}, {json.Number("7"), 0, 0, 7, ""}, {7.0, 0, 7, 7, ""}, {int32(-7), -7, 0, -7, ""}, {float64(1 << 53), 0, 0, 1 << 53, ""},
		{1e300, 0, 0, 0, "must be a whole number"}, {1.5, 0, 0, 0, "must be a whole number"}, {true, 0, 0, 0, "must be a whole number"}, {"1.0", 0, 0, 0, "must be a whole number"},
		{json.Number("1.0"), 0, 0, 0, "must be a whole number"}, {nil, 0, 0, 0, "must be a whole number"}, {"", 0, 0, 0, "must be a whole number"},
		{0, 1, 0, 0, "must be a whole number of 1 or more"}, {8, 1, 7, 0, "must be a whole number from 1 to 7"}, {0, 1, 7, 0, "must be a whole number from 1 to 7"},
	} {
		got, err := coerce.Int(tc.in, tc.least, tc.most)
		if got != tc.want || message(err) != tc.wrong {
			t.Errorf("%v from %d to %d: %d, %v; want %d, %q", tc.in, tc.least, tc.most, got, err, tc.want, tc.wrong)
		}
	}
}

// A number is read as the integer it is, or not at all.
func TestNoNumberIsRounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		if n, ok := coerce.Whole(f); ok && float64(n) != f {
			t.Fatalf("%v is read as %d", f, n)
		}
	})
}

func TestBool(t *testing.T) {
	for _, in := range []any{true, "True", "1", 1, json.Number("1"), 1.0} {
		if got, err := coerce.Bool(in); !got || err != nil {
			t.Errorf("%v: %v %v, want true", in, got, err)
		}
	}
	for _, in := range []any{false, "FALSE", "0", 0, json.Number("0"), int64(0)} {
		if got, err := coerce.Bool(in); got || err != nil {
			t.Errorf("%v: %v %v, want false", in, got, err)
		}
	}
	for _, in := range []any{2, "yes", "", nil, []any{true}, 0.5} {
		if _, err := coerce.Bool(in); err == nil {
			t.Errorf("%v passes", in)
		}
	}
}

func TestObject(t *testing.T) {
	want := map[string]any{"a": json.Number("12345678901234567890")}
	for _, in := range []any{want, ` {"a":12345678901234567890} `} {
		if got, err := coerce.Object(in); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %v %v", in, got, err)
		}
	}
	for _, in := range []any{"null", "[]", "{} {}", "text", "", nil, []any{}, 7} {
		if _, err := coerce.Object(in); err == nil {
			t.Errorf("%v passes", in)
		}
	}
}

func TestEntries(t *testing.T) {
	for _, tc := range []struct {
		in   any
		want []string // nil: refused
	}{
		{"2, 3,2,", []string{"2", "3", "2"}}, {"", []string{}}, {[]any{json.Number("2"), " 3 ", 4.0, ""}, []string{"2", "3", "4"}},
		{[]int64{2, 3}, []string{"2", "3"}}, {[]string{" 2", ""}, []string{"2"}}, {2, []string{"2"}},
		{[]any{"2", true}, nil}, {[]any{nil}, nil}, {nil, nil}, {map[string]any{}, nil},
	} {
		got, ok := coerce.Entries(tc.in, coerce.ID)
		if ok != (tc.want != nil) || !slices.Equal(got, tc.want) {
			t.Errorf("%v: %q %v, want %q", tc.in, got, ok, tc.want)
		}
	}
}

func TestUniqueKeepsTheFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.IntRange(0, 5)).Draw(t, "in")
		out := coerce.Unique(in)
		at := -1
		for _, v := range out {
			i := slices.Index(in, v)
			if i <= at {
				t.Fatalf("%v of %v: %d is out of order or there twice", out, in, v)
			}
			at = i
		}
		for _, v := range in {
			if !slices.Contains(out, v) {
				t.Fatalf("%v of %v: %d is lost", out, in, v)
			}
		}
	})
}

func TestCount(t *testing.T) {
	for _, tc := range []struct {
		n, most  int
		required bool
		wrong    string
	}{
		{3, 3, true, ""}, {4, 3, true, "at most 3 entries"}, {9, 0, false, ""}, {0, 3, true, "at least one"}, {0, 3, false, ""},
	} {
		if err := coerce.Count(tc.n, tc.most, tc.required); (err == nil) != (tc.wrong == "") || !strings.Contains(message(err), tc.wrong) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}
