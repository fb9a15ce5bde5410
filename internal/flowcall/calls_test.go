package flowcall_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/flow"
	"orgflow/internal/flowcall"
	"orgflow/internal/store"
	"orgflow/meta"
)

// engine carries commands out at once, as a workflow would, unless a test
// wants otherwise.
type engine struct {
	keeper *flow.Keeper
	mu     sync.Mutex
	asked  []string
	ids    []string // of the workflows that were asked
	steps  int
	down   error                      // what every call is answered
	once   []error                    // what the next updates are answered instead
	before func(orgflow.FlowCommand)  // meets an update before it is carried out
	starts map[string]orgflow.FlowRun // newest start by workflow id
	idle   bool                       // starts are taken and nothing happens
	gone   bool                       // signals find nothing that was not started
}

func (e *engine) Start(ctx context.Context, id string, run orgflow.FlowRun) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down != nil {
		return e.down
	}
	e.starts[id] = run
	if e.idle {
		return nil
	}
	_, err := e.step(ctx, run.CompanyID, run.No, orgflow.FlowCommand{Kind: orgflow.FlowBegin, Round: run.Round})
	return err
}

func (e *engine) Update(ctx context.Context, id, updateID, name string, c orgflow.FlowCommand) (orgflow.FlowReply, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ids = append(e.ids, id)
	e.asked = append(e.asked, name+" "+updateID)
	if e.down != nil {
		return orgflow.FlowReply{}, e.down
	}
	if len(e.once) > 0 {
		err := e.once[0]
		if e.once = e.once[1:]; err != nil {
			return orgflow.FlowReply{}, err
		}
	}
	if e.before != nil {
		e.before(c)
	}
	stepped, err := e.step(ctx, 129, "f1", c)
	return stepped.FlowReply, err
}

func (e *engine) Signal(ctx context.Context, id string, c orgflow.FlowCommand) error {
	if _, runs := e.starts[id]; e.gone && !runs {
		return flowcall.ErrGone
	}
	e.asked = append(e.asked, "signal "+string(c.Kind)+" "+c.By)
	_, err := e.step(ctx, 129, id, c)
	return err
}

func (e *engine) step(ctx context.Context, company int64, no string, c orgflow.FlowCommand) (orgflow.FlowStepped, error) {
	e.steps++
	return e.keeper.Step(ctx, flow.Request{FlowKey: store.FlowKey{CompanyID: company, No: no}, Key: fmt.Sprint("step ", e.steps), Command: c})
}

// office is the organisation: E1 to E9 by name 员工1 …, two of them 同名.
type office struct{ *store.Store }

func (office) UsersByCodes(_ context.Context, _ int64, codes []string) (map[string]orgflow.OrgMember, error) {
	out := map[string]orgflow.OrgMember{}
	for _, c := range codes {
		if len(c) == 2 && c[0] == 'E' {
			out[c] = orgflow.OrgMember{ID: int64(c[1]), UserID: c, JobNumber: c, Name: "员工" + c[1:]}
		}
	}
	return out, nil
}

func (o office) UsersByName(ctx context.Context, company int64, name string) ([]orgflow.OrgMember, error) {
	codes := map[string][]string{"员工1": {"E1"}, "员工2": {"E2"}, "同名": {"E1", "E7"}, "同名管理员": {"E1", "E9"}, "路人": {"E7", "E8"}}[name]
	found, err := o.UsersByCodes(ctx, company, codes)
	var out []orgflow.OrgMember
	for _, c := range codes {
		out = append(out, found[c])
	}
	return out, err
}

func (office) DepartmentsOf(_ context.Context, _ int64, member int64) ([]orgflow.OrgUnit, error) {
	if member == '4' {
		return []orgflow.OrgUnit{{ID: 1, Code: "D1", Name: "主部门"}, {ID: 2, Code: "D2", Name: "另一部门"}}, nil
	}
	return nil, nil
}

const definition = `{"schema":"flow-def/1","flowCode":"plain","name":"测试","form":{"board":"b"},"admins":["user:E9"],"nodes":[
	{"seq":0,"type":"start","next":[{"to":10}]},
	{"seq":10,"type":"approve","name":"一","approvers":[{"by":"user","users":["E2","E3"]}],"sign":{"mode":"any"},"next":[{"to":99}]},
	{"seq":99,"type":"end"}]}`

// desk is a service on an empty database with one definition and one row.
type desk struct {
	*flowcall.Service
	t      *testing.T
	engine *engine
	store  *store.Store
	now    time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite://"+filepath.Join(t.TempDir(), "orgflow.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // the directory goes anyway
	files, err := meta.Open("", func(string) (string, bool) { return "", false })
	if err := errors.Join(err, s.Migrate(ctx)); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, store: s, now: time.Now()}
	keeper := &flow.Keeper{Store: office{s}, Files: files, Now: func() time.Time { return d.now }}
	d.engine = &engine{keeper: keeper, starts: map[string]orgflow.FlowRun{}}
	d.Service = &flowcall.Service{
		Keeper: keeper, Store: office{s}, Files: files, Engine: d.engine, Log: slog.New(slog.DiscardHandler),
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	_, _, err = s.PublishDefinition(ctx, store.NewDefinition{CompanyID: 129, Code: "plain", Name: "测试", By: "test", Body: json.RawMessage(definition)})
	_, err2 := s.PutRow(ctx, store.RowKey{CompanyID: 129, Board: "b", DataID: "5"}, json.RawMessage(`{"amount":1}`))
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) launched() {
	d.t.Helper()
	a, err := d.Launch(context.Background(), launch)
	if err != nil || a.State != orgflow.FlowRunning {
		d.t.Fatalf("launch: %+v %v", a, err)
	}
}

var launch = flowcall.LaunchParams{Number: "f1", FlowCode: "plain", DataID: "5", UserCode: "E1", UserName: "员工1"}

var f1 = flowcall.FlowParams{Number: "f1"}

func (d *desk) decide(user string, verdict orgflow.Verdict) {
	d.t.Helper()
	_, err := d.store.PutDecision(context.Background(), store.NewDecision{FlowKey: store.FlowKey{CompanyID: 129, No: "f1"}, NodeSeq: 10, UserCode: user, Verdict: verdict})
	if err != nil {
		d.t.Fatal(err)
	}
}

// refusedWith wants a call to be refused.
func refusedWith(t *testing.T, what string, err error, status int, code string) {
	t.Helper()
	var refused *flowcall.Error
	if !errors.As(err, &refused) || refused.Status != status || refused.Code != code {
		t.Errorf("%s: %v, want %d %s", what, err, status, code)
	}
}

// What the database shows to be refused, or done, is answered without asking
// the workflow.
func TestTheDatabaseAnswersWhatItCan(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1})
	refusedWith(t, "nothing stored", err, 422, "NO_STORED_DECISION")
	_, err = d.Relaunch(ctx, f1)
	refusedWith(t, "relaunch", err, 409, "STILL_RUNNING")
	if a, err := d.Launch(ctx, launch); err != nil || !a.Existing {
		t.Errorf("launch again: %+v %v", a, err)
	}
	if len(d.engine.asked) > 0 {
		t.Errorf("the workflow was asked: %v", d.engine.asked)
	}
	d.decide("E7", orgflow.VerdictApprove) // no assignee: worked on, and the flow stays
	for _, already := range []bool{false, true} {
		if a, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1}); err != nil || a.Already != already || a.Applied != 0 {
			t.Errorf("onAudit: %+v %v", a, err)
		}
	}
	if len(d.engine.asked) != 1 {
		t.Errorf("the workflow was asked: %v", d.engine.asked)
	}
}

// Updates have ids that tell one click from another command.
func TestUpdatesAreNamedByWhatTheyAskFor(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	if _, err := d.Urgent(ctx, f1); err != nil {
		t.Fatal(err)
	}
	d.decide("E2", orgflow.VerdictApprove)
	if a, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1, NextNodeSeq: "0"}); err != nil || a.State != orgflow.FlowReturned {
		t.Fatalf("%+v %v", a, err)
	}
	if _, err := d.Relaunch(ctx, f1); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Discard(ctx, flowcall.DiscardParams{FlowParams: f1, UserCode: "E9"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range d.engine.asked {
		if i := strings.LastIndexByte(a, ':'); strings.HasPrefix(a, "audit audit:1:") {
			a = a[:i]
		}
		got = append(got, a)
	}
	if diff := cmp.Diff([]string{"urge urge:1", "audit audit:1", "relaunch relaunch:2", "discard discard:2"}, got); diff != "" {
		t.Error(diff)
	}
}

// A flow whose workflow is gone is started again, and the call goes on. One
// that ended meanwhile is answered from the database.
func TestAWorkflowThatIsGone(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	delete(d.engine.starts, "f1")
	d.decide("E2", orgflow.VerdictApprove)
	d.engine.once = []error{flowcall.ErrGone, flowcall.ErrBusy}
	a, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1})
	if err != nil || a.State != orgflow.FlowApproved || d.engine.starts["f1"] != (orgflow.FlowRun{CompanyID: 129, No: "f1", Round: 1}) {
		t.Errorf("%+v %v, started %v", a, err, d.engine.starts)
	}
	_, err = d.Urgent(ctx, f1)
	refusedWith(t, "urgent", err, 409, "FLOW_FINISHED")
}

// Nobody is told that a call failed which may still be carried out; whoever
// could not be heard is told to come back.
func TestAnEngineThatDoesNotAnswer(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	d.decide("E2", orgflow.VerdictApprove)
	d.engine.down = flowcall.ErrNoAnswer
	if a, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1}); err != nil || !a.Accepted || a.State != orgflow.FlowRunning {
		t.Errorf("no answer: %+v %v", a, err)
	}
	d.engine.down = flowcall.ErrUnavailable
	_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1})
	refusedWith(t, "unavailable", err, 503, "ENGINE_UNAVAILABLE")
	var refused *flowcall.Error
	if errors.As(err, &refused); refused.RetryAfter == 0 {
		t.Error("no Retry-After")
	}
	d.engine.down = nil
	if a, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1}); err != nil || a.Applied != 1 {
		t.Errorf("afterwards: %+v %v", a, err)
	}
}

// A launch while the engine is down has its number at once and is started by
// the sweeper.
func TestALaunchWithoutEngineIsMadeUpFor(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.engine.down = flowcall.ErrUnavailable
	a, err := d.Launch(ctx, launch)
	if err != nil || !a.Accepted || a.Number != "f1" || a.State != orgflow.FlowStarting {
		t.Fatalf("%+v %v", a, err)
	}
	d.engine.down = nil
	if n, err := d.Sweep(ctx); err != nil || n.Flows != 0 {
		t.Errorf("swept at once: %+v %v", n, err)
	}
	if _, err := d.store.DB().Exec(`UPDATE flow_instance SET started_at = started_at - 60000000`); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Sweep(ctx); err != nil || n != (flowcall.Swept{Flows: 1}) {
		t.Errorf("swept: %+v %v", n, err)
	}
	if f, err := d.Keeper.Load(ctx, store.FlowKey{CompanyID: 129, No: "f1"}); err != nil || f.State == nil || f.State.Flow != orgflow.FlowRunning {
		t.Errorf("%+v %v", f, err)
	}
}

// A decision nobody was told of is found after a while.
func TestALostNotificationIsMadeUpFor(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	d.decide("E2", orgflow.VerdictApprove)
	if _, err := d.store.DB().Exec(`UPDATE flow_audit SET created_at = created_at - 60000000`); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Sweep(ctx); err != nil || n != (flowcall.Swept{Flows: 1}) {
		t.Errorf("swept: %+v %v", n, err)
	}
	if n, err := d.Sweep(ctx); err != nil || n != (flowcall.Swept{}) {
		t.Errorf("swept again: %+v %v", n, err)
	}
	_, err := d.Urgent(ctx, f1)
	refusedWith(t, "urgent", err, 409, "FLOW_FINISHED")
}

// Whoever goes away with an open task hands it to the agent, once.
func TestAnAbsenceBeginsWithATaskOpen(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	_, err := d.store.PutAbsence(ctx, 129, store.Absence{UserCode: "E2", Agent: "E4", From: time.Now().Add(-time.Hour), Till: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []flowcall.Swept{{Flows: 1}, {}} {
		if n, err := d.Sweep(ctx); err != nil || n != want {
			t.Errorf("swept: %+v %v, want %+v", n, err, want)
		}
	}
	f, err := d.store.GetFlow(ctx, store.FlowKey{CompanyID: 129, No: "f1"})
	if err != nil || len(f.Tasks) != 3 || f.Tasks[2].UserCode != "E4" || f.Tasks[2].State != orgflow.TaskActive {
		t.Errorf("%+v %v", f.Tasks, err)
	}
}

// A flow that ended between the look at the database and the update: the
// workflow's refusal is the answer.
func TestTheFlowMovesOnMeanwhile(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	d.engine.before = func(c orgflow.FlowCommand) {
		d.engine.before = nil
		if _, err := d.engine.step(ctx, 129, "f1", orgflow.FlowCommand{Kind: orgflow.FlowDiscard, By: "E1"}); err != nil {
			t.Error(err)
		}
	}
	_, err := d.Urgent(ctx, f1)
	refusedWith(t, "urgent", err, 409, "FLOW_DISCARDED")
}

// Discarding and relaunching a closed flow needs no workflow that runs.
func TestAClosedFlow(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	d.launched()
	d.decide("E3", orgflow.VerdictApprove)
	if a, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1}); err != nil || a.State != orgflow.FlowApproved {
		t.Fatalf("%+v %v", a, err)
	}
	asked := len(d.engine.asked)
	discard := flowcall.DiscardParams{FlowParams: f1, UserName: "员工1"}
	if a, err := d.Discard(ctx, discard); err != nil || a.State != orgflow.FlowDiscarded || !a.AfterApproval {
		t.Errorf("%+v %v", a, err)
	}
	if a, err := d.Discard(ctx, discard); err != nil || !a.Already {
		t.Errorf("again: %+v %v", a, err)
	}
	if len(d.engine.asked) != asked {
		t.Errorf("the workflow was asked: %v", d.engine.asked)
	}
	if a, err := d.Relaunch(ctx, f1); err != nil || a.State != orgflow.FlowRunning || a.Round != 2 {
		t.Errorf("relaunch: %+v %v", a, err)
	}
	if run := d.engine.starts["f1"]; run.Round != 2 {
		t.Errorf("started %+v", run)
	}
}

// Names repeat: the initiator is meant where nobody else of that name could
// discard as an admin.
func TestWhoANameMeans(t *testing.T) {
	for name, want := range map[string]string{
		"同名": "", "员工1": "", "E9": "",
		"员工2": "NOT_INITIATOR_OR_ADMIN", "路人": "NOT_INITIATOR_OR_ADMIN", "谁也不是": "NOT_INITIATOR_OR_ADMIN", "同名管理员": "AMBIGUOUS_USER",
	} {
		d := newDesk(t)
		d.launched()
		_, err := d.Discard(context.Background(), flowcall.DiscardParams{FlowParams: f1, UserName: name})
		var refused *flowcall.Error
		errors.As(err, &refused)
		if (want == "") != (err == nil) || refused != nil && refused.Code != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestBadParametersAreNamed(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	long := strings.Repeat("长", 129)
	for field, do := range map[string]func() error{
		"flowCode": func() error { _, err := d.Launch(ctx, flowcall.LaunchParams{DataID: "5", UserCode: "E1"}); return err },
		"dataId": func() error {
			_, err := d.Launch(ctx, flowcall.LaunchParams{FlowCode: "plain", DataID: long, UserCode: "E1"})
			return err
		},
		"userCode": func() error {
			_, err := d.Launch(ctx, flowcall.LaunchParams{FlowCode: "plain", DataID: "5"})
			return err
		},
		"deptName": func() error {
			_, err := d.Launch(ctx, flowcall.LaunchParams{FlowCode: "plain", DataID: "5", UserCode: "E1", DeptName: "a\x00"})
			return err
		},
		"flowRunningNumber": func() error { _, err := d.Relaunch(ctx, flowcall.FlowParams{Number: "../etc"}); return err },
		"nextNodeSeq": func() error {
			_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1, NextNodeSeq: "1.5"})
			return err
		},
		"taskDeptManager": func() error {
			_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1, TaskDeptManager: "a,\xff"})
			return err
		},
		"userName":   func() error { _, err := d.Discard(ctx, flowcall.DiscardParams{FlowParams: f1}); return err },
		"company_id": func() error { _, err := d.Urgent(ctx, flowcall.FlowParams{Number: "f1", Company: "x"}); return err },
		"taskNo":     func() error { _, err := d.TaskNotify(ctx, " ", ""); return err },
		"by": func() error {
			_, err := d.Steer(ctx, flowcall.SteerParams{FlowParams: f1, Kind: orgflow.FlowWithdraw})
			return err
		},
		"to_node_seq": func() error {
			_, err := d.Steer(ctx, flowcall.SteerParams{FlowParams: f1, Kind: orgflow.FlowJump, By: "E9"})
			return err
		},
		"action": func() error {
			_, err := d.Steer(ctx, flowcall.SteerParams{FlowParams: f1, Kind: orgflow.FlowRepair, By: "E9"})
			return err
		},
		"company_id ": func() error {
			_, err := d.Urgent(ctx, flowcall.FlowParams{Number: "f1", Company: "130"})
			return err
		},
	} {
		field = strings.TrimSpace(field)
		err := do()
		var refused *flowcall.Error
		if !errors.As(err, &refused) || refused.Code != "BAD_PARAM" || refused.Status != 400 || refused.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// What is not there is told with the parameter that named it.
func TestWhatIsNotThereIsNamed(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	launch := func(in flowcall.LaunchParams) func() error {
		return func() error { _, err := d.Launch(ctx, in); return err }
	}
	if err := launch(flowcall.LaunchParams{Number: "f1", FlowCode: "plain", DataID: "5", UserCode: "E1"})(); err != nil {
		t.Fatal(err)
	}
	for want, do := range map[string]func() error{
		"FLOW_DEF_NOT_FOUND flowCode":      launch(flowcall.LaunchParams{FlowCode: "nope", DataID: "5", UserCode: "E1"}),
		"DATA_NOT_FOUND dataId":            launch(flowcall.LaunchParams{FlowCode: "plain", DataID: "nope", UserCode: "E1"}),
		"USER_NOT_FOUND userCode":          launch(flowcall.LaunchParams{FlowCode: "plain", DataID: "5", UserCode: "nope"}),
		"USER_NOT_FOUND userName":          launch(flowcall.LaunchParams{FlowCode: "plain", DataID: "5", UserName: "nope"}),
		"AMBIGUOUS_USER userName":          launch(flowcall.LaunchParams{FlowCode: "plain", DataID: "5", UserName: "同名"}),
		"NUMBER_TAKEN flowRunningNumber":   launch(flowcall.LaunchParams{Number: "f1", FlowCode: "plain", DataID: "6", UserCode: "E1"}),
		"FLOW_NOT_FOUND flowRunningNumber": func() error { _, err := d.Urgent(ctx, flowcall.FlowParams{Number: "nope"}); return err },
		"NODE_NOT_FOUND nextNodeSeq": func() error {
			_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1, NextNodeSeq: "77"})
			return err
		},
		"NODE_NOT_FOUND to_node_seq": func() error {
			to := 77
			_, err := d.Steer(ctx, flowcall.SteerParams{FlowParams: f1, Kind: orgflow.FlowJump, By: "E9", To: &to})
			return err
		},
		"DEPT_NOT_FOUND taskDeptManager": func() error {
			_, err := d.OnAudit(ctx, flowcall.AuditParams{FlowParams: f1, TaskDeptManager: "nope"})
			return err
		},
		"TASK_NOT_FOUND taskNo": func() error { _, err := d.TaskNotify(ctx, "nope", ""); return err },
	} {
		err := do()
		var refused *flowcall.Error
		if !errors.As(err, &refused) || refused.Code+" "+refused.Field != want {
			t.Errorf("%v of %+v, want %s", err, refused, want)
		}
	}
}

// Who launches and says no department does so for the main one.
func TestTheDepartmentOfALaunch(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	for number, c := range map[string]struct{ given, want string }{"a1": {"", "主部门"}, "a2": {"另一部门", "另一部门"}} {
		if _, err := d.Launch(ctx, flowcall.LaunchParams{Number: number, FlowCode: "plain", DataID: "5", UserCode: "E4", DeptName: c.given}); err != nil {
			t.Fatal(err)
		}
		f, err := d.store.LoadFlow(ctx, store.FlowKey{CompanyID: 129, No: number})
		if err != nil || f.Initiator.Dept != c.want || f.Initiator.Name != "员工4" {
			t.Errorf("%s: %+v %v, want %s", number, f.Initiator, err, c.want)
		}
	}
}

// A submitted board task tells its assignee once per submission.
func TestTaskNotify(t *testing.T) {
	ctx, d := context.Background(), newDesk(t)
	put := func(no, status, assignee string) {
		t.Helper()
		if _, err := d.store.PutTask(ctx, 129, store.BoardTask{No: no, Status: status, Assignee: assignee, Title: "任务", Body: json.RawMessage(`{}`)}); err != nil {
			t.Fatal(err)
		}
	}
	put("RW1", "submitted", "E5")
	put("RW2", "draft", "E5")
	put("RW3", "submitted", "nobody")
	for _, already := range []bool{false, true} {
		if a, err := d.TaskNotify(ctx, "RW1", ""); err != nil || a.Already != already || a.User != "E5" {
			t.Errorf("%+v %v", a, err)
		}
	}
	put("RW1", "draft", "E5")
	put("RW1", "submitted", "E5")
	if a, err := d.TaskNotify(ctx, "RW1", ""); err != nil || a.Already {
		t.Errorf("submitted again: %+v %v", a, err)
	}
	_, err := d.TaskNotify(ctx, "RW2", "")
	refusedWith(t, "a draft", err, 409, "TASK_NOT_SUBMITTED")
	_, err = d.TaskNotify(ctx, "RW3", "")
	refusedWith(t, "nobody", err, 422, "ASSIGNEE_UNKNOWN")
	_, err = d.TaskNotify(ctx, "RW4", "")
	refusedWith(t, "no task", err, 404, "TASK_NOT_FOUND")
}
