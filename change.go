package orgflow

import (
	"encoding/json"
	"slices"
	"time"
)

// State is where a change stands.
type State string

// States of a change (contract § 5).
const (
	Planned       State = "planned"
	Done          State = "done"
	Failed        State = "failed"
	Blocked       State = "blocked"
	Held          State = "held"
	Parked        State = "parked"
	PendingInvite State = "pending_invite"
	NeedsHuman    State = "needs_human"
	Disputed      State = "disputed"
	Skipped       State = "skipped"
)

// Final tells whether the change needs no further work in its run.
func (s State) Final() bool { return s != Planned && s != Parked }

// Diff is one field's way from what the consumer last accepted to what it
// should hold. Values are JSON; a reference to another record is shown as
// "@org:11" until its consumer id is known.
type Diff struct {
	Before any `json:"before"`
	After  any `json:"after"`
}

// Change is one operation on one record at the consumer: a line of the plan
// before it is sent, and its outcome afterwards.
type Change struct {
	ID         int    `json:"id"` // position in the run's canonical order, from 1
	Kind       Kind   `json:"kind"`
	Op         Op     `json:"op"`
	SourceID   string `json:"source_id"`
	ConsumerID string `json:"consumer_id"`
	State      State  `json:"state"`
	// Fields are the differences of an update. An insert stores none: its
	// payload says everything, and Shown derives them.
	Fields    map[string]Diff `json:"fields,omitempty"`
	Reason    string          `json:"reason"`
	DependsOn []int           `json:"depends_on,omitempty"`
	Error     *Fault          `json:"error,omitempty"`
	Attempts  int             `json:"attempts"`
	UpdatedAt time.Time       `json:"updated_at"`

	// Wave groups changes that may run at the same time; waves run in order.
	Wave int `json:"wave"`
	// Aspect is empty for the record itself, else one of the Aspect constants:
	// AspectReferences for a second pass that sets leaders or managers once
	// those people exist.
	Aspect string `json:"aspect,omitempty"`
	// Payload is what the consumer shall be sent, in the template's target
	// names, with references to other records still symbolic (Ref).
	Payload json.RawMessage `json:"-"`
	// Hash identifies Payload; it becomes the binding's once accepted.
	Hash string `json:"-"`
	// Base is the hash of the binding the change was planned from, empty for a
	// record that was not bound. Where another run has moved the binding on
	// since, the change is not sent.
	Base string `json:"-"`
	// Before is what the consumer held when the change was planned, as far as
	// it is known and references symbolic: what an undo brings back.
	Before json.RawMessage `json:"-"`
	// Adopted: the run found the record at the consumer and took it over. What
	// it held in fields that Before does not list is not known, and no undo
	// deletes it.
	Adopted bool `json:"adopted,omitempty"`
}

// ExtPrefix marks custom attributes among the fields of a change.
const ExtPrefix = "ext."

// Masked stands for a sensitive value wherever one would be shown.
const Masked = "***"

// Shown returns the change as people see it: an insert lists its fields,
// sensitive values masked.
func (c Change) Shown() Change {
	if c.Op != Insert || len(c.Fields) > 0 || len(c.Payload) == 0 {
		return c
	}
	p, err := DecodePayload(c.Payload)
	if err != nil {
		return c
	}
	c.Fields = make(map[string]Diff, len(p.Fields)+len(p.Ext))
	add := func(prefix string, values map[string]any) {
		for name, v := range values {
			if v == nil {
				continue
			}
			if slices.Contains(p.Sensitive, name) {
				v = Masked
			}
			c.Fields[prefix+name] = Diff{After: ShowValue(v)}
		}
	}
	add("", p.Fields)
	add(ExtPrefix, p.Ext)
	return c
}

// Aspects: what a change is about when it is not the record itself.
const (
	// AspectReferences marks a second-pass change.
	AspectReferences = "references"
	// AspectTemporary marks a change that a later one of the same plan undoes:
	// it frees a name or a value that others are waiting for.
	AspectTemporary = "temporary"
	// AspectImmutable marks the part of a difference that the consumer cannot
	// change, beside an update of the rest.
	AspectImmutable = "immutable"
	// AspectInvitation marks an insert that was answered with an invitation:
	// looks whether the person has joined, brings who has to the payload, and
	// invites again who has not and was invited long ago. Its Fields are what
	// differs from the payload they were invited with.
	AspectInvitation = "invitation"
)

// Key returns the source record the change is about.
func (c Change) Key() RecordKey { return RecordKey{Kind: c.Kind, ID: c.SourceID} }

// Binding ties a source record to its record at the consumer.
type Binding struct {
	Kind       Kind
	SourceID   string
	ConsumerID string
	Scope      string          // the job scope that claimed the record
	Hash       string          // of Payload
	Payload    json.RawMessage // last accepted by the consumer, references symbolic
	State      BindingState
	// LastRun is the run that wrote the binding last; the store sets it.
	LastRun string
	// InvitedAt is when the last invitation went out, or may have, in state
	// BindingPending; zero in any other. A pending binding that is stored
	// without it gets the time of storing.
	InvitedAt time.Time
}

// BindingState is what is known about the record at the consumer.
type BindingState string

// States of a binding.
const (
	BindingActive  BindingState = "active"
	BindingPending BindingState = "pending_invite" // invited, not in the directory yet
	BindingRoot    BindingState = "root"           // the consumer's root department: never created, renamed or deleted
)

// Record is a fetched record in the standard format, as staged in
// base_sync_data.
type Record struct {
	Kind     Kind
	SourceID string
	ParentID string                     // departments only; empty is a root
	Fields   map[string]json.RawMessage // standard keys; ext holds the rest
	Raw      json.RawMessage            // the source row
}
