package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/api"
)

// pulls is what commands ask of pulls, by hand.
type pulls struct {
	api.Orgs
	input   string
	polls   []any // orgflow.PullSummary or error; the last stays
	decided string
	err     error
}

func (p *pulls) StartPull(_ context.Context, raw json.RawMessage, _ api.StartOptions) (api.Started, error) {
	p.input = string(raw)
	return api.Started{ID: "pull-1"}, p.err
}

func (p *pulls) PullSummary(context.Context, string) (orgflow.PullSummary, error) {
	next := p.polls[0]
	if len(p.polls) > 1 {
		p.polls = p.polls[1:]
	}
	if err, failed := next.(error); failed {
		return orgflow.PullSummary{}, err
	}
	return next.(orgflow.PullSummary), nil
}

func (p *pulls) DecidePull(_ context.Context, id string, approve bool, s api.Steering) error {
	p.decided = id + " " + map[bool]string{true: "approve", false: "reject"}[approve] + " by " + s.By
	return p.err
}

func TestPull(t *testing.T) {
	ended := func(s orgflow.Status) orgflow.PullSummary {
		return orgflow.PullSummary{ID: "pull-1", Status: s, Departments: 41, Members: 299, Calls: 82,
			Changes: map[orgflow.Kind]orgflow.OrgCount{orgflow.Person: {Added: 299}}}
	}
	for name, c := range map[string]struct {
		polls []any
		code  int
		out   string
	}{
		"completed":      {[]any{orgflow.PullSummary{Status: orgflow.StatusRunning}, errors.New("database away"), ended(orgflow.StatusCompleted)}, ExitCompleted, "members: 299 added"},
		"partial":        {[]any{ended(orgflow.StatusCompletedWithFailures)}, ExitIncomplete, "completed_with_failures"},
		"waits":          {[]any{ended(orgflow.StatusAwaitingApproval)}, ExitIncomplete, "awaiting_approval"},
		"failed":         {[]any{orgflow.PullSummary{Status: orgflow.StatusFailed, Error: orgflow.Faultf(orgflow.CodeUnauthorized, "wrong secret")}}, ExitFailed, "wrong secret"},
		"database stays": {[]any{errors.New("database away")}, ExitFailed, ""},
	} {
		orgs := &pulls{polls: c.polls}
		w := &world{orgs: orgs}
		if code := w.run("pull", "--company", "129", "--wait"); code != c.code || !strings.Contains(w.out.String(), c.out) {
			t.Errorf("%s: code %d, %s%s", name, code, w.out.String(), w.err.String())
		}
		if orgs.input != `{"company_id":129}` {
			t.Errorf("started %s", orgs.input)
		}
	}
	orgs := &pulls{}
	if code := (&world{orgs: orgs}).run("pull", "--company", "129", "--origin", "we_com", "--supervisors"); code != ExitCompleted || orgs.input != `{"company_id":129,"origin":"we_com","supervisors":true}` {
		t.Errorf("code %d, started %s", code, orgs.input)
	}
	if code := (&world{orgs: orgs}).run("pull", "approve", "pull-1"); code != ExitCompleted || orgs.decided != "pull-1 approve by tester" {
		t.Errorf("code %d, %s", code, orgs.decided)
	}
	if w := (&world{orgs: orgs}); w.run("pull") != ExitFailed || !strings.Contains(w.err.String(), "company") {
		t.Errorf("without a company: %s", w.err.String())
	}
}
