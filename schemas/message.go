package schemas

import (
	"fmt"
	"maps"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"orgflow"
)

// translator turns the validator's findings into messages for people.
type translator struct {
	docs     map[string]any
	doc      *document
	problems []orgflow.Problem
}

// messageKey is our annotation in schemas: what is allowed, in words, where
// the keywords alone (a pattern, a choice of shapes) would not say it.
const messageKey = "x-message"

// namesKey is our annotation on objects with free keys: what a key may be.
// (The keyword propertyNames is not used: the validator reports wrong places
// for it.)
const namesKey = "x-names"

func (t *translator) add(pointer, message string) {
	t.problems = append(t.problems, t.doc.problem(pointer, message))
}

func (t *translator) walk(e *jsonschema.ValidationError) {
	at := pointerOf(e.InstanceLocation)
	schema := t.schema(e.SchemaURL)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		t.unknownKeys(at, k.Properties, schema)
		return
	case *kind.Required:
		for _, name := range k.Missing {
			t.add(at+"/"+Escape(name), "is required")
		}
		return
	case *kind.UniqueItems:
		t.add(at+"/"+strconv.Itoa(k.Duplicates[1]), "repeats "+at+"/"+strconv.Itoa(k.Duplicates[0])+"; each value may stand once")
		return
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			t.add(at+"/"+Escape(name), fmt.Sprintf("is required beside %q", k.Prop))
		}
		return
	case *kind.MinItems:
		t.add(at, atLeast(k.Want, "entry", "entries"))
		return
	case *kind.MinProperties:
		t.add(at, atLeast(k.Want, "key", "keys"))
		return
	}
	if text, ok := schema[messageKey].(string); ok && worded(e.ErrorKind) {
		t.add(at, text)
		return
	}
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			t.walk(cause)
		}
		return
	}
	t.add(at, leaf(e.ErrorKind))
}

// worded kinds are explained by the schema's own message, if it has one.
// Some kinds only group the findings below them, and a wrong type is clear.
func worded(k jsonschema.ErrorKind) bool {
	switch k.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf, *kind.Type:
		return false
	}
	return true
}

func (t *translator) unknownKeys(at string, keys []string, schema map[string]any) {
	allowed := propertyNames(schema)
	names, free := schema[namesKey].(string)
	for _, key := range slices.Sorted(slices.Values(keys)) {
		message := fmt.Sprintf("unknown key %q; ", key)
		switch {
		case free:
			message = "is not a possible name: " + names
		case len(allowed) == 0:
			message += "no key is allowed here"
		default:
			message += "allowed: " + Quoted(allowed) + DidYouMean(key, allowed)
		}
		t.add(at+"/"+Escape(key), message)
	}
}

func leaf(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "must be " + types(k.Want)
	case *kind.Enum:
		return oneOf(k.Got, k.Want)
	case *kind.Const:
		return "must be " + show(k.Want)
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d entries", k.Want)
	case *kind.MinLength:
		if k.Want == 1 {
			return "must not be empty"
		}
		return fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.Pattern:
		return "must match the pattern " + k.Want
	}
	return "is not allowed here"
}

func atLeast(n int, one, many string) string {
	if n == 1 {
		return "must not be empty; at least one " + one + " is needed"
	}
	return fmt.Sprintf("must have at least %d %s", n, many)
}

func types(want []string) string {
	words := map[string]string{
		"string": "a text", "integer": "a whole number", "number": "a number", "boolean": "true or false",
		"array": "a list", "object": "an object", "null": "null",
	}
	names := make([]string, 0, len(want))
	for _, w := range want {
		if w == "integer" && slices.Contains(want, "number") {
			continue
		}
		names = append(names, words[w])
	}
	return strings.Join(names, " or ")
}

func oneOf(got any, want []any) string {
	shown := make([]string, len(want))
	var names []string
	for i, w := range want {
		shown[i] = show(w)
		if s, ok := w.(string); ok {
			names = append(names, s)
		}
	}
	message := "must be one of " + strings.Join(shown, ", ")
	if len(want) == 1 {
		message = "must be " + shown[0]
	}
	if s, ok := got.(string); ok {
		message += DidYouMean(s, names)
	}
	return message
}

func show(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return fmt.Sprint(v)
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// schema returns the raw schema at an absolute location.
func (t *translator) schema(location string) map[string]any {
	address, fragment, _ := strings.Cut(location, "#")
	node := t.docs[address]
	for segment := range strings.SplitSeq(strings.TrimPrefix(fragment, "/"), "/") {
		if segment == "" {
			continue
		}
		if plain, err := url.PathUnescape(segment); err == nil {
			segment = plain
		}
		switch n := node.(type) {
		case map[string]any:
			node = n[unescape(segment)]
		case []any:
			i, err := strconv.Atoi(segment)
			if err != nil || i < 0 || i >= len(n) {
				return nil
			}
			node = n[i]
		}
	}
	object, _ := node.(map[string]any)
	return object
}

func propertyNames(schema map[string]any) []string {
	properties, _ := schema["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(properties))
}

func pointerOf(segments []string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + Escape(s))
	}
	return b.String()
}
