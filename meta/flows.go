package meta

import (
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// Files of a company's approval flows besides the definitions.
const (
	FlowTemplatesFile = "flow-templates.json" // texts of messages
	WorkCalendarFile  = "calendar.json"       // working hours and days
)

const flowsDir = "flows"

// FlowFile is a file of a company's approval flows as read.
type FlowFile struct {
	Path string // relative, "companies/129/flows/ztbxx01.json"
	Raw  []byte
}

// FlowDrafts returns the files below companies/<id>/flows in the order of
// their names, and the problems of those that cannot be read.
func (s *Store) FlowDrafts(company int64) (drafts []FlowFile, problems []orgflow.Problem) {
	dir := companyDir(company) + flowsDir
	for _, name := range s.list(dir) {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		f, ok, err := s.read(dir + "/" + name)
		problems = append(problems, problemsOf(err)...)
		if ok && err == nil {
			drafts = append(drafts, FlowFile{Path: f.path, Raw: f.raw})
		}
	}
	return drafts, problems
}

// FlowDraftPath is where the draft of a flow code lies, relative to the meta
// directory.
func FlowDraftPath(company int64, code string) string {
	return companyDir(company) + flowsDir + "/" + code + ".json"
}

// Roles returns the company's roles with the user codes that hold them.
func (c Company) Roles() map[string][]string {
	roles := make(map[string][]string, len(c.doc.Roles))
	for name, users := range maps.All(c.doc.Roles) {
		roles[name] = slices.Clone(users)
	}
	return roles
}

// FlowCheck lists what is wrong with the files of a company's approval flows.
type FlowCheck func(s *Store, company Company) []orgflow.Problem

// WithFlows tells the store how the files of approval flows are checked.
// Without it Lint leaves them out.
func WithFlows(check FlowCheck) Option {
	return func(s *Store) { s.flows = check }
}
