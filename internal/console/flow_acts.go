package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/flowcall"
)

// flowDone are what pages say was done: keys of the texts below "flow.done.".
var flowDone = []string{"decided", "ignored", "stored", "taken", "already", "urge", "discard", "relaunch", "withdraw", "retract", "repair", "jump"}

// ownTask is a task of the reader, with what it takes.
type ownTask struct {
	api.FlowTask
	Node    string
	Opinion approval.Opinion // whether one is needed
	Takes   []orgflow.Verdict
	Returns []nodeChoice   // besides the initiator
	Peers   []api.FlowTask // whom remove_sign may name
	Jumps   []nodeChoice   // where the flow may go on instead
	Chooses bool           // the next node asks whom this decision names
}

// Can tells whether the task takes a verdict.
func (t ownTask) Can(verdict string) bool { return slices.Contains(t.Takes, orgflow.Verdict(verdict)) }

// nodeChoice is a node to choose.
type nodeChoice struct {
	Seq  int
	Name string
}

// offer adds what the reader may do now. Where that cannot be told the page
// shows the rest.
func (c *Console) offer(ctx context.Context, p *flowPage, def *approval.Definition) {
	var err error
	if p.Choices, err = c.FlowDesk.FlowChoices(ctx, p.Company, p.No, p.User); err != nil {
		c.SignIn.Logger.WarnContext(ctx, "what may be done to a flow cannot be told", "flow", p.No, "error", err)
	}
	p.Jumps = jumpTargets(def, -1)
	if p.User == "" || p.State != orgflow.FlowRunning {
		return
	}
	for _, t := range p.Tasks {
		n, ok := def.Node(t.NodeSeq)
		if !ok || t.UserCode != p.User || t.State != orgflow.TaskActive || t.Round != p.Round {
			continue
		}
		own := ownTask{FlowTask: t, Node: n.Name, Opinion: n.Opinion, Takes: n.Verdicts(approval.TaskKind(t.Kind)), Chooses: choosesNext(def)}
		if own.Can(string(orgflow.VerdictReturn)) {
			own.Returns = p.before(t)
		}
		if own.Can(string(orgflow.VerdictRemoveSign)) {
			own.Peers = p.peers(t)
		}
		if slices.Contains(n.Allow, approval.ActionJump) && t.Kind != string(approval.TaskSide) {
			own.Jumps = jumpTargets(def, n.Seq)
		}
		p.Own = append(p.Own, own)
	}
}

// before are the nodes that people had in this round before a task.
func (p *flowPage) before(t api.FlowTask) []nodeChoice {
	var out []nodeChoice
	for _, v := range p.Nodes {
		people := v.Type == string(approval.NodeApprove) || v.Type == string(approval.NodeHandle)
		c := nodeChoice{v.NodeSeq, v.Name}
		if people && v.Round == p.Round && v.ID < t.Visit && v.State != orgflow.VisitActive && v.NodeSeq != t.NodeSeq && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// peers are the others with an open task of the same visit.
func (p *flowPage) peers(t api.FlowTask) []api.FlowTask {
	open := []orgflow.TaskState{orgflow.TaskActive, orgflow.TaskWaiting, orgflow.TaskDelegated}
	var out []api.FlowTask
	for _, o := range p.Tasks {
		if o.Visit == t.Visit && o.UserCode != t.UserCode && slices.Contains(open, o.State) {
			out = append(out, o)
		}
	}
	return out
}

// jumpTargets are the nodes that nextNodeSeq, a jump and a repair may name.
func jumpTargets(def *approval.Definition, but int) []nodeChoice {
	var out []nodeChoice
	for _, n := range def.Nodes {
		switch n.Type {
		case approval.NodeStart, approval.NodeApprove, approval.NodeHandle, approval.NodeSubflow, approval.NodeEnd:
			if n.Seq != but {
				out = append(out, nodeChoice{n.Seq, cmp.Or(n.Name, string(n.Type))})
			}
		default:
		}
	}
	return out
}

// choosesNext tells whether a definition asks people whom a decision names.
func choosesNext(def *approval.Definition) bool {
	return slices.ContainsFunc(def.Nodes, func(n approval.Node) bool {
		return slices.ContainsFunc(n.Approvers, func(a approval.Approver) bool { return a.By == approval.RulePreviousSelect })
	})
}

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

// steerFlow does to a flow what its address says.
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
	done := string(verb)
	switch {
	case err != nil:
		return "", err
	case answer.Accepted:
		done = "taken"
	case answer.Already:
		done = "already"
	}
	return flowURL(who, no, done), nil
}

// steer withdraws, retracts, repairs or jumps, and writes that down, as the
// API's routes do.
func (c *Console) steer(r *http.Request, who reader, p flowcall.SteerParams) (flowcall.Answer, error) {
	var err error
	if p.To, err = seqField(r, "to"); err != nil {
		return flowcall.Answer{}, err
	}
	if p.From, err = seqField(r, "from"); err != nil {
		return flowcall.Answer{}, err
	}
	answer, err := c.FlowCalls.Steer(r.Context(), p)
	if err != nil {
		return answer, err
	}
	by := c.steering(r)
	if err := c.Audit(r.Context(), by.By, string(p.Kind), p.Number, by.Origin()); err != nil { // it is done
		c.SignIn.Logger.ErrorContext(r.Context(), "audit log", "error", err, "who", by.By, "action", p.Kind, "subject", p.Number)
	}
	return answer, nil
}
