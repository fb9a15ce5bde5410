package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"orgflow"
	"orgflow/internal/api"
)

// logLength is how many entries of a target's provisioning log are shown at
// once.
const logLength = 20

// personPage is a member with what was sent of them.
type personPage struct {
	*orgPage
	Person     api.OrgMember
	Supervisor *orgflow.OrgMember
	Attendance string // the page with it; empty where nobody tells
	Bound      bool   // orgflow has created or taken over the person
	Logs       []targetLog
}

// targetLog is a part of a person's provisioning log at a consumer.
type targetLog struct {
	Consumer string
	Entries  []logEntry
	More     string
}

type logEntry struct {
	api.LogEntry
	Sent string // indented
}

// orgPerson shows a member.
func (c *Console) orgPerson(r *http.Request) (content, error) {
	page, err := c.personPage(r)
	out := content{template: "org-person", title: "org.person", section: "org", data: page}
	if err != nil {
		return out, err
	}
	ctx := r.Context()
	if boss := page.Person.Supervisor; boss != "" {
		m, err := c.Orgs.PersonOf(ctx, *page.Version, boss)
		if err != nil && !notFound(err) {
			return out, err
		}
		if err == nil {
			page.Supervisor = &m
		}
	}
	if page.Version.Origin == liveOrigin {
		page.Attendance = page.Place.Link(fmt.Sprintf("/org/people/%d/attendance", page.Person.ID), "month", r.URL.Query().Get("month"))
	}
	return out, c.personLogs(r, page)
}

// personPage finds the member that a path names.
func (c *Console) personPage(r *http.Request) (*personPage, error) {
	id, err := idOf(r)
	if err != nil {
		return nil, err
	}
	org, err := c.orgAsOf(r)
	if err != nil {
		return nil, err
	}
	if org.Version == nil {
		return nil, orgflow.Faultf(orgflow.CodeNotFound, "there is nobody with the id %d: the organisation was never pulled", id)
	}
	page := &personPage{orgPage: org}
	page.Person, err = c.Orgs.Person(r.Context(), *org.Version, id)
	return page, err
}

// personLogs adds what was sent of the person to each consumer, newest first.
func (c *Console) personLogs(r *http.Request, page *personPage) error {
	records, err := c.Orgs.RecordsOf(r.Context(), *page.Version, page.Person.UserID)
	if err != nil {
		return err
	}
	page.Bound = len(records) > 0
	for _, record := range records {
		cursor := ""
		if r.URL.Query().Get("log") == record.Target.Consumer {
			cursor = r.URL.Query().Get("cursor")
		}
		got, err := c.Records.RecordLog(r.Context(), record.Target, record.Key, cursor, logLength)
		if err != nil {
			return err
		}
		if len(got.Entries) == 0 && cursor == "" {
			continue
		}
		l := targetLog{Consumer: record.Target.Consumer}
		for _, e := range got.Entries {
			l.Entries = append(l.Entries, logEntry{e, indented(e.Request)})
		}
		if got.NextCursor != "" {
			l.More = page.Place.Link("/org/people/"+strconv.FormatInt(page.Person.ID, 10), "log", l.Consumer, "cursor", got.NextCursor)
		}
		page.Logs = append(page.Logs, l)
	}
	return nil
}

// indented is JSON as people read it.
func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return string(raw)
	}
	return b.String()
}
