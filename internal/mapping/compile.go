package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"unicode/utf8"

	"orgflow"
)

// Where an entry found its value, as Trace shows it.
const (
	fromField   = "field"   // the entry's field: source row, or standard record in a template
	fromKey     = "key"     // the standard record's key
	fromRaw     = "raw"     // the entry's field in the raw row
	fromDefault = "default" // the entry's default
)

// entry is one compiled line of a file.
type entry struct {
	at          string // JSON pointer
	key, target string
	ext         bool // custom attribute
	field       path
	def         any
	when        condition // nil: always
	steps       []step
	convs       []conversion
	maxLength   int
	required    bool
	sensitive   bool
	createOnly  bool
	clear       bool
}

// entries compiles a file's lines. standard gives types and sensitivity of
// the keys that are standard.
func (l *linter) entries(list []Entry, standard map[string]Entry) []*entry {
	out := make([]*entry, len(list))
	for i, e := range list {
		out[i] = l.entry(e, standard, fmt.Sprintf("/fields/%d", i))
	}
	l.duplicates(list)
	return out
}

func (l *linter) entry(e Entry, standard map[string]Entry, at string) *entry {
	std := standard[e.Key]
	c := &entry{
		at: at, key: e.Key, target: cmp.Or(e.Map, e.Key), ext: e.IsExtattr,
		field:     l.path(e.Field, at+"/field"),
		def:       l.literal(e.Default, at+"/default"),
		required:  e.Required,
		sensitive: e.Sensitive || std.Sensitive,
		maxLength: e.MaxLength,
	}
	if e.Key == "" {
		l.addf(at+"/key", "key is missing; it names the standard field")
	}
	if hasRef(c.target) {
		l.addf(at+"/map", "%v", errRefMark)
	}
	if e.MaxLength < 0 {
		l.addf(at+"/max_length", "max_length must be 1 or more characters; 0 is unlimited")
	}
	l.types(e, at)
	l.use(e.Field)
	if e.When != nil {
		c.when = l.condition(*e.When, at+"/when")
	}
	c.steps = l.steps(e.Transforms, at+"/transforms")
	l.onUpdate(e, c, at)
	if !l.template {
		l.fill(e, c, at)
		c.maxLength = shorter(c.maxLength, std.MaxLength)
		c.convs = conversions(e, std)
		return c
	}
	c.convs = conversions(e, Entry{})
	return c
}

// fill checks that a fetch entry has anything to take a value from.
func (l *linter) fill(e Entry, c *entry, at string) {
	builds := slices.ContainsFunc(c.steps, func(s step) bool { return s.builds })
	if len(e.Field) == 0 && e.Default == nil && !builds {
		l.addf(at+"/field", "nothing fills the entry; give a field, e.g. [\"department\", \"name\"], a default, concat or case")
	}
}

func (l *linter) onUpdate(e Entry, c *entry, at string) {
	switch e.OnUpdate {
	case "", "send":
		return
	case "skip":
		c.createOnly = true
	case "clear":
		c.clear = true
	default:
		l.addf(at+"/on_update", "unknown on_update %q; allowed: send, skip, clear", e.OnUpdate)
	}
	if !l.template {
		l.addf(at+"/on_update", "on_update belongs to templates")
	}
}

// conversions are the declared types a value passes: the entry's own, then
// the standard's. What a "date" transform wrote is not rewritten by the
// entry's own date type.
func conversions(e, std Entry) []conversion {
	var out []conversion
	dated := slices.ContainsFunc(e.Transforms, func(t Transform) bool { return t.Op == "date" })
	ownDate := e.Type == typeDate || e.Type == typeDatetime
	if e.Type != "" && !(dated && ownDate) {
		out = append(out, newConversion(e.Type, e.ItemType))
	}
	if std.Type != "" && (len(out) == 0 || std.Type != e.Type || std.ItemType != "" && std.ItemType != e.ItemType) {
		out = append(out, newConversion(std.Type, std.ItemType))
	}
	return out
}

func shorter(a, b int) int {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// duplicates warns of an entry that repeats an earlier one and therefore
// never supplies a value.
func (l *linter) duplicates(list []Entry) {
	for i, e := range list {
		for j := range i {
			o := list[j]
			same := e.Key == o.Key && cmp.Or(e.Map, e.Key) == cmp.Or(o.Map, o.Key) && e.IsExtattr == o.IsExtattr
			if same && e.When == nil && o.When == nil && slices.Equal(e.Field, o.Field) && len(e.Transforms)+len(o.Transforms) == 0 {
				l.warnf(fmt.Sprintf("/fields/%d", i), "repeats /fields/%d (same key, map and field); remove one", j)
				break
			}
		}
	}
}

// read takes the entry's value. In a template the order is: field in the
// standard record, key of the standard record, field in the raw row, default.
func (e *entry) read(sc *scope) (v any, from string, err error) {
	if r := sc.record; r == nil {
		v, from = e.field.from(sc.row), fromField
	} else if v, from = r.standard(e.field), fromField; v == nil {
		if v, from = r.key(e.key), fromKey; v == nil {
			v, from = r.raw(e.field), fromRaw
		}
	}
	if v == nil {
		if e.def == nil {
			return nil, "", nil
		}
		return e.def, fromDefault, nil
	}
	v, err = clean(v)
	return v, from, err
}

// transform runs the steps. "No value" passes by those that do not build.
func (e *entry) transform(sc *scope, v any) (any, error) {
	warned := len(sc.issues)
	for _, s := range e.steps {
		if v == nil && !s.builds {
			continue
		}
		var err error
		if v, err = s.run(sc, v); err != nil {
			return nil, err
		}
		v = settle(v)
	}
	for i := warned; i < len(sc.issues); i++ {
		sc.issues[i].Key, sc.issues[i].Map = e.key, e.target
	}
	return v, nil
}

// finish brings the value into its declared type and checks its length.
func (e *entry) finish(v any) (any, error) {
	for _, c := range e.convs {
		if v == nil {
			return nil, nil
		}
		var err error
		if v, err = c.to(v); err != nil {
			return nil, err
		}
	}
	if s, ok := v.(string); ok && e.maxLength > 0 && len(s) > e.maxLength && !hasRef(s) {
		if n := utf8.RuneCountInString(s); n > e.maxLength {
			return nil, fmt.Errorf("the text has %d characters; allowed are %d", n, e.maxLength)
		}
	}
	return settle(v), nil
}

func (e *entry) value(sc *scope) (any, error) {
	v, _, err := e.read(sc)
	if err == nil {
		v, err = e.transform(sc, v)
	}
	if err == nil {
		v, err = e.finish(v)
	}
	return v, err
}

func (e *entry) fatal(err error) Issue {
	return Issue{Key: e.key, Map: e.target, Message: err.Error(), Fatal: true}
}

// byKey indexes a standard format.
func byKey(standard []Entry) map[string]Entry {
	out := make(map[string]Entry, len(standard))
	for _, e := range standard {
		out[e.Key] = e
	}
	return out
}

func (l *linter) kind(kind orgflow.Kind) {
	if kind != orgflow.Org && kind != orgflow.Person {
		l.addf("", "unknown kind %q; allowed: org, person", kind)
	}
}
