package approval

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Facts are what expressions are asked about.
type Facts struct {
	// Form is the form's snapshot: values of JSON, numbers as json.Number.
	Form      map[string]any
	Initiator Person
}

// Person is what expressions and texts know of the initiator.
type Person struct {
	UserCode string
	UserName string
	DeptName string   // the department the flow was launched for
	Depts    []string // codes of all departments
	Roles    []string
}

// Bound answers a definition's expressions for one set of facts.
type Bound struct {
	expressions *Expressions
	facts       Facts
	input       map[string]any
}

// Bind prepares facts for evaluation.
func (x *Expressions) Bind(f Facts) *Bound {
	form := make(map[string]any, len(f.Form))
	for name, value := range f.Form {
		form[name] = celValue(value)
	}
	return &Bound{expressions: x, facts: f, input: map[string]any{
		"form":               form,
		"initiator.userCode": f.Initiator.UserCode,
		"initiator.userName": f.Initiator.UserName,
		"initiator.deptName": f.Initiator.DeptName,
		"initiator.depts":    f.Initiator.Depts,
		"initiator.roles":    f.Initiator.Roles,
	}}
}

// ExpressionError says that an expression has no answer for a form. It is
// CONDITION_FAILED at launch and makes the flow FAULTED later; repeating
// does not cure it. It holds no values of the form.
type ExpressionError struct {
	Expression string // "" for a plain field
	Reason     string
}

// Error returns expression and reason.
func (e *ExpressionError) Error() string {
	if e.Expression == "" {
		return e.Reason
	}
	return fmt.Sprintf("%q cannot be answered: %s", e.Expression, e.Reason)
}

// program is one compiled expression.
type program struct {
	text  string
	run   cel.Program
	needs [][]string
}

// Holds answers the condition of an edge; no condition always holds. An
// answer that cannot be given is an *ExpressionError, never false.
func (b *Bound) Holds(when string) (bool, error) {
	if when == "" {
		return true, nil
	}
	value, err := b.eval(when)
	if err != nil {
		return false, err
	}
	holds, ok := value.Value().(bool)
	if !ok {
		return false, &ExpressionError{when, "yields " + value.Type().TypeName() + " instead of true or false"}
	}
	return holds, nil
}

// People answers an expression that yields user codes, in its order. A text
// is one user code, blank ones are left out.
func (b *Bound) People(expr string) ([]string, error) {
	value, err := b.eval(expr)
	if err != nil {
		return nil, err
	}
	native, err := value.ConvertToNative(reflect.TypeFor[[]string]())
	if err == nil {
		return trimmed(native.([]string)), nil
	}
	if text, ok := value.Value().(string); ok {
		return trimmed([]string{text}), nil
	}
	return nil, &ExpressionError{expr, "yields something other than a text or a list of texts"}
}

// Field returns a field of the form that holds one text or a list of texts;
// whole numbers count as their digits, null and blank texts as nobody.
func (b *Bound) Field(name string) ([]string, error) {
	value, ok := b.facts.Form[name]
	if !ok {
		return nil, &ExpressionError{"", spell([]string{name}) + " is missing"}
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var out []string
	for _, v := range list {
		switch v := v.(type) {
		case nil:
		case string:
			out = append(out, v)
		case json.Number:
			out = append(out, v.String())
		default:
			return nil, &ExpressionError{"", fmt.Sprintf("%s holds %s where a text is needed", spell([]string{name}), kindOf(v))}
		}
	}
	return trimmed(out), nil
}

func trimmed(list []string) []string {
	var out []string
	for _, text := range list {
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// eval checks that the fields are there and evaluates. The error says which
// kinds of value the fields have, for that is what can be wrong; CEL's own
// messages may repeat values and are not passed on.
func (b *Bound) eval(text string) (ref.Val, error) {
	p, ok := b.expressions.programs[text]
	if !ok || p == nil {
		return nil, fmt.Errorf("expression %q is not one of this definition", text)
	}
	kinds := make([]string, len(p.needs))
	for i, path := range p.needs {
		value, found := lookup(b.facts.Form, path)
		if !found {
			return nil, &ExpressionError{text, spell(path) + " is missing"}
		}
		kinds[i] = spell(path) + " is " + kindOf(value)
	}
	value, _, err := p.run.Eval(b.input)
	var cancelled interpreter.EvalCancelledError
	switch {
	case errors.As(err, &cancelled):
		return nil, &ExpressionError{text, "it takes too long; make it simpler or the form smaller"}
	case err != nil:
		return nil, &ExpressionError{text, "the values do not fit: " + strings.Join(kinds, ", ")}
	}
	return value, nil
}

func lookup(form map[string]any, path []string) (any, bool) {
	var value any = form
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[name]; !ok {
			return nil, false
		}
	}
	return value, true
}

// kindOf names the kind of a JSON value.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}

// exact is the whole number from which on doubles are no longer exact.
const exact = 1 << 53

// celValue makes a JSON value one that CEL evaluates.
func celValue(value any) any {
	switch v := value.(type) {
	case json.Number:
		whole, err := strconv.ParseInt(v.String(), 10, 64)
		if err == nil && (whole >= exact || whole <= -exact) {
			return whole
		}
		float, _ := strconv.ParseFloat(v.String(), 64) // beyond the range: infinite, still in order
		return float
	case []any:
		list := make([]any, len(v))
		for i, entry := range v {
			list[i] = celValue(entry)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, entry := range v {
			object[name] = celValue(entry)
		}
		return object
	}
	return value
}

func celRef(value any) ref.Val { return types.DefaultTypeAdapter.NativeToValue(celValue(value)) }
