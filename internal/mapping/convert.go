package mapping

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Declared types of an entry. The empty type keeps the value as it is.
const (
	typeString   = "string"
	typeInt      = "int"
	typeFloat    = "float"
	typeBool     = "bool"
	typeDate     = "date"
	typeDatetime = "datetime"
	typeArray    = "array"
	typeObject   = "object"
)

const allowedTypes = "string, int, float, bool, date, datetime, array, object"

func knownType(t string) bool {
	switch t {
	case "", typeString, typeInt, typeFloat, typeBool, typeDate, typeDatetime, typeArray, typeObject:
		return true
	}
	return false
}

// conversion brings values into a declared type.
type conversion struct {
	typ, item string
	dates     map[string]dater // of the date types it needs
}

func newConversion(typ, item string) conversion {
	c := conversion{typ: typ, item: item}
	for _, t := range []string{typ, item} {
		if t == typeDate || t == typeDatetime {
			if c.dates == nil {
				c.dates = make(map[string]dater, 1)
			}
			c.dates[t] = typeDater(t)
		}
	}
	return c
}

// typeDater writes dates as the standard format stores them: 2006-01-02, and
// date-times with their offset in DefaultZone.
func typeDater(typ string) dater {
	d := dater{in: commonLayouts(), out: layout{pattern: "2006-01-02"}, zone: defaultZone()}
	if typ == typeDatetime {
		d.out = layout{pattern: "2006-01-02T15:04:05Z07:00", zoned: true}
	}
	return d
}

// to converts one value. Text with references to other records is kept: it
// becomes a number or a text only when the change is applied. nil may come
// back: an open-ended date has no value.
func (c conversion) to(v any) (any, error) {
	if c.typ == typeArray {
		return c.toArray(v)
	}
	return c.scalar(v, c.typ)
}

func (c conversion) scalar(v any, typ string) (any, error) {
	if s, ok := v.(string); ok && hasRef(s) {
		return s, nil
	}
	switch typ {
	case typeString:
		if s, ok := scalarText(v); ok {
			return s, nil
		}
		return nil, fmt.Errorf("%s is no string; pick an element by number, or join the list", describe(v))
	case typeInt, typeFloat:
		return toNumber(v, typ)
	case typeBool:
		return toBool(v)
	case typeDate, typeDatetime:
		return c.dates[typ].convert(v)
	case typeArray:
		if _, ok := v.([]any); !ok {
			return nil, fmt.Errorf("%s is no array", describe(v))
		}
	case typeObject:
		if _, ok := v.(map[string]any); !ok {
			return nil, fmt.Errorf("%s is no object", describe(v))
		}
	}
	return v, nil
}

// toNumber keeps numbers exact: no float is involved at any size.
func toNumber(v any, typ string) (any, error) {
	var lit string
	switch v := v.(type) {
	case json.Number:
		lit = string(v)
	case string:
		lit = v
	default:
		return nil, fmt.Errorf("%s is no %s", describe(v), typ)
	}
	d, ok := parseDecimal(lit)
	if !ok {
		return nil, fmt.Errorf("%s is no %s", describe(v), typ)
	}
	if typ == typeInt {
		if !d.integral() {
			return nil, fmt.Errorf("%s has a fraction and is no int", describe(v))
		}
		if len(d.digits)+d.exp > maxPlain {
			return nil, fmt.Errorf("%s has more than %d digits", describe(v), maxPlain)
		}
	}
	return json.Number(d.String()), nil
}

func toBool(v any) (any, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	text, _ := scalarText(v)
	switch strings.ToLower(text) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return nil, fmt.Errorf("%s is no bool; allowed: true, false, 1, 0 (others need value_map)", describe(v))
}

// toArray makes a list of one from anything that is none, and leaves out
// elements without a value.
func (c conversion) toArray(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]any, 0, len(list))
	for i, e := range list {
		if e = settle(e); e == nil {
			continue
		}
		item, err := c.scalar(e, c.item)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		if item = settle(item); item != nil {
			out = append(out, item)
		}
	}
	return settle(out), nil
}
