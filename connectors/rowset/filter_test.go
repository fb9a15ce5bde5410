package rowset_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors/rowset"
)

func compile(t testing.TB, filter string) (*rowset.Filter, error) {
	t.Helper()
	var dict map[string]json.RawMessage
	if err := json.Unmarshal([]byte(filter), &dict); err != nil {
		t.Fatal(err)
	}
	return rowset.Compile(dict, nil)
}

func decode(t testing.TB, row string) map[string]any {
	t.Helper()
	out, err := rowset.Decode([]byte(row))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The example row of HCM reference § 3, with what the other examples need.
const person = `{"id": 7001, "name": "测试甲", "number": "E0001", "mobile": "10000000001", "gender": 1, "left": "", "married": true,
  "department_id": 310, "department": {"origin_id": 300, "name": "研发部"}, "departments": [{"origin_id": 300}, {"origin_id": 305}],
  "job_info": {"position_status_id": 2, "position_type": "1", "on_job": 1, "begin_date": "2024-03-01", "changed": "2024/3/1 08:30:00", "grade": 7.50}}`

// The forms of HCM reference § 1.5, and what they mean on one row.
func TestFilterForms(t *testing.T) {
	for _, c := range []struct {
		filter string
		want   bool
	}{
		{`{}`, true},
		{`{"gender": 1}`, true},
		{`{"gender": "1"}`, true},
		{`{"gender": 1.0}`, true},
		{`{"gender": 2}`, false},
		{`{"number": "E0001"}`, true},
		{`{"number": "0001"}`, false},
		{`{"nothing": 1}`, false},
		{`{"job_info.position_status_id": [2, 7, 18, 19]}`, true},
		{`{"job_info.position_status_id": [7, 18, 19]}`, false},
		{`{"job_info.position_type": 1}`, true},
		{`{"job_info.grade": 7.5}`, true},
		{`{"job_info.on_job": true}`, true},
		{`{"married": 1}`, true},
		{`{"married": false}`, false},
		{`{"id": 7.001e3}`, true},
		{`{"id": {"notin": [1, 2]}}`, true},
		{`{"id": {"notin": [1, 7001]}}`, false},
		{`{"nothing": {"notin": [1]}}`, true},
		{`{"job_info.begin_date": {"gte": "2024-03-01"}}`, true},
		{`{"job_info.begin_date": {"gte": "2024-03-01 00:00:00"}}`, true},
		{`{"job_info.begin_date": {"gte": "2024-03-01 00:00:01"}}`, false},
		{`{"job_info.begin_date": {"gte": "2024-1-1", "lte": "2024/12/31"}}`, true},
		{`{"job_info.begin_date": {"gte": "2024-04-01", "lte": "2024-12-31"}}`, false},
		{`{"job_info.changed": {"lte": "2024-03-01"}}`, false},
		{`{"job_info.changed": {"lte": "2024-03-01 08:30:00"}}`, true},
		{`{"job_info.grade": {"gte": 7.5}}`, true},
		{`{"job_info.grade": {"gte": 10}}`, false},
		{`{"id": {"gte": 800}}`, true},
		{`{"number": {"gte": "E0001"}}`, true},
		{`{"number": {"gte": "E0002"}}`, false},
		{`{"nothing": {"gte": 1}}`, false},
		{`{"departments.origin_id": 305}`, true},
		{`{"departments.origin_id": {"notin": [305]}}`, false},
		{`{"department.origin_id": {"child_include": 300}}`, true},
		{`{"department.origin_id": {"child_include": 10}}`, true},
		{`{"department.origin_id": {"child_include": 20}}`, false},
		{`{"departments.origin_id": {"child_include": "20"}}`, true},
		{`{"left": null}`, true},
		{`{"nothing": null}`, true},
		{`{"left": ""}`, true},
		{`{"gender": null}`, false},
		{`{"nothing": [null, 1]}`, true},
		{`{"gender": {"notin": [null]}}`, true},
		{`{"gender": 1, "job_info.on_job": 1}`, true},
		{`{"gender": 1, "job_info.on_job": 0}`, false},
	} {
		f, err := compile(t, c.filter)
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		if f.NeedsTree() {
			tree := rowset.NewTree()
			for _, org := range []string{`{"id": 1, "origin_id": 10}`, `{"id": 2, "origin_id": 300, "parent_id": 10}`,
				`{"id": 20}`, `{"id": 305, "parent": {"origin_id": 20}, "parent_id": 10}`, `{"id": 20, "parent_id": 305}`} {
				tree.Add(decode(t, org))
			}
			f.Plant(tree)
		}
		got, err := f.Match(decode(t, person))
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.filter, got, err, c.want)
		}
	}
}

func TestFilterRefusesWhatItDoesNotKnow(t *testing.T) {
	for filter, want := range map[string]string{
		`{"id": {"gt": 1}}`:                      `/filter_dict/id: operator "gt" is not known; allowed: gte, lte, notin, child_include`,
		`{"id": {"gte": 1, "like": "x"}}`:        `operator "like"`,
		`{"id": {"eq": 1}}`:                      `operator "eq"`,
		`{"id": {}}`:                             `must name an operator`,
		`{"id": []}`:                             `must not be an empty list`,
		`{"id": [[1]]}`:                          `/filter_dict/id: must be a value, a list`,
		`{"id": {"notin": 1}}`:                   `notin must be a list`,
		`{"id": {"notin": []}}`:                  `empty list`,
		`{"id": {"gte": [1]}}`:                   `gte must be a number, a date or a text`,
		`{"id": {"gte": null}}`:                  `gte must be`,
		`{"id": {"child_include": [1]}}`:         `must be the id of a department`,
		`{"date_": "2024-01-01"}`:                `/filter_dict/date_: asks for the state of another day`,
		`{"a..b": 1}`:                            `dotted path`,
		`{"a/b": {"gt": 1}, "c": {"isnull": 1}}`: `/filter_dict/a~1b: operator "gt" is not known; allowed: gte, lte, notin, child_include; /filter_dict/c: operator "isnull"`,
		`{"id": {"gte": 1e999999999}}`:           `gte must be a number`,
	} {
		_, err := compile(t, filter)
		var invalid *orgflow.InvalidError
		if !errors.As(err, &invalid) || invalid.Code != orgflow.CodeInvalidConfig || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", filter, err, want)
		}
	}
}

// A person whose value cannot be compared must not be left out: who is not
// read counts as gone.
func TestWhatCannotBeComparedIsAnError(t *testing.T) {
	for filter, row := range map[string]string{
		`{"begin": {"gte": "2024-01-01"}}`:       `{"begin": "soon"}`,
		`{"begin": {"lte": "2024-01-01 00:00"}}`: `{"begin": 20240101}`,
		`{"grade": {"gte": 3}}`:                  `{"grade": "three"}`,
		`{"grade": {"lte": "3"}}`:                `{"grade": "2024-01-01"}`,
		`{"flag": {"gte": 1}}`:                   `{"flag": true}`,
		`{"ref": {"gte": 1}}`:                    `{"ref": {"id": 1}}`,
		`{"at": {"gte": "2024-01-01"}}`:          `{"at": "2024-01-01T00:00:00+08:00"}`,
	} {
		f, err := compile(t, filter)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := f.Match(decode(t, row))
		if err == nil || ok || strings.Contains(err.Error(), "soon") || strings.Contains(err.Error(), "three") {
			t.Errorf("%s on %s: %v, %v", filter, row, ok, err)
		}
	}
}

func TestFilterStr(t *testing.T) {
	for word, want := range map[string]bool{"": true, "测试": true, "E00": true, "7001": true, "0000001": true, "研发部": false} {
		f, err := rowset.Compile(nil, &word)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Match(decode(t, person)); got != want || err != nil || f.All() != (word == "") {
			t.Errorf("%q: %v, %v", word, got, err)
		}
	}
}

func TestDigestKnowsTheDepartmentsBelow(t *testing.T) {
	plant := func(orgs ...string) string {
		f, err := compile(t, `{"department.origin_id": {"child_include": 1}}`)
		if err != nil {
			t.Fatal(err)
		}
		tree := rowset.NewTree()
		for _, o := range orgs {
			tree.Add(decode(t, o))
		}
		f.Plant(tree)
		return f.Digest()
	}
	one := plant(`{"id": 2, "parent_id": 1}`)
	if again := plant(`{"id": 2, "parent_id": "1"}`, `{"id": 9, "parent_id": 8}`); again != one {
		t.Error("departments elsewhere change the digest")
	}
	if more := plant(`{"id": 2, "parent_id": 1}`, `{"id": 3, "parent_id": 2}`); more == one {
		t.Error("a department more below does not change the digest")
	}
}

func FuzzFilter(f *testing.F) {
	f.Add(`{"id": {"gte": 1, "lte": "2024-01-01"}}`, person)
	f.Add(`{"a.b": [1, null, "x", true]}`, `{"a": [{"b": 1e5}, {"b": -0.0}]}`)
	f.Add(`{"a": {"child_include": 1}}`, `{"a": 1e-99}`)
	f.Fuzz(func(t *testing.T, filter, row string) {
		var dict map[string]json.RawMessage
		r, err := rowset.Decode([]byte(row))
		if json.Unmarshal([]byte(filter), &dict) != nil || err != nil {
			return
		}
		c, err := rowset.Compile(dict, nil)
		if err != nil {
			return
		}
		if c.NeedsTree() {
			tree := rowset.NewTree()
			tree.Add(r)
			c.Plant(tree)
		}
		_, _ = c.Match(r)
		if c.Digest() == "" {
			t.Error("no digest")
		}
	})
}
