package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/meta"
)

type whatIfAnswer struct {
	orgflow.WhatIf
	Changes []changeRow
	Plan    []planRow
}

// whatIfPage is a form of what is supposed, and the answer.
type whatIfPage struct {
	jobPage
	Names  []string // of files that can be supposed
	Rows   string
	File   string // name
	Text   string // of the file
	Answer *whatIfAnswer
}

func (c *Console) newWhatIf() whatIfPage {
	p := whatIfPage{jobPage: c.jobPage()}
	p.Job = p.example()
	for _, id := range c.Files.Companies() {
		for _, name := range c.Files.Overview(id) {
			if meta.Supposable(name.Name) {
				p.Names = append(p.Names, name.Name)
			}
		}
	}
	slices.Sort(p.Names)
	p.Names = slices.Compact(p.Names)
	return p
}

// whatIfForm asks for what is supposed: a configured job and a file to change
// may be named.
func (c *Console) whatIfForm(r *http.Request) (content, error) {
	p, q := c.newWhatIf(), r.URL.Query()
	for _, ready := range p.Ready {
		if ready.Key == q.Get("from") {
			p.Job = ready.Text
		}
	}
	if path := q.Get("path"); path != "" {
		id, _ := c.company(q.Get("company"))
		text, err := c.Files.Content(id, path, q.Get("layer"))
		if err != nil {
			return content{}, err
		}
		p.File, p.Text = fileName(path), text
	}
	return p.content(), nil
}

func (p whatIfPage) content() content {
	return content{template: "sync-what-if", title: "what.if", section: "sync", data: p}
}

// may refuses what needs more than the route does.
func (c *Console) may(r *http.Request, need config.Access) error {
	who, err := c.SignIn.Who(r)
	if err != nil || who == nil || who.Access >= need { // nobody comes here but on an open server
		return err
	}
	return &orgflow.Fault{Code: api.CodePermission, Message: "a file may show more of a record than your role (" + who.Access.String() + ") allows; this needs " + need.String()}
}

// supposition is what the form supposes.
func (p whatIfPage) supposition() (orgflow.Supposition, error) {
	s := orgflow.Supposition{Rows: json.RawMessage(strings.TrimSpace(p.Rows)), Files: map[string][]byte{}}
	text := strings.TrimSpace(p.Text)
	switch {
	case text != "" && p.File == "":
		return s, &orgflow.Fault{Code: orgflow.CodeInvalidJob, Field: "name", Message: "choose which file the text stands for"}
	case text != "":
		s.Files[p.File] = []byte(strings.ReplaceAll(p.Text, "\r\n", "\n"))
	case len(s.Rows) == 0:
		return s, &orgflow.Fault{Code: orgflow.CodeInvalidJob, Field: "rows", Message: "suppose something: rows of the source, the text of a file, or both"}
	}
	return s, nil
}

// example is a job to begin with: the first schedule's, else one of the first
// target.
func (p *jobPage) example() string {
	if len(p.Ready) > 0 {
		return p.Ready[0].Text
	}
	if len(p.Targets) == 0 {
		return ""
	}
	number, consumer, _ := strings.Cut(p.Targets[0], "/")
	return fmt.Sprintf("{\n  \"services\": [\"org_new\", \"person_new\"],\n  \"consumer\": %q,\n  \"company_id\": %s,\n  \"params\": {}\n}", consumer, number)
}

// askWhatIf shows what a run would do with what is supposed. It changes
// nothing.
func (c *Console) askWhatIf(r *http.Request) (content, string, error) {
	page := c.newWhatIf()
	page.Rows, page.File, page.Text = r.PostFormValue("rows"), strings.TrimSpace(r.PostFormValue("name")), r.PostFormValue("text")
	raw, err := page.chosen(r)
	page.Job = string(raw)
	var job orgflow.Job
	if err == nil {
		job, err = c.Files.DecodeJob(raw)
	}
	var suppose orgflow.Supposition
	if err == nil {
		suppose, err = page.supposition()
	}
	if err == nil && len(suppose.Files) > 0 {
		err = c.may(r, config.AccessAdmin)
	}
	var answer orgflow.WhatIf
	if err == nil {
		answer, err = c.WhatIf.WhatIf(r.Context(), job, suppose)
	}
	switch {
	case refused(err):
		page.Problem = api.Answer(r.Context(), err)
		return page.content(), "", nil
	case err != nil:
		return content{}, "", err
	}
	page.Answer = &whatIfAnswer{WhatIf: answer}
	for _, change := range answer.Changes {
		row := rowOf(change)
		row.Name = nameOf(change)
		page.Answer.Changes = append(page.Answer.Changes, row)
	}
	for _, kind := range kinds {
		if n, ok := answer.Plan[kind]; ok {
			page.Answer.Plan = append(page.Answer.Plan, planRow{kind, n})
		}
	}
	return page.content(), "", nil
}

// nameOf is the name among the fields of a change, "" where it does not
// change.
func nameOf(c orgflow.Change) string {
	for _, field := range []string{"name", "displayName", "departmentName", "realName"} {
		if name, ok := c.Fields[field].After.(string); ok {
			return name
		}
	}
	return ""
}
