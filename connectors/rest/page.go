package rest

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors"
)

const defaultPage = 100

// onePage is a piece of a list.
type onePage struct {
	items []any
	next  string // cursor of the next page; empty on the last one
}

// page reads one page. A cursor of ours is the number of a page or record,
// the consumer's cursor, or its link; which one the definition says.
func (c *Client) page(ctx context.Context, out *connectors.Receipt, l *List, s base, cursor string) (onePage, error) {
	q := request{call: &l.Call}
	p := l.Paging
	size, at := defaultPage, 0
	if p != nil {
		size = cmp.Or(p.Size, defaultPage)
		s = s.with("size", size)
		var err error
		if s, at, err = p.place(s, cursor, size); err != nil {
			return onePage{}, err
		}
		if p.Kind == PageLink && cursor != "" {
			q.link = cursor
		}
	}
	q.scope = s
	a, err := c.call(ctx, out, q)
	if err != nil {
		return onePage{}, err
	}
	total := ""
	if p != nil {
		total = p.Total
	}
	items, err := itemsOf(a, l.Items, total)
	if err != nil {
		return onePage{}, c.malformed(&l.Call, err.Error())
	}
	next := ""
	if p != nil {
		if next, err = c.next(p, a, len(items), size, at, cursor, l); err != nil {
			return onePage{}, err
		}
	}
	items = slices.DeleteFunc(items, func(item any) bool { return !matches(l.Match, item, s) })
	return onePage{items, next}, nil
}

// place says where a page begins.
func (p *Paging) place(s base, cursor string, size int) (base, int, error) {
	switch p.Kind {
	case PageNumber, PageOffset:
		at := p.First
		if cursor != "" {
			n, err := strconv.Atoi(cursor)
			if err != nil {
				return s, 0, err
			}
			at = n
		}
		name := "page"
		if p.Kind == PageOffset {
			name = "offset"
		}
		return s.with(name, at), at, nil
	case PageCursor:
		if cursor != "" {
			s = s.with("cursor", cursor)
		}
	}
	return s, 0, nil
}

// next is where the following page begins. A page that says there is more
// and does not say where, or says its own place, must not look like the end.
func (c *Client) next(p *Paging, a *answer, count, size, place int, cursor string, l *List) (string, error) {
	switch p.Kind {
	case PageNumber, PageOffset:
		step := 1
		if p.Kind == PageOffset {
			step = count
		}
		if p.ended(a, count, size, place) {
			return "", nil
		}
		if count == 0 {
			return "", c.malformed(&l.Call, "says there is more and shows nothing")
		}
		return strconv.Itoa(place + step), nil
	}
	next := textAt(a.body, p.Next)
	more, known := at(a.body, p.More)
	switch {
	case p.More != "" && !known:
		return "", c.malformed(&l.Call, "does not say whether there is more")
	case p.More != "" && !truthy(more):
		return "", nil
	case next == "" && p.More == "":
		return "", nil
	case next == "", next == cursor:
		return "", c.malformed(&l.Call, "says there is more and gives no further place")
	}
	if p.Kind == PageLink {
		return c.linked(next, l)
	}
	return next, nil
}

// ended tells whether a numbered page is the last one: by what the answer
// says, else because it is not full.
func (p *Paging) ended(a *answer, count, size, place int) bool {
	if p.More != "" {
		more, _ := at(a.body, p.More)
		return !truthy(more)
	}
	if p.Total != "" {
		if total, err := strconv.Atoi(textAt(a.body, p.Total)); err == nil {
			if p.Kind == PageOffset {
				return place-p.First+count >= total
			}
			return (place-p.First)*size+count >= total
		}
	}
	return count < size
}

func truthy(v any) bool { return v == true || plain(v) == "1" || plain(v) == "true" }

// linked makes a link absolute, and refuses one that leads to another host,
// which would be given our credentials.
func (c *Client) linked(next string, l *List) (string, error) {
	base, err := url.Parse(c.base + "/")
	if err != nil {
		return "", errAddress
	}
	u, err := base.Parse(next)
	if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || !strings.HasPrefix(u.Path, "/") {
		return "", c.malformed(&l.Call, "links to another place than base_url")
	}
	return u.String(), nil
}
