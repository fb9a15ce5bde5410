package meta

import (
	"fmt"
	"slices"
	"strings"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/schemas"
)

// Looked is one place that was looked at for a file, in order.
type Looked struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Layer string `json:"layer,omitempty"`
	Found bool   `json:"found"`
	Used  bool   `json:"used,omitempty"`
	Note  string `json:"note,omitempty"` // "{} counts as absent"
}

// Resolved is a job with everything its files say, compiled. It is immutable
// and may be used by many goroutines.
type Resolved struct {
	Job          orgflow.Job
	ServiceClass string
	Services     []ResolvedService  // in canonical order
	Files        []orgflow.UsedFile // each file once, in order of first use

	frozen []byte
}

// ResolvedService is one service of a job.
type ResolvedService struct {
	Service Service
	// Operations are those of the service that the job allows.
	Operations []orgflow.Op
	// Chain lists the places looked at for the fetch meta file, the template
	// and the standard format.
	Chain []Looked

	MetaFile, StandardFile, TemplateFile orgflow.UsedFile

	// Request is what the source is asked for.
	Request Request
	// FilterHash identifies model, filter and meta file (spec § 3.4: deletes
	// that follow from a changed one are parked).
	FilterHash string
	// Identity is the standard key that identifies a record.
	Identity string
	Standard *mapping.Standard
	// Template is nil in a job that does not send and has no template.
	Template *mapping.Template
}

// Kind returns the job's work on one kind. Where a job has several services
// of the kind they agree in files and filter (Resolve refuses others), so
// that one read and one plan serve them; Operations is their union.
func (r *Resolved) Kind(kind orgflow.Kind) (ResolvedService, bool) {
	var merged ResolvedService
	found := false
	for _, service := range r.Services {
		if service.Service.Kind != kind {
			continue
		}
		if !found {
			merged, found = service, true
			merged.Operations = slices.Clone(service.Operations)
			continue
		}
		for _, op := range service.Operations {
			if !slices.Contains(merged.Operations, op) {
				merged.Operations = append(merged.Operations, op)
			}
		}
	}
	slices.SortFunc(merged.Operations, compareOps)
	return merged, found
}

func compareOps(a, b orgflow.Op) int {
	order := []orgflow.Op{orgflow.Insert, orgflow.Update, orgflow.Delete}
	return slices.Index(order, a) - slices.Index(order, b)
}

// Resolve finds, checks and compiles the files of a job (HCM reference § 4.1
// with spec § 3.2). Errors are *orgflow.InvalidError: CodeInvalidJob where
// the job asks for a file that is not there, CodeInvalidConfig where a file
// is broken.
func (s *Store) Resolve(job orgflow.Job) (*Resolved, error) {
	f, missing, err := s.collect(job)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: missing}
	}
	raw, err := f.encode()
	if err != nil {
		return nil, err
	}
	return s.Thaw(raw, nil) // the way every worker takes, so that all see the same
}

// collector gathers the files of a job.
type collector struct {
	store   *Store
	job     orgflow.Job
	out     frozen
	missing []orgflow.Problem // of the job: files it asks for that are not there
	broken  []orgflow.Problem // of files
	noState []string          // names that the state did not find
	state   bool              // the state found a file for some service
}

// collect reads the files of a job whose services, consumer and company are
// known to exist. It returns what the job asks for in vain, pointing into
// the job, and an error for broken files.
func (s *Store) collect(job orgflow.Job) (*frozen, []orgflow.Problem, error) {
	services, _, err := s.services(job.CompanyID)
	if err != nil {
		return nil, nil, err
	}
	consumers, err := s.consumers(job.CompanyID)
	if err != nil {
		return nil, nil, err
	}
	c := &collector{store: s, job: job, out: frozen{Version: frozenVersion, Job: job}}
	class, known := consumers[job.Consumer]
	if !known {
		return nil, []orgflow.Problem{{Pointer: "/consumer", Message: s.unknownConsumer(job.Consumer, consumers)}}, nil
	}
	c.out.ServiceClass, c.out.Required = class.ServiceClass, class.RequiredTargets
	if err := c.pageSize(); err != nil {
		return nil, nil, err
	}
	if f, defined, err := s.definition(job.CompanyID, job.Consumer); err == nil && defined {
		c.out.add(f) // so that the run shows which one it began with
	}
	for i, name := range job.Services {
		service, ok := services[name]
		if !ok {
			c.missing = append(c.missing, orgflow.Problem{Pointer: fmt.Sprintf("/services/%d", i), Message: unknown("service", name, keys(services))})
			continue
		}
		c.service(i, service)
	}
	c.checkState()
	c.out.finish(services)
	if len(c.broken) > 0 {
		return nil, nil, configError(unique(c.broken)...)
	}
	return &c.out, c.missing, nil
}

func (c *collector) pageSize() error {
	if c.job.CompanyID <= 0 {
		return nil
	}
	company, err := c.store.Company(c.job.CompanyID)
	if err != nil {
		return err
	}
	c.out.PageSize = company.pageSize()
	return nil
}

func (c *collector) service(i int, service Service) {
	fs := frozenService{Service: service, Meta: -1, Standard: -1, Template: -1}
	at := fmt.Sprintf("/services/%d", i)
	meta, ok := c.meta(service, &fs)
	if !ok {
		c.missing = append(c.missing, orgflow.Problem{Pointer: at, Message: fmt.Sprintf(
			"service %q has no fetch meta file; looked for %s", service.Name, places(fs.Chain))})
	}
	if ok {
		c.standard(service, meta, &fs)
	}
	before := len(fs.Chain)
	names := make([]string, 0, 2)
	for _, name := range service.names() {
		names = append(names, templateName(c.out.ServiceClass, name))
	}
	template, ok := c.first(names, &fs)
	if ok {
		fs.Template = c.out.add(template)
	}
	if !ok && c.job.Has(orgflow.StageSend) {
		c.missing = append(c.missing, orgflow.Problem{Pointer: at, Message: fmt.Sprintf(
			"service %q has no template for consumer %q; looked for %s; put one there, or choose another consumer",
			service.Name, c.job.Consumer, places(fs.Chain[before:]))})
	}
	c.out.Services = append(c.out.Services, fs)
}

// meta follows the chain: state, then consumer and service, then the default
// list (spec § 3.2). An alias looks for its original's file after its own.
func (c *collector) meta(service Service, fs *frozenService) (file, bool) {
	var names []string
	state := c.job.State()
	if state != "" {
		names = append(names, metaName(service.Model, state))
	}
	for _, name := range service.names() {
		names = append(names, metaName(service.Model, c.job.Consumer+"_"+name))
	}
	names = append(names, metaName(service.Model, ""))
	f, ok := c.first(names, fs)
	if state != "" {
		if ok && f.name == names[0] {
			c.state = true
		} else {
			c.noState = append(c.noState, names[0])
		}
	}
	if ok {
		fs.Meta = c.out.add(f)
	}
	return f, ok
}

func (c *collector) standard(service Service, meta file, fs *frozenService) {
	var doc metaDoc
	if err := c.store.decode(schemaOfMeta, meta, &doc); err != nil {
		c.broken = append(c.broken, problemsOf(err)...)
		return
	}
	name := service.Standard
	if doc.Standard != "" {
		name = doc.Standard
	}
	before := len(fs.Chain)
	f, ok := c.first([]string{standardName(name)}, fs)
	if !ok {
		c.broken = append(c.broken, schemas.At(meta.path, meta.raw, "/standard",
			fmt.Sprintf("standard format %q does not exist; looked for %s", name, places(fs.Chain[before:]))))
		return
	}
	fs.Standard = c.out.add(f)
}

// first returns the first file that exists: for each name the company's
// layer, then that of all companies. Every place looked at goes into the
// chain.
func (c *collector) first(names []string, fs *frozenService) (file, bool) {
	for _, name := range names {
		paths := []string{name}
		if c.job.CompanyID > 0 {
			paths = []string{companyDir(c.job.CompanyID) + name, name}
		}
		for _, path := range paths {
			f, ok, err := c.store.read(path)
			if err != nil {
				c.broken = append(c.broken, problemsOf(err)...)
				return file{}, false
			}
			looked := Looked{Name: name, Path: path, Layer: f.layer, Found: f.raw != nil, Used: ok}
			if looked.Found && !ok {
				looked.Note = "{} counts as absent"
			}
			fs.Chain = append(fs.Chain, looked)
			if ok {
				return f, true
			}
		}
	}
	return file{}, false
}

// checkState refuses a state that no service of the job finds a file for;
// services without one go on along their chain.
func (c *collector) checkState() {
	if len(c.noState) == 0 || c.state {
		return
	}
	message := fmt.Sprintf("no fetch meta file for state %q: %s is absent or {}", c.job.State(), listed(unique(c.noState)))
	if len(c.noState) > 1 {
		message = fmt.Sprintf("no fetch meta file for state %q: %s are absent or {}", c.job.State(), listed(unique(c.noState)))
	}
	c.missing = append(c.missing, orgflow.Problem{Pointer: statePointer, Message: fmt.Sprintf(
		"%s; put one into %s, or leave the state out", message, strings.TrimSuffix(companyDir(c.job.CompanyID), "/"))})
}

func places(chain []Looked) string {
	paths := make([]string, 0, len(chain))
	for _, l := range chain {
		paths = append(paths, l.Path)
	}
	return strings.Join(paths, ", ")
}

// unique drops repetitions and keeps the order.
func unique[T comparable](list []T) []T {
	var out []T
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
