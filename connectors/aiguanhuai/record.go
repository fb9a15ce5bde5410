package aiguanhuai

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/coerce"
	"orgflow/connectors/veil"
	"orgflow/connectors/wire"
)

// top stands for the consumer's own root, which has no id: on the wire it is
// an empty parentId, and an empty list of departments.
const top = "(top)"

// Statuses (reference § A.2). Absence would mean disabled, so that a status
// is never left out.
const (
	statusActive  = 1
	statusGone    = 11
	statusRetired = 12 // in a sample only (reference § A.3 no. 4)
)

// form is a field's type on the wire.
type form int

const (
	formText form = iota
	formInt
	formDate // eight digits
	formList // of department ids
)

// field is what the wire knows of a target name.
type field struct {
	form     form
	required bool
	enum     []int64
}

// table is a kind of record.
type table struct {
	kind, id string
	fields   map[string]field
}

var departments = table{kind: "department", id: "departmentId", fields: map[string]field{
	"departmentId":   {required: true},
	"departmentName": {required: true},
	"status":         {form: formInt, required: true, enum: []int64{statusActive, statusGone}},
	"parentId":       {},
}}

var persons = table{kind: "person", id: "userId", fields: map[string]field{
	"userId":       {required: true},
	"account":      {required: true},
	"realName":     {required: true},
	"status":       {form: formInt, required: true, enum: []int64{statusActive, statusGone, statusRetired}},
	"gender":       {form: formInt, enum: []int64{0, 1, 2}},
	"email":        {},
	"mobile":       {},
	"position":     {},
	"departmentId": {form: formList},
	"birthday":     {form: formDate},
	"joinDate":     {form: formDate},
	"orgSource":    {form: formInt},
}}

// refuse is connectors.Refuse with a formatted message.
func refuse(name, format string, args ...any) *orgflow.Fault {
	return connectors.Refuse(name, fmt.Sprintf(format, args...))
}

// record is an effect ready for the wire.
type record struct {
	id   string
	json []byte
	hide []string // personal values, to be kept out of a vendor's text
}

// record checks and converts an effect. It makes no call; its fault names
// the field and what is allowed.
func (c *Client) record(e connectors.Effect) (record, error) {
	t := persons
	switch e.Kind {
	case orgflow.Person:
	case orgflow.Org:
		t = departments
	default:
		return record{}, connectors.UnknownKind(e.Kind)
	}
	if len(e.Ext) > 0 {
		return record{}, refuse("ext", "爱关怀 knows no custom attributes; take is_extattr out of the template")
	}
	wire, err := c.fields(t, e)
	if err != nil {
		return record{}, err
	}
	if e.Op != orgflow.Insert && e.ConsumerID != "" {
		wire[t.id] = e.ConsumerID // an id never changes
	}
	if e.Op == orgflow.Delete {
		wire["status"] = int64(statusGone) // reference § A.3 no. 9
	}
	if e.Kind == orgflow.Person && wire["orgSource"] == nil {
		wire["orgSource"] = int64(*c.cfg.OrgSource)
	}
	for _, name := range slices.Sorted(maps.Keys(t.fields)) {
		if v := wire[name]; t.fields[name].required && (v == nil || v == "") {
			return record{}, refuse(name, "is missing; 爱关怀 needs it, and an absent status would mean disabled")
		}
	}
	return seal(t, wire)
}

// fields converts what an effect sets and clears.
func (c *Client) fields(t table, e connectors.Effect) (map[string]any, error) {
	wire := make(map[string]any, len(e.Fields)+2)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		f, known := t.fields[name]
		if !known {
			return nil, refuse(name, "爱关怀's %s has no such field, allowed are %s", t.kind, t.names())
		}
		if e.Fields[name] == nil {
			continue
		}
		v, err := c.convert(f, e.Fields[name])
		if err != nil {
			return nil, refuse(name, "%s", err)
		}
		wire[name] = v
	}
	for _, name := range e.Clear {
		f, known := t.fields[name]
		switch {
		case !known:
			return nil, refuse(name, "爱关怀's %s has no such field, allowed are %s", t.kind, t.names())
		case f.required:
			return nil, refuse(name, "cannot be cleared, 爱关怀 needs it")
		}
		wire[name] = f.empty()
	}
	return wire, nil
}

func (t table) names() string { return strings.Join(slices.Sorted(maps.Keys(t.fields)), ", ") }

// empty is the value that clears a field.
func (f field) empty() any {
	switch f.form {
	case formInt:
		return int64(0)
	case formList:
		return []string{}
	case formText, formDate:
	}
	return ""
}

func (c *Client) convert(f field, v any) (any, error) {
	switch f.form {
	case formInt:
		n, err := strconv.ParseInt(plain(v), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("must be a whole number")
		}
		if len(f.enum) > 0 && !slices.Contains(f.enum, n) {
			return nil, fmt.Errorf("is %d, allowed are %v", n, f.enum)
		}
		return n, nil
	case formList:
		return c.list(v), nil
	case formText, formDate: // below
	}
	if _, isList := v.([]any); isList {
		return nil, fmt.Errorf("must be a text, not a list")
	}
	text := c.place(plain(v))
	if f.form == formDate && text != "" && !isDate(text) {
		return nil, fmt.Errorf("must be a date of eight digits, yyyymmdd")
	}
	return text, nil
}

// place writes the consumer's own root as the wire does.
func (c *Client) place(id string) string {
	if id == top {
		return ""
	}
	return id
}

// list reads ids from a list or a comma-separated text, each once; the root
// is not listed.
func (c *Client) list(v any) []string {
	entries, _ := coerce.Entries(v, func(one any) (string, bool) { return plain(one), true })
	for i := range entries {
		entries[i] = c.place(entries[i])
	}
	return coerce.Unique(slices.DeleteFunc(entries, func(id string) bool { return id == "" }))
}

func isDate(s string) bool {
	if len(s) != len("yyyymmdd") {
		return false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// plain writes a payload's value as text.
func plain(v any) string {
	if text, ok := wire.Scalar(v); ok {
		return text
	}
	return fmt.Sprint(v)
}

// seal encodes a record without escaping <, > and &, so that its length is
// that of what is sent.
func seal(t table, fields map[string]any) (record, error) {
	encoded, err := wire.Encode(fields)
	if err != nil {
		return record{}, &orgflow.Fault{Code: orgflow.CodeInternal, Message: "encoding a " + t.kind, Err: err}
	}
	r := record{json: encoded}
	r.id, _ = fields[t.id].(string)
	r.hide = veil.Values(fields, []string{"realName", "mobile", "email"})
	return r, nil
}
