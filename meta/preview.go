package meta

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/schemas"
)

// PreviewRequest asks for one row's way through the files.
type PreviewRequest struct {
	Service   string
	Consumer  string
	CompanyID int64  // 0 looks at the files of all companies only
	State     string // extra_property.state of the job, if it has one
	Row       []byte // a source row, a JSON object
}

// Preview is one row's way: which files were looked at and used, and per
// field the source's value, the standard value and what the consumer gets.
// Values of sensitive fields are masked; references read "@org:11".
type Preview struct {
	Service   string             `json:"service"`
	Consumer  string             `json:"consumer"`
	CompanyID int64              `json:"company_id,omitempty"`
	Kind      orgflow.Kind       `json:"kind"`
	Model     string             `json:"model"`
	SourceID  string             `json:"source_id"`
	ParentID  string             `json:"parent_id,omitempty"`
	Files     []orgflow.UsedFile `json:"files"`
	Chain     []Looked           `json:"chain"`
	Fields    []PreviewField     `json:"fields"`
	// Rejected: the row would be set aside at fetch.
	Rejected bool `json:"rejected"`
	// Sendable: the record would be sent, as far as the template can tell.
	Sendable bool           `json:"sendable"`
	Issues   []PreviewIssue `json:"issues"`
}

// PreviewField is one value's way. Key is empty for a target that no
// standard key supplies.
type PreviewField struct {
	Key       string         `json:"key"`
	From      string         `json:"from,omitempty"` // path in the source row
	Source    any            `json:"source"`
	Standard  any            `json:"standard"`
	Targets   []PreviewValue `json:"targets"`
	Sensitive bool           `json:"sensitive,omitempty"`
	Note      string         `json:"note,omitempty"`
}

// PreviewValue is a value as the consumer gets it.
type PreviewValue struct {
	Name  string `json:"name"` // attribute, or label of a custom attribute
	Ext   bool   `json:"is_extattr,omitempty"`
	Value any    `json:"value"`
	Note  string `json:"note,omitempty"`
}

// PreviewIssue is a finding about the row.
type PreviewIssue struct {
	Stage   string `json:"stage"` // fetch or send
	Key     string `json:"key,omitempty"`
	Target  string `json:"target,omitempty"`
	Message string `json:"message"`
	Fatal   bool   `json:"fatal"`
}

// Preview shows one row's way through the files of a service and consumer.
// It touches neither source nor consumer. Errors are those of DecodeJob and
// Resolve; a row that is no object is CodeInvalidJob at pointer /row.
func (s *Store) Preview(req PreviewRequest) (Preview, error) {
	job := orgflow.Job{Services: []string{req.Service}, Consumer: req.Consumer, CompanyID: req.CompanyID}.WithDefaults()
	if req.State != "" {
		raw, err := json.Marshal(req.State)
		if err != nil {
			return Preview{}, fmt.Errorf("preview: %w", err)
		}
		job.Params.ExtraProperty = map[string]json.RawMessage{"state": raw}
		if problems := checkExtra(job); len(problems) > 0 {
			return Preview{}, invalidJob(problems)
		}
	}
	resolved, err := s.Resolve(job)
	if err != nil {
		return Preview{}, err
	}
	service := resolved.Services[0]
	row := schemas.TrimBOM(req.Row)
	lines, err := service.Standard.Trace(row)
	if err != nil {
		return Preview{}, invalidJob([]orgflow.Problem{{Pointer: "/row", Message: "must be one source row, a JSON object"}})
	}
	record, issues := service.Standard.Map(row)
	p := Preview{
		Service: req.Service, Consumer: req.Consumer, CompanyID: req.CompanyID, Kind: service.Service.Kind,
		Model: service.Request.Model, SourceID: record.SourceID, ParentID: record.ParentID,
		Files: resolved.Files, Chain: service.Chain, Issues: []PreviewIssue{},
	}
	p.note("fetch", issues)
	p.Rejected = slices.ContainsFunc(issues, func(i mapping.Issue) bool { return i.Fatal })
	b := previewBuilder{paths: sourcePaths(resolved, service)}
	b.standard(lines)
	if service.Template != nil {
		_, issues := service.Template.Payload(record)
		p.note("send", issues)
		b.targets(service.Template.Trace(record))
		p.Sendable = !p.Rejected && !slices.ContainsFunc(issues, func(i mapping.Issue) bool { return i.Fatal })
	}
	p.Fields = b.fields
	return p, nil
}

func (p *Preview) note(stage string, issues []mapping.Issue) {
	for _, i := range issues {
		p.Issues = append(p.Issues, PreviewIssue{Stage: stage, Key: i.Key, Target: i.Map, Message: i.Message, Fatal: i.Fatal})
	}
}

// sourcePaths returns the paths of the fetch meta's entries, by pointer.
func sourcePaths(r *Resolved, service ResolvedService) map[string]string {
	paths := map[string]string{}
	var f frozen
	if json.Unmarshal(r.frozen, &f) != nil {
		return paths // only costs the preview a column
	}
	for _, file := range f.Files {
		var doc metaDoc
		if file.SHA256 != service.MetaFile.SHA256 || json.Unmarshal(schemas.TrimBOM([]byte(file.Content)), &doc) != nil {
			continue
		}
		for i, e := range doc.entries() {
			paths[fmt.Sprintf("/fields/%d", i)] = strings.Join(e.Field, ".")
		}
	}
	return paths
}

// previewBuilder joins the traces of fetch meta and template by key.
type previewBuilder struct {
	paths  map[string]string
	fields []PreviewField
}

// standard adds a line per standard key: the entry that supplied the value,
// else the first one.
func (b *previewBuilder) standard(lines []mapping.TraceLine) {
	for _, line := range lines {
		field := PreviewField{
			Key: standardKey(line.Key), From: b.paths[line.Pointer], Source: line.Source, Standard: line.Target,
			Sensitive: line.Sensitive, Note: line.Note, Targets: []PreviewValue{},
		}
		at := b.index(field.Key)
		switch {
		case at < 0:
			b.fields = append(b.fields, field)
		case line.Used:
			field.Sensitive = field.Sensitive || b.fields[at].Sensitive
			b.fields[at] = field
		}
	}
}

func (b *previewBuilder) targets(lines []mapping.TraceLine) {
	for _, line := range lines {
		value := PreviewValue{Name: line.Map, Ext: line.IsExtattr, Value: line.Target, Note: line.Note}
		key := standardKey(line.Key)
		at := b.index(key)
		if at < 0 {
			at = len(b.fields)
			b.fields = append(b.fields, PreviewField{Key: key, Sensitive: line.Sensitive, Targets: []PreviewValue{}})
		}
		f := &b.fields[at]
		f.Targets = append(f.Targets, value)
		if line.Sensitive && !f.Sensitive { // masked at one end is masked at both
			f.Sensitive, f.Source, f.Standard = true, masked(f.Source), masked(f.Standard)
		}
		if f.Sensitive && !line.Sensitive {
			f.Targets[len(f.Targets)-1].Value = masked(value.Value)
		}
	}
}

func (b *previewBuilder) index(key string) int {
	return slices.IndexFunc(b.fields, func(f PreviewField) bool { return f.Key == key })
}

// standardKey is the name under which both ends know a company field.
func standardKey(key string) string { return strings.TrimPrefix(key, "ext.") }

// masked hides a value; no value stays none.
func masked(v any) any {
	if v == nil {
		return nil
	}
	return mapping.Mask(fmt.Sprint(v))
}
