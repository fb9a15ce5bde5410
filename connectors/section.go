package connectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// ReadSection reads a section of company.json strictly; at is its JSON
// pointer, "/erp", and keys has pointers to what is read. Unknown keys and wrong types are problems, listed together
// with those that check finds in what was read, one finding per key, as
// *orgflow.InvalidError.
func ReadSection(at string, raw []byte, keys map[string]any, check func() []orgflow.Problem) error {
	whole := func(message string) error {
		return &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: []orgflow.Problem{{Pointer: at, Message: message}}}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	var values map[string]json.RawMessage
	if err := dec.Decode(&values); err != nil || values == nil {
		return whole("must be a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return whole("must be one JSON object and nothing behind it")
	}
	var problems []orgflow.Problem
	for _, name := range slices.Sorted(maps.Keys(values)) {
		into, known := keys[name]
		switch {
		case !known:
			problems = append(problems, orgflow.Problem{Pointer: at + "/" + name,
				Message: "is not known here; allowed are " + strings.Join(slices.Sorted(maps.Keys(keys)), ", ")})
		case json.Unmarshal(values[name], into) != nil:
			problems = append(problems, orgflow.Problem{Pointer: at + "/" + name, Message: "must be " + wanted(into)})
		}
	}
	for _, p := range check() {
		if !slices.ContainsFunc(problems, func(q orgflow.Problem) bool { return q.Pointer == p.Pointer }) {
			problems = append(problems, p)
		}
	}
	if len(problems) > 0 {
		return &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	return nil
}

// wanted is what a key that goes into a variable must be.
func wanted(into any) string {
	switch into.(type) {
	case *bool:
		return "true or false"
	case *int, *int64:
		return "a whole number"
	case *float64, **float64:
		return "a number"
	}
	return "a text"
}
