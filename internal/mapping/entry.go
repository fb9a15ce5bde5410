// Package mapping turns a source row into a standard record and a standard
// record into a consumer's payload, as field entries say (HCM reference
// § 4.5). It is pure: no I/O, no clock; the same input gives the same output.
package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Entry is one line of a fetch meta file or a template: where a value comes
// from, what happens to it, and what it is called at the end.
type Entry struct {
	// Key is the standard key: written by a fetch meta, read by a template.
	Key string `json:"key"`
	// Map is the name at the consumer, or the label of a custom attribute
	// when IsExtattr is set. Default: Key.
	Map string `json:"map,omitempty"`
	// Field is one path in segments through the source row; a single dotted
	// segment is accepted too. "*" collects all elements of an array, a
	// number picks one, anything else takes the first.
	Field      []string        `json:"field,omitempty"`
	IsExtattr  bool            `json:"is_extattr,omitempty"`
	Required   bool            `json:"required,omitempty"`
	Type       string          `json:"type,omitempty"`      // string int float bool date datetime array object; empty keeps the value
	ItemType   string          `json:"item_type,omitempty"` // of an array's elements
	Default    json.RawMessage `json:"default,omitempty"`
	Transforms []Transform     `json:"transforms,omitempty"`
	When       *Condition      `json:"when,omitempty"`
	OnUpdate   string          `json:"on_update,omitempty"` // send (default), skip, clear
	Sensitive  bool            `json:"sensitive,omitempty"`
	MaxLength  int             `json:"max_length,omitempty"` // characters; longer is a record error
	Label      string          `json:"label,omitempty"`      // for people
}

// Transform is one step on a value; Op selects it, the other keys are its
// arguments (HCM reference § 4.5).
type Transform struct {
	Op string `json:"op"`

	Map    map[string]json.RawMessage `json:"map,omitempty"`     // value_map
	OnMiss string                     `json:"on_miss,omitempty"` // value_map, lookup: keep null error

	In  StringList `json:"in,omitempty"`  // date: accepted layouts
	Out string     `json:"out,omitempty"` // date
	TZ  string     `json:"tz,omitempty"`  // date

	Sep       string `json:"sep,omitempty"`        // join split concat
	Unique    bool   `json:"unique,omitempty"`     // join split
	Max       int    `json:"max,omitempty"`        // join split
	Parts     []Part `json:"parts,omitempty"`      // concat
	SkipEmpty bool   `json:"skip_empty,omitempty"` // concat

	Model      string `json:"model,omitempty"`       // lookup
	By         string `json:"by,omitempty"`          // lookup
	Emit       string `json:"emit,omitempty"`        // lookup
	WithParent bool   `json:"with_parent,omitempty"` // lookup

	Kind string `json:"kind,omitempty"` // bind: org person

	Value string `json:"value,omitempty"` // prefix suffix; pad: the filler
	Old   string `json:"old,omitempty"`   // replace
	New   string `json:"new,omitempty"`   // replace
	Start int    `json:"start,omitempty"` // substr, mask: first character, from 0
	End   int    `json:"end,omitempty"`   // substr, mask: behind the last; 0 is the end, negative counts from it
	Width int    `json:"width,omitempty"` // pad
	Side  string `json:"side,omitempty"`  // pad: left (default) right

	DefaultCountry string `json:"default_country,omitempty"` // phone, e.g. "86"

	Cases []Case          `json:"cases,omitempty"` // case
	Else  json.RawMessage `json:"else,omitempty"`  // case

	To string `json:"to,omitempty"` // cast: a type
}

// Case is one branch of the transform "case".
type Case struct {
	When Condition       `json:"when"`
	Then json.RawMessage `json:"then"`
}

// Part is a piece of the transform "concat": a literal text or a field.
type Part struct {
	Text  string   `json:"text,omitempty"`
	Field []string `json:"field,omitempty"`
}

// UnmarshalJSON accepts a plain text as a literal part. Unknown keys are
// refused, so that a misspelt "field" is not read as an empty text.
func (p *Part) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		*p = Part{Text: text}
		return nil
	}
	type plain Part
	var read plain
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&read); err != nil {
		return fmt.Errorf(`a part is a text, {"text": …} or {"field": […]}: %w`, err)
	}
	*p = Part(read)
	return nil
}

// Condition decides whether an entry applies. Exactly one of All, Any, Not
// or Field+Op is set. Pure data, no scripts.
type Condition struct {
	All   []Condition     `json:"all,omitempty"`
	Any   []Condition     `json:"any,omitempty"`
	Not   *Condition      `json:"not,omitempty"`
	Field []string        `json:"field,omitempty"`
	Op    string          `json:"op,omitempty"` // eq ne in notin gt gte lt lte empty notempty prefix match
	Value json.RawMessage `json:"value,omitempty"`
}

// StringList is a list of texts that may also be written as one text.
type StringList []string

// UnmarshalJSON accepts "a" and ["a", "b"].
func (l *StringList) UnmarshalJSON(raw []byte) error {
	var one string
	if err := json.Unmarshal(raw, &one); err == nil {
		*l = StringList{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(raw, &many); err != nil {
		return err
	}
	*l = many
	return nil
}
