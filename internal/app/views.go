package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/live"
	"orgflow/internal/transport"
)

// viewed is the consumer that live views show.
const viewed = "ding_talk"

// Views show what DingTalk holds now. Answers are kept in it: a process has
// one.
type Views struct {
	app    *App
	reader *live.Reader
}

// Views returns what shows DingTalk as it is now.
func (a *App) Views() *Views { return &Views{app: a, reader: live.New(time.Now, transport.Wait)} }

// of finds a company's connection. Its connector is the one that runs of this
// process use, with the target's rate budget.
func (v *Views) of(company int64) (live.Of, error) {
	company, err := v.app.company(company)
	if err != nil {
		return live.Of{}, err
	}
	c, err := v.app.Meta.Company(company)
	if err != nil {
		return live.Of{}, err
	}
	var raw json.RawMessage
	if err := c.Connection(viewed, &raw); err != nil {
		return live.Of{}, err
	}
	consumer, err := v.app.Connectors.Consumer(connectors.Settings{CompanyID: company, Name: viewed, JSON: raw})
	if err != nil {
		return live.Of{}, err
	}
	source, ok := consumer.(live.Source)
	if !ok {
		return live.Of{}, orgflow.Faultf(orgflow.CodeInternal, "the connector of %s shows neither organisation nor attendance", viewed)
	}
	// Changed settings may be those of another organisation: what was kept is
	// not its answer.
	return live.Of{Name: fmt.Sprintf("%d/%x", company, sha256.Sum256(raw)), Source: source}, nil
}

// LiveTree shows a department with all below it.
func (v *Views) LiveTree(ctx context.Context, company, department int64) (orgflow.Viewed[orgflow.LiveTree], error) {
	of, err := v.of(company)
	if err != nil {
		return orgflow.Viewed[orgflow.LiveTree]{}, err
	}
	return v.reader.Tree(ctx, of, department)
}

// LiveMembers shows the direct members of a department.
func (v *Views) LiveMembers(ctx context.Context, company, department int64) (orgflow.Viewed[orgflow.LiveMembers], error) {
	of, err := v.of(company)
	if err != nil {
		return orgflow.Viewed[orgflow.LiveMembers]{}, err
	}
	return v.reader.Members(ctx, of, department)
}

// LiveAttendance shows a person's attendance in a span of days.
func (v *Views) LiveAttendance(ctx context.Context, company int64, user, from, to string) (orgflow.Viewed[orgflow.Attendance], error) {
	of, err := v.of(company)
	if err != nil {
		return orgflow.Viewed[orgflow.Attendance]{}, err
	}
	return v.reader.Attendance(ctx, of, user, from, to)
}

// LiveMonth is an overview of some people's month.
func (v *Views) LiveMonth(ctx context.Context, company int64, users []string, month string) (orgflow.Viewed[orgflow.AttendanceMonth], error) {
	of, err := v.of(company)
	if err != nil {
		return orgflow.Viewed[orgflow.AttendanceMonth]{}, err
	}
	return v.reader.Month(ctx, of, users, month)
}
