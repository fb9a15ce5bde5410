// Package flow connects the pure rules of approval flows with the database:
// it loads a flow, shows the rules the world as it is at one instant, and
// stores what they decide. Activities carry steps out with it; the calls of
// boards ask it beforehand what would come of them.
package flow

import (
	"bytes"
	"encoding/json"
	"fmt"

	"orgflow/internal/approval"
)

// documentV1 is the only value of a document's "schema".
const documentV1 = "flow/1"

// Document is what the database keeps of a flow between its steps.
type Document struct {
	// State is nil before the first step.
	State *approval.State
	// Form is the snapshot of the form row: what conditions and texts read.
	Form json.RawMessage
	// Parent is the subflow node that started the flow, nil if a person did.
	Parent *Parent
}

// Parent names the visit of another flow that waits for this one, or has
// started it.
type Parent struct {
	No    string `json:"no"`
	Visit int    `json:"visit"`
	// Depth is how many flows are above this one.
	Depth int `json:"depth,omitempty"`
}

type document struct {
	Schema string          `json:"schema"`
	State  json.RawMessage `json:"state,omitempty"`
	Form   json.RawMessage `json:"form,omitempty"`
	Parent *Parent         `json:"parent,omitempty"`
}

// Encode returns the document as it is stored.
func (d Document) Encode() ([]byte, error) {
	out := document{Schema: documentV1, Form: d.Form, Parent: d.Parent}
	if d.State != nil {
		raw, err := d.State.Encode()
		if err != nil {
			return nil, err
		}
		out.State = raw
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode a flow's document: %w", err)
	}
	return raw, nil
}

// DecodeDocument reads a stored document.
func DecodeDocument(raw []byte) (Document, error) {
	var in document
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return Document{}, fmt.Errorf("a flow's document: %w", err)
	}
	if in.Schema != documentV1 {
		return Document{}, fmt.Errorf("a flow's document has the schema %q, not %q", in.Schema, documentV1)
	}
	d := Document{Form: in.Form, Parent: in.Parent}
	if len(in.State) > 0 {
		state, err := approval.DecodeState(in.State)
		if err != nil {
			return Document{}, err
		}
		d.State = state
	}
	return d, nil
}
