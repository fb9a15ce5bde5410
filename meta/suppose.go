package meta

import (
	"maps"
	"regexp"
	"slices"

	"orgflow"
)

// Suppose returns the files as if a company had others of its own, by name:
// "HcmDingSyncService.person_new.json". Nothing is written. Templates, fetch
// meta files and standard formats can be supposed; others stay as they are,
// and Resolved.Supposed refuses them.
//
// Whoever supposes a file decides what of a source row is shown as what, and
// by "lookup" what the source is asked: ask them for the role of who may write
// files.
func (s *Store) Suppose(company int64, files map[string][]byte) *Store {
	out := &Store{
		shipped: s.shipped, overlay: s.overlay, getenv: s.getenv, connectors: s.connectors, sources: s.sources,
		definitions: s.definitions, flows: s.flows, supposed: map[string][]byte{},
	}
	maps.Copy(out.supposed, s.supposed)
	for name, text := range files {
		if Supposable(name) {
			out.supposed[companyDir(company)+name] = text
		}
	}
	return out
}

// supposable are the names of files that jobs map with.
var supposable = regexp.MustCompile(`^(\w+\.meta\.list(\.\w+)?|\w+Service\.\w+|base_sync_data\.\w+)\.json$`)

// Supposable tells whether a file of this name can be supposed.
func Supposable(name string) bool { return supposable.MatchString(name) }

// Supposed checks that a job looks at every file that is supposed for it, so
// that no what-if answers for a file that plays no part. The error is an
// *orgflow.InvalidError with CodeInvalidJob that names the file.
func (r *Resolved) Supposed(files map[string][]byte) error {
	looked := map[string]bool{}
	for _, service := range r.Services {
		for _, l := range service.Chain {
			looked[l.Name] = true
		}
	}
	var problems []orgflow.Problem
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !looked[name] {
			problems = append(problems, orgflow.Problem{File: name, Message: "the job does not look at this file, so that its change changes nothing; it looks at " +
				listed(slices.Sorted(maps.Keys(looked)))})
		}
	}
	if len(problems) > 0 {
		return invalidJob(problems)
	}
	return nil
}
