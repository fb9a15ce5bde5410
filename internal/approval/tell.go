package approval

import (
	"slices"

	"orgflow"
)

// tellTask tells people about a task.
func (m *machine) tellTask(e Event, t *Task) error {
	n, ok := m.def.Node(t.Node)
	if !ok {
		return nil
	}
	notice := m.def.NoticeOf(n, e)
	users, err := m.audience(notice.To, []string{t.User}, nil)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		t.Told++
	}
	for _, u := range users {
		m.send(notice, Message{Event: e, User: u, Node: seqOf(t.Node), Visit: t.Visit, Task: t.ID, Count: t.Told})
	}
	return nil
}

// tellNode tells people about a visit.
func (m *machine) tellNode(e Event, n *Node, visit int, assignees []string) error {
	notice := m.def.NoticeOf(n, e)
	users, err := m.audience(notice.To, assignees, nil)
	if err != nil {
		return err
	}
	for _, u := range users {
		m.send(notice, Message{Event: e, User: u, Node: seqOf(n.Seq), Visit: visit, Count: 1})
	}
	return nil
}

// tellFlow tells people about the flow as a whole.
func (m *machine) tellFlow(e Event, open []string, count int) error {
	notice := m.def.NoticeOf(nil, e)
	users, err := m.audience(notice.To, nil, open)
	if err != nil {
		return err
	}
	for _, u := range users {
		m.send(notice, Message{Event: e, User: u, Count: count})
	}
	return nil
}

func (m *machine) send(n Notice, msg Message) {
	msg.Tpl, msg.Channels, msg.Round = n.Tpl, slices.Clone(n.Channels), m.s.Round
	msg.Actor, msg.Audit = m.actor, m.audit
	if msg.Event == OnFaulted && m.s.Fault != nil {
		msg.Reason = m.s.Fault.Message
	}
	m.eff.Messages = append(m.eff.Messages, msg)
}

// audience returns the people a notice goes to, each once.
func (m *machine) audience(to []Who, assignees, open []string) ([]string, error) {
	var users []string
	for _, who := range to {
		switch who {
		case WhoInitiator:
			users = append(users, m.s.Initiator)
		case WhoAssignee:
			users = append(users, assignees...)
		case WhoOpen:
			users = append(users, open...)
			users = append(users, m.activeUsers("")...)
		case WhoApprovers:
			users = append(users, m.deciders()...)
		case WhoAdmins:
			admins, err := m.admins()
			if err != nil {
				return nil, err
			}
			users = append(users, admins...)
		default:
			named, err := m.named(who)
			if err != nil {
				return nil, err
			}
			users = append(users, named...)
		}
	}
	return unique(users), nil
}

// activeUsers returns who has an ACTIVE task, but one person.
func (m *machine) activeUsers(but string) []string {
	var users []string
	for i := range m.s.Tasks {
		if t := &m.s.Tasks[i]; t.State == orgflow.TaskActive && t.User != but {
			users = append(users, t.User)
		}
	}
	return users
}

// deciders returns who has decided in this round.
func (m *machine) deciders() []string {
	var users []string
	for i := range m.s.Tasks {
		if t := &m.s.Tasks[i]; t.Audit != 0 {
			users = append(users, t.User)
		}
	}
	return users
}

// acts notes who acts and who has an open task before it.
func (m *machine) acts(user string) {
	m.audit = 0
	m.actor, m.hadOpen = user, m.activeUsers(user)
}
