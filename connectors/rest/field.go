package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"orgflow/connectors/coerce"
	"orgflow/connectors/wire"
)

const defaultZone = "Asia/Shanghai"

func (f Field) wireName(target string) string {
	if f.Wire != "" {
		return f.Wire
	}
	return target
}

func (f Field) isList() bool { return f.As == AsList || f.As == AsIntList }

// convert turns a payload's value into that of the wire. Its errors say what
// is allowed and never repeat the value.
func (f Field) convert(v any, root string) (any, error) {
	if f.isList() {
		return f.convertList(v, root)
	}
	if f.As == AsJSON {
		return convertJSON(v)
	}
	text := plain(v)
	if _, isScalar := scalarOf(v); !isScalar {
		return nil, fmt.Errorf("must be a single value, not a list or an object")
	}
	if f.Root != nil && text == root {
		return *f.Root, nil
	}
	if f.Enum != nil {
		mapped, known := f.Enum[text]
		if !known {
			return nil, fmt.Errorf("must be one of the values the definition maps (enum)")
		}
		return mapped, nil
	}
	if f.Date != nil {
		written, err := f.Date.write(text)
		if err != nil {
			return nil, err
		}
		text = written
	}
	if f.Max > 0 && utf8.RuneCountInString(text) > f.Max {
		return nil, fmt.Errorf("must have at most %d characters", f.Max)
	}
	return f.scalar(text)
}

func scalarOf(v any) (any, bool) {
	switch v.(type) {
	case []any, map[string]any:
		return nil, false
	}
	return v, true
}

func (f Field) scalar(text string) (any, error) {
	switch f.As {
	case AsInt:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fmt.Errorf("must be a whole number")
		}
		return json.Number(text), nil
	case AsNumber:
		if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("must be a number")
		}
		return json.Number(text), nil
	case AsBool:
		switch text {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
		return nil, fmt.Errorf("must be true or false")
	}
	return text, nil
}

// convertList reads a list or comma-separated text, each entry once.
func (f Field) convertList(v any, root string) (any, error) {
	parts, _ := coerce.Entries(v, func(one any) (string, bool) { return plain(one), true })
	out := make([]any, 0, len(parts))
	for _, part := range parts {
		if f.Root != nil && part == root {
			part = *f.Root
		}
		switch {
		case part == "":
			continue
		case f.As != AsIntList:
			out = append(out, part)
			continue
		}
		if _, err := strconv.ParseInt(part, 10, 64); err != nil {
			return nil, fmt.Errorf("must be a list of whole numbers")
		}
		out = append(out, json.Number(part))
	}
	out = coerce.Unique(out)
	return out, coerce.Count(len(out), f.Max, false)
}

func convertJSON(v any) (any, error) {
	text, isText := v.(string)
	if !isText {
		return v, nil
	}
	got, err := wire.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("must be JSON")
	}
	return got, nil
}

// write turns a date from one form into the other.
func (d Date) write(text string) (string, error) {
	zone, err := d.zone()
	if err != nil {
		return "", err
	}
	t, err := time.ParseInLocation(d.In, text, zone)
	if err != nil {
		return "", fmt.Errorf("must be a date written as %s", d.In)
	}
	switch d.Out {
	case "unix":
		return strconv.FormatInt(t.Unix(), 10), nil
	case "unix_ms":
		return strconv.FormatInt(t.UnixMilli(), 10), nil
	}
	return t.Format(d.Out), nil
}

func (d Date) zone() (*time.Location, error) {
	if d.Zone == "" {
		return time.LoadLocation(defaultZone)
	}
	return time.LoadLocation(d.Zone)
}

// read turns a date of the wire back; empty if it is none.
func (d Date) read(text string) string {
	zone, err := d.zone()
	if err != nil {
		return ""
	}
	if d.Out != "unix" && d.Out != "unix_ms" {
		t, err := time.ParseInLocation(d.Out, text, zone)
		if err != nil {
			return ""
		}
		return t.Format(d.In)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return ""
	}
	if d.Out == "unix" {
		n *= 1000
	}
	return time.UnixMilli(n).In(zone).Format(d.In)
}

// empty is what clears the field; ok is false where nothing can.
func (f Field) empty() (v any, ok bool) {
	switch f.Clear {
	case "never":
		return nil, false
	case "null":
		return nil, true
	case "zero":
		if f.As == AsBool {
			return false, true
		}
		return json.Number("0"), true
	}
	if f.isList() {
		return []any{}, true
	}
	return "", true
}

// shown turns a value that was read into the form of a payload; nil is
// empty. known is false where it says nothing.
func (f Field) shown(v any, found bool, root string) (_ any, known bool) {
	if found && blank(v) {
		found, v = false, nil
	}
	if !found {
		if f.Root != nil && *f.Root == "" {
			return root, true
		}
		return nil, !f.Unknown
	}
	switch {
	case f.isList():
		return f.shownList(v, root)
	case f.As == AsJSON:
		return nil, false
	}
	if _, isScalar := scalarOf(v); !isScalar {
		return nil, false
	}
	text := plain(v)
	if f.Root != nil && *f.Root == text {
		return root, true
	}
	if f.Enum != nil {
		return f.unmap(v)
	}
	if f.Date != nil {
		text = f.Date.read(text)
		return text, text != ""
	}
	return f.shownScalar(text)
}

func (f Field) shownScalar(text string) (any, bool) {
	switch f.As {
	case AsInt, AsNumber:
		return json.Number(text), json.Valid([]byte(text)) && text != "true" && text != "false"
	case AsBool:
		return text == "true" || text == "1", true
	}
	return text, true
}

func (f Field) shownList(v any, root string) (any, bool) {
	list, isList := v.([]any)
	if !isList {
		return nil, false
	}
	parts := make([]string, 0, len(list))
	for _, entry := range list {
		part := plain(entry)
		if f.Root != nil && part == *f.Root {
			part = root
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ","), true
}

// unmap finds the template's value of an enum.
func (f Field) unmap(v any) (any, bool) {
	for _, text := range slices.Sorted(maps.Keys(f.Enum)) {
		if plain(f.Enum[text]) == plain(v) {
			return text, true
		}
	}
	return nil, false
}

// blank tells whether a value read is none.
func blank(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// sameValue compares a wire value that is wanted with one that was read.
func (f Field) sameValue(want, got any, found bool) bool {
	if !found || blank(got) {
		return blank(want)
	}
	if f.isList() {
		return sameSet(want, got)
	}
	if f.As == AsJSON {
		a, errA := wire.Encode(want)
		b, errB := wire.Encode(got)
		return errA == nil && errB == nil && string(a) == string(b)
	}
	_, isScalar := scalarOf(got)
	return isScalar && plain(want) == plain(got)
}

func sameSet(a, b any) bool {
	texts := func(v any) []string {
		list, _ := v.([]any)
		out := make([]string, len(list))
		for i, entry := range list {
			out[i] = plain(entry)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(texts(a), texts(b))
}
