package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/config"
	"orgflow/internal/flowcall"
)

// A decision is stored and then worked on, as boards do in two calls.
func TestDecisionsAreStoredAndWorkedOn(t *testing.T) {
	base := []string{"node", "30", "task", "2", "user", "E6", "comment", "同意\r\n第二行 ", "company", "129"}
	for _, c := range []struct {
		form   []string
		want   string // stored
		called string
	}{
		{[]string{"decision", "approve"}, "approve <nil> []", "audit n1 129"},
		{[]string{"decision", "approve", "people", "E8、E9 E10", "next", "99", "depts", "研发部"}, "approve <nil> [E8 E9 E10]", "audit n1 129 99 研发部"},
		{[]string{"decision", "reject", "to", "10"}, "reject <nil> []", "audit n1 129"},
		{[]string{"decision", "return", "to", "10"}, "return 10 []", "audit n1 129"},
		{[]string{"decision", "transfer", "people", " E8 "}, "transfer <nil> [E8]", "audit n1 129"},
		{[]string{"decision", "remove_sign", "people", "E7", "people", "E8"}, "remove_sign <nil> [E7 E8]", "audit n1 129"},
	} {
		w := newFlowWorld(t, true)
		w.answer.Audits = []approval.AuditResult{{ID: 8, Outcome: orgflow.AuditApplied}}
		res := w.post("/flows/n1/decide", append(slices.Clone(base), c.form...)...)
		if got := res.Header().Get("Location"); res.Code != http.StatusSeeOther || got != "/flows/n1?company=129&done=decided&user=E6" {
			t.Errorf("%v: %d %s %s", c.form, res.Code, got, res.Body)
			continue
		}
		d := w.stored[0]
		to := "<nil>"
		if d.ToNodeSeq != nil {
			to = "10"
		}
		got := string(d.Decision) + " " + to + " [" + strings.Join(d.TargetUsers, " ") + "]"
		if got != c.want || d.No != "n1" || d.NodeSeq != 30 || *d.TaskID != 2 || d.UserCode != "E6" || d.Comment != "同意\n第二行" || d.CompanyID != 129 {
			t.Errorf("%v: stored %+v, want %s", c.form, d, c.want)
		}
		if diff := cmp.Diff([]string{c.called}, squeezed(w.told)); diff != "" {
			t.Errorf("%v: %s", c.form, diff)
		}
	}
}

func squeezed(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.Join(strings.Fields(s), " ")
	}
	return out
}

// The page says what became of a decision that is stored.
func TestTheOutcomeOfADecisionIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		answer  flowcall.Answer
		refusal error
		want    string
		status  int
	}{
		"it did not count": {flowcall.Answer{Answer: approval.Answer{Audits: []approval.AuditResult{{ID: 8, Outcome: orgflow.AuditLate}}}}, nil, "done=ignored", 303},
		"somebody else's":  {flowcall.Answer{Accepted: true}, nil, "done=taken", 303},
		"Temporal is away": {flowcall.Answer{}, &flowcall.Error{Code: "ENGINE_UNAVAILABLE", Status: 503}, "done=stored", 303},
		"refused":          {flowcall.Answer{}, &flowcall.Error{Code: "FLOW_FAULTED", Message: "why", Status: 409}, "the decision is stored, but the flow was not moved: why", 409},
		"something broke":  {flowcall.Answer{}, errors.New("secret"), "something went wrong", 500},
	} {
		w := newFlowWorld(t, true)
		w.answer, w.refusal = c.answer, c.refusal
		res := w.post("/flows/n1/decide", "node", "30", "task", "2", "user", "E6", "decision", "approve")
		if body := res.Header().Get("Location") + res.Body.String(); res.Code != c.status || !strings.Contains(body, c.want) || strings.Contains(body, "secret") || len(w.stored) != 1 {
			t.Errorf("%s: %d %s", name, res.Code, body)
		}
	}
}

// What cannot be is refused before anything is stored, with the way back.
func TestBadDecisionsStoreNothing(t *testing.T) {
	good := []string{"node", "30", "task", "2", "user", "E6", "decision", "approve"}
	for name, c := range map[string]struct {
		form []string
		way  error
		want string
	}{
		"no verdict":        {[]string{"decision", "agree"}, nil, "decision"},
		"no node":           {[]string{"node", ""}, nil, "node is missing"},
		"a node that is no": {[]string{"node", "x"}, nil, "node must be"},
		"a task that is no": {[]string{"task", "x"}, nil, "task must be"},
		"nobody":            {[]string{"user", ""}, nil, "user is missing"},
		"two to transfer":   {[]string{"decision", "transfer", "people", "E8 E9"}, nil, "target_users"},
		"another way":       {[]string{"next", "x"}, nil, "next must be"},
		"no such way":       {[]string{"next", "77"}, &flowcall.Error{Code: "NODE_NOT_FOUND", Message: "no node 77", Status: 404}, "NODE_NOT_FOUND"},
	} {
		w := newFlowWorld(t, true)
		w.way = c.way
		form := slices.Clone(good)
		for i := 0; i+1 < len(c.form); i += 2 {
			if at := slices.Index(form, c.form[i]); at >= 0 {
				form[at+1] = c.form[i+1]
			} else {
				form = append(form, c.form[i], c.form[i+1])
			}
		}
		res := w.post("/flows/n1/decide", form...)
		if body := res.Body.String(); res.Code < 400 || !strings.Contains(body, c.want) || !strings.Contains(body, `href="/flows/n1?user=E6"`) || len(w.stored)+len(w.told) > 0 {
			t.Errorf("%s: %d, stored %v, told %v: %s", name, res.Code, w.stored, w.told, body)
		}
	}
}

func TestFlowsAreSteeredInOnesOwnName(t *testing.T) {
	for path, c := range map[string]struct {
		form []string
		want string
	}{
		"/flows/n1/urge":     {nil, "urge n1 129"},
		"/flows/n1/relaunch": {nil, "relaunch n1 129"},
		"/flows/n1/discard":  {nil, "discard n1 E6"},
		"/flows/n1/withdraw": {nil, "withdraw n1 by E6 nowhere"},
		"/flows/n1/retract":  {nil, "retract n1 by E6 nowhere"},
		"/flows/n1/repair":   {[]string{"action", "jump", "to", "30"}, "repair n1 by E6 jump 30"},
		"/flows/n1/jump":     {[]string{"to", "0"}, "jump n1 by E6 0"},
	} {
		w := newFlowWorld(t, false).signedIn(config.AccessOperate)
		res := w.post(path, c.form...)
		verb := path[strings.LastIndexByte(path, '/')+1:]
		if got := res.Header().Get("Location"); res.Code != http.StatusSeeOther || got != "/flows/n1?company=129&done="+verb {
			t.Errorf("%s: %d %s %s", path, res.Code, got, res.Body)
		}
		if diff := cmp.Diff([]string{c.want}, squeezed(w.told)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		if !slices.Equal(w.audited, []string{"E6 " + verb + " n1"}) {
			t.Errorf("%s: audit log %q", path, w.audited)
		}
		w = newFlowWorld(t, false).signedIn(config.AccessOperate)
		if res := w.post(path, append(slices.Clone(c.form), "user", "E5")...); res.Code != http.StatusBadRequest || len(w.told) > 0 {
			t.Errorf("%s in another's name: %d, told %q", path, res.Code, w.told)
		}
	}
	w := newFlowWorld(t, true)
	w.refusal = &flowcall.Error{Code: "URGED_TOO_OFTEN", Message: "wait", Status: 429}
	if res := w.post("/flows/n1/urge"); res.Code != 429 || !strings.Contains(res.Body.String(), "URGED_TOO_OFTEN") {
		t.Errorf("%d %s", res.Code, res.Body)
	}
	if res := w.post("/flows/n1/discard"); res.Code != 400 || len(w.told) != 1 {
		t.Errorf("discarded by nobody: %d %q", res.Code, w.told)
	}
	if res := w.post("/flows/n1/explode", "user", "E6"); res.Code != 404 {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}

// Forms count from our own pages only, and from whoever has the role.
func TestFlowFormsOfOthersAreRefused(t *testing.T) {
	acts := []string{"/flows/n1/decide", "/flows/n1/urge", "/flows/n1/discard", "/flows/n1/withdraw"}
	form := []string{"node", "30", "task", "2", "user", "E6", "decision", "approve"}
	for _, path := range acts {
		for _, site := range []string{"cross-site", "same-site", "none", ""} {
			w := newFlowWorld(t, true)
			r := formRequest(path, form...)
			if site != "" {
				r.Header.Set("Sec-Fetch-Site", site)
			}
			if res := w.send(r); res.Code != http.StatusForbidden || len(w.told)+len(w.stored) > 0 {
				t.Errorf("%s from %q: %d, told %q", path, site, res.Code, w.told)
			}
		}
		for _, role := range []config.Access{config.AccessRead, config.AccessOperate} {
			w := newFlowWorld(t, false).signedIn(role)
			res := w.post(path, form...)
			allowed := role == config.AccessOperate && path != "/flows/n1/decide"
			if (res.Code == http.StatusForbidden) == allowed || !allowed && len(w.told)+len(w.stored) > 0 {
				t.Errorf("%s as %s: %d, told %q", path, role, res.Code, w.told)
			}
		}
		w := newFlowWorld(t, false) // nobody
		if res := w.post(path, form...); res.Code != http.StatusSeeOther || !strings.HasPrefix(res.Header().Get("Location"), "/signin") || len(w.told)+len(w.stored) > 0 {
			t.Errorf("%s by nobody: %d", path, res.Code)
		}
	}
	w := newFlowWorld(t, false).signedIn(config.AccessApprove)
	if res := w.post("/flows/n1/decide", "node", "30", "user", "E5", "decision", "approve"); res.Code != http.StatusBadRequest || len(w.stored) > 0 {
		t.Errorf("a decision in another's name: %d, stored %v", res.Code, w.stored)
	}
}
