package conformance

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Page is what stands in the way of a vendor now and then.
const Page = "<!DOCTYPE html><html><head><title>Login</title></head><body>please log in</body></html>"

// Mutations are the ways in which an answer breaks: another thing in its
// place, cut off at several points, and each of its values absent or of
// another type. The answer itself is the first.
func Mutations(answer []byte) [][]byte {
	out := [][]byte{
		answer,
		[]byte(Page), nil, []byte(" \r\n"), []byte("null"), []byte(`"ok"`), []byte("0"), []byte("true"), []byte("{}"), []byte("[]"), []byte("ok"),
		slices.Concat([]byte("\ufeff"), answer),
		slices.Concat([]byte("["), answer, []byte("]")),
		slices.Concat(answer, answer),
		slices.Concat(answer, []byte(Page)),
		slices.Concat([]byte("callback("), answer, []byte(")")),
		bytes.ReplaceAll(answer, []byte(`"`), []byte(`'`)),
		bytes.ToUpper(answer),
	}
	for part := range 8 {
		out = append(out, answer[:len(answer)*part/8])
	}
	if len(answer) > 0 {
		out = append(out, answer[:len(answer)-1])
	}
	return append(out, retyped(answer)...)
}

// retyped changes one value of a JSON answer after the other.
func retyped(answer []byte) [][]byte {
	dec := json.NewDecoder(bytes.NewReader(answer))
	dec.UseNumber()
	var doc any
	if dec.Decode(&doc) != nil {
		return nil
	}
	var out [][]byte
	emit := func() {
		if raw, err := json.Marshal(doc); err == nil {
			out = append(out, raw)
		}
	}
	walk(doc, emit)
	return out
}

// walk puts every other value in the place of each value below v, for a
// moment.
func walk(v any, emit func()) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			was := v[key]
			walk(was, emit)
			delete(v, key)
			emit()
			for _, other := range others(was) {
				v[key] = other
				emit()
			}
			v[key] = was
		}
	case []any:
		for i, was := range v {
			walk(was, emit)
			for _, other := range others(was) {
				v[i] = other
				emit()
			}
			v[i] = was
		}
	}
}

// others are values of another type than v, numbers as texts and texts as
// numbers first.
func others(v any) []any {
	list := []any{nil, []any{}, map[string]any{}, "", json.Number("0"), json.Number("-1"), true, []any{v}}
	switch v := v.(type) {
	case json.Number:
		list = append(list, v.String(), json.Number(v.String()+".5"))
	case bool:
		list = append(list, strconv.FormatBool(v), !v)
	case string:
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			list = append(list, json.Number(v))
		}
	}
	return list
}
