package kdsim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Generate says how rows are made. Equal recipes make equal rows.
type Generate struct {
	Count int    `json:"count"`
	First int64  `json:"first,omitempty"` // key of the first; 0 is 100001
	Seed  uint64 `json:"seed,omitempty"`
	// From and Until bound the time of the last change, FModifyDate, half
	// open; absent the two years until now. Creation comes before it.
	From  string `json:"from,omitempty"`
	Until string `json:"until,omitempty"`
	// Lines is the most lines of an entry, 0 is 3; bills have 1 and more.
	Lines int `json:"lines,omitempty"`
	// Same is how many rows share a time; 0 is 1.
	Same int `json:"same,omitempty"`
	// Lookups is how many different ids lookups show, from 100001; 0 is 20.
	Lookups int `json:"lookups,omitempty"`
}

const (
	firstKey   = 100001
	maxRows    = 20_000_000
	clockStyle = "2006-01-02 15:04:05"
)

// complete fills in what is absent, once: the rows stay what they are.
func (g Generate) complete(now time.Time) Generate {
	if g.First == 0 {
		g.First = firstKey
	}
	if g.Until == "" {
		g.Until = now.Format(clockStyle)
	}
	if g.From == "" {
		if n, ok := parseMoment(g.Until); ok {
			g.From = time.Unix(0, n).UTC().AddDate(-2, 0, 0).Format(clockStyle)
		}
	}
	g.Lines, g.Same, g.Lookups = max(g.Lines, 0), max(g.Same, 1), max(g.Lookups, 0)
	if g.Lines == 0 {
		g.Lines = 3
	}
	if g.Lookups == 0 {
		g.Lookups = 20
	}
	return g
}

// generator makes cells when they are asked for.
type generator struct {
	Generate
	form       *form
	from, span int64 // seconds
}

func newGenerator(f *form, g Generate) (*generator, error) {
	from, ok1 := parseMoment(g.From)
	until, ok2 := parseMoment(g.Until)
	switch {
	case g.Count < 0 || g.Count > maxRows:
		return nil, fmt.Errorf("generate: count must be 0 to %d", maxRows)
	case !ok1 || !ok2 || from >= until:
		return nil, errors.New("generate: from must be a date before until, like 2026-01-15 10:00:00")
	}
	return &generator{Generate: g, form: f, from: from / 1e9, span: (until - from) / 1e9}, nil
}

// index is the number of the row with a key.
func (g *generator) index(key string) (int64, bool) {
	n, err := strconv.ParseInt(key, 10, 64)
	n -= g.First
	return n, err == nil && n >= 0 && n < int64(g.Count)
}

// mix spreads numbers (splitmix64).
func mix(values ...uint64) uint64 {
	var z uint64
	for _, v := range values {
		z += v + 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
	}
	return z
}

// changed is the second in which row i was changed last: close to the order
// of keys, but not in it.
func (g *generator) changed(i int64) int64 {
	group := i / int64(g.Same)
	groups := (int64(g.Count) + int64(g.Same) - 1) / int64(g.Same)
	at := min(group+int64(mix(g.Seed, uint64(group))%uint64(min(97, groups/20+1))), groups-1) //nolint:gosec // a hash
	return g.from + g.span/groups*at + g.span%groups*at/groups
}

// lines is how many lines a bill has.
func (g *generator) lines(i int64, entry int) int {
	return 1 + int(mix(g.Seed, uint64(i), uint64(entry))%uint64(g.Lines)) //nolint:gosec // a hash
}

// cell makes a value of row i; line is 0 for the header.
func (g *generator) cell(i int64, c column, line int) cell {
	h := mix(g.Seed, uint64(i), uint64(c.entity+2), uint64(c.at), uint64(line)) //nolint:gosec // a hash
	switch {
	case c.entity == head && c.Key == g.form.key:
		return cell{kind: integer, n: g.First + i}
	case c.entity != head && c.at == 0:
		return cell{kind: integer, n: (g.First+i)*100 + int64(line)}
	case c.Lookup != "":
		return cell{kind: integer, n: firstKey + int64(h%uint64(g.Lookups))} //nolint:gosec // small
	case isTime(c.Type):
		return cell{kind: moment, n: g.time(i, c.Key, h) * 1e9}
	case c.Type == typeDecimal:
		return cell{kind: number, s: fmt.Sprintf("%d.%02d00000000", h%100_000, h>>32%100)}
	case c.Type == typeFloat:
		return cell{kind: number, s: fmt.Sprintf("%d.%d", h%1000, 1+h>>32%9)}
	case c.Type == typeBit:
		return cell{kind: boolean, n: int64(h % 2)} //nolint:gosec // small
	case isInteger(c.Type):
		return cell{kind: integer, n: int64(h % 1000)} //nolint:gosec // small
	}
	return g.words(i, c, h)
}

func (g *generator) time(i int64, key string, h uint64) int64 {
	const day = 24 * 60 * 60
	at := g.changed(i)
	switch {
	case strings.Contains(key, "Modify"):
		return at
	case strings.Contains(key, "Create"):
		return at - int64(h%(3*day)) //nolint:gosec // small
	}
	return (at/day - int64(h%7)) * day //nolint:gosec // small: a business date has midnight
}

func (g *generator) words(i int64, c column, h uint64) cell {
	c0 := cell{kind: words}
	switch {
	case c.Flex:
		return cell{}
	case c.Key == "FBillNo" || c.Key == "FNumber":
		c0.s = fmt.Sprintf("%s%06d", initials(g.form.id), g.First+i-firstKey+1)
	case c.Key == "FName":
		name := g.form.def.Name
		if name == "" {
			name = g.form.id
		}
		c0.s = fmt.Sprintf("%s%d", name, g.First+i-firstKey+1)
	case c.Key == "FDocumentStatus":
		c0.s = "ZABCCCCC"[h%8 : h%8+1]
	case c.Key == "FForbidStatus":
		c0.s = "A"
	case h%11 == 0: // null, which is not the empty text
		return cell{}
	case h%11 == 1:
	case c.Type == typeLongText:
		c0.s = strings.Repeat("第"+strconv.FormatUint(h%97, 10)+"条，按合同约定执行。", 20)
	default:
		c0.s = c.Name + strconv.FormatUint(h%1000, 10)
	}
	return c0
}

// initials are the capitals of a form's name: SAL_SaleOrder makes SO.
func initials(id string) string {
	_, name, ok := strings.Cut(id, "_")
	if !ok {
		name = id
	}
	short := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, name)
	return short[:min(len(short), 4)]
}
