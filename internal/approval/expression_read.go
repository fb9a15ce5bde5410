package approval

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"orgflow/schemas"
)

// reader walks a checked expression: which fields of the form it needs, and
// what would not work for every form.
type reader struct {
	ast    *ast.AST
	form   Form
	used   [][]string // paths below form that are read
	tested [][]string // paths that has() asks for
	faults []string
}

func (r *reader) fault(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.faults, text) {
		r.faults = append(r.faults, text)
	}
}

func (r *reader) visit(e ast.Expr) {
	if path, ok := chain(e); ok {
		r.path(e, path)
		return
	}
	switch e.Kind() {
	case ast.SelectKind:
		r.visit(e.AsSelect().Operand())
	case ast.CallKind:
		r.call(e.AsCall())
	case ast.ListKind:
		r.all(e.AsList().Elements())
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			r.all([]ast.Expr{entry.AsMapEntry().Key(), entry.AsMapEntry().Value()})
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		r.all([]ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()})
	default:
	}
}

func (r *reader) all(list []ast.Expr) {
	for _, e := range list {
		r.visit(e)
	}
}

// chain returns the path of form.a.b, form["a"].b and so on; false for
// anything else. It is empty for form itself.
func chain(e ast.Expr) ([]string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return nil, e.AsIdent() == "form"
	case ast.SelectKind:
		path, ok := chain(e.AsSelect().Operand())
		return append(path, e.AsSelect().FieldName()), ok
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index || call.Args()[1].Kind() != ast.LiteralKind {
			return nil, false
		}
		key, text := call.Args()[1].AsLiteral().Value().(string)
		path, ok := chain(call.Args()[0])
		return append(path, key), ok && text
	default:
		return nil, false
	}
}

// path notes a field that is read or tested.
func (r *reader) path(e ast.Expr, path []string) {
	if len(path) == 0 {
		r.fault(`form may be used with a fixed field only, like form.amount or form["金额"], so that it is known beforehand which fields are needed`)
		return
	}
	if !r.form.Remembers(path[0]) {
		r.fault("field %q is not in form.snapshot; add it there%s", path[0], schemas.DidYouMean(path[0], r.form.Snapshot))
	}
	if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
		r.tested = append(r.tested, path)
		if path = path[:len(path)-1]; len(path) == 0 {
			return
		}
	}
	r.used = append(r.used, path)
}

func (r *reader) call(call ast.CallExpr) {
	if call.IsMemberFunction() {
		r.visit(call.Target())
	}
	r.all(call.Args())
	switch call.FunctionName() {
	case operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo:
		a, b := r.ast.GetType(call.Args()[0].ID()), r.ast.GetType(call.Args()[1].ID())
		if mixes(a, b) || mixes(b, a) {
			r.fault("calculates with a whole number and a value of the form, whose numbers are decimals: write 2.0 instead of 2, or int(form.field)")
		}
	}
}

func mixes(a, b *cel.Type) bool {
	return (a.IsExactType(cel.IntType) || a.IsExactType(cel.UintType)) && b.IsExactType(cel.DynType)
}

// needed returns the paths that must be there: those read and not covered by
// a test.
func (r *reader) needed() [][]string {
	var out [][]string
	for _, path := range r.used {
		covered := slices.ContainsFunc(r.tested, func(t []string) bool {
			return len(t) <= len(path) && slices.Equal(t, path[:len(t)])
		})
		known := slices.ContainsFunc(out, func(p []string) bool { return slices.Equal(p, path) })
		if !covered && !known {
			out = append(out, path)
		}
	}
	return out
}

// spell writes a path as it stands in expressions.
func spell(path []string) string { return "form." + strings.Join(path, ".") }
