package rowset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// Filter decides which rows a query wants. The zero value wants all.
type Filter struct {
	conditions []condition
	trees      []*below
	word       string
	equal      map[string][]string // of keys with a value or a list: the texts looked for
	source     []byte              // what it was compiled from, for Digest
}

// condition is one demand on the values at a path; all must hold.
type condition struct {
	key  string
	path []string
	test func(values []any) (bool, error)
}

// Operators lists what an object in a filter may hold.
const operators = "gte, lte, notin, child_include"

// Compile reads a filter_dict and a filter_str. All keys must hold; a key is
// a dotted path; a value is a scalar (equal), a list (one of it), null (no
// value) or an object of operators gte, lte, notin, child_include. What no
// public example of the gateway shows is refused with the name of its key,
// never ignored: a condition left out would read, or delete, other people.
// filter_str is part of an id, number, name or mobile number.
func Compile(dict map[string]json.RawMessage, word *string) (*Filter, error) {
	f := &Filter{equal: map[string][]string{}}
	if word != nil {
		f.word = *word
	}
	var problems []orgflow.Problem
	values := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(dict)) {
		value, message := f.compile(key, dict[key])
		if message != "" {
			problems = append(problems, orgflow.Problem{Pointer: "/filter_dict/" + escape.Replace(key), Message: message})
		}
		values[key] = value
	}
	if len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	var err error
	f.source, err = json.Marshal([]any{values, f.word})
	return f, err
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

func (f *Filter) compile(key string, raw json.RawMessage) (value any, problem string) {
	path := strings.Split(key, ".")
	if slices.Contains(path, "") {
		return nil, "must be a dotted path of names, such as job_info.on_job"
	}
	if key == "date_" {
		return nil, "asks for the state of another day, which tables and files do not keep; read a view or file of that day"
	}
	value, ok := decode(raw)
	if !ok {
		return nil, "is no JSON value"
	}
	switch v := value.(type) {
	case map[string]any:
		return value, f.operators(key, path, v)
	case []any:
		return value, f.list(key, path, v, true)
	default:
		return value, f.list(key, path, []any{v}, true)
	}
}

func (f *Filter) add(key string, path []string, test func([]any) (bool, error)) {
	f.conditions = append(f.conditions, condition{key, path, test})
}

func (f *Filter) operators(key string, path []string, ops map[string]any) (problem string) {
	if len(ops) == 0 {
		return "must name an operator: " + operators
	}
	for _, op := range slices.Sorted(maps.Keys(ops)) {
		if problem = f.operator(key, path, op, ops[op]); problem != "" {
			return problem
		}
	}
	return ""
}

func (f *Filter) operator(key string, path []string, op string, arg any) (problem string) {
	switch op {
	case "gte", "lte":
		limit, ok := newBound(arg, op == "gte")
		if !ok {
			return op + " must be a number, a date or a text"
		}
		f.add(key, path, limit.holds)
	case "notin":
		list, ok := arg.([]any)
		if !ok {
			return "notin must be a list of values"
		}
		return f.list(key, path, list, false)
	case "child_include":
		ids := forms(arg)
		if _, isBool := arg.(bool); isBool || len(ids) != 1 || ids[0] == "" {
			return "child_include must be the id of a department"
		}
		b := &below{top: ids[0]}
		f.trees = append(f.trees, b)
		f.add(key, path, b.holds)
	default:
		return fmt.Sprintf("operator %q is not known; allowed: %s", op, operators)
	}
	return ""
}

// list holds when a value is in the list, or, without in, when none is. null
// and the empty text in it stand for "no value".
func (f *Filter) list(key string, path []string, list []any, in bool) (problem string) {
	if len(list) == 0 {
		return "must not be an empty list; leave the key out instead"
	}
	set, none := map[string]bool{}, false
	for _, item := range list {
		if item == nil || item == "" {
			none = true
			continue
		}
		names := forms(item)
		if names == nil {
			return "must be a value, a list of values or an object of operators: " + operators
		}
		for _, name := range names {
			set[name] = true
		}
		if b, isBool := item.(bool); isBool { // spreadsheets shout
			set[strings.ToUpper(fmt.Sprint(b))] = true
		}
	}
	if in && !none {
		f.equal[key] = slices.Sorted(maps.Keys(set))
	}
	f.add(key, path, func(values []any) (bool, error) {
		found := none && len(values) == 0 || slices.ContainsFunc(values, func(v any) bool {
			return slices.ContainsFunc(forms(v), func(name string) bool { return set[name] })
		})
		return found == in, nil
	})
	return ""
}

// wordKeys are what filter_str is searched in.
var wordKeys = []string{"id", "number", "name", "mobile"}

// Match tells whether the row is wanted. An error means that a value cannot
// be compared as the filter asks; it names the key and not the value. Such a
// row must not count as unwanted: who is not read is taken for gone.
func (f *Filter) Match(row map[string]any) (bool, error) {
	for _, c := range f.conditions {
		ok, err := c.test(at(row, c.path))
		if err != nil {
			return false, fmt.Errorf("filter_dict %s: %w", c.key, err)
		}
		if !ok {
			return false, nil
		}
	}
	if f.word == "" {
		return true, nil
	}
	return slices.ContainsFunc(wordKeys, func(key string) bool {
		return slices.ContainsFunc(forms(row[key]), func(s string) bool { return strings.Contains(s, f.word) })
	}), nil
}

// All tells whether every row is wanted.
func (f *Filter) All() bool { return len(f.conditions) == 0 && f.word == "" }

// Keys returns the paths the filter asks about.
func (f *Filter) Keys() []string {
	var keys []string
	for _, c := range f.conditions {
		keys = append(keys, c.key)
	}
	return slices.Compact(keys)
}

// Equal returns, per key that is asked for a value or for one of a list, the
// texts a row's value must have one of; a boolean has also 1 and 0. A source
// may leave out rows whose value is certainly none of them.
func (f *Filter) Equal() map[string][]string { return f.equal }

// Single returns the path of a filter that asks for nothing but one value, or
// one of a list, at one key, as a lookup does.
func (f *Filter) Single() (key string, ok bool) {
	if len(f.conditions) != 1 || f.word != "" {
		return "", false
	}
	key = f.conditions[0].key
	_, ok = f.equal[key]
	return key, ok
}

// Texts returns the texts under which a row's values at a key are known, to
// be compared with those of Equal.
func Texts(row map[string]any, key string) []string {
	var out []string
	for _, v := range at(row, strings.Split(key, ".")) {
		out = append(out, forms(v)...)
	}
	return out
}

// Digest identifies what the filter wants, the departments below
// child_include as planted included.
func (f *Filter) Digest() string {
	h := sha256.New()
	h.Write(f.source)
	for _, t := range f.trees {
		for _, id := range slices.Sorted(maps.Keys(t.ids)) {
			fmt.Fprintf(h, "\x00%s", id)
		}
		h.Write([]byte{1})
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
