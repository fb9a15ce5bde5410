package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/notice"
	"orgflow/internal/store"
	"orgflow/meta"
)

// noticesAtOnce bounds what is told in one transaction.
const noticesAtOnce = 200

// tellOperators has operators told of what has happened to runs until now,
// and reports whether messages may have been stored. Every worker may do so
// at any time: what is told, and that it is told, is one transaction, and of
// two that tell the same one has told nothing.
//
// A company whose settings cannot be read keeps its notices; the others go on.
func (a *App) tellOperators(ctx context.Context, now time.Time) (told bool, err error) {
	companies, err := a.Store.NoticeCompanies(ctx, now)
	if err != nil {
		return false, err
	}
	for _, id := range companies {
		for more := true; more; {
			if more, err = a.tellCompany(ctx, id, now); err == nil {
				told = true
				continue
			}
			more = false
			if !errors.Is(err, store.ErrNoticesMoved) && ctx.Err() == nil {
				a.Log.WarnContext(ctx, "operators could not be told how runs ended; it is tried again", "company", id, "error", err)
			}
		}
	}
	return told, ctx.Err()
}

// tellCompany tells a company's operators once, and whether there is more.
func (a *App) tellCompany(ctx context.Context, id int64, now time.Time) (more bool, err error) {
	t := teller{app: a, now: now}
	t.company, err = a.Meta.Company(id)
	if err == nil {
		t.settings, err = t.company.Notices(messengers...)
	}
	if f, ok := errors.AsType[*orgflow.Fault](err); ok && f.Code == orgflow.CodeNotFound { // nobody is left to be told
		t.company, t.settings, err = meta.Company{ID: id}, meta.NoticeSettings{}, nil
	}
	if err != nil {
		return false, err
	}
	list, topics, err := a.Store.Notices(ctx, id, noticesAtOnce)
	if err != nil {
		return false, err
	}
	if t.settings.Nobody() {
		t.settings.On = nil
	}
	t.topics = topics
	for _, n := range list {
		t.take(n)
	}
	t.pass()
	p := store.ToldNotices{CompanyID: id, Topics: t.changed()}
	for _, n := range list {
		p.Done = append(p.Done, n.ID)
	}
	if p.Messages, err = t.messages(ctx); err != nil {
		return false, err
	}
	return len(list) == noticesAtOnce, a.Store.TellNotices(ctx, p)
}

// messengers are the consumers that bring messages to people.
var messengers = []string{"ding_talk", "we_com"}

// teller decides what a company's operators are told.
type teller struct {
	app      *App
	company  meta.Company
	settings meta.NoticeSettings
	now      time.Time
	topics   []store.NoticeTopic
	touched  []bool // which of them, as far as it is long
	tellings []telling
}

// telling is something to be told; of several topics, if one success ends
// them all.
type telling struct {
	notice.Telling
	topic  store.NoticeTopic
	causes []string
}

// take takes what has happened.
func (t *teller) take(n store.Notice) {
	over := telling{}
	for i := range t.topics {
		topic := &t.topics[i]
		if (topic.Job != n.Job && topic.Job != n.Target) || !slices.Contains(n.Event.Settles(), topic.Event) {
			continue
		}
		if said := t.step(i, notice.State.Well); said.Kind != "" {
			topic.Ref = n.Ref
			over.Telling = notice.Telling{Kind: said.Kind, Count: over.Count + said.Count, Over: true}
			over.topic, over.causes = *topic, append(over.causes, topic.Cause)
		}
	}
	if over.Kind != "" {
		t.tellings = append(t.tellings, over)
	}
	if n.Event == orgflow.NoticeMissed {
		t.takeMissed(n)
		return
	}
	if n.Event == orgflow.NoticeWell || !t.wants(n.Event) {
		return
	}
	i := t.find(n)
	if t.topics[i].Ref == n.Ref && ofRun(n) { // an activity that ran twice, or a run that waits again
		return
	}
	said := t.step(i, func(s notice.State) (notice.State, notice.Telling) { return s.Failed(t.now, t.settings.Window, 1) })
	t.topics[i].Ref = n.Ref
	t.say(i, said)
}

// wants tells whether the company's operators are told of an event.
func (t *teller) wants(e orgflow.NoticeEvent) bool { return slices.Contains(t.settings.On, e) }

// ofRun tells whether a notice is about a run, which has each event once.
func ofRun(n store.Notice) bool {
	kind, _, _ := strings.Cut(n.Job, ":")
	return n.Ref != "" && slices.Contains([]string{"sync", "pull", "load"}, kind)
}

// pass tells what was counted until now. What the company does not want to
// hear of any more is forgotten.
func (t *teller) pass() {
	for i := range t.topics {
		if !t.wants(t.topics[i].Event) {
			t.step(i, func(s notice.State) (notice.State, notice.Telling) {
				return notice.State{Since: s.Since, Quiet: s.Quiet}, notice.Telling{}
			})
			continue
		}
		t.say(i, t.step(i, func(s notice.State) (notice.State, notice.Telling) { return s.Passed(t.now, t.settings.Window) }))
	}
}

func (t *teller) say(i int, said notice.Telling) {
	if said.Kind != "" {
		t.tellings = append(t.tellings, telling{said, t.topics[i], []string{t.topics[i].Cause}})
	}
}

// find returns the place of a notice's topic.
func (t *teller) find(n store.Notice) int {
	i := slices.IndexFunc(t.topics, func(o store.NoticeTopic) bool { return o.Job == n.Job && o.Event == n.Event && o.Cause == n.Cause })
	if i < 0 {
		i = len(t.topics)
		t.topics = append(t.topics, store.NoticeTopic{Job: n.Job, Event: n.Event, Cause: n.Cause})
	}
	return i
}

// step moves a topic on.
func (t *teller) step(i int, move func(notice.State) (notice.State, notice.Telling)) notice.Telling {
	topic := &t.topics[i]
	before := notice.State{Failing: topic.Failing, Told: topic.Told, Missed: topic.Missed, Since: topic.Since, Quiet: topic.Quiet}
	s, said := move(before)
	if s == before {
		return said
	}
	topic.Failing, topic.Told, topic.Missed, topic.Since, topic.Quiet = s.Failing, s.Told, s.Missed, s.Since, s.Quiet
	t.touch(i)
	return said
}

// touch has a topic stored.
func (t *teller) touch(i int) {
	for len(t.touched) <= i {
		t.touched = append(t.touched, false)
	}
	t.touched[i] = true
}

func (t *teller) changed() (out []store.NoticeTopic) {
	for i, touched := range t.touched {
		if touched {
			out = append(out, t.topics[i])
		}
	}
	return out
}

// messages renders the tellings, for each who is told on each channel.
func (t *teller) messages(ctx context.Context) ([]store.NewMessage, error) {
	var out []store.NewMessage
	for i, said := range t.tellings {
		facts, err := t.facts(ctx, said)
		if err != nil {
			return nil, err
		}
		body, err := notice.Text(facts, t.settings.Language).Encode()
		if err != nil {
			return nil, err
		}
		key := fmt.Sprintf("notice:%s:%s:%s:%d.%d", said.topic.Job, said.topic.Event, said.topic.Cause, said.topic.Rev, i)
		for _, channel := range t.settings.Channels {
			to := t.settings.Operators
			if channel == orgflow.ChannelWebhook {
				to = []string{orgflow.ChannelWebhook}
			}
			for _, user := range to {
				out = append(out, store.NewMessage{
					DedupKey: key + ":" + channel + ":" + user, Channel: channel, ToUser: user, Subject: said.topic.Job, Kind: store.NoticeKind, Body: body,
				})
			}
		}
	}
	return out, nil
}

func (t *teller) facts(ctx context.Context, said telling) (notice.Facts, error) {
	f := notice.Facts{
		CompanyID: t.company.ID, Company: t.company.Name, Job: said.topic.Job, Event: said.topic.Event, Cause: strings.Join(said.causes, ", "),
		Telling: said.Telling, Since: said.topic.Since, Now: t.now, Ref: said.topic.Ref, Zone: t.company.TimeZone,
	}
	path, err := t.look(ctx, &f)
	if path != "" && t.settings.Console != "" {
		f.Link = t.settings.Console + path
	}
	return f, err
}
