package rest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors/wire"
)

// The template language. A text holds references in braces ({{ is a brace):
//
//	{id} {key} {kind} {op} {root}       the record; {ext} has a value where its custom attributes are sent
//	{field.NAME} {ext.LABEL}            its values, converted as the definition says
//	{settings.NAME} {uuid} {now}        the connection; the time in Unix seconds
//	{item} {name} {path} {value}        inside $each
//	{cursor} {page} {offset} {size}     paging
//	{token} {task} {etag}               what earlier calls answered
//
// A text that is one reference has that value's type; others are put together
// as text. |json quotes a value as JSON text, |lower and |upper change it, |int
// makes a reference that stands alone a whole number.
// What refers to an absent value is absent itself: it is left out of objects
// and lists. An object may hold instead:
//
//	{"$fields": true, …}                all fields of the record by wire name, beside what else stands there
//	{"$each": "fields", "as": …}        a list; also "cleared", "ext", "records", or "field.NAME" for a list's entries
//	{"$concat": [list, …]}              lists, one behind the other
//	{"$first": [value, …]}              the first that is not absent
//	{"$json": value}                    the value as JSON text
//	{"$if": "field.NAME", "then": …}    the second where the first has a value, else absent
const (
	dirFields = "$fields"
	dirEach   = "$each"
	dirAs     = "as"
	dirConcat = "$concat"
	dirFirst  = "$first"
	dirJSON   = "$json"
	dirIf     = "$if"
	dirThen   = "then"
)

// absent is the value of what is not there.
type absentValue struct{}

var absent any = absentValue{}

// scope answers references.
type scope interface {
	// value returns what a name refers to; absent if it has no value.
	value(name string) any
	// fields are the record's values by wire name.
	fields() map[string]any
	// each lists the scopes inside $each.
	each(what string) []scope
}

// render fills a template.
func render(t any, s scope) (any, error) {
	switch t := t.(type) {
	case string:
		return renderText(t, s)
	case []any:
		out := make([]any, 0, len(t))
		for _, one := range t {
			v, err := render(one, s)
			if err != nil {
				return nil, err
			}
			if v != absent {
				out = append(out, v)
			}
		}
		return out, nil
	case map[string]any:
		return renderObject(t, s)
	}
	return t, nil
}

func renderObject(t map[string]any, s scope) (any, error) {
	switch {
	case t[dirEach] != nil:
		what, _ := t[dirEach].(string)
		return renderEach(what, t[dirAs], s)
	case t[dirConcat] != nil:
		return renderConcat(t[dirConcat], s)
	case t[dirFirst] != nil:
		list, _ := t[dirFirst].([]any)
		for _, one := range list {
			if v, err := render(one, s); err != nil || v != absent {
				return v, err
			}
		}
		return absent, nil
	case t[dirIf] != nil:
		if v := s.value(plain(t[dirIf])); v == absent || blank(v) {
			return absent, nil
		}
		return render(t[dirThen], s)
	case t[dirJSON] != nil:
		v, err := render(t[dirJSON], s)
		if err != nil || v == absent {
			return v, err
		}
		raw, err := wire.Encode(v)
		return string(raw), err
	}
	return renderMembers(t, s)
}

func renderMembers(t map[string]any, s scope) (any, error) {
	out := make(map[string]any, len(t))
	if t[dirFields] == true {
		for name, v := range s.fields() {
			out[name] = v
		}
	}
	for name, one := range t {
		if name == dirFields {
			continue
		}
		v, err := render(one, s)
		if err != nil {
			return nil, err
		}
		if v != absent {
			out[name] = v
		}
	}
	return out, nil
}

func renderEach(what string, as any, s scope) (any, error) {
	out := []any{}
	for _, inner := range s.each(what) {
		v, err := render(as, inner)
		if err != nil {
			return nil, err
		}
		if v != absent {
			out = append(out, v)
		}
	}
	return out, nil
}

func renderConcat(t any, s scope) (any, error) {
	out := []any{}
	lists, _ := t.([]any)
	for _, one := range lists {
		v, err := render(one, s)
		if err != nil {
			return nil, err
		}
		list, isList := v.([]any)
		if !isList && v != absent {
			list = []any{v}
		}
		out = append(out, list...)
	}
	return out, nil
}

// piece is a part of a text: bare text, or a reference with its filters.
type piece struct {
	text, ref string
	filters   []string
}

// pieces takes a text apart.
func pieces(t string) ([]piece, error) {
	var out []piece
	var bare strings.Builder
	for i := 0; i < len(t); i++ {
		switch {
		case strings.HasPrefix(t[i:], "{{"), strings.HasPrefix(t[i:], "}}"):
			bare.WriteByte(t[i])
			i++
		case t[i] == '{':
			end := strings.IndexByte(t[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("has a { without its }; write {{ for a brace")
			}
			if bare.Len() > 0 {
				out = append(out, piece{text: bare.String()})
				bare.Reset()
			}
			ref, filters, _ := strings.Cut(t[i+1:i+end], "|")
			p := piece{ref: ref}
			if filters != "" {
				p.filters = strings.Split(filters, "|")
			}
			out = append(out, p)
			i += end
		default:
			bare.WriteByte(t[i])
		}
	}
	if bare.Len() > 0 {
		out = append(out, piece{text: bare.String()})
	}
	return out, nil
}

var filters = []string{"json", "lower", "upper", "int"}

func renderText(t string, s scope) (any, error) {
	list, err := pieces(t)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 && list[0].ref != "" && len(list[0].filters) == 0 {
		return s.value(list[0].ref), nil
	}
	var b strings.Builder
	for _, p := range list {
		if p.ref == "" {
			b.WriteString(p.text)
			continue
		}
		v := s.value(p.ref)
		if v == absent {
			return absent, nil
		}
		text, err := p.write(v)
		if err != nil {
			return nil, err
		}
		b.WriteString(text)
	}
	if len(list) == 1 && slices.Contains(list[0].filters, "int") {
		if _, err := strconv.ParseInt(b.String(), 10, 64); err != nil {
			return nil, fmt.Errorf("{%s} is no whole number", list[0].ref)
		}
		return json.Number(b.String()), nil
	}
	return b.String(), nil
}

// write writes a referred value into a text: lists with commas.
func (p piece) write(v any) (string, error) {
	text := plain(v)
	if list, isList := v.([]any); isList {
		parts := make([]string, len(list))
		for i, one := range list {
			parts[i] = plain(one)
		}
		text = strings.Join(parts, ",")
	}
	for _, f := range p.filters {
		switch f {
		case "json":
			raw, err := wire.Encode(text)
			if err != nil {
				return "", err
			}
			text = string(raw)
		case "lower":
			text = strings.ToLower(text)
		case "upper":
			text = strings.ToUpper(text)
		}
	}
	return text, nil
}

// refsIn lists the references of a template, those of $each not apart.
func refsIn(t any) []string {
	var out []string
	switch t := t.(type) {
	case string:
		list, _ := pieces(t)
		for _, p := range list {
			if p.ref != "" {
				out = append(out, p.ref)
			}
		}
	case []any:
		for _, one := range t {
			out = append(out, refsIn(one)...)
		}
	case map[string]any:
		for name, one := range t {
			if name == dirIf {
				out = append(out, plain(one))
			} else if name != dirEach && name != dirFields {
				out = append(out, refsIn(one)...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// uses tells whether a template has an $each over what.
func uses(t any, what string) bool {
	switch t := t.(type) {
	case []any:
		return slices.ContainsFunc(t, func(one any) bool { return uses(one, what) })
	case map[string]any:
		if t[dirEach] == what {
			return true
		}
		for _, one := range t {
			if uses(one, what) {
				return true
			}
		}
	}
	return false
}
