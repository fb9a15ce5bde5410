// Package schemas holds the JSON Schemas (draft 2020-12) of every file and
// body a user writes, and checks documents against them. Its problems are
// written for the person who has to correct the document: they point at the
// place, by line, column and JSON pointer, and say what is allowed there.
//
// Every property of every schema carries a description, which the
// documentation is made from.
package schemas

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"orgflow"
)

// Kinds of document that have a schema.
const (
	Job       = "job"        // a sync job (spec § 3.1)
	Services  = "services"   // services.json
	Consumers = "consumers"  // consumers.json
	FetchMeta = "fetch-meta" // <Model>.meta.list[.<name>].json
	Standard  = "standard"   // base_sync_data.*_standard.json
	Template  = "template"   // <service class>.<service>.json
	Company   = "company"    // companies/<id>/company.json
	Schedule  = "schedule"   // companies/<id>/schedules/*.json
	Rows      = "rows"       // rows of a what-if, by service
	Pull      = "pull"       // what a pull of an organisation is asked for
	Form      = "form"       // companies/<id>/forms/*.json, a form of the ERP
	Load      = "load"       // what a load of an ERP's form is asked for
	// Definition is <name>.consumer.json, a declarative consumer.
	Definition = "definition"
	// FlowDef is companies/<id>/flows/*.json, the definition of an approval
	// flow.
	FlowDef = "flow-def"
	// FlowExport is a definition with its hash, on its way elsewhere.
	FlowExport = "flow-export"
	// FlowTemplates is companies/<id>/flow-templates.json, texts of messages.
	FlowTemplates = "flow-templates"
	// WorkCalendar is companies/<id>/calendar.json, working hours and days.
	WorkCalendar = "work-calendar"
)

// Kinds lists the kinds in the order of the documentation.
func Kinds() []string {
	return []string{Job, Services, Consumers, FetchMeta, Standard, Template, Company, Schedule, Rows, Pull, Form, Load, Definition,
		FlowDef, FlowExport, FlowTemplates, WorkCalendar}
}

//go:embed *.schema.json
var files embed.FS

// base is where the schemas live for $ref; nothing is fetched from there.
const base = "https://orgflow.invalid/schemas/"

// set holds the compiled schemas and their raw documents, from which the
// messages take what is allowed.
type set struct {
	compiled map[string]*jsonschema.Schema
	docs     map[string]any // by absolute URL
}

var load = sync.OnceValue(func() *set {
	s, err := compile()
	if err != nil {
		panic("schemas: the embedded schemas do not compile: " + err.Error())
	}
	return s
})

func compile() (*set, error) {
	s := &set{compiled: map[string]*jsonschema.Schema{}, docs: map[string]any{}}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		raw, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		if err := c.AddResource(base+e.Name(), doc); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		s.docs[base+e.Name()] = doc
	}
	for _, kind := range Kinds() {
		compiled, err := c.Compile(base + kind + ".schema.json")
		if err != nil {
			return nil, err
		}
		s.compiled[kind] = compiled
	}
	return s, nil
}

// Source returns the JSON Schema of a kind as it is shipped, for OpenAPI,
// editors and documentation.
func Source(kind string) (json.RawMessage, error) {
	raw, err := files.ReadFile(kind + ".schema.json")
	if err != nil {
		return nil, fmt.Errorf("no schema of kind %q; there are: %s", kind, strings.Join(Kinds(), ", "))
	}
	return raw, nil
}

// maxProblems bounds the answer to a hopeless document.
const maxProblems = 100

// Validate checks one document: strict JSON first (one value, no duplicate
// keys, valid UTF-8, a byte order mark is tolerated), then the schema of its
// kind. It returns every problem, in the order of the document; none means
// the document is valid. file is the shown name and may be empty. Values of
// the document are never repeated in a message: they may be secrets.
func Validate(kind, file string, raw []byte) []orgflow.Problem {
	s := load()
	schema, ok := s.compiled[kind]
	if !ok {
		return []orgflow.Problem{{File: file, Message: fmt.Sprintf("no schema of kind %q; there are: %s", kind, strings.Join(Kinds(), ", "))}}
	}
	doc, problems := parse(file, raw)
	if len(problems) > 0 {
		return problems
	}
	err := schema.Validate(doc.value)
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []orgflow.Problem{doc.problem("", "cannot be checked: "+err.Error())}
	}
	t := translator{docs: s.docs, doc: doc}
	t.walk(invalid)
	return doc.ordered(t.problems)
}

// Decode validates a document and stores it in into, with numbers in
// interface values kept as json.Number.
func Decode(kind, file string, raw []byte, into any) []orgflow.Problem {
	if problems := Validate(kind, file, raw); len(problems) > 0 {
		return problems
	}
	return Unmarshal(file, raw, into)
}

// Unmarshal stores a document that is known to be valid in into.
func Unmarshal(file string, raw []byte, into any) []orgflow.Problem {
	dec := json.NewDecoder(bytes.NewReader(TrimBOM(raw)))
	dec.UseNumber()
	err := dec.Decode(into)
	if err == nil {
		return nil
	}
	doc, problems := parse(file, raw)
	if len(problems) > 0 {
		return problems
	}
	return []orgflow.Problem{doc.decodeProblem(err)}
}

// IsEmptyObject tells whether a document is {}, which counts as no document.
func IsEmptyObject(raw []byte) bool {
	var keys map[string]json.RawMessage
	return json.Unmarshal(TrimBOM(raw), &keys) == nil && keys != nil && len(keys) == 0
}

// At returns a problem at a pointer of a document, with line and column of
// its value; a pointer that leads nowhere is placed at its nearest ancestor.
func At(file string, raw []byte, pointer, message string) orgflow.Problem {
	doc, problems := parse(file, raw)
	if len(problems) > 0 {
		return orgflow.Problem{File: file, Pointer: pointer, Message: message}
	}
	return doc.problem(pointer, message)
}

// ordered sorts problems by place, drops repetitions and bounds their number.
func (d *document) ordered(problems []orgflow.Problem) []orgflow.Problem {
	slices.SortStableFunc(problems, func(a, b orgflow.Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		if c := strings.Compare(a.Pointer, b.Pointer); c != 0 {
			return c
		}
		return strings.Compare(a.Message, b.Message)
	})
	problems = slices.Compact(problems)
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems:maxProblems], orgflow.Problem{
			File: d.file, Message: fmt.Sprintf("and %d more problems; correct these first", more)})
	}
	return problems
}
