package meta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/schemas"
)

// frozenVersion marks the format of the frozen files of a run. Runs of an
// older version must stay readable: they may be waiting for approval.
const frozenVersion = 1

// Schemas of the files a run freezes.
const (
	schemaOfMeta     = schemas.FetchMeta
	schemaOfStandard = schemas.Standard
	schemaOfTemplate = schemas.Template
)

// frozen is everything a run needs of its files: their contents, and which
// of them each service uses.
type frozen struct {
	Version      int                       `json:"version"`
	Job          orgflow.Job               `json:"job"`
	ServiceClass string                    `json:"service_class"`
	Required     map[orgflow.Kind][]string `json:"required_targets,omitempty"`
	PageSize     int                       `json:"page_size,omitempty"` // of the source
	Services     []frozenService           `json:"services"`
	Files        []frozenFile              `json:"files"`
}

// frozenService points into frozen.Files; -1 is no file.
type frozenService struct {
	Service  Service                    `json:"service"`
	Filter   map[string]json.RawMessage `json:"filter,omitempty"` // the job's part for this service
	Chain    []Looked                   `json:"chain"`
	Meta     int                        `json:"meta"`
	Standard int                        `json:"standard"`
	Template int                        `json:"template"`
}

type frozenFile struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Layer   string `json:"layer"`
	SHA256  string `json:"sha256"`
	Content string `json:"content"`
}

// add stores a file once and returns its index.
func (f *frozen) add(src file) int {
	used := src.used()
	for i, have := range f.Files {
		if have.Path == src.path && have.SHA256 == used.SHA256 {
			return i
		}
	}
	f.Files = append(f.Files, frozenFile{Name: src.name, Path: src.path, Layer: src.layer, SHA256: used.SHA256, Content: string(src.raw)})
	return len(f.Files) - 1
}

// finish puts the services into canonical order and hands out the filter.
func (f *frozen) finish(services map[string]Service) {
	kinds := map[orgflow.Kind]bool{}
	for _, s := range f.Services {
		kinds[s.Service.Kind] = true
	}
	for i := range f.Services {
		f.Services[i].Filter = filterOf(f.Job, f.Services[i].Service, kinds, services)
	}
	order := make([]Service, len(f.Services))
	for i, s := range f.Services {
		order[i] = s.Service
	}
	canonical(order)
	slices.SortStableFunc(f.Services, func(a, b frozenService) int {
		return position(order, a.Service.Name) - position(order, b.Service.Name)
	})
}

func position(services []Service, name string) int {
	return slices.IndexFunc(services, func(s Service) bool { return s.Name == name })
}

func (f *frozen) encode() ([]byte, error) {
	raw, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("freeze the files of the run: %w", err)
	}
	return raw, nil
}

// Frozen returns the job and the contents of its files as JSON, to be stored
// with the run. It holds no secrets: connections are not part of it.
func (r *Resolved) Frozen() []byte { return bytes.Clone(r.frozen) }

// Thaw compiles a run's frozen files again; what lies in the directories by
// now plays no part. find serves the transform "lookup"; nil is for who
// maps no rows. Files without that transform are compiled once per process.
func (s *Store) Thaw(raw []byte, find mapping.Lookup) (*Resolved, error) {
	if r, ok := s.compiled.get(raw); ok {
		return r, nil
	}
	var f frozen
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("read the frozen files of the run: %w", err)
	}
	if f.Version != frozenVersion {
		return nil, orgflow.Faultf(orgflow.CodeInternal, "the frozen files of the run have version %d; this build reads version %d", f.Version, frozenVersion)
	}
	for _, file := range f.Files {
		if orgflow.Hash([]byte(file.Content)) != file.SHA256 {
			return nil, orgflow.Faultf(orgflow.CodeInternal, "the frozen file %s does not match its hash; the stored run was changed", file.Path)
		}
	}
	return s.thaw(&f, raw, find)
}

// thaw compiles frozen files; raw is their encoding.
func (s *Store) thaw(f *frozen, raw []byte, find mapping.Lookup) (*Resolved, error) {
	r := &Resolved{Job: f.Job, ServiceClass: f.ServiceClass, frozen: bytes.Clone(raw)}
	for _, file := range f.Files {
		r.Files = append(r.Files, file.used())
	}
	var problems []orgflow.Problem
	for _, fs := range f.Services {
		service, found := s.compile(f, fs, find)
		problems = append(problems, found...)
		r.Services = append(r.Services, service)
	}
	if len(problems) > 0 {
		return nil, configError(unique(problems)...)
	}
	if err := r.agree(); err != nil {
		return nil, err
	}
	if !f.looksUp() {
		s.compiled.put(raw, r)
	}
	return r, nil
}

// noLookup stands in where files are checked and no rows are mapped.
func noLookup(model, _, _ string) (map[string]any, bool, error) {
	return nil, false, fmt.Errorf("records of %s can be looked up in a run only", model)
}

// looksUp tells whether a file may use the transform "lookup": such files
// are compiled for each run, with that run's source.
func (f *frozen) looksUp() bool {
	return slices.ContainsFunc(f.Files, func(file frozenFile) bool { return strings.Contains(file.Content, `"lookup"`) })
}

// compile builds one service from its frozen files.
func (s *Store) compile(f *frozen, fs frozenService, find mapping.Lookup) (ResolvedService, []orgflow.Problem) {
	r := ResolvedService{Service: fs.Service, Chain: fs.Chain, Operations: allowed(fs.Service, f.Job)}
	u := compileUnit{store: s, service: fs.Service, required: f.Required[fs.Service.Kind], find: find}
	metaFile, hasMeta := f.file(fs.Meta)
	standardFile, hasStandard := f.file(fs.Standard)
	if !hasMeta || !hasStandard {
		return r, []orgflow.Problem{{Message: fmt.Sprintf("service %q has no fetch meta file or no standard format", fs.Service.Name)}}
	}
	u.meta, u.standard = metaFile, standardFile
	if template, ok := f.file(fs.Template); ok {
		u.template = &template
		r.TemplateFile = template.used()
	}
	c, problems := u.compile()
	if problems = withoutWarnings(problems); len(problems) > 0 {
		return r, problems
	}
	r.MetaFile, r.StandardFile = metaFile.used(), standardFile.used()
	r.Standard, r.Template, r.Identity = c.standard, c.template, c.identity
	r.Request = c.doc.merge(fs.Service, f.Job, fs.Filter, f.PageSize)
	r.Request.addColumns(c.standard.Columns())
	if c.template != nil {
		r.Request.addColumns(c.template.RawColumns())
	}
	hash, err := r.Request.filterHash(r.MetaFile.SHA256)
	if err != nil {
		return r, []orgflow.Problem{{File: metaFile.path, Message: "cannot be hashed: " + err.Error()}}
	}
	r.FilterHash = hash
	return r, nil
}

func allowed(service Service, job orgflow.Job) []orgflow.Op {
	var ops []orgflow.Op
	for _, op := range service.Operations {
		if len(job.Params.Operations) == 0 || slices.Contains(job.Params.Operations, op) {
			ops = append(ops, op)
		}
	}
	slices.SortFunc(ops, compareOps)
	return ops
}

func (f *frozen) file(i int) (file, bool) {
	if i < 0 || i >= len(f.Files) {
		return file{}, false
	}
	return f.Files[i].file(), true
}

func (f frozenFile) file() file {
	return file{name: f.Name, path: f.Path, layer: f.Layer, raw: []byte(f.Content)}
}

func (f frozenFile) used() orgflow.UsedFile {
	return orgflow.UsedFile{Name: f.Name, Layer: f.Layer, SHA256: f.SHA256}
}

// agree refuses services of one kind that would read or send differently:
// one plan per kind could not follow both.
func (r *Resolved) agree() error {
	first := map[orgflow.Kind]ResolvedService{}
	var problems []orgflow.Problem
	for _, service := range r.Services {
		other, ok := first[service.Service.Kind]
		if !ok {
			first[service.Service.Kind] = service
			continue
		}
		if other.FilterHash != service.FilterHash || other.TemplateFile != service.TemplateFile || other.StandardFile != service.StandardFile {
			problems = append(problems, orgflow.Problem{Pointer: "/services", Message: fmt.Sprintf(
				"services %q and %q are of one kind but use different files or filters (%s, %s); run them as two jobs",
				other.Service.Name, service.Service.Name, other.MetaFile.Name, service.MetaFile.Name)})
		}
	}
	if len(problems) > 0 {
		return &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: problems}
	}
	return nil
}

// compiledCache keeps compiled files by the hash of their frozen form.
type compiledCache struct {
	mu   sync.Mutex
	kept map[string]*Resolved
}

func (c *compiledCache) get(raw []byte) (*Resolved, bool) {
	key := orgflow.Hash(raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.kept[key]
	return r, ok
}

func (c *compiledCache) put(raw []byte, r *Resolved) {
	key := orgflow.Hash(raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= cacheSize/4 {
		c.kept = map[string]*Resolved{}
	}
	c.kept[key] = r
}

func keys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

func decodeNumbers(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode(into)
}

func withoutWarnings(problems []orgflow.Problem) []orgflow.Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p orgflow.Problem) bool { return p.Warning })
}

// compiled is what the files of one service are made into.
type compiled struct {
	doc      metaDoc
	identity string
	standard *mapping.Standard
	template *mapping.Template
}
