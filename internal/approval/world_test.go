package approval_test

import (
	"errors"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/approval"
)

// town is a World as tests need it: nobody, nowhere, unless it is written in.
type town struct {
	now         time.Time
	holds       map[string]bool // by condition; one that is not here cannot be answered
	fields      map[string][]string
	people      map[string][]string // by expression
	dept        string              // of the initiator
	roles       map[string][]string
	names       map[string]string   // department name → code
	members     map[string][]string // by department
	managers    map[string][]string
	parents     map[string]string   // department → the one above
	supervisors map[string][]string // upwards
	left        map[string]bool
	agents      map[string]string
	broken      error // what every look-up answers
	looked      int
}

func newTown() *town {
	return &town{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), dept: "D1",
		holds: map[string]bool{}, fields: map[string][]string{}, people: map[string][]string{}, roles: map[string][]string{"flow_admin": {"admin"}},
		names: map[string]string{"D1": "D1", "D2": "D2"}, members: map[string][]string{}, managers: map[string][]string{},
		parents: map[string]string{}, supervisors: map[string][]string{}, left: map[string]bool{}, agents: map[string]string{}}
}

func (w *town) look() error { w.looked++; return w.broken }

func (w *town) Now() time.Time { return w.now }

func (w *town) Holds(when string) (bool, error) {
	holds, ok := w.holds[when]
	if !ok && w.broken == nil {
		return false, &approval.ExpressionError{Expression: when, Reason: "form.amount is missing"}
	}
	return holds, w.look()
}

func (w *town) People(expr string) ([]string, error)   { return w.people[expr], w.look() }
func (w *town) Field(name string) ([]string, error)    { return w.fields[name], w.look() }
func (w *town) InitiatorDept() (string, error)         { return w.dept, w.look() }
func (w *town) Employed(user string) (bool, error)     { return !w.left[user], w.look() }
func (w *town) RoleMembers(r string) ([]string, error) { return slices.Clone(w.roles[r]), w.look() }
func (w *town) DeptMembers(d string) ([]string, error) { return slices.Clone(w.members[d]), w.look() }

func (w *town) Department(name string) (string, error) {
	code, ok := w.names[name]
	if !ok && w.broken == nil {
		return "", &approval.Unmet{Code: approval.DeptNotFound, Message: "there is no department " + name}
	}
	return code, w.look()
}

func (w *town) DeptManagers(dept string, level int, climb bool) ([]string, error) {
	for ; level > 1; level-- {
		dept = w.parents[dept]
	}
	for climb && dept != "" && len(w.managers[dept]) == 0 {
		dept = w.parents[dept]
	}
	return slices.Clone(w.managers[dept]), w.look()
}

func (w *town) Supervisors(user string, level int, _ bool) ([]string, error) {
	chain := w.supervisors[user]
	if level > len(chain) {
		return nil, w.look()
	}
	return []string{chain[level-1]}, w.look()
}

func (w *town) SupervisorChain(user string, from int, to approval.ChainEnd) ([]string, error) {
	chain := w.supervisors[user]
	end := len(chain)
	if to != approval.ChainTop {
		end = min(end, int(to))
	}
	return slices.Clone(chain[min(from-1, end):end]), w.look()
}

func (w *town) Agent(user, _ string, _ time.Time) (string, error) { return w.agents[user], w.look() }

func (w *town) Deadline(from time.Time, after approval.Duration, _ approval.Calendar) (time.Time, error) {
	return from.AddDate(0, after.Months, after.Days).Add(after.Clock), w.look()
}

// flow runs one flow and checks after every step what must always hold.
type flow struct {
	t     rapid.TB
	def   *approval.Definition
	w     *town
	s     *approval.State
	last  approval.Outcome
	audit int64
	// refusal is what the last refused command was told.
	refusal *approval.Refusal
}

const initiator = "init"

// launched starts a flow of the nodes between start and end.
func launched(t rapid.TB, w *town, nodes ...approval.Node) *flow {
	t.Helper()
	return launch(t, w, define(nodes...))
}

func launch(t rapid.TB, w *town, def *approval.Definition) *flow {
	t.Helper()
	f := &flow{t: t, def: def, w: w}
	f.must(approval.DoLaunch{Number: "F1", Initiator: initiator})
	return f
}

// define makes a definition of nodes; a start that leads to the first and an
// end, 99, are added.
func define(nodes ...approval.Node) *approval.Definition {
	d := &approval.Definition{Schema: approval.SchemaV1, FlowCode: "f", Name: "F", Version: 1,
		Nodes: []approval.Node{{Seq: 0, Type: approval.NodeStart, Next: []approval.Edge{{To: nodes[0].Seq}}}}}
	d.Nodes = append(d.Nodes, nodes...)
	d.Nodes = append(d.Nodes, approval.Node{Seq: 99, Type: approval.NodeEnd})
	d.SetDefaults()
	return d
}

// approve makes a node where people sign; all but the first next are ignored.
func approve(seq, next int, mode approval.SignMode, users ...string) approval.Node {
	return approval.Node{Seq: seq, Type: approval.NodeApprove, Approvers: []approval.Approver{{By: approval.RuleUser, Users: users}},
		Sign: approval.Sign{Mode: mode}, Next: []approval.Edge{{To: next}}}
}

// try carries out a command and checks that what was refused changed nothing.
func (f *flow) try(cmd approval.Command) error {
	f.t.Helper()
	before := bytesOf(f.t, f.s)
	out, err := approval.Step(f.def, f.s, cmd, f.w)
	if bytesOf(f.t, f.s) != before {
		f.t.Fatalf("%T changed the state it was given", cmd)
	}
	if err != nil {
		if !reflect.DeepEqual(out, approval.Outcome{}) {
			f.t.Fatalf("%T was refused and has an outcome: %+v", cmd, out)
		}
		return err
	}
	if err := out.State.Check(); err != nil {
		f.t.Fatalf("after %T: %v\n%s", cmd, err, bytesOf(f.t, out.State))
	}
	if back, err := approval.DecodeState([]byte(bytesOf(f.t, out.State))); err != nil || !reflect.DeepEqual(back, out.State) {
		f.t.Fatalf("after %T the state does not survive storing: %v\n%s\n%s", cmd, err, bytesOf(f.t, out.State), bytesOf(f.t, back))
	}
	if same := bytesOf(f.t, out.State) == before; same == out.Changed || !out.Changed && !out.Effect.Empty() {
		f.t.Fatalf("%T: changed is %v, the state is the same: %v, effect %+v", cmd, out.Changed, same, out.Effect)
	}
	f.s, f.last = out.State, out
	return nil
}

func (f *flow) must(cmd approval.Command) approval.Outcome {
	f.t.Helper()
	if err := f.try(cmd); err != nil {
		f.t.Fatalf("%T: %v", cmd, err)
	}
	return f.last
}

// refused checks that a command is refused with a code, twice.
func (f *flow) refused(cmd approval.Command, code approval.RefusalCode) {
	f.t.Helper()
	for range 2 {
		if err := f.try(cmd); !errors.As(err, &f.refusal) || f.refusal.Code != code {
			f.t.Fatalf("%T gives %v, want %s", cmd, err, code)
		}
	}
}

// says stores a decision and works on it alone.
func (f *flow) says(user string, v orgflow.Verdict, node int, more ...func(*approval.Decision)) orgflow.AuditOutcome {
	f.t.Helper()
	out := f.must(approval.DoAudits{Rows: []approval.Decision{f.row(user, v, node, more...)}})
	return out.Effect.Audits[0].Outcome
}

func (f *flow) row(user string, v orgflow.Verdict, node int, more ...func(*approval.Decision)) approval.Decision {
	f.audit++
	d := approval.Decision{ID: f.audit, NodeSeq: node, User: user, Verdict: v}
	for _, m := range more {
		m(&d)
	}
	return d
}

func to(users ...string) func(*approval.Decision) {
	return func(d *approval.Decision) { d.TargetUsers = users }
}

func toNode(seq int) func(*approval.Decision) {
	return func(d *approval.Decision) { d.TargetSeq = &seq }
}

// yes approves and fails the test if that does not count.
func (f *flow) yes(user string, node int) {
	f.t.Helper()
	if o := f.says(user, orgflow.VerdictApprove, node); o != orgflow.AuditApplied {
		f.t.Fatalf("the approval of %s at %d is %s: %+v", user, node, o, f.last.Effect.Audits)
	}
}

func (f *flow) no(user string, node int) {
	f.t.Helper()
	if o := f.says(user, orgflow.VerdictReject, node); o != orgflow.AuditApplied {
		f.t.Fatalf("the rejection of %s at %d is %s", user, node, o)
	}
}

// at checks state and current nodes.
func (f *flow) at(state orgflow.FlowState, nodes ...int) {
	f.t.Helper()
	if nodes == nil {
		nodes = []int{}
	}
	if got := f.s.CurrentNodes(); f.s.Flow != state || !slices.Equal(got, nodes) {
		f.t.Fatalf("the flow is %s at %v, want %s at %v; fault %+v", f.s.Flow, got, state, nodes, f.s.Fault)
	}
}

// open returns who has an ACTIVE task at a node, in the order of the tasks.
func (f *flow) open(node int) []string {
	users := []string{}
	for _, t := range f.s.Tasks {
		if t.Node == node && t.State == orgflow.TaskActive {
			users = append(users, t.User)
		}
	}
	return users
}

func (f *flow) wantOpen(node int, users ...string) {
	f.t.Helper()
	if users == nil {
		users = []string{}
	}
	if got := f.open(node); !slices.Equal(got, users) {
		f.t.Fatalf("open at node %d: %v, want %v", node, got, users)
	}
}

// taskState returns the state of a person's newest task at a node.
func (f *flow) taskState(user string, node int) orgflow.TaskState {
	var state orgflow.TaskState
	for _, t := range f.s.Tasks {
		if t.User == user && t.Node == node {
			state = t.State
		}
	}
	return state
}

// told returns who was told of an event in the last step.
func (f *flow) told(e approval.Event) []string {
	users := []string{}
	for _, m := range f.last.Effect.Messages {
		if m.Event == e {
			users = append(users, m.User)
		}
	}
	return users
}

func bytesOf(t rapid.TB, s *approval.State) string {
	t.Helper()
	if s == nil {
		return ""
	}
	raw, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func wantEqual[T any](t rapid.TB, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}
