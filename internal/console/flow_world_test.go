package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/flowcall"
	"orgflow/internal/signin"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// flowWorld is the pages of flows over one flow of the shipped definition,
// which answers what it is asked and remembers what it was told.
type flowWorld struct {
	t         *testing.T
	flow      api.FlowDetail
	behind    FlowBackground
	choices   []orgflow.FlowCommandKind
	companies []int64
	tasks     []OpenTask
	decisions []api.FlowDecision
	way       error           // CheckWay
	answer    flowcall.Answer // of calls
	refusal   error           // of calls
	asked     []string        // filters, companies
	told      []string        // acts
	stored    []api.NewDecision
	audited   []string
	signIn    *signin.Service
	member    *signin.Identity // who is signed in; nil: nobody
	handler   http.Handler
}

const evil = `<script>alert(1)</script>"><img src=x onerror=alert(2)>`

// WithFlows gives pages one flow and its definition, full of scripts. What
// flows are told is what the result returns.
func WithFlows(t *testing.T, d *Deps) (told func() []string) {
	w := newFlowWorld(t, true)
	d.Flows, d.FlowDefinitions, d.FlowCalls, d.FlowDesk = w, definitions{w}, calls{w: w}, w
	return func() []string {
		for range w.stored {
			w.told = append(w.told, "stored a decision")
		}
		return w.told
	}
}

func newFlowWorld(t *testing.T, open bool) *flowWorld {
	w := &flowWorld{t: t, companies: []int64{129}, choices: []orgflow.FlowCommandKind{orgflow.FlowUrge, orgflow.FlowDiscard, orgflow.FlowWithdraw}}
	entered := noon
	w.flow = api.FlowDetail{
		Flow: api.Flow{No: "n1", Code: "purchase01", Version: 1, CompanyID: 129, DataID: "5", Title: "员工一的采购申请：" + evil, State: orgflow.FlowRunning, Round: 1,
			Initiator: api.FlowPerson{UserCode: "E1", UserName: evil, DeptName: "研发部"}, StartedAt: noon},
		Nodes: []api.FlowNode{
			{ID: 1, NodeSeq: 10, Round: 1, Type: "approve", Name: "部门负责人", State: orgflow.VisitPassed, EnteredAt: &entered, LeftAt: &entered},
			{ID: 2, NodeSeq: 30, Round: 1, Type: "approve", Name: "财务会签", State: orgflow.VisitActive, EnteredAt: &entered},
		},
		Tasks: []api.FlowTask{
			{ID: 1, NodeSeq: 10, Round: 1, Visit: 1, Kind: "approve", UserCode: "E5", UserName: "员工五", State: orgflow.TaskApproved},
			{ID: 2, NodeSeq: 30, Round: 1, Visit: 2, Kind: "approve", UserCode: "E6", UserName: evil, State: orgflow.TaskActive, OpenedAt: &entered},
			{ID: 3, NodeSeq: 30, Round: 1, Visit: 2, Kind: "approve", UserCode: "E7", UserName: "员工七", State: orgflow.TaskActive},
		},
		Timeline: []api.FlowEvent{
			{Rev: 1, N: 1, Type: "launched", Round: 1, Actor: "E1", ActorName: evil, At: noon},
			{Rev: 2, N: 1, Type: "decided", Round: 1, NodeSeq: new(10), Actor: "E5", ActorName: "员工五", At: noon, Data: json.RawMessage(`{"verdict":"approve","audit":7,"to":30}`)},
		},
		Upcoming: []api.NextApprovers{{NodeSeq: 40, Name: "下一个", Users: []string{"E8"}, Sign: "all", Next: true}},
	}
	w.decisions = []api.FlowDecision{{ID: 7, No: "n1", NodeSeq: 10, UserCode: "E5", Decision: orgflow.VerdictApprove, Comment: evil + "\n第二行", Outcome: orgflow.AuditApplied, StoredAt: noon}}
	w.behind = FlowBackground{WorkflowID: "n1/x", Form: json.RawMessage(`{"item": ` + strconv.Quote(evil) + `, "amount": 60000, "lines": [{"a": 1}]}`)}
	w.tasks = []OpenTask{{Flow: w.flow.Flow, Node: "财务会签", Task: w.flow.Tasks[1]}}
	w.signIn = signin.New(signin.Deps{
		Store: sessions{w}, Companies: members{w}, Pages: web.New(), Open: open, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Now: func() time.Time { return noon },
	})
	router := chi.NewRouter()
	(&Console{Deps{
		SignIn: w.signIn, WebUI: "http://ui.example", Namespace: "default", Flows: w, FlowDefinitions: definitions{w}, FlowCalls: calls{w: w}, FlowDesk: w,
		Audit: func(_ context.Context, who, action, subject, _ string) error {
			w.audited = append(w.audited, who+" "+action+" "+subject)
			return nil
		},
	}}).flowRoutes(router)
	w.handler = router
	return w
}

func (w *flowWorld) send(r *http.Request) *httptest.ResponseRecorder {
	w.t.Helper()
	r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:5000"
	if w.member != nil {
		r.AddCookie(&http.Cookie{Name: "orgflow-session", Value: session})
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// see asks for a page, in English.
func (w *flowWorld) see(path string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Language", "en")
	return w.send(r)
}

// post sends a form of a page of ours.
func (w *flowWorld) post(path string, form ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := formRequest(path, form...)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Referer", "http://127.0.0.1:8080/flows/n1?user=E6")
	return w.send(r)
}

func formRequest(path string, form ...string) *http.Request {
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Add(form[i], form[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", "en")
	return r
}

// session is the token of the only session.
var session = strings.Repeat("a", 43)

type sessions struct{ *flowWorld }

func (s sessions) CreateSession(context.Context, store.Session) error { return nil }
func (s sessions) GetSession(_ context.Context, id string) (store.Session, error) {
	sum := sha256.Sum256([]byte(session))
	if s.member == nil || id != hex.EncodeToString(sum[:]) {
		return store.Session{}, store.ErrNotFound
	}
	return store.Session{ID: id, CompanyID: 129, Origin: "ding_talk", UserID: "u", Name: "员工六", SeenAt: noon, VerifiedAt: noon, ExpiresAt: noon.Add(time.Hour)}, nil
}
func (s sessions) SeeSession(context.Context, string, time.Time, time.Time) error    { return nil }
func (s sessions) EndSession(context.Context, string) error                          { return nil }
func (s sessions) EndSessionsOf(context.Context, int64, string, string) (int, error) { return 0, nil }
func (s sessions) SaveAttempt(context.Context, store.Attempt) error                  { return nil }
func (s sessions) TakeAttempt(context.Context, string, string) (store.Attempt, error) {
	return store.Attempt{}, store.ErrNotFound
}
func (s sessions) ForgetSignIns(context.Context, time.Time) error { return nil }
func (s sessions) Audit(context.Context, store.AuditEntry) error  { return nil }

type members struct{ *flowWorld }

func (m members) Companies() []signin.Company           { return nil }
func (m members) Door(int64) (connectors.SignIn, error) { return nil, store.ErrNotFound }
func (m members) Written(int64) map[string]string       { return nil }
func (m members) Identify(context.Context, int64, string) (signin.Identity, error) {
	return *m.member, nil
}

// signedIn signs E6 in with a role.
func (w *flowWorld) signedIn(role config.Access) *flowWorld {
	w.member = &signin.Identity{Code: "E6", Access: role, Here: true, AsOf: noon}
	return w
}

func (w *flowWorld) note(list *[]string, words ...any) {
	*list = append(*list, strings.TrimSpace(fmt.Sprintln(words...)))
}

func (w *flowWorld) FlowCompanies() []int64 { return w.companies }
func (w *flowWorld) OpenTasks(_ context.Context, company int64, user, cursor string, _ int) (OpenTaskPage, error) {
	w.note(&w.asked, "tasks", company, user, cursor)
	if user != "E6" {
		return OpenTaskPage{}, nil
	}
	return OpenTaskPage{Tasks: w.tasks, NextCursor: "later"}, nil
}
func (w *flowWorld) FlowBackground(context.Context, int64, string) (FlowBackground, error) {
	return w.behind, nil
}
func (w *flowWorld) FlowChoices(_ context.Context, _ int64, no, user string) ([]orgflow.FlowCommandKind, error) {
	w.note(&w.asked, "choices", no, user)
	return w.choices, nil
}
func (w *flowWorld) CheckWay(_ context.Context, _ int64, _ string, next *int, depts string) error {
	if next != nil {
		w.note(&w.asked, "way", *next, depts)
	}
	return w.way
}

func (w *flowWorld) ListFlows(_ context.Context, f api.FlowFilter) (api.FlowPage, error) {
	w.note(&w.asked, "list", f.CompanyID, f.Code, f.States, f.Initiator, f.Assignee, f.DataID, f.From.Format(time.RFC3339), f.To.Format(time.RFC3339), f.Cursor)
	return api.FlowPage{Flows: []api.Flow{w.flow.Flow}, NextCursor: "next&page"}, nil
}
func (w *flowWorld) GetFlow(_ context.Context, company int64, no string) (api.FlowDetail, error) {
	if no != "n1" {
		return api.FlowDetail{}, &orgflow.Fault{Code: api.CodeFlowNotFound, Message: "company 129 has no flow"}
	}
	return w.flow, nil
}
func (w *flowWorld) FlowTimeline(_ context.Context, _ int64, _, cursor string, _ int) (api.TimelinePage, error) {
	w.note(&w.asked, "timeline", cursor)
	return api.TimelinePage{}, nil
}
func (w *flowWorld) FlowMessages(context.Context, int64, string, string, int) (api.MessagePage, error) {
	return api.MessagePage{Messages: []api.FlowMessage{{Channel: "ding_talk", UserCode: "E6", Kind: "onTask", State: "dropped", Tries: 3, Note: evil}}}, nil
}
func (w *flowWorld) FlowStats(_ context.Context, _ int64, code string, from, to time.Time) (api.FlowStats, error) {
	w.note(&w.asked, "stats", code, from.Format(time.RFC3339), to.Format(time.RFC3339))
	return api.FlowStats{
		FlowCode: code, States: map[orgflow.FlowState]int{orgflow.FlowApproved: 1234, orgflow.FlowRunning: 2},
		Duration: map[orgflow.FlowState]api.Spread{orgflow.FlowApproved: {Count: 1234, P50: 93600, P90: 180000, Mean: 59}},
		Nodes:    []api.FlowNodeStats{{NodeSeq: 10, Name: evil, Waiting: api.Spread{Count: 9, P50: 3600}, Open: 2, Oldest: 7260}},
	}, nil
}
func (w *flowWorld) ExportFlows(context.Context, api.FlowFilter, api.ExportFormat, io.Writer) error {
	return nil
}
func (w *flowWorld) StoreDecision(_ context.Context, d api.NewDecision) (api.FlowDecision, error) {
	w.stored = append(w.stored, d)
	return api.FlowDecision{ID: 8}, nil
}
func (w *flowWorld) ListDecisions(context.Context, int64, string) ([]api.FlowDecision, error) {
	return w.decisions, nil
}

// definitions has the shipped one.
type definitions struct{ *flowWorld }

func (d definitions) PublishDefinition(context.Context, api.Publication) (api.Published, error) {
	return api.Published{}, nil
}
func (d definitions) info(version int) api.DefinitionInfo {
	return api.DefinitionInfo{FlowCode: "purchase01", Version: version, Name: "采购" + evil, SHA256: "abc", PublishedAt: noon, PublishedBy: evil}
}
func (d definitions) ListDefinitions(context.Context, int64, string, int) (api.DefinitionPage, error) {
	return api.DefinitionPage{Definitions: []api.DefinitionInfo{d.info(2)}}, nil
}
func (d definitions) DefinitionVersions(context.Context, int64, string) ([]api.DefinitionInfo, error) {
	return []api.DefinitionInfo{d.info(2), d.info(1)}, nil
}
func (d definitions) GetDefinition(_ context.Context, _ int64, code string, version int) (api.Definition, error) {
	d.note(&d.asked, "definition", code, version)
	raw, err := os.ReadFile("../../meta/companies/129/flows/purchase01.json")
	text := strings.ReplaceAll(string(raw), "管理层票决", strings.ReplaceAll(evil, `"`, `\"`))
	return api.Definition{DefinitionInfo: d.info(max(version, 1)), Raw: json.RawMessage(text)}, err
}
func (d definitions) ExportDefinition(context.Context, int64, string, int) (json.RawMessage, error) {
	return nil, nil
}

// calls remembers what flows are told.
type calls struct{ w *flowWorld }

func (c calls) tell(words ...any) (flowcall.Answer, error) {
	c.w.note(&c.w.told, words...)
	return c.w.answer, c.w.refusal
}
func (c calls) Launch(context.Context, flowcall.LaunchParams) (flowcall.Answer, error) {
	return c.tell("launch")
}
func (c calls) OnAudit(_ context.Context, in flowcall.AuditParams) (flowcall.Answer, error) {
	return c.tell("audit", in.Number, in.Company, in.NextNodeSeq, in.TaskDeptManager)
}
func (c calls) Relaunch(_ context.Context, in flowcall.FlowParams) (flowcall.Answer, error) {
	return c.tell("relaunch", in.Number, in.Company)
}
func (c calls) Discard(_ context.Context, in flowcall.DiscardParams) (flowcall.Answer, error) {
	return c.tell("discard", in.Number, in.UserCode)
}
func (c calls) Urgent(_ context.Context, in flowcall.FlowParams) (flowcall.Answer, error) {
	return c.tell("urge", in.Number, in.Company)
}
func (c calls) Steer(_ context.Context, in flowcall.SteerParams) (flowcall.Answer, error) {
	to := "nowhere"
	if in.To != nil {
		to = fmt.Sprint(*in.To)
	}
	return c.tell(in.Kind, in.Number, "by", in.By, in.Action, to)
}
func (c calls) TaskNotify(context.Context, string, string) (flowcall.TaskAnswer, error) {
	return flowcall.TaskAnswer{}, nil
}
