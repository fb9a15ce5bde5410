package kdsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"orgflow/connectors/simctl"
)

// State is what GET and PUT /_sim/kingdee/state carry:
//
//	{"forms": {"SAL_SaleOrder": {
//	  "name": "销售订单", "key": "FID",
//	  "fields": [{"key": "FBillNo", "name": "单据编号", "type": 231}, {"key": "FCustId", "lookup": "BD_Customer"}, …],
//	  "entries": [{"key": "FSaleOrderEntry", "pk": "FEntryID", "fields": [{"key": "FQty", "type": 106}]}],
//	  "rows": [{"FID": 100001, "FBillNo": "XSDD000001", "FCustId": 7, "FSaleOrderEntry": [{"FEntryID": 1, "FQty": 2.5}]}],
//	  "generate": {"count": 1000000}}}}
//
// Only "rows" or "generate" with "fields" is needed: without fields they
// are found from the rows.
type State struct {
	Forms map[string]Form `json:"forms"`
}

// Form is a business object: metadata and rows.
type Form struct {
	Name string `json:"name,omitempty"`
	// Key is PkFieldName; empty is FID. No field of this key need be listed.
	Key     string  `json:"key,omitempty"`
	Fields  []Field `json:"fields,omitempty"`
	Entries []Entry `json:"entries,omitempty"`
	// Rows are objects by field key; an entry's key holds a list of lines.
	// "FCustId.FNumber" says what a lookup shows where its form is not here.
	Rows []json.RawMessage `json:"rows,omitempty"`
	// Generate makes further rows when they are asked for, so that a million
	// of them cost some megabytes. A row of the same key replaces one.
	Generate *Generate `json:"generate,omitempty"`
	// Deleted are keys of generated rows that are gone.
	Deleted []string `json:"deleted,omitempty"`
	// Forbidden: nobody has the right to see it (MsgCode 2).
	Forbidden bool `json:"forbidden,omitempty"`
}

// Field is a field of a form or an entry.
type Field struct {
	Key  string `json:"key"`
	Name string `json:"name,omitempty"`
	Type int    `json:"type,omitempty"` // FieldType; 0 is 231, text
	// Lookup is the form whose ids the values are.
	Lookup string `json:"lookup,omitempty"`
	// Hidden: IsViewVisible is false. Queries may still name it.
	Hidden bool `json:"hidden,omitempty"`
	// Flex: the parent of flexible dimensions, which no query may name alone.
	Flex bool `json:"flex,omitempty"`
}

// Entry is a child table. One with a Parent is shown in the metadata only.
type Entry struct {
	Key    string  `json:"key"`
	Name   string  `json:"name,omitempty"`
	PK     string  `json:"pk,omitempty"` // EntryPkFieldName; empty is FEntryID
	Parent string  `json:"parent,omitempty"`
	Fields []Field `json:"fields,omitempty"`
}

// head stands for the header among entities.
const head = -1

// column is where a field's values stand.
type column struct {
	entity int // head, or the index of an entry
	at     int
	Field
}

// record is a row as it was given.
type record struct {
	head  []cell
	lines [][][]cell // by entry, line, column
}

// form is a form ready for queries; immutable.
type form struct {
	id   string
	def  Form
	key  string
	cols map[string]column
	size []int // columns by entity; the header's is the last

	gen   *generator
	recs  []record
	bills []int32          // generated row i, or record ^i
	place map[string]int32 // index in bills of given rows, by key
}

// catalog are the forms by id; immutable.
type catalog map[string]*form

func (c catalog) with(f *form) catalog {
	out := maps.Clone(c)
	if out == nil {
		out = catalog{}
	}
	out[f.id] = f
	return out
}

// changes make the forms out of none.
func (c catalog) changes() []simctl.Change {
	var out []simctl.Change
	for _, id := range slices.Sorted(maps.Keys(c)) {
		out = append(out, simctl.Change{Kind: kindForm, ID: id, Value: c[id].def})
	}
	return out
}

// china is the server's clock (§ 4.3).
var china = time.FixedZone("CST", 8*60*60)

// wallNow is a time as the server's clock shows it, as if that were UTC.
func wallNow(t time.Time) time.Time {
	t = t.In(china)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func compile(in State, now time.Time) (catalog, error) {
	out := catalog{}
	for _, id := range slices.Sorted(maps.Keys(in.Forms)) {
		f, err := compileForm(id, in.Forms[id], now)
		if err != nil {
			return nil, err
		}
		out[id] = f
	}
	return out, nil
}

var (
	formID   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	fieldKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

func compileForm(id string, def Form, now time.Time) (*form, error) {
	if !formID.MatchString(id) {
		return nil, fmt.Errorf("form %q: letters, digits and _ are allowed", id)
	}
	if def.Key == "" {
		def.Key = "FID"
	}
	f := &form{id: id, key: def.Key, cols: map[string]column{}, place: map[string]int32{}}
	rows, err := decodeRows(def)
	if err != nil {
		return nil, fmt.Errorf("form %s: %w", id, err)
	}
	if def.Fields == nil {
		infer(&def, rows)
	}
	if def.Generate != nil {
		g := def.Generate.complete(now)
		def.Generate = &g
	}
	f.def = def
	if err := f.columns(rows); err != nil {
		return nil, fmt.Errorf("form %s: %w", id, err)
	}
	if err := f.load(rows); err != nil {
		return nil, fmt.Errorf("form %s: %w", id, err)
	}
	return f, nil
}

func decodeRows(def Form) ([]map[string]json.RawMessage, error) {
	rows := make([]map[string]json.RawMessage, len(def.Rows))
	for i, raw := range def.Rows {
		if err := json.Unmarshal(raw, &rows[i]); err != nil || rows[i] == nil {
			return nil, fmt.Errorf("row %d is no object", i)
		}
	}
	return rows, nil
}

// columns gives every field its place.
func (f *form) columns(rows []map[string]json.RawMessage) error {
	f.size = make([]int, len(f.def.Entries)+1)
	if err := f.addAll(head, f.def.Fields); err != nil {
		return err
	}
	if _, listed := f.cols[f.key]; !listed {
		if err := f.add(head, f.key, Field{Key: f.key, Type: typeInteger}); err != nil {
			return err
		}
	}
	for i, e := range f.def.Entries {
		if !fieldKey.MatchString(e.Key) {
			return fmt.Errorf("entry %d needs a key", i)
		}
		if err := f.add(i, e.Key+"_"+e.pk(), Field{Key: e.pk(), Type: typeInteger}); err != nil {
			return err
		}
		if err := f.addAll(i, e.Fields); err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
	}
	for _, name := range dotted(rows) {
		base, _, _ := strings.Cut(name, ".")
		if c, ok := f.cols[base]; !ok || c.entity != head {
			return fmt.Errorf("%s: there is no field %s", name, base)
		}
		if err := f.add(head, name, Field{Key: name}); err != nil {
			return err
		}
	}
	return nil
}

func (f *form) add(entity int, name string, field Field) error {
	at := &f.size[len(f.size)-1]
	if entity != head {
		at = &f.size[entity]
	}
	if _, twice := f.cols[name]; twice {
		return fmt.Errorf("field %s is there twice", name)
	}
	f.cols[name] = column{entity: entity, at: *at, Field: field}
	*at++
	return nil
}

func (f *form) addAll(entity int, fields []Field) error {
	for _, field := range fields {
		if !fieldKey.MatchString(field.Key) {
			return fmt.Errorf("%q is no key of a field", field.Key)
		}
		if err := f.add(entity, field.Key, field); err != nil {
			return err
		}
	}
	return nil
}

func (e Entry) pk() string {
	if e.PK == "" {
		return "FEntryID"
	}
	return e.PK
}

// dotted are the keys of rows that say what a lookup shows.
func dotted(rows []map[string]json.RawMessage) []string {
	names := map[string]bool{}
	for _, row := range rows {
		for key := range row {
			if strings.Contains(key, ".") {
				names[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
