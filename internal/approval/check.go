package approval

import (
	"fmt"
	"strconv"

	"orgflow"
	"orgflow/schemas"
)

// Known is what a definition may refer to outside of itself. A function that
// is nil knows nothing.
type Known struct {
	// Role tells whether the company has a role.
	Role func(code string) bool
	// Flow tells whether a flow code is published.
	Flow func(code string) bool
	// Subflows returns the codes of the flows that the newest version of a
	// flow starts.
	Subflows func(code string) []string
	// Templates are the company's message templates over the shipped ones;
	// nil is the shipped ones.
	Templates Templates
	// Link and TaskLink tell whether the company says where messages about
	// flows, and about tasks of boards, lead to: else {link} has no value.
	Link, TaskLink bool
	// Call tells why a trigger must not make its call; nil allows every call.
	Call func(HTTPCall) error
}

// Read decodes a definition and checks it for publishing. It returns every
// problem, each with JSON pointer, line and column; with any the definition
// must not be published. file is the shown name and may be empty.
func Read(file string, raw []byte, known Known) (*Definition, []orgflow.Problem) {
	d, problems := Decode(file, raw)
	if len(problems) > 0 {
		return nil, problems
	}
	problems = Check(d, known)
	for i, p := range problems {
		problems[i] = schemas.At(file, raw, p.Pointer, p.Message)
	}
	return d, problems
}

// Check lists everything that stands against publishing a decoded definition
// (approval reference B.2, "Publish-time checks").
func Check(d *Definition, known Known) []orgflow.Problem {
	if known.Templates == nil {
		known.Templates = defaultTemplates()
	}
	c := &checker{d: d, known: known, graph: NewGraph(d)}
	c.seqs()
	c.edges()
	c.paths()
	c.ways = c.branches()
	c.policy()
	c.people()
	c.signs()
	c.targets()
	c.timeouts()
	c.automatic()
	c.serial()
	c.notices()
	c.expressions()
	return c.problems
}

// checker collects what is wrong with a definition.
type checker struct {
	d        *Definition
	known    Known
	graph    *Graph
	ways     map[int][]Way
	problems []orgflow.Problem
}

func (c *checker) add(pointer, format string, args ...any) {
	c.problems = append(c.problems, orgflow.Problem{Pointer: pointer, Message: fmt.Sprintf(format, args...)})
}

// at joins the segments of a JSON pointer.
func at(segments ...any) string {
	var b []byte
	for _, s := range segments {
		b = append(b, '/')
		switch s := s.(type) {
		case int:
			b = strconv.AppendInt(b, int64(s), 10)
		case string:
			b = append(b, schemas.Escape(s)...)
		default:
			b = fmt.Append(b, s)
		}
	}
	return string(b)
}

// field complains about a field of the form that the flow does not remember.
func (c *checker) field(pointer, name string) {
	if !c.d.Form.Remembers(name) {
		c.add(pointer, "field %q is not in form.snapshot; add it there%s", name, schemas.DidYouMean(name, c.d.Form.Snapshot))
	}
}

func (c *checker) role(pointer, code string) {
	if c.known.Role == nil || !c.known.Role(code) {
		c.add(pointer, "the company has no role %q; roles stand in company.json", code)
	}
}

// decides tells whether people act at a node.
func decides(t NodeType) bool { return t == NodeApprove || t == NodeHandle }
