package mapping

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"orgflow"
)

// Company fields, which have no standard key, live under ext.
const (
	extKey    = "ext"
	extPrefix = "ext."
)

const (
	defaultIdentity = "id"
	parentKey       = "parent_id"
)

// Standard turns source rows into standard records: a compiled fetch meta.
// It is immutable and safe for use by several goroutines.
type Standard struct {
	kind     orgflow.Kind
	identity string
	groups   []*group
	entries  []*entry
	columns  []Column
}

// Column is a field the source is asked for: a key and a path of segments.
// It converts to connectors.Column.
type Column struct {
	Key   string   `json:"key"`
	Field []string `json:"field"`
}

// StandardOption adjusts CompileStandard.
type StandardOption func(*linter)

// WithLookup makes the transform "lookup" available to a fetch meta.
func WithLookup(find Lookup) StandardOption { return func(l *linter) { l.lookup = find } }

// CompileStandard compiles a fetch meta's entries against the standard
// format. identity names the standard key that identifies a record; empty is
// "id". Problems carry JSON pointers relative to the fetch meta file; if one
// is no warning, the Standard is nil.
//
// Several entries may fill one key: the first that yields a value wins,
// except that objects for ext are merged. An entry whose key is not standard
// fills ext.<key>.
func CompileStandard(kind orgflow.Kind, meta []Entry, standard []Entry, identity string, opts ...StandardOption) (*Standard, []orgflow.Problem) {
	l := &linter{}
	for _, opt := range opts {
		opt(l)
	}
	l.kind(kind)
	known := byKey(standard)
	s := &Standard{kind: kind, identity: cmp.Or(identity, defaultIdentity)}
	s.entries = l.entries(meta, known)
	s.groups = grouped(s.entries, func(e *entry) string {
		if _, ok := known[e.key]; ok || e.key == extKey || strings.HasPrefix(e.key, extPrefix) {
			return e.key
		}
		return extPrefix + e.key
	})
	for _, g := range s.groups {
		g.required = known[g.name].Required
		g.merge = g.name == extKey || strings.HasPrefix(g.name, extPrefix)
	}
	s.check(l, standard)
	s.columns = columns(meta, l.used)
	if l.broken() {
		return nil, l.problems
	}
	return s, l.problems
}

func (s *Standard) check(l *linter, standard []Entry) {
	filled := func(key string) bool {
		return slices.ContainsFunc(s.groups, func(g *group) bool { return g.name == key })
	}
	if !filled(s.identity) {
		l.addf("/identity", "no entry fills the identity %q; add one to fields, or name another standard key", s.identity)
	}
	for _, e := range standard {
		if e.Required && !filled(e.Key) && e.Key != s.identity {
			l.addf("/fields", "no entry fills %q, which the standard format requires", e.Key)
		}
	}
}

// columns lists what to ask the source for: the entries' fields under their
// keys, the fields of conditions and parts under their dotted path, and id.
func columns(meta []Entry, used [][]string) []Column {
	var out []Column
	seen := make(map[string]bool)
	add := func(key string, field []string) {
		names := column(field)
		if id := strings.Join(names, "."); id != "" && !seen[id] {
			seen[id] = true
			out = append(out, Column{Key: cmp.Or(key, id), Field: names})
		}
	}
	for _, e := range meta {
		add(e.Key, e.Field)
	}
	for _, field := range used {
		add("", field)
	}
	add(defaultIdentity, []string{defaultIdentity})
	return out
}

// Columns returns the keys and paths to ask the source for: every field the
// meta reads, in conditions and parts too, and id. Array selectors ("*",
// numbers) are left out of the paths, and every path appears once.
func (s *Standard) Columns() []Column { return slices.Clone(s.columns) }

// Sensitive returns the standard keys that are masked wherever they are
// shown; company fields as ext.<key>.
func (s *Standard) Sensitive() []string {
	var keys []string
	for _, g := range s.groups {
		if slices.ContainsFunc(g.entries, func(e *entry) bool { return e.sensitive }) {
			keys = append(keys, g.name)
		}
	}
	return keys
}

// Map turns a source row into a standard record. With a fatal issue the
// record is rejected; its SourceID is set all the same if the row has one,
// so that the rejection can name it. Map never changes row and keeps it as
// Record.Raw.
func (s *Standard) Map(row json.RawMessage) (orgflow.Record, []Issue) {
	rec := orgflow.Record{Kind: s.kind, Raw: row, Fields: map[string]json.RawMessage{}}
	obj, err := decodeObject(row)
	if err != nil {
		return rec, []Issue{{Message: fmt.Sprintf("the row is no JSON object: %v", err), Fatal: true}}
	}
	sc := &scope{row: obj}
	var ext map[string]any
	for _, g := range s.groups {
		v := g.eval(sc).value
		if v == nil {
			continue
		}
		if s.kind == orgflow.Org && g.name == parentKey {
			parent, ok := scalarText(v)
			if !ok {
				sc.issues = append(sc.issues, Issue{Key: parentKey, Message: describe(v) + " is no parent id", Fatal: true})
			}
			if parent == "" || parent == "0" {
				continue // a root
			}
			rec.ParentID = parent
		}
		if g.name == s.identity {
			rec.SourceID, _ = scalarText(v)
		}
		if g.merge {
			ext = extended(ext, g.name, v)
			continue
		}
		rec.Fields[g.name] = appendJSON(nil, v)
	}
	if ext != nil {
		rec.Fields[extKey] = appendJSON(nil, ext)
	}
	if rec.SourceID == "" && !rejected(sc.issues, s.identity) {
		sc.issues = append(sc.issues, Issue{Key: s.identity, Fatal: true,
			Message: fmt.Sprintf("the identity %q has no value; a record without one cannot be told from others", s.identity)})
	}
	return rec, sc.issues
}

func rejected(issues []Issue, key string) bool {
	return slices.ContainsFunc(issues, func(i Issue) bool { return i.Fatal && i.Key == key })
}

// extended adds a company field to ext, or merges an object for ext itself.
func extended(ext map[string]any, name string, v any) map[string]any {
	if ext == nil {
		ext = map[string]any{}
	}
	if name != extKey {
		ext[strings.TrimPrefix(name, extPrefix)] = v
		return ext
	}
	if obj, ok := v.(map[string]any); ok {
		ext, _ = merged(ext, obj).(map[string]any)
	}
	return ext
}
