package orgflow

import "strings"

// A Ref is the place of a consumer id inside a payload that is planned
// before the id is known: the new department's id in its members' list, the
// leader's userid. It stands in the payload as text between two private-use
// characters, so that it survives joins and prefixes, and is replaced when
// the change is applied.
const (
	refOpen  = "\uE000"
	refClose = "\uE001"
)

// Ref returns the symbolic reference to a record.
func Ref(kind Kind, sourceID string) string {
	return refOpen + string(kind) + ":" + sourceID + refClose
}

// HasRefMark tells whether a text carries the characters reserved for
// references; source values that do are refused.
func HasRefMark(s string) bool { return strings.ContainsAny(s, refOpen+refClose) }

// Refs returns the records a text refers to, in order of appearance.
func Refs(s string) []RecordKey {
	var keys []RecordKey
	for {
		_, rest, found := strings.Cut(s, refOpen)
		if !found {
			return keys
		}
		ref, tail, closed := strings.Cut(rest, refClose)
		if !closed {
			return keys
		}
		if key, err := ParseRecordKey(ref); err == nil {
			keys = append(keys, key)
		}
		s = tail
	}
}

// RefsIn returns the records a payload's value refers to, a list's one after
// the other.
func RefsIn(v any) []RecordKey {
	switch v := v.(type) {
	case string:
		return Refs(v)
	case []any:
		var keys []RecordKey
		for _, e := range v {
			keys = append(keys, RefsIn(e)...)
		}
		return keys
	}
	return nil
}

// ResolveRefs replaces every reference in a text by what resolve answers.
// The first reference without an answer is returned as missing, and the text
// is then not to be used.
func ResolveRefs(s string, resolve func(RecordKey) (string, bool)) (text string, missing RecordKey, ok bool) {
	var b strings.Builder
	for {
		head, rest, found := strings.Cut(s, refOpen)
		b.WriteString(head)
		if !found {
			return b.String(), RecordKey{}, true
		}
		ref, tail, closed := strings.Cut(rest, refClose)
		key, err := ParseRecordKey(ref)
		if !closed || err != nil {
			return "", key, false
		}
		id, known := resolve(key)
		if !known {
			return "", key, false
		}
		b.WriteString(id)
		s = tail
	}
}

// ShowRefs makes references readable: "@org:11".
func ShowRefs(s string) string {
	if !HasRefMark(s) {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, refOpen, "@"), refClose, "")
}

// ShowValue makes references inside a payload's value readable.
func ShowValue(v any) any {
	switch v := v.(type) {
	case string:
		return ShowRefs(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = ShowValue(e)
		}
		return out
	}
	return v
}
