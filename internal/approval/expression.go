package approval

import (
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"orgflow"
)

// maxCost bounds the work of one evaluation, in CEL's units: some hundred
// thousand list entries looked at.
const maxCost = 1_000_000

// Expressions are the conditions and people expressions of one definition,
// compiled. They are read only: one value serves any number of goroutines.
//
// Expressions are CEL over form.<field>, initiator.<userCode, userName,
// deptName, depts, roles> and vars.<name>, with CEL's string functions. They
// have no clock and no side effects, and cost is bounded.
//
// Numbers: JSON numbers of the form and of vars are doubles, as in CEL's own
// JSON mapping, so that 50000 and 50000.5 behave alike; whole numbers from
// 2^53 on that fit 64 bits are ints, so that long ids stay exact. Comparisons
// work across both and with literals of both. Arithmetic does not mix ints
// and doubles; where a form's field meets an int literal, Compile asks for a
// decimal one. A number that a form holds as text is a text: ordering it
// against a number is an error, == is false, double(form.amount) reads it.
//
// Fields: one that is missing is an error even where the rest of the
// expression would settle the result (CEL alone lets "false &&" hide it),
// unless the expression asks has(form.field) somewhere.
type Expressions struct {
	programs map[string]*program // by text
}

// yield is what an expression must yield.
type yield int

const (
	yieldBool  yield = iota // true or false
	yieldCodes              // a text or a list of texts
)

// site is one place of a definition where an expression stands.
type site struct {
	pointer string
	text    string
	yield   yield
}

// sites lists all expressions of a definition.
func (d *Definition) sites() []site {
	var out []site
	people := func(rules []Approver, segments ...any) {
		for i, a := range rules {
			if a.By == RuleExpr {
				out = append(out, site{at(append(segments, i, "expr")...), a.Expr, yieldCodes})
			}
		}
	}
	for i, n := range d.Nodes {
		for e, edge := range n.Next {
			if edge.When != "" {
				out = append(out, site{at("nodes", i, "next", e, "when"), edge.When, yieldBool})
			}
		}
		people(n.Approvers, "nodes", i, "approvers")
		people(n.To, "nodes", i, "to")
		for k, t := range n.Timeouts {
			if t.To != nil && t.To.By == RuleExpr {
				out = append(out, site{at("nodes", i, "timeouts", k, "to", "expr"), t.To.Expr, yieldCodes})
			}
		}
	}
	return out
}

// Compile compiles all expressions of a definition and returns every problem
// with them. A published definition has none.
func Compile(d *Definition) (*Expressions, []orgflow.Problem) {
	var problems []orgflow.Problem
	env, err := environment(d)
	if err != nil {
		return nil, []orgflow.Problem{{Pointer: "/vars", Message: "cannot be used in expressions: " + err.Error()}}
	}
	x := &Expressions{programs: map[string]*program{}}
	for _, s := range d.sites() {
		p, faults := compile(env, s.text, s.yield, d.Form)
		for _, fault := range faults {
			problems = append(problems, orgflow.Problem{Pointer: s.pointer, Message: fault})
		}
		x.programs[s.text] = p
	}
	return x, problems
}

// expressions is Compile as one of the checks.
func (c *checker) expressions() {
	_, problems := Compile(c.d)
	c.problems = append(c.problems, problems...)
}

// environment declares what expressions may use.
func environment(d *Definition) (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.Variable("form", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("initiator.userCode", cel.StringType),
		cel.Variable("initiator.userName", cel.StringType),
		cel.Variable("initiator.deptName", cel.StringType),
		cel.Variable("initiator.depts", cel.ListType(cel.StringType)),
		cel.Variable("initiator.roles", cel.ListType(cel.StringType)),
		cel.CrossTypeNumericComparisons(true),
		ext.Strings(),
	}
	for name, value := range d.Vars {
		options = append(options, cel.Constant("vars."+name, varType(value), celRef(value)))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("expression environment: %w", err)
	}
	return env, nil
}

func varType(value any) *cel.Type {
	switch celValue(value).(type) {
	case string:
		return cel.StringType
	case bool:
		return cel.BoolType
	case int64:
		return cel.IntType
	case float64:
		return cel.DoubleType
	}
	return cel.ListType(cel.DynType)
}

// compile returns a program, or what is wrong with the text.
func compile(env *cel.Env, text string, want yield, form Form) (*program, []string) {
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, sayIssues(issues)
	}
	r := reader{ast: checked.NativeRep(), form: form}
	r.visit(r.ast.Expr())
	if !want.fits(checked.OutputType()) {
		r.fault("must yield %s, this yields %s", want, checked.OutputType())
	}
	if len(r.faults) > 0 {
		return nil, r.faults
	}
	runnable, err := env.Program(checked, cel.CostLimit(maxCost))
	if err != nil {
		return nil, []string{"cannot be prepared: " + err.Error()}
	}
	return &program{text: text, run: runnable, needs: r.needed()}, nil
}

// sayIssues makes the compiler's findings messages in our form.
func sayIssues(issues *cel.Issues) []string {
	var out []string
	for _, e := range issues.Errors() {
		message, _, _ := strings.Cut(e.Message, " (in container")
		out = append(out, fmt.Sprintf("line %d, column %d: %s; conditions know form.<field>, initiator.<userCode, userName, deptName, depts, roles> and vars.<name>",
			e.Location.Line(), e.Location.Column()+1, message))
	}
	return out
}

func (y yield) fits(t *cel.Type) bool {
	if y == yieldBool {
		return t.IsExactType(cel.BoolType) || t.IsExactType(cel.DynType)
	}
	for _, ok := range []*cel.Type{cel.StringType, cel.DynType, cel.ListType(cel.StringType), cel.ListType(cel.DynType)} {
		if t.IsExactType(ok) {
			return true
		}
	}
	return false
}

// String says it for people.
func (y yield) String() string {
	if y == yieldBool {
		return "true or false"
	}
	return "user codes: a text or a list of texts"
}

// Cache keeps the compiled expressions of the definitions used last.
type Cache struct {
	mu      sync.Mutex
	size    int
	entries map[string]*Expressions
	used    []string // keys, the one used last at the end
}

// NewCache returns a cache for so many definitions.
func NewCache(size int) *Cache {
	return &Cache{size: max(size, 1), entries: map[string]*Expressions{}}
}

// Get returns the compiled expressions of a published definition, whose key
// is the hash of its canonical bytes (Export). A definition that does not
// compile is an *orgflow.InvalidError.
func (c *Cache) Get(key string, d *Definition) (*Expressions, error) {
	if x, ok := c.find(key); ok {
		return x, nil
	}
	x, problems := Compile(d) // outside of the lock: twice is harmless
	if len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[key]; !ok {
		c.entries[key] = x
		c.used = append(c.used, key)
	}
	if len(c.used) > c.size {
		delete(c.entries, c.used[0])
		c.used = c.used[1:]
	}
	return x, nil
}

func (c *Cache) find(key string) (*Expressions, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x, ok := c.entries[key]
	if !ok {
		return nil, false
	}
	for i, k := range c.used {
		if k == key {
			c.used = append(append(c.used[:i:i], c.used[i+1:]...), key)
			break
		}
	}
	return x, true
}
