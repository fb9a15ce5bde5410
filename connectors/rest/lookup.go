package rest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
)

// found is a record as the consumer shows it.
type found struct {
	body any
	id   string
	etag string
	ours bool // it bears our key
}

// holds tells whether the record already is as wanted. What a read does not
// show counts as different, so that it is written again, which is harmless.
func (f *found) holds(r *record) bool {
	if r.extSent && !f.holdsExt(r) {
		return false
	}
	for name, want := range r.set {
		field := r.entity.Fields[name]
		if field.Relation != nil || name == r.entity.ID {
			continue
		}
		if field.Read == "" {
			return false
		}
		got, there := at(f.body, field.Read)
		if !field.sameValue(want, got, there) {
			return false
		}
	}
	return true
}

func (f *found) holdsExt(r *record) bool {
	if r.entity.ReadExt == "" {
		return false
	}
	got, _ := at(f.body, r.entity.ReadExt)
	labels, _ := got.(map[string]any)
	return maps.EqualFunc(r.ext, labels, func(a, b any) bool { return plain(a) == plain(b) })
}

// lookup looks for the record that an insert may have created, or that is in
// its way: by its id, where that is ours to choose, else as the definition
// says. nil is that there is none; what cannot be read is an error.
func (c *Client) lookup(ctx context.Context, out *connectors.Receipt, r *record) (*found, error) {
	if r.id != "" && r.entity.Get != nil {
		return c.get(ctx, out, r)
	}
	for i := range r.entity.Find {
		got, err := c.find(ctx, out, &r.entity.Find[i], r)
		if got != nil || err != nil {
			return got, err
		}
	}
	if len(r.entity.Find) == 0 {
		return nil, &orgflow.Fault{
			Code: orgflow.CodeNeedsHuman, Message: "the definition of " + c.name + " has no way to look for the " + string(r.kind),
			Advice: "look at the consumer whether the record is there; add find or get to the definition",
		}
	}
	return nil, nil
}

// get reads a record by its id; nil if there is none.
func (c *Client) get(ctx context.Context, out *connectors.Receipt, r *record) (*found, error) {
	call := r.entity.Get
	a, no, err := c.try(ctx, out, request{call: call, scope: one{base{client: c}, r}, op: r.op})
	switch {
	case err != nil:
		return nil, err
	case no != nil && (no.action == Gone || no.action == InsertInstead):
		return nil, nil
	case no != nil:
		return nil, no.fault
	}
	body, there := at(a.body, call.Record)
	if _, isObject := body.(map[string]any); !there || !isObject {
		return nil, c.malformed(call, "shows no record")
	}
	f := c.foundIn(r.entity, body, r)
	if call.ETag == "header:ETag" {
		f.etag = a.header.Get("ETag")
	} else {
		f.etag = textAt(a.body, call.ETag)
	}
	if f.id != r.id {
		return nil, c.malformed(call, "shows another record than the one asked for")
	}
	return f, nil
}

func (c *Client) foundIn(e *Entity, body any, r *record) *found {
	f := &found{body: body, id: textAt(body, e.ReadID)}
	key := textAt(body, e.Key)
	f.ours = key != "" && key == r.key
	return f
}

func (c *Client) malformed(call *Call, what string) *orgflow.Fault {
	return &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: vendorcode.Malformed, Message: call.Path + " " + what}
}

// find looks for one record. Several are a conflict, and so is one that
// bears another record's key.
func (c *Client) find(ctx context.Context, out *connectors.Receipt, by *Find, r *record) (*found, error) {
	s := one{base{client: c}, r}
	if missing(by, s) {
		return nil, nil
	}
	a, no, err := c.try(ctx, out, request{call: &by.Call, scope: s, op: r.op})
	switch {
	case err != nil:
		return nil, err
	case no != nil && no.action == Gone:
		return nil, nil
	case no != nil:
		return nil, no.fault
	}
	items, err := itemsOf(a, by.Items, by.Total)
	if err != nil {
		return nil, c.malformed(&by.Call, err.Error())
	}
	var matching []*found
	for _, item := range items {
		if matches(by.Match, item, s) {
			matching = append(matching, c.foundIn(r.entity, item, r))
		}
	}
	return c.unique(matching, r)
}

func (c *Client) unique(matching []*found, r *record) (*found, error) {
	if i := slices.IndexFunc(matching, func(f *found) bool { return f.ours }); i >= 0 {
		return matching[i], nil
	}
	switch {
	case len(matching) == 0:
		return nil, nil
	case len(matching) > 1:
		return nil, &orgflow.Fault{
			Code: orgflow.CodeConflict, Message: fmt.Sprintf("%s has %d records that could be this one", c.name, len(matching)),
			Advice: "delete or rename all but one at the consumer",
		}
	case textAt(matching[0].body, r.entity.Key) != "":
		return nil, &orgflow.Fault{
			Code: orgflow.CodeConflict, Message: "a record like this one is at " + c.name + " and bears another key",
			Advice: "it belongs to another record or system; rename one of the two, or clear the key there",
		}
	}
	return matching[0], nil
}

// missing tells whether a search refers to what the record does not have; it
// would find something else then.
func missing(by *Find, s scope) bool {
	templates := []any{by.Path, by.Query, by.Body, by.Form}
	for _, t := range by.Match {
		templates = append(templates, t)
	}
	for _, t := range templates {
		for _, ref := range refsIn(t) {
			if v := s.value(ref); v == absent || v == "" {
				return true
			}
		}
	}
	return false
}

// matches compares what an entry shows with what is looked for.
func matches(match map[string]string, item any, s scope) bool {
	for p, t := range match {
		want, err := render(t, s)
		got, there := at(item, p)
		if err != nil || !there || plain(want) != plain(got) {
			return false
		}
	}
	return true
}

// itemsOf is the list at a path; an object there is a list of one. What is
// no list is an empty one only where the number at total says so: an answer
// that shows nothing must not look like one that there is nothing to show.
func itemsOf(a *answer, p, total string) ([]any, error) {
	v, _ := at(a.body, p)
	switch v := v.(type) {
	case []any:
		return v, nil
	case map[string]any:
		return []any{v}, nil
	case nil:
		if total != "" && textAt(a.body, total) == "0" {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("shows no list at %s", p)
}
