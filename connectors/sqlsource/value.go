package sqlsource

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"

	"orgflow/connectors/rowset"
)

// value makes a JSON value of what the driver scanned. Errors do not show it.
func (c column) value(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []byte:
		if c.class == typeless {
			return nil, errors.New("holds bytes (a blob), which have no JSON value")
		}
		return c.text(string(v))
	case string:
		return c.text(v)
	case int64:
		return json.Number(strconv.FormatInt(v, 10)), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("holds a number that JSON does not have")
		}
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64)), nil
	}
	return nil, errors.New("holds a value of a type that has no JSON value")
}

func (c column) text(s string) (any, error) {
	if !utf8.ValidString(s) {
		return nil, errors.New("holds text that is no UTF-8")
	}
	switch c.class {
	case whole, numeric:
		if !rowset.Number(s) {
			return nil, errors.New("holds a number that JSON does not have (NaN or infinity)")
		}
		return json.Number(s), nil
	case boolean:
		return s == "true", nil
	case document:
		return rowset.JSON(s)
	case temporal:
		return s, nil
	default:
		return rowset.Text(s), nil
	}
}
