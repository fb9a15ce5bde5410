package wecom

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/wire"
)

// payload is an effect's fields in wire form.
type payload struct {
	body    map[string]any
	leaders []string // of a department; nil is unchanged
	dropped []string // fields that shall have no value and cannot be cleared
}

// build checks and converts an effect's fields. It makes no call; its fault
// names the field and what is allowed.
func (t fieldTable) build(e connectors.Effect) (payload, error) {
	p := payload{body: make(map[string]any, len(e.Fields)+2)}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		if err := t.place(&p, e.Op, name, e.Fields[name]); err != nil {
			return payload{}, err
		}
	}
	var labels []string
	for _, name := range e.Clear {
		isField, err := t.clear(&p, e.Op, name)
		if err != nil {
			return payload{}, err
		}
		if !isField {
			labels = append(labels, strings.TrimPrefix(name, orgflow.ExtPrefix))
		}
	}
	if err := p.extend(t, e, labels); err != nil {
		return payload{}, err
	}
	return p, nil
}

// place puts one field where it belongs. An absent value (null) is not sent;
// neither is an empty text on an insert, where there is nothing to clear.
func (t fieldTable) place(p *payload, op orgflow.Op, name string, v any) error {
	f, known := t.fields[name]
	if !known {
		return connectors.Refuse(name, "WeCom's "+t.record+" has no such field, allowed are "+t.names())
	}
	if v == nil || f.when == insertOnly && op != orgflow.Insert || f.when == updateOnly && op == orgflow.Insert {
		return nil
	}
	value, err := f.coerce(v)
	if err != nil {
		return connectors.Refuse(name, err.Error())
	}
	empty := value == ""
	switch {
	case empty && (op == orgflow.Insert || f.lasting):
		return nil
	case f.when == withPeople && op == orgflow.Insert:
		return connectors.Refuse(name, "cannot be set by the insert of a department, only by an update once these people are its members")
	case f.when == withPeople:
		p.leaders = value.([]string)
	default:
		p.body[name] = value
	}
	return nil
}

// clear makes a field empty. A name that is no field is the label of a
// custom attribute. That an empty text clears is not said anywhere
// (unconfirmed); what certainly has no empty value is reported instead.
func (t fieldTable) clear(p *payload, op orgflow.Op, name string) (isField bool, err error) {
	f, known := t.fields[name]
	if !known || op == orgflow.Insert {
		return known, nil
	}
	if _, given := p.body[name]; given {
		return true, connectors.Refuse(name, "is both set and cleared")
	}
	switch {
	case f.required:
		return true, connectors.Refuse(name, "cannot be cleared, WeCom needs it")
	case f.lasting:
		p.dropped = append(p.dropped, name)
	case f.when == withPeople:
		p.leaders = []string{}
	case f.wire == wireUserIDs:
		p.body[name] = []string{}
	default:
		p.body[name] = ""
	}
	return true, nil
}

const (
	attrMax  = 64 // characters of a text attribute
	titleMax = 12 // characters of a web attribute's title
)

// extend adds the custom attributes (WeCom reference § 4.1). A cleared label
// goes along with an empty text, because it is not said whether attributes
// that are left out stay.
func (p *payload) extend(t fieldTable, e connectors.Effect, cleared []string) error {
	if len(e.Ext) == 0 && len(cleared) == 0 {
		return nil
	}
	if t.record != personFields.record {
		return connectors.Refuse(extAttr, "departments of WeCom have no custom attributes")
	}
	ext := maps.Clone(e.Ext)
	if ext == nil {
		ext = map[string]any{}
	}
	for _, label := range cleared {
		if _, given := ext[label]; !given {
			ext[label] = ""
		}
	}
	attrs := make([]map[string]any, 0, len(ext))
	for _, label := range slices.Sorted(maps.Keys(ext)) {
		attr, err := attribute(label, ext[label])
		if err != nil {
			return connectors.Refuse(extAttr, err.Error())
		}
		if attr != nil {
			attrs = append(attrs, attr)
		}
	}
	if len(attrs) > 0 {
		p.body[extAttr] = map[string]any{"attrs": attrs}
	}
	return nil
}

// attribute makes a text attribute, or a web one of an object with url and
// title.
func attribute(label string, v any) (map[string]any, error) {
	if web, ok := v.(map[string]any); ok {
		link, _ := web["url"].(string)
		title, _ := web["title"].(string)
		u, err := url.Parse(link)
		if err != nil || len(web) != 2 || (link == "") != (title == "") || link != "" && u.Scheme != "http" && u.Scheme != "https" || utf8.RuneCountInString(title) > titleMax {
			return nil, fmt.Errorf("attribute %q must be text, or an object with an http or https url and a title of at most %d characters", label, titleMax)
		}
		return map[string]any{"type": 1, "name": label, "web": map[string]any{"url": link, "title": title}}, nil
	}
	s, ok := wire.Scalar(v)
	if v == nil {
		return nil, nil
	}
	if !ok || utf8.RuneCountInString(s) > attrMax {
		return nil, fmt.Errorf("attribute %q must be text of at most %d characters", label, attrMax)
	}
	return map[string]any{"type": 0, "name": label, "text": map[string]any{"value": s}}, nil
}

// forUpdate returns the whole payload of an insert as the body of an update.
func (t fieldTable) forUpdate(p payload) map[string]any {
	body := maps.Clone(p.body)
	maps.DeleteFunc(body, func(name string, _ any) bool { return t.fields[name].when == insertOnly })
	return body
}

// report tells the receipt what cannot be done.
func (p payload) report(r *connectors.Receipt) {
	if r.Dropped = p.dropped; len(p.dropped) > 0 {
		r.Note = "WeCom offers no way to clear " + strings.Join(p.dropped, ", ")
	}
}

// noteThat adds to what the provisioning log shall say.
func noteThat(r *connectors.Receipt, note string) {
	if r.Note != "" {
		note = r.Note + "; " + note
	}
	r.Note = note
}

// personal are the fields whose values are kept out of WeCom's texts.
var personal = []string{"mobile", "telephone", "email", "biz_mail", "name", "alias", "address"}
