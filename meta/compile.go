package meta

import (
	"slices"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/schemas"
)

const defaultIdentity = "id"

// compileUnit is the files of one service.
type compileUnit struct {
	store          *Store
	service        Service
	required       []string // target names the template must fill
	meta, standard file
	template       *file
	find           mapping.Lookup // serves the transform "lookup"
}

// compile checks and compiles the files, warnings included.
func (u compileUnit) compile() (compiled, []orgflow.Problem) {
	if u.find == nil {
		u.find = noLookup
	}
	var c compiled
	var standard, template fieldsDoc
	problems := problemsOf(u.store.decode(schemaOfMeta, u.meta, &c.doc))
	problems = append(problems, problemsOf(u.store.decode(schemaOfStandard, u.standard, &standard))...)
	if u.template != nil {
		problems = append(problems, problemsOf(u.store.decode(schemaOfTemplate, *u.template, &template))...)
	}
	if len(problems) > 0 {
		return c, problems
	}
	problems = located(u.standard, mapping.CheckStandard(standard.Fields))
	if c.identity = c.doc.Identity; c.identity == "" {
		c.identity = defaultIdentity
	}
	var found []orgflow.Problem
	c.standard, found = mapping.CompileStandard(u.service.Kind, c.doc.entries(), standard.Fields, c.identity, mapping.WithLookup(u.find))
	problems = append(problems, located(u.meta, c.doc.named(found))...)
	if u.template != nil {
		c.template, found = mapping.CompileTemplate(u.service.Kind, template.Fields, standard.Fields, mapping.TemplateOptions{Required: u.required, Lookup: u.find})
		problems = append(problems, located(*u.template, found)...)
	}
	return c, problems
}

// named moves pointers to "columns" where the file calls its entries so.
func (d metaDoc) named(problems []orgflow.Problem) []orgflow.Problem {
	if d.Fields != nil {
		return problems
	}
	problems = slices.Clone(problems)
	for i, p := range problems {
		if rest, ok := cutPointer(p.Pointer, "/fields"); ok {
			problems[i].Pointer = "/columns" + rest
		}
	}
	return problems
}

// located adds file, line and column to problems that have a pointer only.
func located(f file, problems []orgflow.Problem) []orgflow.Problem {
	out := make([]orgflow.Problem, len(problems))
	for i, p := range problems {
		out[i] = schemas.At(f.path, f.raw, p.Pointer, p.Message)
		out[i].Warning = p.Warning
	}
	return out
}
