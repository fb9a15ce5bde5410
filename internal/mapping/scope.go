package mapping

import (
	"encoding/json"

	"orgflow"
)

// Lookup finds one record of a model by the value of one of its fields, for
// the transform "lookup". found is false where there is none; an error is a
// failure of the lookup itself. It must give the same answer for the whole
// run, and is called once per value and record: cache behind it.
type Lookup func(model, by, value string) (record map[string]any, found bool, err error)

// Issue is one finding about one record.
type Issue struct {
	Key     string // standard key
	Map     string // name at the consumer; empty in a fetch meta
	Message string // never shows the value: values may be personal
	Fatal   bool   // the record is rejected at fetch, or not sent
}

// scope is what an entry sees while one record passes: where fields are
// found, and where findings go.
type scope struct {
	row    map[string]any // source row of a fetch meta
	record *recordView    // standard record of a template; nil in a fetch meta
	issues []Issue
}

// find resolves a field of a condition or a part: in a fetch meta in the
// source row; in a template in the standard record, then among the company
// fields (ext), then in the raw row.
func (sc *scope) find(p path) any {
	if sc.record == nil {
		return p.from(sc.row)
	}
	if v := sc.record.standard(p); v != nil {
		return v
	}
	return sc.record.raw(p)
}

// recordView reads a standard record, each field decoded once at most.
type recordView struct {
	record  orgflow.Record
	decoded map[string]any
	rawRow  map[string]any
	rawRead bool
}

// key returns a standard value; company fields are reached as "ext.name" or
// by their name alone.
func (r *recordView) key(name string) any {
	if v := settle(r.field(name)); v != nil {
		return v
	}
	ext, _ := r.field(extKey).(map[string]any)
	if ext == nil {
		return nil
	}
	if len(name) > len(extPrefix) && name[:len(extPrefix)] == extPrefix {
		return settle(ext[name[len(extPrefix):]])
	}
	return settle(ext[name])
}

// standard resolves a path in the standard record.
func (r *recordView) standard(p path) any {
	if p.empty() {
		return nil
	}
	if p.dotted != "" {
		if v := r.key(p.dotted); v != nil {
			return v
		}
	}
	return p.behind(r.key(p.segments[0].name))
}

func (r *recordView) raw(p path) any {
	if !r.rawRead {
		r.rawRead = true
		r.rawRow, _ = decodeObject(r.record.Raw) // a row that is gone or masked simply holds nothing
	}
	return p.from(r.rawRow)
}

func (r *recordView) field(name string) any {
	if v, ok := r.decoded[name]; ok {
		return v
	}
	raw, ok := r.record.Fields[name]
	if !ok {
		return nil
	}
	v, err := decodeValue(raw)
	if err != nil { // staged values are valid JSON; a damaged one reads as none
		v = nil
	}
	r.decoded[name] = v
	return v
}

// plain turns the values a Lookup may hand over into those of this package.
func plain(v any) any {
	switch v := v.(type) {
	case nil, string, json.Number, bool:
		return v
	case []any, map[string]any:
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	out, err := decodeValue(raw)
	if err != nil {
		return nil
	}
	return out
}
