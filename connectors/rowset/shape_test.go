package rowset_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orgflow/connectors/rowset"
)

func TestColumnsMakeNestedRows(t *testing.T) {
	shape, problems := rowset.NewShape([]string{"id", "department.origin_id", "department.name", "", "departments.1.origin_id", "departments.0.origin_id", "job_info", "tags.10", "tags.2"})
	if problems != nil {
		t.Fatal(problems)
	}
	for _, c := range []struct {
		values []any
		want   string
	}{
		{[]any{"7", "11", "研发<部>", nil, "12", "11", rowset.Text(`{"on_job": 1.50}`), "b", "a"},
			`{"department":{"name":"研发<部>","origin_id":"11"},"departments":[{"origin_id":"11"},{"origin_id":"12"}],"id":"7","job_info":{"on_job":1.50},"tags":["a","b"]}`},
		{[]any{"7", nil, nil, nil, "12", nil, nil, nil, nil}, `{"departments":[{"origin_id":"12"}],"id":"7"}`},
		{make([]any, 9), `{}`},
	} {
		got, err := rowset.Encode(shape.Row(c.values))
		if err != nil || string(got) != c.want {
			t.Errorf("%s, %v; want %s", got, err, c.want)
		}
	}
}

func TestColumnsThatContradict(t *testing.T) {
	for names, want := range map[string]string{
		"id,name,id":                 `column 3, "id": is column 1 already`,
		"department,department.name": `column 2, "department.name": another column holds the value this one is a part of`,
		"department.name,department": `column 2, "department": other columns hold parts`,
		"a..b":                       `column 1, "a..b": a part between the dots is empty`,
		".a":                         `is empty`,
		"0":                          `a number is no name`,
		"a.0,a.b":                    `position in a list`,
		"a.b,a.0.c":                  `position in a list`,
		"a.0,a.00":                   `is column 1 already`,
		",":                          `there are no named columns`,
		"x,y,x,y":                    `column 3, "x": is column 1 already; column 4, "y": is column 2 already`,
	} {
		_, problems := rowset.NewShape(strings.Split(names, ","))
		if !strings.Contains(strings.Join(problems, "; "), want) {
			t.Errorf("%s: %v, want %s", names, problems, want)
		}
	}
}

func TestAKeyNoColumnHasIsFound(t *testing.T) {
	shape, _ := rowset.NewShape([]string{"id", "department.origin_id", "departments.0.origin_id", "job_info"})
	for key, want := range map[string]bool{
		"id": false, "department.origin_id": false, "departments.origin_id": false, "job_info.on_job": false,
		"department": true, "department.id": true, "departments.id": true, "status": true,
	} {
		f, err := rowset.Compile(map[string]json.RawMessage{key: json.RawMessage("1")}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, missing := shape.Missing(f); missing != want || (missing && got != key) {
			t.Errorf("%s: %v %q", key, missing, got)
		}
	}
}

func TestTextIsJSONOnlyAsAWhole(t *testing.T) {
	for text, want := range map[string]string{
		"": "null", "7": `"7"`, "true": `"true"`, "[研发部]": `"[研发部]"`, `[{"origin_id": 11}, {"origin_id": 12}]`: `[{"origin_id":11},{"origin_id":12}]`,
		` {"a": 1.0} `: `{"a":1.0}`, "[1,2": `"[1,2"`, "{} x": `"{} x"`,
	} {
		got, err := json.Marshal(rowset.Text(text))
		if err != nil || string(got) != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Whatever columns there are and in whatever order: every value is found
// again under its name, and nothing else is.
func TestNothingIsLostInNesting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[ab](\.[cd01]){0,2}`), 1, 8, rapid.ID[string]).Draw(t, "names")
		shape, problems := rowset.NewShape(names)
		if problems != nil {
			return
		}
		values := make([]any, len(names))
		for i := range values {
			if rapid.Bool().Draw(t, "has value") {
				values[i] = "v" + names[i]
			}
		}
		got := leaves(shape.Row(values))
		var want []string
		for _, v := range values {
			if v != nil {
				want = append(want, v.(string))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%v became %v", values, got)
		}
	})
}

func leaves(v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, item := range v {
			out = append(out, leaves(item)...)
		}
	case []any:
		for _, item := range v {
			out = append(out, leaves(item)...)
		}
	case string:
		out = append(out, v)
	}
	return out
}
