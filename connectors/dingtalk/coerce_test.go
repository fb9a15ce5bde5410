package dingtalk

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A template's value → the wire form of a field; a refusal where want is nil.
func TestCoercion(t *testing.T) {
	rows := []map[string]any{{"dept_id": int64(2), "order": int64(5)}}
	for _, tc := range []struct {
		field string
		in    any
		want  any
	}{
		{"title", "工程师", "工程师"},
		{"title", json.Number("12"), "12"},
		{"title", float64(12), "12"},
		{"title", int64(12), "12"},
		{"title", 1.5, nil},
		{"title", true, nil},
		{"title", []any{"a"}, nil},
		{"title", strings.Repeat("字", 200), strings.Repeat("字", 200)},
		{"title", strings.Repeat("字", 201), nil},
		{"name", strings.Repeat("字", 81), nil},
		{"name", "", nil},
		{"org_email_type", "base", "base"},
		{"org_email_type", "private", nil},
		{"hired_date", json.Number("1577808000000"), int64(1577808000000)},
		{"hired_date", " 1577808000000 ", int64(1577808000000)},
		{"hired_date", float64(1577808000000), int64(1577808000000)},
		{"hired_date", 1, int64(1)},
		{"hired_date", 0, nil},
		{"hired_date", "2020-01-01", nil},
		{"hired_date", 1e300, nil},
		{"hired_date", true, nil},
		{"hide_mobile", true, true},
		{"hide_mobile", "False", false},
		{"hide_mobile", json.Number("1"), true},
		{"hide_mobile", 0, false},
		{"hide_mobile", 2, nil},
		{"hide_mobile", "yes", nil},
		{"dept_id_list", "2, 3,2,", "2,3"},
		{"dept_id_list", []any{json.Number("2"), "3", float64(4)}, "2,3,4"},
		{"dept_id_list", []int64{2, 3}, "2,3"},
		{"dept_id_list", []string{"2", "3"}, "2,3"},
		{"dept_id_list", 2, "2"},
		{"dept_id_list", "", nil},
		{"dept_id_list", "2,x", nil},
		{"dept_id_list", "0", nil},
		{"dept_id_list", []any{true}, nil},
		{"dept_id_list", numbers(300), numbers(300)},
		{"dept_id_list", numbers(301), nil},
		{"extension", map[string]any{"b": "2", "a": "<1>"}, `{"a":"<1>","b":"2"}`},
		{"extension", ` {"b":1, "a":12345678901234567890} `, `{"a":12345678901234567890,"b":1}`},
		{"extension", "null", nil},
		{"extension", "[]", nil},
		{"extension", "{} {}", nil},
		{"extension", "text", nil},
		{"extension", map[string]any{"a": strings.Repeat("字", 2000)}, nil},
		{"dept_order_list", []any{map[string]any{"dept_id": "2", "order": json.Number("5")}}, rows},
		{"dept_order_list", []any{map[string]any{"dept_id": "2"}}, nil},
		{"dept_order_list", []any{map[string]any{"dept_id": "2", "order": 1, "x": 1}}, nil},
		{"dept_order_list", []any{"2"}, nil},
		{"dept_order_list", "2", nil},
	} {
		got, err := personFields.fields[tc.field].coerce(tc.in)
		if tc.want == nil {
			if err == nil {
				t.Errorf("%s: %v was accepted as %v", tc.field, tc.in, got)
			}
			continue
		}
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v: %v %s", tc.field, tc.in, err, diff)
		}
	}
}

// numbers joins 1 to n by commas.
func numbers(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i + 1)
	}
	return strings.Join(list, ",")
}

// What was sent reads back as the same, whatever the form get answers in.
func TestWhatWasSentReadsBackAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.Int64Range(1, 1e12), 1, 20, rapid.ID).Draw(t, "ids")
		in := make([]any, len(ids))
		for i, id := range ids {
			in[i] = id
		}
		f := personFields.fields["dept_id_list"]
		sent, err := f.coerce(in)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := json.Marshal(rapid.Permutation(ids).Draw(t, "answered"))
		if !f.same(sent, answer) {
			t.Fatalf("%v is not %s", sent, answer)
		}
		if fewer, _ := json.Marshal(ids[1:]); f.same(sent, fewer) {
			t.Fatalf("%v is taken for %s", sent, fewer)
		}
	})
}

func TestSame(t *testing.T) {
	for _, tc := range []struct {
		field string
		want  any
		got   string
		same  bool
	}{
		{"title", "", "", true},
		{"title", "", `""`, true},
		{"title", "x", "", false},
		{"title", "12", "12", true},
		{"hired_date", int64(5), `"5"`, true},
		{"hired_date", int64(5), `6`, false},
		{"hide_mobile", false, "", false},
		{"hide_mobile", false, `"false"`, true},
		{"extension", `{"a":"1","b":"2"}`, `"{\"b\":\"2\",\"a\":\"1\"}"`, true},
		{"extension", `{"a":"1"}`, `{"a":"1"}`, true},
		{"extension", `{"a":"1"}`, `"{}"`, false},
		{"extension", `{}`, ``, true},
		{"dept_order_list", []map[string]any{{"dept_id": int64(2), "order": int64(1)}}, `[{"dept_id":3,"order":9},{"dept_id":"2","order":1}]`, true},
		{"dept_order_list", []map[string]any{{"dept_id": int64(2), "order": int64(1)}}, `[{"dept_id":2,"order":2}]`, false},
	} {
		if got := personFields.fields[tc.field].same(tc.want, json.RawMessage(tc.got)); got != tc.same {
			t.Errorf("%s: %v against %q: %v", tc.field, tc.want, tc.got, got)
		}
	}
}

func TestSameMobile(t *testing.T) {
	for _, tc := range []struct {
		a, b, state string
		same        bool
	}{
		{"10000000001", "10000000001", "86", true},
		{"+86-10000000001", "10000000001", "86", true},
		{"+852-10000001", "10000001", "852", true},
		{"10000000001", "10000000002", "86", false},
	} {
		if got := sameMobile(tc.a, tc.b, tc.state); got != tc.same {
			t.Errorf("%s, %s, %s: %v", tc.a, tc.b, tc.state, got)
		}
	}
}
