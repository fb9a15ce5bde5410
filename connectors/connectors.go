// Package connectors declares what orgflow asks of remote systems, as small
// interfaces named by capability. Each vendor package under it implements
// those its system has and speaks the vendor's language at its edge only.
//
// A connector never sees Temporal or the database. Every error it returns is
// an *orgflow.Fault, or a context error.
package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"orgflow"
)

// Source reads rows of a model, page by page.
type Source interface {
	// ReadPage returns one page. It may be asked for the same page again.
	ReadPage(ctx context.Context, q Query, cursor string) (Page, error)
}

// Query says which rows a fetch wants.
type Query struct {
	Model         string
	API           string // gateway name, default hcm.model.list
	Fields        []Column
	FilterDict    map[string]json.RawMessage
	FilterStr     *string
	Sorts         json.RawMessage
	OnlyList      *bool
	PageSize      int
	ExtraProperty map[string]json.RawMessage // passed on unchanged
}

// Column is one field the source shall deliver: a path of segments.
type Column struct {
	Key   string   `json:"key"`
	Field []string `json:"field"`
}

// Page is a piece of a read. Next is empty when the source has no more to
// give; whether everything was seen is for the reader to prove from Declared.
type Page struct {
	Rows     []json.RawMessage
	Next     string
	Declared int // rows the source says match; -1 when it does not say
	Calls    int
}

// Consumer takes one effect at a time.
type Consumer interface {
	// Profile returns the consumer's rules; it is constant.
	Profile() orgflow.Profile
	// Apply makes the effect true at the consumer and returns how it is
	// known there. It must be safe to repeat: a record that already is as
	// wanted, or already gone, is a success. With Effect.InDoubt set an
	// earlier attempt may have taken effect, and Apply reads back before it
	// writes. It retries nothing but an expired token; throttling and
	// transient failures come back as faults.
	Apply(ctx context.Context, e Effect) (Receipt, error)
}

// Effect is one write, with every reference resolved.
type Effect struct {
	Kind       orgflow.Kind
	Op         orgflow.Op
	ConsumerID string // known id; empty on the insert of a department whose id the consumer assigns
	// Key recognises a record of ours whose id we may never have learnt
	// (DingTalk departments: source_identifier). Stable per company and record.
	Key string
	// Fields are the payload by target name, Ext the custom attributes by label.
	Fields map[string]any
	Ext    map[string]any
	// Clear lists target names that had a value and shall have none; a custom
	// attribute's is its label behind orgflow.ExtPrefix.
	Clear []string
	// InDoubt: an earlier attempt's outcome is unknown.
	InDoubt bool
	// Invited, of an insert: the record was answered with an invitation. Apply
	// looks whether the person is there by now and makes who is as wanted; who
	// is not gets a new invitation where Reinvite says so, and none in doubt,
	// because the one in doubt may have arrived. Of a delete: the person may
	// be there under another id than asked for, and is recognised by Fields.
	Invited  bool
	Reinvite bool
}

// Receipt is what the consumer made of an effect.
type Receipt struct {
	ConsumerID string
	Pending    bool   // accepted but not in force until somebody acts (invitation)
	Invited    bool   // with Pending: an invitation went out in this call, or may have
	Adopted    bool   // the record was there already and was taken over
	Note       string // what deviated, for the provisioning log; no personal data
	// Dropped lists optional fields the consumer refused while it took the
	// rest of the record. Such a record does not count as fully accepted.
	Dropped []string
	Calls   int // HTTP calls spent, token calls included
	Writes  int // of these, calls that write
}

// Count adds an HTTP call that may have reached the consumer.
func (r *Receipt) Count(write bool) {
	r.Calls++
	if write {
		r.Writes++
	}
}

// Checker is implemented by connectors that can prove, at little cost, that
// address, credentials and permissions work, before a run depends on them.
type Checker interface {
	Check(ctx context.Context) error
}

// Metered is implemented by connectors that count their token renewals.
type Metered interface {
	// TokenRenewals returns the renewals since the connector was made, the
	// first token included.
	TokenRenewals() int
}

// Directory is implemented by consumers that can show all they hold below
// the configured root, so that records nobody is bound to can be adopted and
// what was changed at the consumer can be found. It only reads. The walk
// from department to department is the caller's, who can keep its place.
//
// Where a part may not be seen, the fault is CodePartialRead: what is in it
// is unknown, never absent. A department that was deleted meanwhile is
// CodeNotFound.
type Directory interface {
	// ReadOrg returns a department and those directly below it. Calls are
	// counted beside an error too.
	ReadOrg(ctx context.Context, id string) (RemoteOrg, error)
	// ReadMembers returns a page of the persons directly in a department,
	// the first for an empty cursor. A person in several departments is
	// shown in each, with all of them in the field of the departments.
	ReadMembers(ctx context.Context, org, cursor string) (RemotePage, error)
}

// Lookup is implemented by consumers that can show one record the way
// Directory shows it, so that a run for a few records need not read all.
type Lookup interface {
	// ReadRecord returns the record and the calls spent, beside an error too.
	// One that is certainly not there is CodeNotFound; one that may not be
	// seen is CodePartialRead.
	ReadRecord(ctx context.Context, kind orgflow.Kind, id string) (RemoteRecord, int, error)
}

// Listener is implemented by consumers that tell us by a call of their own
// what was changed at them.
type Listener interface {
	// Hear proves that a call is the consumer's and reads what it says. It
	// makes no call. ErrNotAuthentic: the proof failed, nothing of it may be
	// believed. CodeNotFound: the connection is not configured for it.
	Hear(p Push) (Notice, error)
}

// ErrNotAuthentic is a call whose sender did not prove to be the consumer.
var ErrNotAuthentic = errors.New("the call does not prove to come from the consumer")

// Push is a call as it arrived.
type Push struct {
	Query url.Values
	Body  []byte
}

// Notice is what a consumer tells: that records were changed, never how.
type Notice struct {
	ID      string // the same whenever the same event is delivered
	Type    string // the consumer's word
	At      time.Time
	Records []orgflow.RemoteKey
	// Act says what is to be done about the records.
	Act orgflow.OnChange
	// Pull says that the local organisation is to be pulled.
	Pull bool
	// Answer is what the consumer waits for. It may be sent when the notice
	// cannot be lost any more.
	Answer []byte
}

// RemoteOrg is a department as the consumer holds it now.
type RemoteOrg struct {
	Record   *RemoteRecord // nil for the configured root, which nobody writes
	Children []string      // consumer ids of the departments directly below
	Calls    int
}

// RemotePage is a piece of what the consumer holds.
type RemotePage struct {
	Records []RemoteRecord
	Next    string // empty on the last page
	Calls   int
}

// RemoteRecord is a record as the consumer holds it now.
type RemoteRecord struct {
	Kind       orgflow.Kind
	ConsumerID string
	// Key is the Effect.Key under which we created it, or another system's
	// key; empty where there is none or the consumer has no such field.
	Key string
	// Fields by target name, in the forms of Effect.Fields: text,
	// json.Number or bool, lists as comma text, references as the consumer's
	// ids. A field that is known to be empty is nil; one that is not listed
	// is unknown, because the read does not show it or may not.
	Fields map[string]any
	// Ext are the custom attributes by label; nil is unknown.
	Ext map[string]any
}
