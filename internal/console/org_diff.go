package console

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"orgflow"
)

// diffLength is how many differences a page shows.
const diffLength = 100

// diffPage is what is different between two versions.
type diffPage struct {
	Place    orgPlace
	From, To orgflow.OrgVersion
	Counts   map[orgflow.Kind]orgflow.OrgCount
	Kinds    []orgflow.Kind
	Kind     orgflow.Kind // only these; empty: all
	Op       orgflow.Op   // the same
	Changes  []diffRow
	All      int    // how many are selected
	First    int    // number of the first one shown, from 1
	Last     int    // and of the last
	More     string // the next page
	Back     string // the first page
}

// diffRow is a difference, with a page that shows the record where there is
// one.
type diffRow struct {
	orgflow.OrgChange
	Fields []diffField
	Link   string
}

// diffField is a changed field of a record.
type diffField struct {
	Name          string
	Before, After any
}

// orgDiff compares two versions. The comparison is made anew for each page.
func (c *Console) orgDiff(r *http.Request) (content, error) {
	out := content{template: "org-diff", title: "org.diff", section: "org"}
	page, from, err := c.diffAsked(r)
	if err != nil {
		return out, err
	}
	q := r.URL.Query()
	page.Kind, page.Op = orgflow.Kind(q.Get("kind")), orgflow.Op(q.Get("op"))
	selected := func(ch orgflow.OrgChange) bool {
		return (page.Kind == "" || ch.Kind == page.Kind) && (page.Op == "" || ch.Op == page.Op)
	}
	for _, ch := range page.changes {
		if !selected(ch) {
			continue
		}
		page.All++
		if page.All > from && page.All <= from+diffLength {
			page.Changes = append(page.Changes, page.row(ch))
		}
	}
	page.First, page.Last = from+1, from+len(page.Changes)
	if page.All > from+diffLength {
		page.More = page.Select(page.Kind, page.Op, from+diffLength)
	}
	if from > 0 {
		page.Back = page.Select(page.Kind, page.Op, 0)
	}
	out.data = page.diffPage
	return out, nil
}

// diffAnswer is a page that is still to be filled.
type diffAnswer struct {
	diffPage
	changes []orgflow.OrgChange
}

func (c *Console) diffAsked(r *http.Request) (*diffAnswer, int, error) {
	place, err := c.orgPlace(r)
	if err != nil {
		return nil, 0, err
	}
	place.Version = 0
	var numbers [3]int64
	for i, name := range []string{"from", "to", "skip"} {
		if numbers[i], err = number(r, name); err != nil {
			return nil, 0, err
		}
	}
	diff, err := c.Orgs.OrgDiff(r.Context(), place.query(), numbers[0], numbers[1])
	return &diffAnswer{diffPage: diffPage{
		Place: place, From: diff.From, To: diff.To, Counts: diff.Counts, Kinds: []orgflow.Kind{orgflow.Org, orgflow.Person},
	}, changes: diff.Changes}, int(numbers[2]), err
}

// Select is the link to a part of the differences.
func (p diffPage) Select(kind orgflow.Kind, op orgflow.Op, skip int) string {
	return p.Place.Link("/org/diff", "from", p.From.Version, "to", p.To.Version, "kind", kind, "op", op, "skip", skip)
}

// Only is Select with the words of a template.
func (p diffPage) Only(kind orgflow.Kind, op string) string {
	return p.Select(kind, orgflow.Op(op), 0)
}

// At is a link into one of the two versions.
func (p diffPage) At(version int64) string {
	at := p.Place
	at.Version = version
	return at.Link("/org")
}

// row shows a difference. What was removed is shown as it was before.
func (p diffPage) row(ch orgflow.OrgChange) diffRow {
	row, at := diffRow{OrgChange: ch}, p.Place
	at.Version = p.To.Version
	if ch.Op == orgflow.Delete {
		at.Version = p.From.Version
	}
	if ch.Kind == orgflow.Person {
		row.Link = at.Link("/org/people/" + wordOf(ch.ID))
	} else {
		row.Link = at.Link("/org", "unit", ch.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(ch.Fields)) {
		d := ch.Fields[name]
		row.Fields = append(row.Fields, diffField{name, cmp.Or(d.Before, any("")), cmp.Or(d.After, any(""))})
	}
	return row
}
