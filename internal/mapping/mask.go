package mapping

import "encoding/json"

// Mask hides a sensitive text wherever it is shown: of eight characters or
// more the first and the last two remain, of fewer nothing does. The number
// of stars does not tell the length. The empty text stays empty.
func Mask(v string) string {
	if v == "" {
		return ""
	}
	runes := []rune(v)
	if len(runes) < 8 {
		return "****"
	}
	return string(runes[:2]) + "****" + string(runes[len(runes)-2:])
}

// maskValue masks every scalar inside a value.
func maskValue(v any) any {
	switch v := v.(type) {
	case string:
		return Mask(v)
	case json.Number:
		return Mask(v.String())
	case bool:
		return Mask("bool")
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = maskValue(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = maskValue(item)
		}
		return out
	}
	return v
}
