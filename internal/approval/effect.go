package approval

import (
	"fmt"
	"strings"
	"time"

	"orgflow"
)

// Outcome is what a step has made of a command.
type Outcome struct {
	// State is the state afterwards. Where nothing changed it equals the one
	// before, and there is nothing to store.
	State   *State
	Changed bool
	Effect  Effect
	Answer  Answer
}

// Effect is what has to be stored and sent together with the state.
type Effect struct {
	Visits   []Visit // new and changed ones, by id
	Tasks    []Task  // new and changed ones, by id
	Timeline []Entry
	Audits   []AuditResult // one per decision worked on
	Messages []Message
	Children []Child // flows to start
	Orphans  []int   // subflow visits whose child is to be cancelled
	Triggers []Trigger
	Dropped  []int // trigger visits whose call nobody waits for any more
}

// Empty tells whether there is nothing to store or send.
func (e *Effect) Empty() bool {
	return len(e.Visits)+len(e.Tasks)+len(e.Timeline)+len(e.Audits)+len(e.Messages)+
		len(e.Children)+len(e.Orphans)+len(e.Triggers)+len(e.Dropped) == 0
}

// Answer is what the caller of a command is told.
type Answer struct {
	Number        string            `json:"flowRunningNumber"`
	State         orgflow.FlowState `json:"state"`
	Round         int               `json:"round"`
	Rev           int64             `json:"stateRev"`
	CurrentNodes  []int             `json:"currentNodes"`
	Existing      bool              `json:"existing,omitempty"` // launched before
	Already       bool              `json:"already,omitempty"`  // done before
	AfterApproval bool              `json:"afterApproval,omitempty"`
	Applied       int               `json:"applied"` // decisions that counted
	Audits        []AuditResult     `json:"audits,omitempty"`
	Jump          JumpAnswer        `json:"jump,omitempty"`
	Urged         []string          `json:"urged,omitempty"` // user codes
}

// JumpAnswer says what became of nextNodeSeq.
type JumpAnswer string

// What becomes of nextNodeSeq.
const (
	JumpDone    JumpAnswer = "done"
	JumpPending JumpAnswer = "pending" // when the other signers are done
	JumpDropped JumpAnswer = "dropped" // no decision of the call counted
)

// AuditResult says what became of a stored decision.
type AuditResult struct {
	ID      int64                `json:"id"`
	Outcome orgflow.AuditOutcome `json:"outcome"`
	Task    int                  `json:"task,omitempty"`    // whose decision it is
	Message string               `json:"message,omitempty"` // why it did not count
}

// EntryType is the type of a timeline entry.
type EntryType string

// The timeline entries.
const (
	EntryLaunched    EntryType = "launched"
	EntryRelaunched  EntryType = "relaunched"
	EntryEntered     EntryType = "node_entered"
	EntryLeft        EntryType = "node_left"
	EntryTask        EntryType = "task_opened"
	EntryDecided     EntryType = "decided"
	EntryIgnored     EntryType = "decision_ignored"
	EntryCopied      EntryType = "copied"
	EntryUrged       EntryType = "urged"
	EntryReminded    EntryType = "reminded"
	EntryEscalated   EntryType = "escalated"
	EntryTimedOut    EntryType = "timed_out"
	EntrySubstituted EntryType = "substituted"
	EntryJumped      EntryType = "jumped"
	EntrySentBack    EntryType = "sent_back"
	EntryResumed     EntryType = "resumed"
	EntryRetracted   EntryType = "retracted"
	EntryWithdrawn   EntryType = "withdrawn"
	EntryChild       EntryType = "child_started"
	EntryChildDone   EntryType = "child_done"
	EntryTrigger     EntryType = "trigger_called"
	EntryTriggerDone EntryType = "trigger_done"
	EntryApproved    EntryType = "approved"
	EntryRejected    EntryType = "rejected"
	EntryReturned    EntryType = "returned"
	EntryDiscarded   EntryType = "discarded"
	EntryFaulted     EntryType = "faulted"
	EntryRepaired    EntryType = "repaired"
	EntryNoManager   EntryType = "manager_missing" // no task for the manager of a named department
)

// Entry is a line of the timeline. It holds ids and codes only.
type Entry struct {
	Type  EntryType
	At    time.Time
	Actor string // user code; "" is the service
	Round int
	Node  *int
	Visit int
	Task  int
	Data  EntryData
}

// EntryData is what an entry says besides.
type EntryData struct {
	State   string   `json:"state,omitempty"` // of the visit, task or child
	Cause   Cause    `json:"cause,omitempty"`
	Verdict string   `json:"verdict,omitempty"`
	Outcome string   `json:"outcome,omitempty"`
	Audit   int64    `json:"audit,omitempty"`
	To      *int     `json:"to,omitempty"`    // seq
	Users   []string `json:"users,omitempty"` // user codes
	Depts   []string `json:"depts,omitempty"`
	Code    string   `json:"code,omitempty"`
	Message string   `json:"message,omitempty"`
	Count   int      `json:"count,omitempty"`
}

// Message is something one person is told once. The texts are made of it by
// whoever stores it.
type Message struct {
	Event    Event
	Tpl      string
	Channels []Channel // nil: the company's
	User     string    // user code
	Node     *int      // nil: about the flow as a whole
	Round    int
	Visit    int
	Task     int
	Actor    string // user code of who caused it; "" is the service
	Audit    int64  // the decision that did, 0 if none; its opinion is in the row
	Reason   string // of OnFaulted: what is missing
	// Count is the how-manieth such message about the task, visit or flow it
	// is, from 1: texts that name it never repeat.
	Count int
}

// Key returns what two messages share only if they are the same message.
func (m Message) Key(number string) string {
	return strings.Join([]string{number, string(m.Event), fmt.Sprintf("%d:%d:%d:%d", m.Round, m.Visit, m.Task, m.Count), m.User}, ":")
}

// Child is a flow to be started for a visit of a subflow node.
type Child struct {
	Visit int
	Flow  string // flow code
	// DataField is the form field with the child's dataId; "" is the parent's.
	DataField string
	Wait      bool // ChildDone is wanted
}

// Trigger is an HTTP call to be made for a visit of a trigger node.
// TriggerDone is wanted.
type Trigger struct {
	Visit int
	Node  int
	Round int
}
