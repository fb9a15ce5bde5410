package rest

import (
	"context"
	"strings"

	"orgflow"
	"orgflow/connectors"
)

// reader shows what the consumer holds, where the definition has lists.
type reader struct{ c *Client }

// ReadOrg implements connectors.Directory: the department itself, and all
// pages of those below it.
func (r reader) ReadOrg(ctx context.Context, id string) (connectors.RemoteOrg, error) {
	var spent connectors.Receipt
	org, err := r.org(ctx, &spent, id)
	org.Calls = spent.Calls
	return org, err
}

func (r reader) org(ctx context.Context, out *connectors.Receipt, id string) (org connectors.RemoteOrg, err error) {
	e := r.c.def.Org
	if id != r.c.root {
		got, err := r.c.get(ctx, out, &record{entity: e, kind: orgflow.Org, id: id})
		if err != nil {
			return org, err
		}
		if got == nil {
			return org, r.c.gone().fault
		}
		shown := r.c.shown(e, orgflow.Org, got.body)
		org.Record = &shown
	}
	l := e.Children
	if l.At == "root" && id != r.c.root {
		return org, nil
	}
	s := base{client: r.c}.with("id", id)
	for cursor := ""; ; {
		p, err := r.c.page(ctx, out, l, s, cursor)
		if err != nil {
			return connectors.RemoteOrg{}, err
		}
		for _, item := range p.items {
			child := plain(item)
			if !l.IDs {
				child = textAt(item, e.ReadID)
			}
			if child == "" {
				return connectors.RemoteOrg{}, r.c.malformed(&l.Call, "shows a department without an id")
			}
			if child != r.c.root {
				org.Children = append(org.Children, child)
			}
		}
		if cursor = p.next; cursor == "" {
			return org, nil
		}
	}
}

// ReadMembers implements connectors.Directory.
func (r reader) ReadMembers(ctx context.Context, org, cursor string) (connectors.RemotePage, error) {
	var spent connectors.Receipt
	page, err := r.members(ctx, &spent, org, cursor)
	page.Calls = spent.Calls
	return page, err
}

func (r reader) members(ctx context.Context, out *connectors.Receipt, org, cursor string) (page connectors.RemotePage, err error) {
	e := r.c.def.Person
	l := e.Members
	if l.At == "root" && org != r.c.root {
		return page, nil
	}
	p, err := r.c.page(ctx, out, l, base{client: r.c}.with("id", org), cursor)
	if err != nil {
		return page, err
	}
	for _, item := range p.items {
		if l.IDs {
			got, err := r.c.get(ctx, out, &record{entity: e, kind: orgflow.Person, id: plain(item)})
			if err != nil {
				return connectors.RemotePage{}, err
			}
			if got == nil {
				continue // gone since it was listed
			}
			item = got.body
		}
		shown := r.c.shown(e, orgflow.Person, item)
		if shown.ConsumerID == "" {
			return connectors.RemotePage{}, r.c.malformed(&l.Call, "shows a person without an id")
		}
		page.Records = append(page.Records, shown)
	}
	page.Next = p.next
	return page, nil
}

// shown is a record that was read, in the forms of a payload.
func (c *Client) shown(e *Entity, kind orgflow.Kind, body any) connectors.RemoteRecord {
	out := connectors.RemoteRecord{Kind: kind, ConsumerID: textAt(body, e.ReadID), Key: textAt(body, e.Key), Fields: map[string]any{}}
	for name, f := range e.Fields {
		if f.Read == "" {
			continue
		}
		got, there := at(body, f.Read)
		if v, known := f.shown(got, there, c.root); known {
			out.Fields[name] = v
		}
	}
	if e.ID != "" && out.Fields[e.ID] == nil {
		out.Fields[e.ID] = out.ConsumerID
	}
	if e.ReadExt != "" {
		labels, _ := at(body, e.ReadExt)
		out.Ext, _ = labels.(map[string]any)
		if out.Ext == nil {
			out.Ext = map[string]any{}
		}
	}
	// A key that is not of our form is another system's; one that is empty is nobody's.
	out.Key = strings.TrimSpace(out.Key)
	return out
}
