package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/flowcall"
)

// flowDone are what pages say was done: keys of the texts below "flow.done.".
var flowDone = []string{"decided", "ignored", "stored", "taken", "already", "urge", "discard", "relaunch", "withdraw", "retract", "repair", "jump"}

// actor is who does something: whoever is signed in only themselves, on an
// open server whoever the form names, where somebody has to be named.
func (c *Console) actor(r *http.Request, needed bool) (reader, error) {
	who, err := c.reader(r)
	if err != nil {
		return who, err
	}
	if named := r.PostFormValue("user"); who.Signed && named != "" && named != who.User {
		return who, badField("user", "must be your own ("+who.User+"): whoever is signed in acts in their own name")
	}
	if who.User == "" && needed {
		return who, badField("user", "is missing: give the user code of who does this")
	}
	return who, nil
}

// decideFlow stores a decision and has the flow work on it: the two calls of
// a board.
func (c *Console) decideFlow(r *http.Request) (string, error) {
	who, err := c.actor(r, true)
	if err != nil {
		return "", err
	}
	d, err := decisionOf(r, who)
	if err != nil {
		return "", err
	}
	if d.UserName, err = c.ownName(r); err != nil {
		return "", err
	}
	if err := d.Check(); err != nil {
		return "", err
	}
	next, err := seqField(r, "next")
	if err != nil {
		return "", err
	}
	ctx, depts := r.Context(), r.PostFormValue("depts")
	if err := c.FlowDesk.CheckWay(ctx, who.Company, d.No, next, depts); err != nil {
		return "", err
	}
	stored, err := c.Flows.StoreDecision(ctx, d)
	if err != nil {
		return "", err
	}
	c.did(r, "decide", d.No)
	answer, err := c.FlowCalls.OnAudit(ctx, flowcall.AuditParams{
		FlowParams: flowParams(who, d.No), NextNodeSeq: strings.TrimSpace(r.PostFormValue("next")), TaskDeptManager: depts,
	})
	done, err := decided(stored.ID, answer, err)
	return flowURL(who, d.No, done), err
}

// decided says what became of a decision that is stored.
func decided(id int64, answer flowcall.Answer, err error) (string, error) {
	refused, ok := errors.AsType[*flowcall.Error](err)
	switch {
	case ok && refused.Status == http.StatusServiceUnavailable: // it is stored, and somebody will come to it
		return "stored", nil
	case ok:
		told := *refused
		told.Message = "the decision is stored, but the flow was not moved: " + told.Message
		return "", &told
	case err != nil:
		return "", err
	}
	for _, a := range answer.Audits {
		switch {
		case a.ID == id && a.Outcome == orgflow.AuditApplied:
			return "decided", nil
		case a.ID == id:
			return "ignored", nil
		}
	}
	return "taken", nil // somebody else's call works on it, or has done so
}

// ownName is the name of who is signed in, empty on an open server.
func (c *Console) ownName(r *http.Request) (string, error) {
	who, err := c.SignIn.Who(r)
	if err != nil || who == nil {
		return "", err
	}
	return who.Name, nil
}

// decisionOf reads the form of a decision.
func decisionOf(r *http.Request, who reader) (api.NewDecision, error) {
	d := api.NewDecision{
		CompanyID: who.Company, No: chi.URLParam(r, "no"), UserCode: who.User, Decision: orgflow.Verdict(r.PostFormValue("decision")),
		Comment: strings.TrimSpace(strings.ReplaceAll(r.PostFormValue("comment"), "\r\n", "\n")),
	}
	node, err := seqField(r, "node")
	if err != nil {
		return d, err
	}
	if node == nil {
		return d, badField("node", "is missing")
	}
	d.NodeSeq = *node
	if task := r.PostFormValue("task"); task != "" {
		id, err := strconv.ParseInt(task, 10, 64)
		if err != nil {
			return d, badField("task", "must be a whole number")
		}
		d.TaskID = &id
	}
	if d.Decision == orgflow.VerdictReturn {
		if d.ToNodeSeq, err = seqField(r, "to"); err != nil {
			return d, err
		}
	}
	for _, people := range r.PostForm["people"] {
		d.TargetUsers = append(d.TargetUsers, strings.FieldsFunc(people, func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(",，、;；", c) })...)
	}
	return d, nil
}

// seqField reads a node of a form; an empty one is not given.
func seqField(r *http.Request, name string) (*int, error) {
	text := strings.TrimSpace(r.PostFormValue(name))
	if text == "" {
		return nil, nil
	}
	seq, err := strconv.Atoi(text)
	if err != nil {
		return nil, badField(name, "must be the number of a node")
	}
	return &seq, nil
}

func flowParams(who reader, no string) flowcall.FlowParams {
	p := flowcall.FlowParams{Number: no}
	if who.Company != 0 {
		p.Company = strconv.FormatInt(who.Company, 10)
	}
	return p
}

func flowURL(who reader, no, done string) string {
	return "/flows/" + url.PathEscape(no) + who.with(url.Values{"done": {done}})
}

// steerFlow does to a flow what its address says, and writes that down.
func (c *Console) steerFlow(r *http.Request) (string, error) {
	verb, no := orgflow.FlowCommandKind(chi.URLParam(r, "verb")), chi.URLParam(r, "no")
	anybody := verb == orgflow.FlowUrge || verb == orgflow.FlowRelaunch
	who, err := c.actor(r, !anybody)
	if err != nil {
		return "", err
	}
	ctx, params := r.Context(), flowParams(who, no)
	var answer flowcall.Answer
	switch verb {
	case orgflow.FlowUrge:
		answer, err = c.FlowCalls.Urgent(ctx, params)
	case orgflow.FlowRelaunch:
		answer, err = c.FlowCalls.Relaunch(ctx, params)
	case orgflow.FlowDiscard:
		answer, err = c.FlowCalls.Discard(ctx, flowcall.DiscardParams{FlowParams: params, UserCode: who.User})
	case orgflow.FlowWithdraw, orgflow.FlowRetract, orgflow.FlowRepair, orgflow.FlowJump:
		answer, err = c.steer(r, who, flowcall.SteerParams{FlowParams: params, Kind: verb, By: who.User, Action: r.PostFormValue("action")})
	default:
		return "", &orgflow.Fault{Code: orgflow.CodeNotFound, Message: "nothing of this name can be done to a flow"}
	}
	if err != nil {
		return "", err
	}
	c.did(r, string(verb), no)
	done := string(verb)
	switch {
	case answer.Accepted:
		done = "taken"
	case answer.Already:
		done = "already"
	}
	return flowURL(who, no, done), nil
}

// steer withdraws, retracts, repairs or jumps.
func (c *Console) steer(r *http.Request, who reader, p flowcall.SteerParams) (flowcall.Answer, error) {
	var err error
	if p.To, err = seqField(r, "to"); err != nil {
		return flowcall.Answer{}, err
	}
	if p.From, err = seqField(r, "from"); err != nil {
		return flowcall.Answer{}, err
	}
	return c.FlowCalls.Steer(r.Context(), p)
}
