package kdsim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// infer finds the fields from the rows.
func infer(def *Form, rows []map[string]json.RawMessage) {
	kinds := map[string]int{}
	entries := map[string]map[string]int{}
	for _, row := range rows {
		for key, raw := range row {
			var lines []map[string]json.RawMessage
			switch {
			case strings.Contains(key, ".") || key == def.Key || !fieldKey.MatchString(key):
			case len(raw) > 0 && raw[0] == '[' && json.Unmarshal(raw, &lines) == nil:
				if entries[key] == nil {
					entries[key] = map[string]int{}
				}
				for _, line := range lines {
					for k, v := range line {
						entries[key][k] = max(entries[key][k], guess(v))
					}
				}
			default:
				kinds[key] = max(kinds[key], guess(raw))
			}
		}
	}
	def.Fields = fieldsOf(kinds, "")
	if def.Entries != nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		def.Entries = append(def.Entries, Entry{Key: key, PK: "FEntryID", Fields: fieldsOf(entries[key], "FEntryID")})
	}
}

func fieldsOf(kinds map[string]int, but string) []Field {
	out := []Field{}
	for _, key := range slices.Sorted(maps.Keys(kinds)) {
		if key != but && fieldKey.MatchString(key) {
			out = append(out, Field{Key: key, Type: guesses[kinds[key]]})
		}
	}
	return out
}

// guesses are the types that values may have, weakest first: a column with
// both integers and decimals is one of decimals, one with any text of texts.
var guesses = []int{typeText, typeBit, typeLong, typeDecimal, typeTime, typeText}

func guess(raw json.RawMessage) int {
	c, err := parseCell(raw, typeTime)
	if err != nil {
		return 5
	}
	return map[kind]int{null: 0, boolean: 1, integer: 2, number: 3, moment: 4, words: 5}[c.kind]
}
