package approval

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Text is what one person gets to read. Equal arguments make equal bytes, so
// that a message sent again is the same message to the platform; and the
// mark in it tells any two messages of flows apart, which platforms would
// otherwise drop as repeated (approval reference C.6).
type Text struct {
	Title string
	Body  string
	Link  string // where to see and do it
}

// TextFacts are what a text is made of.
type TextFacts struct {
	FlowCode  string
	Name      string // of the definition
	Title     string // of the flow
	Number    string
	DataID    string
	Initiator Person
	Form      map[string]any // the snapshot

	Round int
	Visit int    // 0 for events of the flow as a whole
	Task  int    // 0 if it is about none
	Count int    // the how-manieth such message, from 1
	Node  string // name of the node; "" for events of the flow as a whole

	Actor   string // name of who did it
	Opinion string
	Reason  string // why the flow is FAULTED

	// Of a board's task (taskNotify):

	TaskNo    string
	TaskTitle string
	TaskRev   string // what changes when it is submitted again

	// At is when it happened, not when it is sent.
	At time.Time
}

// Setting is what texts need to know of the installation.
type Setting struct {
	// Link is the address texts about flows lead to, with {no}, {flowCode} and
	// {dataId}: "https://boards.example/flow?no={no}". "" makes no links.
	Link string
	// TaskLink is the same for tasks of boards, with {taskNo}.
	TaskLink string
	Zone     *time.Location // nil is UTC
}

// maxValue bounds each value put into a text, in characters: opinions and
// form fields may be long, messages may not.
const maxValue = 200

// Render makes a text. A field that has no value (a form without it, an
// event without opinion) shows as "—": a message is no reason to stop a flow.
func (t Template) Render(f TextFacts, s Setting) (Text, error) {
	title, err := parsePattern(t.Title)
	if err != nil {
		return Text{}, fmt.Errorf("title of the template %w", err)
	}
	body, err := parsePattern(t.Text)
	if err != nil {
		return Text{}, fmt.Errorf("text of the template %w", err)
	}
	link, err := s.link(f)
	if err != nil {
		return Text{}, err
	}
	value := func(name string) string {
		switch name {
		case "link":
			return link
		case "mark":
			return f.mark()
		}
		return cut(cmp.Or(f.value(name, s), "—"), maxValue)
	}
	return Text{Title: title.render(value), Body: body.render(value), Link: link}, nil
}

// value returns what a placeholder stands for, "" if there is nothing.
func (f TextFacts) value(name string, s Setting) string {
	if field, ok := strings.CutPrefix(name, "form."); ok {
		return plain(f.Form[field])
	}
	zone := cmp.Or(s.Zone, time.UTC)
	switch name {
	case "no":
		return f.Number
	case "flowCode":
		return f.FlowCode
	case "dataId":
		return f.DataID
	case "name":
		return f.Name
	case "title":
		return cmp.Or(f.Title, f.TaskTitle)
	case "round":
		return fmt.Sprint(f.Round)
	case "visit":
		return fmt.Sprint(f.Visit)
	case "count":
		return fmt.Sprint(f.Count)
	case "date":
		return f.At.In(zone).Format(time.DateOnly)
	case "time":
		return f.At.In(zone).Format("15:04")
	}
	return f.words(name)
}

func (f TextFacts) words(name string) string {
	switch name {
	case "node":
		return f.Node
	case "userName":
		return f.Initiator.UserName
	case "userCode":
		return f.Initiator.UserCode
	case "deptName":
		return f.Initiator.DeptName
	case "actor":
		return f.Actor
	case "opinion":
		return f.Opinion
	case "reason":
		return f.Reason
	case "taskNo":
		return f.TaskNo
	}
	return ""
}

// mark names what the text is about, so that no two are alike: number, round,
// visit and task, and the count from the second on; of a board's task its
// number and what changes when it is submitted again.
func (f TextFacts) mark() string {
	if f.TaskNo != "" {
		if f.TaskRev == "" {
			return "任务 " + f.TaskNo
		}
		return "任务 " + f.TaskNo + " · 版本 " + f.TaskRev
	}
	parts := []string{"编号 " + f.Number, fmt.Sprintf("第%d轮", f.Round)}
	if f.Visit > 0 {
		parts = append(parts, fmt.Sprintf("第%d步", f.Visit))
	}
	if f.Task > 0 {
		parts = append(parts, fmt.Sprintf("任务%d", f.Task))
	}
	if f.Count > 1 {
		parts = append(parts, fmt.Sprintf("第%d次", f.Count))
	}
	return strings.Join(parts, " · ")
}

func empty(s string) bool { return s == "" }

// plain writes a value of the form for people.
func plain(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case bool:
		if v {
			return "是"
		}
		return "否"
	case json.Number:
		return v.String()
	case []any:
		parts := make([]string, len(v))
		for i, entry := range v {
			parts[i] = plain(entry)
		}
		return strings.Join(slices.DeleteFunc(parts, empty), "、")
	}
	return ""
}

// cut shortens a text to so many characters.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// CheckLink tells what is wrong with an address that messages lead to: of
// flows, or with task of tasks of boards.
func CheckLink(link string, task bool) error {
	p, err := parsePattern(link)
	if err != nil {
		return err
	}
	fields := []string{"no", "flowCode", "dataId"}
	if task {
		fields = []string{"taskNo"}
	}
	for _, s := range p {
		if s.name != "" && (s.arg != "" || !slices.Contains(fields, s.name)) {
			return fmt.Errorf("has an unknown placeholder {%s}; there are {%s}", s.name, strings.Join(fields, "}, {"))
		}
	}
	u, err := url.Parse(p.render(func(string) string { return "x" }))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("must be an address such as https://boards.example/flow?no={no}")
	}
	return nil
}

// link writes the address as it stands, the values in it escaped.
func (s Setting) link(f TextFacts) (string, error) {
	link := s.Link
	if f.TaskNo != "" {
		link = s.TaskLink
	}
	p, err := parsePattern(link)
	if err != nil {
		return "", fmt.Errorf("the setting of the link %w", err)
	}
	return p.render(func(name string) string {
		return strings.ReplaceAll(url.QueryEscape(f.value(name, s)), "+", "%20") // right in a path as well
	}), nil
}

// titleFields are the placeholders of a flow's title, besides form.<field>.
var titleFields = []string{"userName", "deptName", "name", "flowCode", "dataId", "no"}

// FlowTitle makes the title of a flow from the definition's form.title.
func FlowTitle(d *Definition, f TextFacts) (string, error) {
	p, err := parsePattern(d.Form.Title)
	if err != nil {
		return "", fmt.Errorf("form.title %w", err)
	}
	return cut(p.render(func(name string) string { return cut(f.value(name, Setting{}), 100) }), maxValue), nil
}
