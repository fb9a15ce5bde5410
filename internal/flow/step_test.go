package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/internal/store"
	"orgflow/internal/testpg"
	"orgflow/meta"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// office is a database with an organisation beside it: 员工1 to 员工9, E2
// manages D1, the department of all.
type office struct {
	*store.Store
	lose int // so many commits lose their answer
	gone map[string]bool
}

func (o *office) CommitStep(ctx context.Context, p store.FlowStep) (store.StepResult, error) {
	r, err := o.Store.CommitStep(ctx, p)
	if err == nil && o.lose > 0 {
		o.lose--
		return store.StepResult{}, errors.New("the connection was lost after the commit")
	}
	return r, err
}

func person(code string) orgflow.OrgMember {
	return orgflow.OrgMember{ID: int64(code[1]), UserID: code, JobNumber: code, Name: "员工" + code[1:]}
}

var d1 = orgflow.OrgUnit{ID: 1, RemoteID: "1", Code: "D1", Name: "研发部"}

func (o *office) UsersByCodes(_ context.Context, _ int64, codes []string) (map[string]orgflow.OrgMember, error) {
	out := map[string]orgflow.OrgMember{}
	for _, c := range codes {
		if len(c) == 2 && c[0] == 'E' && !o.gone[c] {
			out[c] = person(c)
		}
	}
	return out, nil
}

func (*office) DepartmentsOf(context.Context, int64, int64) ([]orgflow.OrgUnit, error) {
	return []orgflow.OrgUnit{d1}, nil
}

func (*office) DepartmentByCodeOrName(_ context.Context, _ int64, name string) (orgflow.OrgUnit, error) {
	if name == "D1" || name == "研发部" {
		return d1, nil
	}
	return orgflow.OrgUnit{}, store.ErrNotFound
}

func (o *office) DepartmentManagers(context.Context, int64, int64) ([]orgflow.OrgMember, error) {
	if o.gone["E2"] {
		return nil, nil
	}
	return []orgflow.OrgMember{person("E2")}, nil
}

const definition = `{"schema":"flow-def/1","flowCode":"plain","name":"采购","form":{"board":"b","snapshot":["amount"],"title":"{userName}的{name}{form.amount}"},
	"admins":["user:E9"],"policy":{"relaunch":{"definition":"latest"}},"nodes":[
	{"seq":0,"type":"start","next":[{"to":10}]},
	{"seq":10,"type":"approve","name":"负责人","approvers":[{"by":"deptManager"}],"sign":{"mode":"any"},
	 "next":[{"to":20,"when":"form.amount > 10","order":1},{"to":99,"default":true}]},
	{"seq":20,"type":"approve","name":"财务","approvers":[{"by":"user","users":["E5"]}],"sign":{"mode":"any"},"next":[{"to":99}]},
	{"seq":99,"type":"end"}]}`

type desk struct {
	*flow.Keeper
	t     *testing.T
	store *office
	now   time.Time
	key   store.FlowKey
	n     int
	told  []string // channels that senders were told of
}

// forEachDB runs a test on a flow that is launched and has not begun.
func forEachDB(t *testing.T, test func(t *testing.T, d *desk)) {
	for name, url := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "orgflow.db") },
		"postgres": testpg.URL,
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s, err := store.Open(ctx, url(t), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() }) // the database goes anyway
			files, err := meta.Open("", func(string) (string, bool) { return "", false })
			if err := errors.Join(err, s.Migrate(ctx)); err != nil {
				t.Fatal(err)
			}
			d := &desk{t: t, store: &office{Store: s, gone: map[string]bool{}}, now: time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)}
			d.Keeper = &flow.Keeper{Store: d.store, Files: files, Now: func() time.Time { return d.now },
				Notify: func(_ context.Context, t orgflow.Target) { d.told = append(d.told, t.String()) }}
			d.publish(definition)
			d.row(`{"amount":5,"other":"geheim"}`)
			draft, err := d.TryLaunch(ctx, flow.Launch{CompanyID: 129, Code: "plain", DataID: "5", Initiator: store.Initiator{Code: "E1", Name: "员工1", Dept: "研发部"}})
			if err != nil {
				t.Fatal(err)
			}
			stored, outcome, err := d.Launch(ctx, draft, 0)
			if err != nil || outcome != store.LaunchCreated || !strings.HasPrefix(stored.No, "plain_20") || !strings.HasSuffix(stored.No, "_0001") {
				t.Fatalf("%+v %s %v", stored, outcome, err)
			}
			d.key = stored.FlowKey
			test(t, d)
		})
	}
}

func (d *desk) publish(body string) {
	d.t.Helper()
	if _, _, err := d.store.PublishDefinition(context.Background(), store.NewDefinition{CompanyID: 129, Code: "plain", Name: "采购", By: "test", Body: json.RawMessage(body)}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) row(body string) {
	d.t.Helper()
	if _, err := d.store.PutRow(context.Background(), store.RowKey{CompanyID: 129, Board: "b", DataID: "5"}, json.RawMessage(body)); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) decide(user string, verdict orgflow.Verdict, node int) {
	d.t.Helper()
	_, err := d.store.PutDecision(context.Background(), store.NewDecision{FlowKey: d.key, NodeSeq: node, UserCode: user, Verdict: verdict, Opinion: "好"})
	if err != nil {
		d.t.Fatal(err)
	}
}

// step carries a command out and wants it to work.
func (d *desk) step(c orgflow.FlowCommand) orgflow.FlowStepped {
	d.t.Helper()
	s, err := d.try(c, 0)
	if err != nil {
		d.t.Fatalf("%s: %v", c.Kind, err)
	}
	return s
}

func (d *desk) try(c orgflow.FlowCommand, rev int64) (orgflow.FlowStepped, error) {
	d.n++
	return d.Step(context.Background(), flow.Request{FlowKey: d.key, Rev: rev, Key: fmt.Sprint("step ", d.n), Command: c})
}

func (d *desk) begin() orgflow.FlowStepped {
	return d.step(orgflow.FlowCommand{Kind: orgflow.FlowBegin, Round: 1})
}

// outbox lists messages as "to: body".
func (d *desk) outbox() []string {
	d.t.Helper()
	var out []string
	if err := d.store.DB().Select(&out, `SELECT to_user || ': ' || body FROM outbox ORDER BY id`); err != nil {
		d.t.Fatal(err)
	}
	return out
}

// The launch step opens the first task, tells its person on both channels of
// the company and names the flow.
func TestTheFirstStep(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		s := d.begin()
		if s.Status.State != orgflow.FlowRunning || s.Status.Rev != 1 || s.Messages != 2 || s.Status.OpenTasks != 1 {
			t.Errorf("%+v", s)
		}
		f, err := d.store.GetFlow(context.Background(), d.key)
		if err != nil || f.Title != "员工1的采购5" || len(f.Tasks) != 1 || f.Tasks[0].UserCode != "E2" || f.Tasks[0].UserName != "员工2" {
			t.Errorf("%+v %v", f, err)
		}
		want := fmt.Sprintf(`E2: {"title":"待审批：员工1的采购5","text":"员工1（研发部）提交的“采购”等待您处理，当前节点：负责人。\n编号 %[1]s · 第1轮 · 第2步 · 任务1","link":"http://127.0.0.1:8080/flows/%[1]s?company=129"}`, d.key.No)
		if diff := cmp.Diff([]string{want, want}, d.outbox()); diff != "" {
			t.Error(diff)
		}
		if again := d.begin(); again.Status.Rev != 1 || again.Messages != 0 {
			t.Errorf("begun again: %+v", again)
		}
		if len(d.told) != 2 || d.told[0] == d.told[1] {
			t.Errorf("senders were told of %v", d.told)
		}
	})
}

// An attempt whose answer was lost after the commit is answered as it was,
// and the step is done once.
func TestAStepWhoseAnswerWasLost(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.begin()
		d.decide("E2", orgflow.VerdictApprove, 10)
		d.store.lose = 1
		r := flow.Request{FlowKey: d.key, Rev: 1, Key: "audit", Command: orgflow.FlowCommand{Kind: orgflow.FlowAudit}}
		if _, err := d.Step(context.Background(), r); err == nil {
			t.Fatal("the answer was not lost")
		}
		messages := len(d.outbox())
		d.told = nil
		first, err := d.Step(context.Background(), r)
		if err != nil || first.Status.State != orgflow.FlowApproved || first.Status.Rev != 2 {
			t.Fatalf("%+v %v", first, err)
		}
		if len(d.told) != 2 { // the attempt before had not come to it
			t.Errorf("senders were told of %v", d.told)
		}
		second, err := d.Step(context.Background(), r)
		if diff := cmp.Diff(first, second); diff != "" || err != nil {
			t.Errorf("the third attempt: %v %s", err, diff)
		}
		if n := len(d.outbox()); n != messages {
			t.Errorf("%d messages, %d before the repetition", n, messages)
		}
	})
}

// Who expects another revision is told, and nothing happens.
func TestAStepOfAnotherRevision(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.begin()
		if _, err := d.try(orgflow.FlowCommand{Kind: orgflow.FlowDiscard, By: "E1"}, 7); !errors.Is(err, flow.ErrForeign) {
			t.Errorf("%v", err)
		}
		if s := d.step(orgflow.FlowCommand{Kind: orgflow.FlowWake}); s.Status.State != orgflow.FlowRunning || s.Status.Rev != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// The form is looked at again with every decision; fields the definition does
// not name are not kept.
func TestTheFormIsReadAgain(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.begin()
		d.row(`{"amount":50,"other":"geheim"}`)
		d.decide("E2", orgflow.VerdictApprove, 10)
		if s := d.step(orgflow.FlowCommand{Kind: orgflow.FlowAudit}); !cmp.Equal(s.Status.CurrentNodes, []int{20}) {
			t.Errorf("%+v", s.Status)
		}
		f, err := d.Load(context.Background(), d.key)
		if err != nil || string(f.Form) != `{"amount":50}` || strings.Contains(string(f.StateDoc), "geheim") {
			t.Errorf("%s %v", f.Form, err)
		}
	})
}

// A row whose lists cannot be read is marked invalid and changes nothing.
func TestABrokenRowOfABoard(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.begin()
		d.decide("E2", orgflow.VerdictApprove, 10)
		if _, err := d.store.DB().Exec(`UPDATE flow_audit SET target_users = '{"a": 1}'`); err != nil {
			t.Fatal(err)
		}
		s := d.step(orgflow.FlowCommand{Kind: orgflow.FlowAudit})
		audits, err := d.store.Audits(context.Background(), d.key)
		if err != nil || len(audits) != 1 || audits[0].Outcome != orgflow.AuditInvalid || s.Status.OpenTasks != 1 {
			t.Errorf("%+v %+v %v", s.Status, audits, err)
		}
	})
}

// Decisions that come after the end are marked, whoever notices.
func TestDecisionsAfterTheEnd(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.begin()
		d.step(orgflow.FlowCommand{Kind: orgflow.FlowDiscard, By: "E1"})
		d.decide("E2", orgflow.VerdictApprove, 10)
		if s := d.step(orgflow.FlowCommand{Kind: orgflow.FlowAudit}); s.Refusal == nil || s.Refusal.Code != "FLOW_DISCARDED" || s.Status.Rev != 2 {
			t.Errorf("%+v", s)
		}
		audits, err := d.store.Audits(context.Background(), d.key)
		if err != nil || audits[0].Outcome != orgflow.AuditLate {
			t.Errorf("%+v %v", audits, err)
		}
	})
}

// A relaunch runs on the newest version where the policy says so; begin opens
// the round of a discarded flow, once.
func TestANewRoundOnTheNewestVersion(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.begin()
		d.step(orgflow.FlowCommand{Kind: orgflow.FlowDiscard, By: "E1"})
		d.publish(strings.Replace(definition, `"负责人"`, `"新负责人"`, 1))
		s := d.step(orgflow.FlowCommand{Kind: orgflow.FlowBegin, Round: 2})
		if s.Status.State != orgflow.FlowRunning || s.Status.Round != 2 {
			t.Fatalf("%+v", s)
		}
		f, err := d.store.GetFlow(context.Background(), d.key)
		if err != nil || f.Version != 2 || f.Visits[len(f.Visits)-1].Name != "新负责人" {
			t.Errorf("%+v %v", f, err)
		}
		if again := d.step(orgflow.FlowCommand{Kind: orgflow.FlowBegin, Round: 2}); again.Status.Rev != s.Status.Rev {
			t.Errorf("begun again: %+v", again.Status)
		}
	})
}

// What launching would be refused for is told without a trace.
func TestTryLaunch(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.store.gone["E2"] = true
		for code, l := range map[approval.RefusalCode]flow.Launch{
			flow.DefNotFound:         {CompanyID: 129, Code: "other", DataID: "5", Initiator: store.Initiator{Code: "E1"}},
			flow.DataNotFound:        {CompanyID: 129, Code: "plain", DataID: "6", Initiator: store.Initiator{Code: "E1"}},
			approval.ApproverMissing: {CompanyID: 129, Code: "plain", DataID: "5", Initiator: store.Initiator{Code: "E1"}},
		} {
			_, err := d.TryLaunch(context.Background(), l)
			var refusal *approval.Refusal
			if !errors.As(err, &refusal) || refusal.Code != code {
				t.Errorf("%v, want %s", err, code)
			}
		}
		// What is accepted once is not refused any more: it waits for repair.
		if s := d.begin(); s.Status.State != orgflow.FlowFaulted {
			t.Errorf("%+v", s.Status)
		}
	})
}

// Texts of documents that no step has written are refused.
func TestDocumentsAreReadStrictly(t *testing.T) {
	for _, raw := range []string{"", "{}", `{"schema":"flow/2"}`, `{"schema":"flow/1","more":1}`, `{"schema":"flow/1","state":{"schema":1}}`} {
		if d, err := flow.DecodeDocument([]byte(raw)); err == nil {
			t.Errorf("%q is read as %+v", raw, d)
		}
	}
}
