package flow

import (
	"cmp"
	"fmt"
	"time"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/store"
	"orgflow/meta"
)

// Templates returns a company's message templates over the shipped ones.
func Templates(c meta.Company) (approval.Templates, error) {
	shipped := approval.DefaultTemplates()
	f, ok, err := c.FlowFile(meta.FlowTemplatesFile)
	if err != nil || !ok {
		return shipped, err
	}
	own, problems := approval.ReadTemplates(f.Path, f.Raw)
	if len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	return own.Over(shipped), nil
}

// Channels returns the channels a company's messages take where a definition
// names none: those of its file, else every one it has a connection for.
func Channels(c meta.Company) []string {
	if named := c.Channels(); len(named) > 0 {
		return named
	}
	var out []string
	for _, channel := range []approval.Channel{approval.ChannelDingTalk, approval.ChannelWeCom} {
		if c.HasConsumer(string(channel)) {
			out = append(out, string(channel))
		}
	}
	return out
}

// facts are what all texts of a step are made of.
func (e *effect) facts() (approval.TextFacts, error) {
	f, s := e.flow, e.out.State
	form, err := fields(f.Form)
	if err != nil {
		return approval.TextFacts{}, err
	}
	facts := approval.TextFacts{
		FlowCode: f.Code, Name: f.Def.Name, Title: f.Title, Number: f.No, DataID: f.DataID, Form: form, Round: s.Round, At: e.world.now,
		Initiator: approval.Person{UserCode: f.Initiator.Code, UserName: cmp.Or(f.Initiator.Name, f.Initiator.Code), DeptName: f.Initiator.Dept},
	}
	if f.State == nil || s.Round != f.State.Round {
		if facts.Title, err = approval.FlowTitle(f.Def, facts); err != nil {
			return facts, err
		}
	}
	return facts, nil
}

// messages renders what people are told, once per person and channel.
func (e *effect) messages() ([]store.NewMessage, error) {
	if len(e.out.Effect.Messages) == 0 {
		return nil, nil
	}
	templates, err := Templates(e.flow.Company)
	if err != nil {
		return nil, err
	}
	common, err := e.facts()
	if err != nil {
		return nil, err
	}
	var out []store.NewMessage
	for _, m := range e.out.Effect.Messages {
		facts, err := e.about(common, m)
		if err != nil {
			return nil, err
		}
		tpl, ok := templates[m.Tpl]
		if !ok { // taken away since the definition was published
			tpl = templates[approval.DefaultNotice(m.Event).Tpl]
		}
		body, err := Body(tpl, facts, e.flow.Company)
		if err != nil {
			return nil, fmt.Errorf("message %s: %w", m.Event, err)
		}
		for _, channel := range e.channels(m) {
			out = append(out, e.message(m, channel, body))
		}
	}
	return out, nil
}

// about adds what one message tells to the common facts.
func (e *effect) about(facts approval.TextFacts, m approval.Message) (approval.TextFacts, error) {
	facts.Round, facts.Visit, facts.Task, facts.Count, facts.Reason = m.Round, m.Visit, m.Task, m.Count, m.Reason
	if m.Node != nil {
		if n, ok := e.flow.Def.Node(*m.Node); ok {
			facts.Node = cmp.Or(n.Name, fmt.Sprint(n.Seq))
		}
	}
	for _, d := range e.decisions {
		if d.ID == m.Audit && m.Audit > 0 {
			facts.Opinion = d.Opinion
		}
	}
	var err error
	facts.Actor, err = e.called(m.Actor)
	return facts, err
}

func (e *effect) channels(m approval.Message) []string {
	if m.Channels == nil {
		return Channels(e.flow.Company)
	}
	out := make([]string, len(m.Channels))
	for i, c := range m.Channels {
		out[i] = string(c)
	}
	return out
}

func (e *effect) message(m approval.Message, channel, body string) store.NewMessage {
	row := store.NewMessage{
		DedupKey: m.Key(e.flow.No) + ":" + channel, Channel: channel, ToUser: m.User,
		Subject: e.flow.No, Kind: string(m.Event), No: e.flow.No, Body: body,
	}
	switch m.Event {
	case approval.OnTask, approval.OnUrge, approval.OnRemind: // ask for a decision
		if m.Task > 0 {
			row.Task = new(int64(m.Task))
		}
	default:
	}
	return row
}

// Body renders a message as it is stored and sent.
func Body(tpl approval.Template, facts approval.TextFacts, c meta.Company) (string, error) {
	zone := c.TimeZone
	if zone == nil {
		zone = time.UTC
	}
	link, taskLink, err := c.Links()
	if err != nil {
		return "", err
	}
	t, err := tpl.Render(facts, approval.Setting{Link: link, TaskLink: taskLink, Zone: zone})
	if err != nil {
		return "", err
	}
	return orgflow.MessageText{Title: t.Title, Text: t.Body, Link: t.Link}.Encode()
}
