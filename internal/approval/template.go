package approval

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"orgflow"
	"orgflow/schemas"
)

// Template is a message with placeholders in braces, such as {title} or
// {form.amount}.
type Template struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Templates are message templates by name.
type Templates map[string]Template

// BoardTask is the name of the template of /message/taskNotify.
const BoardTask = "task"

//go:embed templates.json
var shipped []byte

var defaultTemplates = sync.OnceValue(func() Templates {
	t, problems := ReadTemplates("templates.json", shipped)
	if len(problems) > 0 {
		panic(fmt.Sprintf("approval: the shipped templates are invalid: %v", problems))
	}
	return t
})

// DefaultTemplates returns the templates that are shipped.
func DefaultTemplates() Templates { return maps.Clone(defaultTemplates()) }

// ReadTemplates reads a file of templates and returns every problem that is
// seen without knowing where they are used; Check sees the others.
func ReadTemplates(file string, raw []byte) (Templates, []orgflow.Problem) {
	var t Templates
	if problems := schemas.Decode(schemas.FlowTemplates, file, raw, &t); len(problems) > 0 {
		return nil, problems
	}
	var problems []orgflow.Problem
	for _, name := range slices.Sorted(maps.Keys(t)) {
		for key, text := range map[string]string{"title": t[name].Title, "text": t[name].Text} {
			if why := nowhere(text); why != "" {
				problems = append(problems, schemas.At(file, raw, at(name, key), why))
			}
		}
		if p, err := parsePattern(t[name].Text); err == nil && !p.has("mark") {
			problems = append(problems, schemas.At(file, raw, at(name, "text"),
				"lacks {mark}, which names number, round and visit: without it the platform takes two messages for one and drops the second"))
		}
	}
	slices.SortStableFunc(problems, func(a, b orgflow.Problem) int { return strings.Compare(a.Pointer, b.Pointer) })
	return t, problems
}

// Over lays templates, the company's, over others, the shipped ones.
func (t Templates) Over(base Templates) Templates {
	out := maps.Clone(base)
	if out == nil {
		out = Templates{}
	}
	maps.Copy(out, t)
	return out
}

// nowhere tells what no text of any event can have.
func nowhere(text string) string {
	p, err := parsePattern(text)
	if err != nil {
		return err.Error()
	}
	names := slices.Concat(textFields, []string{"node", "visit", "actor", "opinion", "reason", "taskNo"})
	for _, s := range p {
		if s.name != "" && !strings.HasPrefix(s.name, "form.") && !slices.Contains(names, s.name) {
			return fmt.Sprintf("uses {%s}, which there is not; there are {%s} and {form.<field>}%s", s.name, strings.Join(names, "}, {"), schemas.DidYouMean(s.name, names))
		}
	}
	return ""
}

func (p pattern) has(name string) bool {
	return slices.ContainsFunc(p, func(s segment) bool { return s.name == name })
}

// textFields are the placeholders of all texts about flows.
var textFields = []string{"mark", "no", "flowCode", "dataId", "name", "title", "round", "userName", "userCode", "deptName", "date", "time", "link", "count"}

// fieldsOf returns the placeholders that have a value for an event, besides
// form.<field>.
func fieldsOf(e Event) []string {
	switch e {
	case OnTask, OnUrge, OnRemind, OnCC:
		return slices.Concat(textFields, []string{"node", "visit"})
	case OnDone:
		return slices.Concat(textFields, []string{"node", "visit", "actor", "opinion"})
	case OnRejected, OnReturned, OnDiscarded:
		return slices.Concat(textFields, []string{"actor", "opinion"})
	case OnFaulted:
		return slices.Concat(textFields, []string{"reason"})
	default:
		return textFields
	}
}

// CheckBoardTask tells what is wrong with the template of board tasks; linked
// says whether the company has a notify.task_link.
func (t Templates) CheckBoardTask(linked bool) error {
	tpl, ok := t[BoardTask]
	if !ok {
		return fmt.Errorf("there is no template %q", BoardTask)
	}
	for _, text := range []string{tpl.Title, tpl.Text} {
		if why := unknownField(text, []string{"mark", "taskNo", "title", "date", "time", "link"}, nil); why != "" {
			return fmt.Errorf("template %q %s", BoardTask, why)
		}
		if !linked && links(text) {
			return fmt.Errorf(noLink, BoardTask, "task_link", "https://boards.example/task?no={taskNo}")
		}
	}
	return nil
}

const noLink = `template %q uses {link}, and company.json does not say where it leads; add "notify": {%q: %q} there`

func links(text string) bool {
	p, err := parsePattern(text)
	return err == nil && p.has("link")
}

// unknownField tells which placeholder of a text has no value: it must be
// one of the names, or a field of the form; a nil form is that of board tasks.
func unknownField(text string, names []string, form *Form) string {
	p, err := parsePattern(text)
	if err != nil {
		return err.Error()
	}
	for _, s := range p {
		field, ofForm := strings.CutPrefix(s.name, "form.")
		switch {
		case s.name == "":
		case s.arg != "":
			return fmt.Sprintf("has {%s:%s}; a placeholder is a name only", s.name, s.arg)
		case ofForm && form != nil:
			if !form.Remembers(field) {
				return fmt.Sprintf("uses {%s}, which is not in form.snapshot; add it there%s", s.name, schemas.DidYouMean(field, form.Snapshot))
			}
		case !slices.Contains(names, s.name):
			return fmt.Sprintf("uses {%s}, which has no value here; there are {%s}%s", s.name, strings.Join(names, "}, {"), schemas.DidYouMean(s.name, names))
		}
	}
	return ""
}

// notices is one of the checks: templates exist and have their values, roles
// exist. The texts that are sent without being asked for are checked as well.
func (c *checker) notices() {
	if why := unknownField(c.d.Form.Title, titleFields, &c.d.Form); why != "" {
		c.add("/form/title", "%s", why)
	}
	for _, e := range events() {
		c.notice(at("notify", string(e)), e, c.d.NoticeOf(nil, e), c.d.Notify[e].To)
	}
	for i, n := range c.d.Nodes {
		for _, e := range slices.Sorted(maps.Keys(n.Notify)) {
			c.notice(at("nodes", i, "notify", string(e)), e, c.d.NoticeOf(&c.d.Nodes[i], e), n.Notify[e].To)
		}
	}
}

// notice checks what is sent, and the recipients that stand at the pointer.
func (c *checker) notice(pointer string, e Event, sent Notice, named []Who) {
	for i, who := range named {
		c.who(pointer+at("to", i), who)
		if who == WhoAssignee && !aboutTask(e) {
			c.add(pointer+at("to", i), "nobody is the assignee of this event; use initiator, open, approvers or admins")
		}
	}
	if len(sent.To) == 0 {
		if named == nil && sent.Tpl != DefaultNotice(e).Tpl {
			c.add(pointer+"/to", "is required: by default nobody is told of %s", e)
		}
		return
	}
	tpl, ok := c.known.Templates[sent.Tpl]
	if !ok {
		c.add(pointer+"/tpl", "there is no template %q%s", sent.Tpl, schemas.DidYouMean(sent.Tpl, slices.Sorted(maps.Keys(c.known.Templates))))
		return
	}
	for _, text := range []string{tpl.Title, tpl.Text} {
		if why := unknownField(text, fieldsOf(e), &c.d.Form); why != "" {
			c.add(pointer+"/tpl", "template %q %s", sent.Tpl, why)
			return
		}
		if !c.known.Link && links(text) {
			c.add(pointer+"/tpl", noLink, sent.Tpl, "link", "https://boards.example/flow?no={no}")
			return
		}
	}
	if p, err := parsePattern(tpl.Text); err == nil && !p.has("mark") {
		c.add(pointer+"/tpl", "template %q lacks {mark}", sent.Tpl)
	}
}

func aboutTask(e Event) bool { return e == OnTask || e == OnUrge || e == OnRemind || e == OnCC }

func events() []Event {
	return []Event{OnTask, OnDone, OnUrge, OnRemind, OnCC, OnApproved, OnRejected, OnReturned, OnDiscarded, OnFaulted}
}
