package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
)

// messagesShown is how many messages a page shows at once.
const messagesShown = 100

// flowPage is a flow as a whole.
type flowPage struct {
	reader
	api.FlowDetail
	FlowBackground
	Names    map[int]string // of nodes
	RunURL   string         // of its workflow in the Web UI
	Done     string         // what was just done: a key of the texts
	Diagram  diagram
	Steps    []flowStep // newest first
	Events   []flowEvent
	Own      []ownTask
	Choices  []orgflow.FlowCommandKind
	Jumps    []nodeChoice // where a repair or a jump may lead
	Row      []formField
	Answers  []api.FlowDecision
	Messages []api.FlowMessage
	// TimelineURL and MessagesURL go on, empty at the end.
	TimelineURL, MessagesURL string
}

// Can tells whether a command of the reader would be carried out.
func (p flowPage) Can(command string) bool {
	return slices.Contains(p.Choices, orgflow.FlowCommandKind(command))
}

// DefinitionURL is the page of the definition that the flow runs on.
func (p flowPage) DefinitionURL() string {
	return "/flows/definitions/" + url.PathEscape(p.Code) + p.with(url.Values{"version": {strconv.Itoa(p.Version)}})
}

// Waiting are the steps that the flow waits for.
func (p flowPage) Waiting() []flowStep {
	var out []flowStep
	for _, s := range p.Steps {
		if s.State == orgflow.VisitActive {
			out = append(out, s)
		}
	}
	slices.Reverse(out)
	return out
}

// flowStep is a node that was entered, with its people.
type flowStep struct {
	api.FlowNode
	Tasks []api.FlowTask
}

// flowEvent is a line of the timeline.
type flowEvent struct {
	api.FlowEvent
	Node    string
	To      string // the node that somebody sent the flow to
	Opinion string // of a decision
	Detail  approval.EntryData
}

// formField is a field of the form, as it was written.
type formField struct{ Name, Value string }

func (c *Console) flowPage(r *http.Request) (content, error) {
	who, err := c.reader(r)
	if err != nil {
		return content{}, err
	}
	ctx, q := r.Context(), r.URL.Query()
	page := flowPage{reader: who}
	if page.FlowDetail, err = c.Flows.GetFlow(ctx, who.Company, chi.URLParam(r, "no")); err != nil {
		return content{}, err
	}
	if page.FlowBackground, err = c.FlowDesk.FlowBackground(ctx, who.Company, page.No); err != nil {
		return content{}, err
	}
	_, def, err := c.definition(ctx, who.Company, page.Code, page.Version)
	if err != nil {
		return content{}, err
	}
	page.draw(def)
	if err := c.happened(ctx, &page, q); err != nil {
		return content{}, err
	}
	if !q.Has("live") {
		c.offer(ctx, &page, def)
		page.Row = formFields(page.Form)
		page.RunURL = c.inWebUI(page.WorkflowID, "")
		if done := q.Get("done"); slices.Contains(flowDone, done) {
			page.Done = "flow.done." + done
		}
	}
	over := orgflow.FlowStatus{State: page.State}.Closed()
	return content{template: "flow", title: "flow", section: "flows", data: page, over: over}, nil
}

// draw makes the diagram and the steps.
func (p *flowPage) draw(def *approval.Definition) {
	p.Names = map[int]string{}
	for _, n := range def.Nodes {
		p.Names[n.Seq] = n.Name
	}
	p.Diagram = newDiagram(def, p.reader)
	p.Diagram.mark(p.FlowDetail, p.FlowBackground)
	for _, v := range slices.Backward(p.Nodes) {
		step := flowStep{FlowNode: v}
		for _, t := range p.Tasks {
			if t.Visit == v.ID {
				step.Tasks = append(step.Tasks, t)
			}
		}
		p.Steps = append(p.Steps, step)
	}
}

// happened adds timeline, decisions and messages.
func (c *Console) happened(ctx context.Context, p *flowPage, q url.Values) (err error) {
	if p.Answers, err = c.Flows.ListDecisions(ctx, p.Company, p.No); err != nil {
		return err
	}
	opinions := map[int64]string{}
	for _, d := range p.Answers {
		opinions[d.ID] = d.Comment
	}
	timeline := api.TimelinePage{Timeline: p.Timeline, NextCursor: p.TimelineCursor}
	if cursor := q.Get("timeline"); cursor != "" {
		if timeline, err = c.Flows.FlowTimeline(ctx, p.Company, p.No, cursor, pageLength); err != nil {
			return err
		}
	}
	for _, e := range timeline.Timeline {
		event := flowEvent{FlowEvent: e}
		if e.NodeSeq != nil {
			event.Node = cmp.Or(p.Names[*e.NodeSeq], strconv.Itoa(*e.NodeSeq))
		}
		if len(e.Data) > 0 {
			if err := json.Unmarshal(e.Data, &event.Detail); err != nil {
				return err
			}
		}
		if to := event.Detail.To; to != nil {
			event.To = strings.TrimSpace(fmt.Sprintf("%d %s", *to, p.Names[*to]))
		}
		if event.Detail.Verdict != "" {
			event.Opinion = opinions[event.Detail.Audit]
		}
		p.Events = append(p.Events, event)
	}
	messages, err := c.Flows.FlowMessages(ctx, p.Company, p.No, q.Get("messages"), messagesShown)
	if err != nil {
		return err
	}
	p.Messages = messages.Messages
	here := "/flows/" + url.PathEscape(p.No)
	if timeline.NextCursor != "" {
		p.TimelineURL = here + p.with(url.Values{"timeline": {timeline.NextCursor}})
	}
	if messages.NextCursor != "" {
		p.MessagesURL = here + p.with(url.Values{"messages": {messages.NextCursor}})
	}
	return nil
}

// formFields shows a form in the order it was written. What is no object is
// shown as it is.
func formFields(form json.RawMessage) []formField {
	if len(form) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(form))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return []formField{{Value: string(form)}}
	}
	var out []formField
	for dec.More() {
		var value json.RawMessage
		name, err := dec.Token()
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			return []formField{{Value: string(form)}}
		}
		key, _ := name.(string) // the only tokens before values of an object
		out = append(out, formField{Name: key, Value: plainValue(value)})
	}
	return out
}

// plainValue is a text without its quotes; anything else as JSON.
func plainValue(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var b bytes.Buffer
	if strings.ContainsAny(string(raw[:1]), "{[") && json.Indent(&b, raw, "", "  ") == nil {
		return b.String()
	}
	return string(raw)
}
