package meta

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/schemas"
)

// Lint checks every file that a company may use: its own, and those of all
// companies; company 0 checks the latter only. Warnings are marked; no
// problem at all means that every file is used as it was meant.
func (s *Store) Lint(company int64) []orgflow.Problem {
	l := &lint{store: s, company: company}
	services, _, err := s.services(company)
	l.add(problemsOf(err)...)
	consumers, err := s.consumers(company)
	l.add(problemsOf(err)...)
	l.services, l.consumers = services, consumers
	for _, name := range s.list(".") {
		l.file(name)
	}
	if company > 0 {
		l.companyFiles()
	}
	return unique(l.problems)
}

type lint struct {
	store     *Store
	company   int64
	services  map[string]Service
	consumers map[string]consumer
	problems  []orgflow.Problem
}

func (l *lint) add(problems ...orgflow.Problem) { l.problems = append(l.problems, problems...) }

func (l *lint) warn(f file, pointer, format string, args ...any) {
	p := schemas.At(f.path, f.raw, pointer, fmt.Sprintf(format, args...))
	p.Warning = true
	l.add(p)
}

func (l *lint) companyFiles() {
	dir := strings.TrimSuffix(companyDir(l.company), "/")
	for _, name := range l.store.list(dir) {
		l.file(dir + "/" + name)
	}
	company, err := l.store.Company(l.company)
	l.add(problemsOf(err)...)
	l.references(dir + "/" + companyFile)
	if err == nil {
		l.connections(company)
		if l.store.flows != nil {
			l.add(l.store.flows(l.store, company)...)
		}
	}
	forms, problems := l.store.Forms(l.company)
	l.add(problems...)
	for _, form := range forms {
		l.add(form.advice...)
	}
	if err == nil && !company.HasERP() && slices.ContainsFunc(forms, func(f Form) bool { return !f.shipped }) {
		l.warn(company.file, "", "has no key \"erp\", so that the forms in %s/%s cannot be loaded", dir, formsDir)
	}
	_, problems = l.store.Schedules(l.company)
	l.add(problems...)
}

var (
	metaFileName     = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]*)\.meta\.list(?:\.([A-Za-z0-9_]+))?\.json$`)
	standardFileName = regexp.MustCompile(`^[A-Za-z0-9_.]+_standard\.json$`)
	templateFileName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]*)\.([a-z][a-z0-9_]*)\.json$`)
)

// file checks one file by what its name says it is.
func (l *lint) file(path string) {
	name := path[strings.LastIndexByte(path, '/')+1:]
	if !strings.HasSuffix(name, ".json") || name == servicesFile || name == consumersFile || name == companyFile ||
		strings.HasPrefix(path, "companies/") && (name == FlowTemplatesFile || name == WorkCalendarFile) {
		return // directories, and what is checked elsewhere
	}
	f, ok, err := l.store.read(path)
	l.add(problemsOf(err)...)
	if err != nil || !ok {
		return
	}
	switch {
	case strings.HasSuffix(name, definitionSuffix):
		l.definition(f, strings.TrimSuffix(name, definitionSuffix))
	case metaFileName.MatchString(name):
		l.meta(f, metaFileName.FindStringSubmatch(name))
	case standardFileName.MatchString(name):
		l.standard(f)
	case templateFileName.MatchString(name):
		l.template(f, templateFileName.FindStringSubmatch(name))
	default:
		l.warn(f, "", "is not used: its name is none of <Model>.meta.list[.<name>].json, <name>_standard.json, <service class>.<service>.json, <consumer>.consumer.json, services.json, consumers.json, company.json")
	}
}

// definition checks a declarative consumer.
func (l *lint) definition(f file, name string) {
	l.add(l.store.checkDefinition(f)...)
	l.secrets(f, func(string, string) {})
	if _, known := l.consumers[name]; !known {
		l.warn(f, "/service_class", "is required, or an entry in consumers.json: the first part of the names of its templates")
	}
}

func (l *lint) standard(f file) {
	var doc fieldsDoc
	if err := l.store.decode(schemaOfStandard, f, &doc); err != nil {
		l.add(problemsOf(err)...)
		return
	}
	l.add(located(f, mapping.CheckStandard(doc.Fields))...)
}

// meta compiles a fetch meta file for each kind its model has.
func (l *lint) meta(f file, name []string) {
	model, variant := name[1], name[2]
	var doc metaDoc
	if err := l.store.decode(schemaOfMeta, f, &doc); err != nil {
		l.add(problemsOf(err)...)
		return
	}
	service, ok := l.serviceOf(model, doc)
	if !ok {
		l.warn(f, "", "is not used: no service has the model %q%s", model, schemas.DidYouMean(model, l.models()))
		return
	}
	l.intent(f, doc, variant)
	format := service.Standard
	if doc.Standard != "" {
		format = doc.Standard
	}
	standard, ok, err := l.store.find(l.company, standardName(format))
	l.add(problemsOf(err)...)
	if err != nil {
		return
	}
	if !ok {
		l.add(schemas.At(f.path, f.raw, "/standard", fmt.Sprintf("names the standard format %q, which does not exist", format)))
		return
	}
	u := compileUnit{store: l.store, service: service, meta: f, standard: standard}
	_, problems := u.compile()
	l.add(problems...)
}

// intent compares what a fetch meta file says it is for with its name.
func (l *lint) intent(f file, doc metaDoc, variant string) {
	if doc.Service != "" && l.services[doc.Service].Name == "" {
		l.warn(f, "/service", "%s", unknown("service", doc.Service, keys(l.services)))
	}
	if _, ok := l.consumers[doc.Consumer]; doc.Consumer != "" && !ok {
		l.warn(f, "/consumer", "%s", unknown("consumer", doc.Consumer, keys(l.consumers)))
	}
	for name := range l.consumers {
		service, ok := strings.CutPrefix(variant, name+"_")
		if !ok {
			continue
		}
		if l.services[service].Name == "" {
			l.warn(f, "", "is used only as state %q: %s", variant, unknown("service", service, keys(l.services)))
		}
		if doc.Consumer != "" && doc.Consumer != name {
			l.warn(f, "/consumer", "is %q, but the file's name says %q", doc.Consumer, name)
		}
		if doc.Service != "" && doc.Service != service {
			l.warn(f, "/service", "is %q, but the file's name says %q", doc.Service, service)
		}
	}
}

// serviceOf returns a service that may use a fetch meta file: the one it
// names, else the first with its model.
func (l *lint) serviceOf(model string, doc metaDoc) (Service, bool) {
	if s, ok := l.services[doc.Service]; ok && s.Model == model {
		return s, true
	}
	for _, name := range slices.Sorted(maps.Keys(l.services)) {
		if l.services[name].Model == model {
			return l.services[name], true
		}
	}
	return Service{}, false
}

func (l *lint) models() []string {
	var models []string
	for _, s := range l.services {
		models = append(models, s.Model)
	}
	slices.Sort(models)
	return slices.Compact(models)
}

func (l *lint) template(f file, name []string) {
	class, serviceName := name[1], name[2]
	var doc fieldsDoc
	if err := l.store.decode(schemaOfTemplate, f, &doc); err != nil {
		l.add(problemsOf(err)...)
		return
	}
	service, ok := l.services[serviceName]
	if !ok {
		l.warn(f, "", "is not used: %s", unknown("service", serviceName, keys(l.services)))
		return
	}
	var required []string
	classes := map[string]bool{}
	for _, c := range l.consumers {
		classes[c.ServiceClass] = true
		if c.ServiceClass == class {
			required = c.RequiredTargets[service.Kind]
		}
	}
	if !classes[class] {
		l.warn(f, "", "is not used: %s", unknown("service class", class, maps.Keys(classes)))
		return
	}
	raw, ok, err := l.store.find(l.company, standardName(service.Standard))
	l.add(problemsOf(err)...)
	var standard fieldsDoc
	if err != nil || !ok || l.store.decode(schemaOfStandard, raw, &standard) != nil {
		return // the standard format's own problems are listed already
	}
	_, problems := mapping.CompileTemplate(service.Kind, doc.Fields, standard.Fields, mapping.TemplateOptions{Required: required, Lookup: noLookup})
	l.add(located(f, problems)...)
}

// connections checks the company's consumers and channels.
func (l *lint) connections(c Company) {
	for _, name := range c.Consumers() {
		if _, ok := l.consumers[name]; !ok && l.consumers != nil {
			l.add(schemas.At(c.file.path, c.file.raw, "/consumers/"+schemas.Escape(name), unknown("consumer", name, keys(l.consumers))))
		}
	}
	if kind := c.SourceType(); kind != "" && l.store.sources != nil && !slices.Contains(l.store.sources, kind) {
		l.add(schemas.At(c.file.path, c.file.raw, "/source/type", fmt.Sprintf("%q is not read by this build; it reads: %s", kind, listed(l.store.sources))))
	}
	l.channels(c)
	l.notices(c)
}
