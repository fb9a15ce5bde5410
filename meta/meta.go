// Package meta holds the files that say how a company's data moves: services,
// fetch meta files, standard formats, templates, connections and schedules.
// The files are shipped inside the program; a directory may be laid over
// them (same relative path wins), and a company's own files win over those
// of all companies.
//
// A file whose content is {} counts as absent: laid over a shipped file, it
// removes it. A broken file is an error that names file, line and column; it
// never falls through to the next one.
//
// The fetch meta file of a service is looked for in this order, each name in
// the company's layer first: <Model>.meta.list.<state>.json if the job's
// extra_property has a state, <Model>.meta.list.<consumer>_<service>.json,
// <Model>.meta.list.json. An alias (person_sync) looks for its original's
// file (person_new) after its own. A given state that no service of the job
// finds a file for is an error; where one does, the others go on along their
// chain, so that a job with departments and persons may choose a file for
// persons only.
//
// Files are read on each call, so that a change takes effect without a
// restart; a run works on the frozen copy it began with (Resolved.Frozen).
package meta

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	_ "time/tzdata" // schedules and dates name time zones; a bare container has no table of them

	"orgflow"
	"orgflow/schemas"
)

//go:embed *.json companies
var shipped embed.FS

// EnvDir is the setting that names the directory laid over the shipped files.
const EnvDir = "ORGFLOW_META_DIR"

// maxFile bounds a file; the largest sensible one is a hundredth of it.
const maxFile = 8 << 20

// Store reads meta files. It may be used by many goroutines.
type Store struct {
	shipped    fs.FS
	overlay    fs.FS // nil without a directory
	getenv     func(string) (string, bool)
	resolved   func(ref, value string) // hears every value of a reference; nil: nobody does
	connectors []string                // nil: not known here
	sources    []string                // nil: not known here
	// definitions checks declarative consumers; nil: not known here.
	definitions DefinitionCheck
	flows       FlowCheck // nil: not known here
	// supposed are contents by path that nobody has written; see Suppose.
	supposed map[string][]byte
	valid    validCache
	compiled compiledCache
}

// Option changes how a store is opened.
type Option func(*Store)

// WithConnectors tells the store which consumers the build can write to; a
// job for another one is refused. Without it every known consumer with a
// template passes.
func WithConnectors(consumers ...string) Option {
	return func(s *Store) { s.connectors = append([]string{}, consumers...) }
}

// WithSources tells the store which types of source the build can read; a
// job of a company with another one is refused.
func WithSources(types ...string) Option {
	return func(s *Store) { s.sources = append([]string{}, types...) }
}

// WithSecrets lets hear know every value that a reference is replaced by, each
// time, so that it can be masked elsewhere; also that of a file that was
// replaced meanwhile. ref is as written, "${NAME}" or "${file:/path}". hear is
// called by many goroutines.
func WithSecrets(hear func(ref, value string)) Option {
	return func(s *Store) { s.resolved = hear }
}

// Open returns the shipped files with the overlay directory, if one is
// named, laid over them. getenv resolves ${NAME} references, usually
// os.LookupEnv; nil knows none. A directory that is not there is an error
// naming ORGFLOW_META_DIR.
func Open(overlayDir string, getenv func(string) (string, bool), options ...Option) (*Store, error) {
	s := &Store{shipped: shipped, getenv: getenv}
	if getenv == nil {
		s.getenv = func(string) (string, bool) { return "", false }
	}
	if overlayDir != "" {
		info, err := os.Stat(overlayDir)
		if err != nil || !info.IsDir() {
			return nil, orgflow.Faultf(orgflow.CodeInvalidConfig,
				"%s names %q, which is not a readable directory; create it or leave the setting empty", EnvDir, overlayDir)
		}
		s.overlay = os.DirFS(overlayDir)
	}
	for _, o := range options {
		o(s)
	}
	return s, nil
}

// Layers a file can come from.
const (
	LayerCompany = "company" // below companies/<id>
	LayerOverlay = "overlay" // for all companies, from ORGFLOW_META_DIR
	LayerShipped = "shipped" // for all companies, inside the program
	// LayerSupposed is that of a file that nobody has written; see Suppose.
	LayerSupposed = "supposed"
)

// file is one meta file as read.
type file struct {
	name  string // "Employee.meta.list.json"
	path  string // relative, "companies/129/Employee.meta.list.json"
	layer string
	raw   []byte
	// shipped: it lies inside the program, whatever its layer.
	shipped bool
}

func (f file) used() orgflow.UsedFile {
	return orgflow.UsedFile{Name: f.name, Layer: f.layer, SHA256: orgflow.Hash(f.raw)}
}

func companyDir(company int64) string { return fmt.Sprintf("companies/%d/", company) }

// read returns the effective file at a relative path: the overlay's, else
// the shipped one. ok is false where there is none, or only {}.
func (s *Store) read(path string) (f file, ok bool, err error) {
	f = file{name: path[strings.LastIndexByte(path, '/')+1:], path: path, layer: LayerShipped, shipped: true}
	raw, err := fs.ReadFile(s.shipped, path)
	if s.overlay != nil {
		over, overErr := fs.ReadFile(s.overlay, path)
		if !errors.Is(overErr, fs.ErrNotExist) {
			raw, err, f.layer, f.shipped = over, overErr, LayerOverlay, false
		}
	}
	if text, ok := s.supposed[path]; ok {
		raw, err, f.layer, f.shipped = text, nil, LayerSupposed, false
	} else if strings.HasPrefix(path, "companies/") {
		f.layer = LayerCompany
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return file{}, false, nil
	case err != nil:
		return file{}, false, configError(orgflow.Problem{File: path, Message: "cannot be read: " + reason(err)})
	case len(raw) > maxFile:
		return file{}, false, configError(orgflow.Problem{File: path, Message: fmt.Sprintf("is larger than %d bytes", maxFile)})
	}
	f.raw = raw
	return f, !schemas.IsEmptyObject(raw), nil
}

// reason is why a file cannot be read, without its absolute path.
func reason(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// find looks for a file of a company: its own, else that of all companies.
func (s *Store) find(company int64, name string) (f file, ok bool, err error) {
	if company > 0 {
		if f, ok, err = s.read(companyDir(company) + name); ok || err != nil {
			return f, ok, err
		}
	}
	return s.read(name)
}

// list returns the names of the files in a directory, of both layers.
func (s *Store) list(dir string) []string {
	var names []string
	for _, layer := range []fs.FS{s.shipped, s.overlay} {
		if layer == nil {
			continue
		}
		entries, err := fs.ReadDir(layer, dir)
		if err != nil { // most directories exist in one layer only
			continue
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// decode checks a file against its schema and stores it in into.
func (s *Store) decode(kind string, f file, into any) error {
	problems := s.valid.check(kind, f, into)
	if len(problems) > 0 {
		return configError(problems...)
	}
	return nil
}

func configError(problems ...orgflow.Problem) error {
	return &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
}

// problemsOf returns the problems inside an error.
func problemsOf(err error) []orgflow.Problem {
	var invalid *orgflow.InvalidError
	if errors.As(err, &invalid) {
		return invalid.Problems
	}
	if err != nil {
		return []orgflow.Problem{{Message: err.Error()}}
	}
	return nil
}

// validCache remembers which contents have passed their schema: the check
// costs far more than decoding, and files rarely change.
type validCache struct {
	mu   sync.Mutex
	seen map[string]bool
}

// cacheSize bounds the caches; beyond it they begin anew.
const cacheSize = 1024

func (c *validCache) check(kind string, f file, into any) []orgflow.Problem {
	key := kind + ":" + orgflow.Hash(f.raw)
	c.mu.Lock()
	known := c.seen[key]
	c.mu.Unlock()
	if known {
		return schemas.Unmarshal(f.path, f.raw, into)
	}
	problems := schemas.Decode(kind, f.path, f.raw, into)
	if len(problems) == 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.seen == nil || len(c.seen) >= cacheSize {
			c.seen = map[string]bool{}
		}
		c.seen[key] = true
	}
	return problems
}
