package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"orgflow/connectors/wire"
)

// v1Form is how a value of v2 is written in v1.
type v1Form uint8

const (
	formSame    v1Form = iota
	formDigits         // a number as its digits
	formBars           // a list joined by | instead of ,
	formNumbers        // comma text as a list of numbers
	formObject         // JSON text as the object itself
	formOrders         // rows as map text {1:10,2:20}, keys unquoted
	formTitles         // the same, values quoted
	formLeaders        // the same with booleans; only in answers
)

var columns = map[v1Form]string{formOrders: "order", formTitles: "title", formLeaders: "leader"}

// send writes a value of a checked request; an error is a mistake of ours.
func (f v1Form) send(v any) (any, error) {
	switch f {
	case formDigits:
		return plainV1(v), nil
	case formBars:
		s, ok := v.(string)
		return strings.ReplaceAll(s, ",", "|"), okOr(ok)
	case formNumbers:
		s, ok := v.(string)
		ids := []int64{}
		for _, one := range wire.Split(s) {
			id, err := strconv.ParseInt(one, 10, 64)
			if err != nil {
				return nil, wire.ErrType
			}
			ids = append(ids, id)
		}
		return ids, okOr(ok)
	case formObject:
		s, ok := v.(string)
		if s == "" {
			s = "{}"
		}
		return json.RawMessage(s), okOr(ok && json.Valid([]byte(s)))
	case formOrders, formTitles:
		rows, ok := v.([]map[string]any)
		if !ok {
			return nil, wire.ErrType
		}
		return f.mapText(rows)
	default:
		return v, nil
	}
}

func okOr(ok bool) error {
	if !ok {
		return wire.ErrType
	}
	return nil
}

// mapText writes the map text of the documented samples (DingTalk reference
// § 3.4), whose keys have no quotes.
func (f v1Form) mapText(rows []map[string]any) (string, error) {
	parts := make([]string, 0, len(rows))
	for _, row := range rows {
		value, err := wire.Encode(row[columns[f]])
		if err != nil {
			return "", err
		}
		parts = append(parts, fmt.Sprintf("%v:%s", row["dept_id"], value))
	}
	return "{" + strings.Join(parts, ",") + "}", nil
}

// read brings an answer's value into v2's form; nil is a value that is not
// as documented and does not decide anything, which counts as not shown.
// Lists and numbers are read in both forms as they come (wire.go).
func (f v1Form) read(raw json.RawMessage) json.RawMessage {
	if f == formObject && len(raw) > 0 && raw[0] == '{' {
		return encodedText(raw)
	}
	column, isMap := columns[f]
	if !isMap {
		return raw
	}
	pairs, err := parsePairs(raw)
	if err != nil {
		return nil
	}
	rows, err := rowsV1(pairs, column)
	if err != nil {
		return nil
	}
	return rows
}

// encodedText is an object as JSON text, as v2 shows custom attributes.
func encodedText(object json.RawMessage) json.RawMessage {
	raw, err := wire.Encode(string(object))
	if err != nil {
		return nil
	}
	return raw
}

// pair is an entry of a map text.
type pair struct {
	dept  int64
	value json.RawMessage // a number, a boolean or a text
}

var errPairs = errors.New("not a map text like {1:10,2:20}")

// parsePairs reads a map text such as "{1:10,2:20}" or "{1:false}", whose
// keys are unquoted, so that it is no JSON (DingTalk reference § 3.5). Quoted
// keys, white space and the object itself are taken too.
func parsePairs(raw json.RawMessage) ([]pair, error) {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	s = strings.TrimSpace(s)
	if s == "" || s == "null" {
		return nil, nil
	}
	inner, opened := strings.CutPrefix(s, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !opened || !closed {
		return nil, errPairs
	}
	var pairs []pair
	for rest := strings.TrimSpace(inner); rest != ""; {
		p, left, err := cutPair(rest)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
		if left == "" {
			break
		}
		after, comma := strings.CutPrefix(left, ",")
		if rest = strings.TrimSpace(after); !comma || rest == "" {
			return nil, errPairs
		}
	}
	return pairs, nil
}

// cutPair takes the first entry off the inside of a map text.
func cutPair(s string) (p pair, rest string, err error) {
	key, rest, found := strings.Cut(s, ":")
	p.dept, err = strconv.ParseInt(strings.Trim(strings.TrimSpace(key), `"`), 10, 64)
	if err != nil || !found {
		return pair{}, "", errPairs
	}
	dec := json.NewDecoder(strings.NewReader(rest))
	if err := dec.Decode(&p.value); err != nil || p.value[0] == '{' || p.value[0] == '[' {
		return pair{}, "", errPairs
	}
	return p, strings.TrimSpace(rest[dec.InputOffset():]), nil
}
