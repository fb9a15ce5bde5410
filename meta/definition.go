package meta

import (
	"slices"
	"strings"

	"orgflow"
	"orgflow/schemas"
)

const definitionSuffix = ".consumer.json"

// DefinitionCheck finds what is wrong with a declarative consumer's
// definition beyond its schema. It is given by the program, because these
// files know no connectors.
type DefinitionCheck func(raw []byte) []orgflow.Problem

// WithDefinitions tells the store how to check definitions of declarative
// consumers (<name>.consumer.json).
func WithDefinitions(check DefinitionCheck) Option {
	return func(s *Store) { s.definitions = check }
}

// definitionDoc is what is asked of a definition here; the rest is the
// connector's.
type definitionDoc struct {
	ServiceClass string            `json:"service_class"`
	Org          *definitionEntity `json:"org"`
	Person       *definitionEntity `json:"person"`
}

type definitionEntity struct {
	Fields map[string]struct {
		Required bool `json:"required"`
	} `json:"fields"`
}

// Definition returns the content of <consumer>.consumer.json, the company's
// own before that of all companies; nil where there is none. A broken one is
// an *orgflow.InvalidError with all that is wrong.
func (c Company) Definition(consumer string) ([]byte, error) {
	return c.store.Definition(c.ID, consumer)
}

// Definition is that of a company; company 0 has the files of all companies
// only.
func (s *Store) Definition(company int64, consumer string) ([]byte, error) {
	f, ok, err := s.definition(company, consumer)
	if err != nil || !ok {
		return nil, err
	}
	if problems := s.checkDefinition(f); len(problems) > 0 {
		return nil, configError(problems...)
	}
	return f.raw, nil
}

func (s *Store) definition(company int64, consumer string) (file, bool, error) {
	if !plainName.MatchString(consumer) {
		return file{}, false, nil
	}
	return s.find(company, consumer+definitionSuffix)
}

// checkDefinition lists all that is wrong with a definition, with its places.
func (s *Store) checkDefinition(f file) []orgflow.Problem {
	var doc definitionDoc
	problems := s.valid.check(schemas.Definition, f, &doc)
	if len(problems) > 0 || s.definitions == nil {
		return problems
	}
	for _, p := range s.definitions(f.raw) {
		found := schemas.At(f.path, f.raw, p.Pointer, p.Message)
		found.Warning = p.Warning
		problems = append(problems, found)
	}
	return problems
}

// defined adds the consumers that exist by their definition alone. A broken
// definition is complained about when it is used, and by Lint.
func (s *Store) defined(company int64, consumers map[string]consumer) {
	dirs := []string{"."}
	if company > 0 {
		dirs = append(dirs, strings.TrimSuffix(companyDir(company), "/"))
	}
	for _, dir := range dirs {
		for _, name := range s.list(dir) {
			name, is := strings.CutSuffix(name, definitionSuffix)
			if _, listed := consumers[name]; !is || listed {
				continue
			}
			f, ok, err := s.definition(company, name)
			var doc definitionDoc
			if err != nil || !ok || len(schemas.Unmarshal(f.path, f.raw, &doc)) > 0 || doc.ServiceClass == "" {
				continue
			}
			consumers[name] = consumer{ServiceClass: doc.ServiceClass, RequiredTargets: doc.required()}
		}
	}
}

// required are the targets that templates must fill.
func (d definitionDoc) required() map[orgflow.Kind][]string {
	out := map[orgflow.Kind][]string{}
	for kind, e := range map[orgflow.Kind]*definitionEntity{orgflow.Org: d.Org, orgflow.Person: d.Person} {
		if e == nil {
			continue
		}
		for name, f := range e.Fields {
			if f.Required {
				out[kind] = append(out[kind], name)
			}
		}
		slices.Sort(out[kind])
	}
	return out
}

// connects tells whether the build can write to a consumer of a company.
func (s *Store) connects(company int64, consumer string) bool {
	if s.connectors == nil || slices.Contains(s.connectors, consumer) {
		return true
	}
	_, defined, err := s.definition(company, consumer)
	return defined || err != nil
}
