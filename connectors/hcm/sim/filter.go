package hcmsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors/simctl"
)

// condition is one key of a filter_dict, ready to be asked of a row.
type condition func(*row) bool

// filter compiles a filter_dict with the operators of § 1.5: equality, list,
// gte, lte, notin, child_include, dotted paths; all keys must hold. An
// operator no public example shows is refused, so that nobody comes to rely on it.
func (d *dataset) filter(dict map[string]any, trees []string) ([]condition, error) {
	var out []condition
	for _, key := range slices.Sorted(maps.Keys(dict)) {
		path := strings.Split(key, ".")
		if key == "date_" {
			// The as-of date matters to models with history; rows here are of one moment.
			if _, ok := dict[key].(string); !ok {
				return nil, fmt.Errorf("date_ must be a date")
			}
			continue
		}
		switch v := dict[key].(type) {
		case map[string]any:
			conds, err := d.operators(key, path, v, trees)
			if err != nil {
				return nil, err
			}
			out = append(out, conds...)
		case []any:
			out = append(out, in(path, v, true))
		case nil: // effect unclear in public (§ 1.5): without a value
			out = append(out, func(r *row) bool { return len(values(r.vals, path)) == 0 })
		default:
			out = append(out, in(path, []any{v}, true))
		}
	}
	return out, nil
}

func (d *dataset) operators(key string, path []string, ops map[string]any, trees []string) ([]condition, error) {
	if len(ops) == 0 {
		return nil, fmt.Errorf("filter of %s is an empty object", key)
	}
	var out []condition
	for _, op := range slices.Sorted(maps.Keys(ops)) {
		arg := ops[op]
		switch op {
		case "gte", "lte":
			if !scalar(arg) {
				return nil, fmt.Errorf("%s of %s must be a single value", op, key)
			}
			out = append(out, bound(path, op, arg))
		case "notin":
			list, ok := arg.([]any)
			if !ok {
				return nil, fmt.Errorf("notin of %s must be a list", key)
			}
			out = append(out, in(path, list, false))
		case "child_include":
			if !scalar(arg) {
				return nil, fmt.Errorf("child_include of %s must be an id", key)
			}
			out = append(out, in(path, d.below(plain(arg), trees), true))
		default:
			return nil, fmt.Errorf("operator %s of %s is unknown: gte, lte, notin and child_include are known", op, key)
		}
	}
	return out, nil
}

// in holds when the value, or one of several, is in the list; or, for
// notin, when none is.
func in(path []string, list []any, want bool) condition {
	set := make(map[string]bool, len(list))
	for _, v := range list {
		set[plain(v)] = true
	}
	return func(r *row) bool {
		found := slices.ContainsFunc(values(r.vals, path), func(v any) bool { return set[plain(v)] })
		return found == want
	}
}

func bound(path []string, op string, limit any) condition {
	return func(r *row) bool {
		return slices.ContainsFunc(values(r.vals, path), func(v any) bool {
			c := compare(v, limit)
			return (op == "gte" && c >= 0) || (op == "lte" && c <= 0)
		})
	}
}

// below lists a tree node and all under it, from the first tree model that has rows.
func (d *dataset) below(id string, trees []string) []any {
	out := []any{id}
	for _, name := range trees {
		m := d.models[name]
		if m == nil {
			continue
		}
		kids := map[string][]string{}
		for _, r := range m.rows {
			if parent := r.vals["parent_id"]; parent != nil {
				kids[plain(parent)] = append(kids[plain(parent)], identity(r))
			}
		}
		seen := map[string]bool{id: true}
		for i := 0; i < len(out); i++ {
			for _, kid := range kids[out[i].(string)] {
				if !seen[kid] {
					seen[kid] = true
					out = append(out, kid)
				}
			}
		}
		return out
	}
	return out
}

// identity is origin_id, which survives history, else id (§ 3).
func identity(r *row) string {
	if v := r.vals["origin_id"]; v != nil {
		return plain(v)
	}
	return plain(r.vals["id"])
}

func scalar(v any) bool {
	switch v.(type) {
	case string, json.Number, bool:
		return true
	}
	return false
}

// plain renders a value for comparison: 2 and "2" are alike, and no value is
// the empty text.
func plain(v any) string {
	if v == nil {
		return ""
	}
	return simctl.Plain(v)
}

// compare orders numbers as numbers, everything else as text (dates are
// text that sorts).
func compare(x, y any) int {
	a, errA := strconv.ParseFloat(plain(x), 64)
	b, errB := strconv.ParseFloat(plain(y), 64)
	if errA == nil && errB == nil {
		return cmp.Compare(a, b)
	}
	return strings.Compare(plain(x), plain(y))
}

// keyword is filter_str: part of an id, number, name or mobile number.
func keyword(word string) condition {
	return func(r *row) bool {
		for _, k := range []string{"id", "number", "name", "mobile"} {
			if v := r.vals[k]; v != nil && strings.Contains(plain(v), word) {
				return true
			}
		}
		return false
	}
}

// order is one element of extra_property.sorts.
type order struct {
	Key  string `json:"key"`
	Type string `json:"type"`
}

// sorter compares rows by several keys; rows without a value come first.
func sorter(orders []order) (func(x, y *row) int, error) {
	if len(orders) == 0 {
		return nil, nil
	}
	paths := make([][]string, len(orders))
	for i, o := range orders {
		if o.Key == "" || (o.Type != "" && o.Type != "asc" && o.Type != "desc") {
			return nil, fmt.Errorf("sorts[%d] needs a key and a type asc or desc", i)
		}
		paths[i] = strings.Split(o.Key, ".")
	}
	first := func(r *row, path []string) any {
		if v := values(r.vals, path); len(v) > 0 {
			return v[0]
		}
		return nil
	}
	return func(x, y *row) int {
		for i, o := range orders {
			c := compare(first(x, paths[i]), first(y, paths[i]))
			if c != 0 && o.Type == "desc" {
				return -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	}, nil
}
