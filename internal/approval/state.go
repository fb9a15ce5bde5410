package approval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"orgflow"
)

// StateV1 is the only value of a stored state's "schema".
const StateV1 = 1

// State is all that is remembered of a flow: enough to go on after any
// command, and no personal data beyond user codes. It is stored as JSON, with
// equal states having equal bytes. Visits and tasks are those of the current
// round; those of earlier rounds are rows of the projection and can no longer
// change.
//
// All instants are UTC, cut to microseconds, so that a state read back equals
// the one stored.
type State struct {
	Schema    int               `json:"schema"`
	Number    string            `json:"no"`
	FlowCode  string            `json:"flowCode"`
	Version   int               `json:"version"` // of the definition this round runs on
	Initiator string            `json:"initiator"`
	Flow      orgflow.FlowState `json:"state"`
	// Cause says how the flow came into a state that is not RUNNING.
	Cause Cause `json:"cause,omitempty"`
	// AfterApproval marks a DISCARDED flow that had been APPROVED.
	AfterApproval bool `json:"afterApproval,omitempty"`
	// Rev grows by one with every step that changes anything.
	Rev   int64 `json:"rev"`
	Round int   `json:"round"`

	Tokens []Token `json:"tokens,omitempty"` // by id
	Forks  []Fork  `json:"forks,omitempty"`  // by id; only those with tokens
	Visits []Visit `json:"visits,omitempty"` // by id, of this round
	Tasks  []Task  `json:"tasks,omitempty"`  // by id, of this round

	// Back is where a direct relaunch of a RETURNED flow goes on.
	Back *Back `json:"back,omitempty"`
	// Fault says why a FAULTED flow is.
	Fault *Fault `json:"fault,omitempty"`
	// Faults counts how often the flow was FAULTED.
	Faults int `json:"faults,omitempty"`
	// AskedFrom is the last visit before the newest send-back: approvals up
	// to it spare nobody a second one.
	AskedFrom int `json:"askedFrom,omitempty"`

	LastToken int `json:"lastToken,omitempty"`
	LastFork  int `json:"lastFork,omitempty"`
	LastVisit int `json:"lastVisit,omitempty"`
	LastTask  int `json:"lastTask,omitempty"`

	// LastAudit is the largest id among the decisions worked on.
	LastAudit int64 `json:"lastAudit,omitempty"`
	// Decided, Relaunched, Repaired and so on say when that happened last:
	// a repeated call is told by them.
	Decided    Moment `json:"decided,omitzero"`
	Relaunched Moment `json:"relaunched,omitzero"`
	Repaired   Moment `json:"repaired,omitzero"`
	Withdrawn  Moment `json:"withdrawn,omitzero"`
	Retracted  Moment `json:"retracted,omitzero"`
	Jumped     Moment `json:"jumped,omitzero"`
}

// Moment is a revision of a state and when it came to be.
type Moment struct {
	Rev int64     `json:"rev"`
	At  time.Time `json:"at"`
	By  string    `json:"by,omitempty"` // user code
	To  int       `json:"to,omitempty"` // seq, of a jump
}

// Stage says what a token does next.
type Stage string

// The stages. A token that stays in StageEnter or StageLeave belongs to a
// FAULTED flow: a repair moves it on.
const (
	StageEnter Stage = "enter" // enters Node
	StageAt    Stage = "at"    // waits for its visit of Node
	StageLeave Stage = "leave" // has done Node and looks for the way on
	StageJoin  Stage = "join"  // waits at the join Node
)

// Token is one thread of a flow: where it is and in which branches.
type Token struct {
	ID    int   `json:"id"`
	Node  int   `json:"node"`
	Stage Stage `json:"stage"`
	Visit int   `json:"visit,omitempty"` // StageAt: the visit it waits for
	// Path lists the forks the token is inside of, outermost first.
	Path []Branch `json:"path,omitempty"`
	// From is the last visit people had on the token's way.
	From int `json:"from,omitempty"`
	// Chosen are the target users of the decision that led on.
	Chosen []string `json:"chosen,omitempty"`
	// Depts are departments whose managers the next node is asked for.
	Depts []string `json:"depts,omitempty"`
	// SentBack switches the rules that spare people an approval off for the
	// next visit.
	SentBack bool `json:"sentBack,omitempty"`
	// Back is where the token goes when its node has passed, instead of the
	// node's way on.
	Back *Back `json:"back,omitempty"`
}

// Branch is a way out of a fork that was taken.
type Branch struct {
	Fork int `json:"fork"` // id of the Fork
	Edge int `json:"edge"` // index in the fork node's Next
}

// Fork is a fork that was entered and not joined yet.
type Fork struct {
	ID   int `json:"id"`
	Node int `json:"node"`
}

// Back remembers tokens that were taken away by a send-back whose resume is
// direct.
type Back struct {
	Version int     `json:"version"` // the definition they belong to
	Tokens  []Token `json:"tokens"`
	Forks   []Fork  `json:"forks,omitempty"`
}

// Fault says what a FAULTED flow lacks.
type Fault struct {
	Code    RefusalCode `json:"code"`
	Node    int         `json:"node"`
	Token   int         `json:"token"`
	Message string      `json:"message"`
}

// Visit is a node that was entered once.
type Visit struct {
	ID        int                `json:"id"`
	Node      int                `json:"node"`
	Type      NodeType           `json:"type"`
	Round     int                `json:"round"`
	State     orgflow.VisitState `json:"state"`
	Cause     Cause              `json:"cause,omitempty"`
	From      int                `json:"from,omitempty"` // the last visit people had before it
	EnteredAt time.Time          `json:"enteredAt"`
	LeftAt    time.Time          `json:"leftAt,omitzero"`
	Seats     []Seat             `json:"seats,omitempty"` // approve, handle
	Timers    []Timer            `json:"timers,omitempty"`
	// Override is what calls with stored decisions asked for when the visit
	// ends.
	Override *Override `json:"override,omitempty"`
	// Chosen are the target users of the last approval.
	Chosen []string `json:"chosen,omitempty"`
}

// Seat is one place at a visit's table: one voice, whoever raises it.
type Seat struct {
	User   string `json:"user,omitempty"` // whose seat it is; "" for several who may claim it
	Weight int    `json:"weight"`         // in a vote with weights
	Voices int    `json:"voices"`         // in other votes: more than one for an agent of others
}

// Timer is a deadline of an ACTIVE visit.
type Timer struct {
	Index int       `json:"index"` // of the node's Timeouts; -1 ends a delay
	Due   time.Time `json:"due"`
	Fired int       `json:"fired,omitempty"` // how often it already has
}

// Override replaces a visit's way on.
type Override struct {
	Jump  *int     `json:"jump,omitempty"` // seq of the next node; StartSeq returns to the initiator
	Depts []string `json:"depts,omitempty"`
}

// TaskKind is what a task asks for.
type TaskKind string

// The kinds of tasks.
const (
	TaskApprove  TaskKind = "approve"
	TaskHandle   TaskKind = "handle"
	TaskDelegate TaskKind = "delegate" // advice, given back by resolve
	TaskBefore   TaskKind = "before"   // sign before the one who asked does
	TaskSide     TaskKind = "side"     // of taskDeptManager: nothing waits for it
)

// Task is one person's part of one visit.
type Task struct {
	ID       int               `json:"id"`
	Visit    int               `json:"visit"`
	Node     int               `json:"node"`
	Round    int               `json:"round"`
	Kind     TaskKind          `json:"kind"`
	Seat     int               `json:"seat,omitempty"`   // from 1; 0 for side tasks
	Parent   int               `json:"parent,omitempty"` // the task it was made of
	User     string            `json:"user"`
	For      string            `json:"for,omitempty"` // the absent person an agent stands in for
	State    orgflow.TaskState `json:"state"`
	Cause    Cause             `json:"cause,omitempty"`
	OpenedAt time.Time         `json:"openedAt,omitzero"` // when it became ACTIVE
	DoneAt   time.Time         `json:"doneAt,omitzero"`
	Due      time.Time         `json:"due,omitzero"`    // the visit's first deadline
	Audit    int64             `json:"audit,omitempty"` // the decision that ended it
	Told     int               `json:"told,omitempty"`  // messages sent about it
	// Urges counts urges by hand; Urged holds those of the last day.
	Urges int         `json:"urges,omitempty"`
	Urged []time.Time `json:"urged,omitempty"`
}

// Open tells whether the task may still need its person.
func (t *Task) Open() bool {
	switch t.State {
	case orgflow.TaskActive, orgflow.TaskWaiting, orgflow.TaskDelegated:
		return true
	default:
		return false
	}
}

// DecodeState reads a stored state and refuses what no step can have
// produced.
func DecodeState(raw []byte) (*State, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var s State
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("state of a flow: %w", err)
	}
	if dec.More() {
		return nil, fmt.Errorf("state of a flow: something follows the document")
	}
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("state of flow %q: %w", s.Number, err)
	}
	return &s, nil
}

// Encode returns the state as JSON. Equal states have equal bytes.
func (s *State) Encode() ([]byte, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("state of flow %q: %w", s.Number, err)
	}
	return raw, nil
}

// NextWake returns when the flow has to be woken, zero if nothing is timed.
// Only a RUNNING flow is.
func (s *State) NextWake() time.Time {
	var next time.Time
	if s.Flow != orgflow.FlowRunning {
		return next
	}
	for i := range s.Visits {
		if s.Visits[i].State != orgflow.VisitActive {
			continue
		}
		for _, t := range s.Visits[i].Timers {
			if next.IsZero() || t.Due.Before(next) {
				next = t.Due
			}
		}
	}
	return next
}

// CurrentNodes returns the seqs of the nodes with an ACTIVE visit, each once,
// ascending.
func (s *State) CurrentNodes() []int {
	seqs := []int{}
	for i := range s.Visits {
		if s.Visits[i].State == orgflow.VisitActive {
			seqs = append(seqs, s.Visits[i].Node)
		}
	}
	slices.Sort(seqs)
	return slices.Compact(seqs)
}
