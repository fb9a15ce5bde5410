package kdsim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// row is a row of a query: a bill, and which of the combinations of its
// lines.
type row struct {
	bill int32 // an index of form.bills
	part int32
}

// query is a query made ready.
type query struct {
	form    *form
	forms   catalog
	entries []int // that explode bills
	get     []getter
	keys    []string
	where   condition
	order   []ordering
}

type ordering struct {
	get  getter
	desc bool
}

// errFlex is a query for the parent of flexible dimensions.
var errFlex = errors.New("flex")

// newQuery resolves everything that a query names. No field, no order and no
// filter may name what is not there.
func newQuery(forms catalog, f *form, fields, filter, order string) (*query, error) {
	q := &query{form: f, forms: forms}
	for key := range strings.SplitSeq(fields, ",") {
		key = strings.TrimSpace(key)
		g, err := q.resolve(key)
		if err != nil {
			return nil, err
		}
		q.get, q.keys = append(q.get, g), append(q.keys, key)
	}
	var err error
	if q.where, err = parseFilter(filter, q.resolve); err != nil {
		return nil, err
	}
	if strings.TrimSpace(order) == "" {
		return q, nil
	}
	for part := range strings.SplitSeq(order, ",") {
		words := strings.Fields(part)
		if len(words) == 0 || len(words) > 2 || len(words) == 2 && !strings.EqualFold(words[1], "asc") && !strings.EqualFold(words[1], "desc") {
			return nil, errSyntax
		}
		g, err := q.resolve(words[0])
		if err != nil {
			return nil, err
		}
		q.order = append(q.order, ordering{g, len(words) == 2 && strings.EqualFold(words[1], "desc")})
	}
	return q, nil
}

var flexPart = regexp.MustCompile(`^FF[0-9]+(\.(FName|FNumber))?$`)

// resolve finds a field: of the header, of an entry, of what a lookup refers
// to, a flexible dimension.
func (q *query) resolve(key string) (getter, error) {
	if c, ok := q.form.cols[key]; ok {
		if c.Flex {
			return nil, errFlex
		}
		return q.column(c), nil
	}
	base, rest, isPath := strings.Cut(key, ".")
	c, ok := q.form.cols[base]
	switch {
	case !isPath:
		if parent, _, under := strings.Cut(key, "__"); under {
			for name, c := range q.form.cols {
				if c.Flex && strings.EqualFold(name, parent) {
					return nil, errFlex
				}
			}
		}
		return nil, unknownField(key)
	case ok && c.Flex && flexPart.MatchString(rest):
		return constant(cell{}), nil
	case !ok || c.Lookup == "":
		return nil, unknownField(key)
	}
	return q.looked(c, key, rest)
}

// looked shows a property of what a lookup refers to.
func (q *query) looked(c column, key, property string) (getter, error) {
	id := q.column(c)
	target, here := q.forms[c.Lookup]
	if !here {
		if property != "FNumber" && property != "FName" {
			return nil, unknownField(key)
		}
		name := ""
		if property == "FName" {
			name = c.Name
		}
		return func(r row) cell { return named(id(r), name) }, nil
	}
	p, ok := target.cols[property]
	if !ok || p.entity != head {
		return nil, unknownField(key)
	}
	return func(r row) cell {
		bill, found := target.find(id(r).text())
		if !found {
			return cell{}
		}
		return target.cell(bill, p, 0)
	}, nil
}

// named is what a lookup shows whose form is not here: its id, with a name
// in front.
func named(id cell, name string) cell {
	if id.kind == null {
		return cell{}
	}
	return cell{kind: words, s: name + id.text()}
}

// column shows a column; one of an entry explodes the bills.
func (q *query) column(c column) getter {
	if c.entity == head {
		return func(r row) cell { return q.form.cell(r.bill, c, 0) }
	}
	if q.form.def.Entries[c.entity].Parent != "" {
		return constant(cell{}) // sub-entries have no values here
	}
	if !slices.Contains(q.entries, c.entity) {
		q.entries = append(q.entries, c.entity)
	}
	return func(r row) cell {
		line, ok := q.line(r, c.entity)
		if !ok {
			return cell{}
		}
		return q.form.cell(r.bill, c, line)
	}
}

// line is which line of an entry a row shows; a bill without lines shows
// one row without.
func (q *query) line(r row, entry int) (int, bool) {
	part := int(r.part)
	for _, e := range q.entries {
		n := q.form.lineCount(r.bill, e)
		if e == entry {
			return part % max(n, 1), n > 0
		}
		part /= max(n, 1)
	}
	return 0, false
}

// cell is a value of a bill.
func (f *form) cell(bill int32, c column, line int) cell {
	b := f.bills[bill]
	switch {
	case b >= 0:
		return f.gen.cell(int64(b), c, line)
	case c.entity == head:
		return f.recs[^b].head[c.at]
	}
	return f.recs[^b].lines[c.entity][line][c.at]
}

func (f *form) lineCount(bill int32, entry int) int {
	b := f.bills[bill]
	if b >= 0 {
		return f.gen.lines(int64(b), entry)
	}
	return len(f.recs[^b].lines[entry])
}

// find is the bill with a key.
func (f *form) find(key string) (int32, bool) {
	if at, ok := f.place[key]; ok {
		return at, true
	}
	if f.gen == nil {
		return 0, false
	}
	n, ok := f.gen.index(key)
	if !ok {
		return 0, false
	}
	at, ok := slices.BinarySearchFunc(f.bills[:len(f.bills)-len(f.recs)], int32(n), func(b, n int32) int { return int(b - n) }) //nolint:gosec // counts are bounded
	return int32(at), ok                                                                                                        //nolint:gosec // likewise
}

// all are the rows that are wanted, in order.
func (q *query) all() []row {
	var out []row
	for i := range q.form.bills {
		bill, parts := int32(i), 1 //nolint:gosec // counts are bounded
		for _, e := range q.entries {
			parts *= max(q.form.lineCount(bill, e), 1)
		}
		for part := range parts {
			r := row{bill, int32(part)} //nolint:gosec // likewise
			if q.where(r) {
				out = append(out, r)
			}
		}
	}
	if len(q.order) > 0 && !slices.IsSortedFunc(out, q.compare) {
		slices.SortStableFunc(out, q.compare)
	}
	return out
}

func (q *query) compare(a, b row) int {
	for _, o := range q.order {
		if n := o.get(a).compare(o.get(b)); n != 0 {
			if o.desc {
				return -n
			}
			return n
		}
	}
	return 0
}

// rowsOf are the rows of a query, from the cache where its last page was
// asked for just before.
func (s *Sim) rowsOf(q *query, version uint64, filter, order string) []row {
	key := fmt.Sprintf("%d\x00%s\x00%v\x00%s\x00%s", version, q.form.id, q.entries, filter, order)
	rows, ok := s.recent.get(key)
	if !ok {
		rows = q.all()
		s.recent.put(key, rows)
	}
	if len(q.order) == 0 && !s.settings.Load().Stable {
		rows = slices.Clone(rows)
		r := rand.New(rand.NewPCG(s.shuffle.Add(1), 1)) //nolint:gosec // an order that nobody may rely on
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	return rows
}

// page cuts a page out. TopRowCount is an absolute end row in the field, and
// a page has MaxRows at most (§ 4.1).
func (n *Settings) page(rows []row, in queryArgs) []row {
	if top := int(in.Top); top > 0 && n.TopRow == "end" {
		rows = rows[:min(len(rows), top)]
	}
	rows = rows[min(len(rows), max(int(in.Start), 0)):]
	limit := n.MaxRows
	if in.Limit > 0 {
		limit = min(limit, int(in.Limit))
	}
	if top := int(in.Top); top > 0 && n.TopRow == "count" {
		limit = min(limit, top)
	}
	return rows[:min(len(rows), limit)]
}
