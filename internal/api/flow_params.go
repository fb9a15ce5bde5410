package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// readBody reads one JSON object strictly. It does not go through huma so
// that the calls of flows answer a bad body alike: 400 BAD_PARAM.
func readBody(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil && dec.More():
		return &Error{Code: CodeBadParam, Message: "something follows the JSON object"}
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		field := "/" + strings.ReplaceAll(wrong.Field, ".", "/")
		return badParam(field, fmt.Sprintf("must not be %s", wrong.Value))
	case errors.Is(err, io.EOF):
		return &Error{Code: CodeBadParam, Message: "the body is empty; it must be a JSON object"}
	}
	if name, found := strings.CutPrefix(err.Error(), "json: unknown field "); found { // the package has no type for it
		field := "/" + strings.Trim(name, `"`)
		return badParam(field, "is not known here; /openapi.json lists the keys")
	}
	return &Error{Code: CodeBadParam, Message: "the body is not a JSON object: " + err.Error(), cause: err}
}

// plainText refuses an empty text, a longer one, and control characters.
func plainText(field, text string, limit int) error {
	if strings.TrimSpace(text) == "" {
		return badParam(field, "must not be empty")
	}
	return optionalText(field, text, limit)
}

func optionalText(field, text string, limit int) error {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return badParam(field, "must not contain control characters")
	}
	return freeText(field, text, limit)
}

// freeText allows line breaks and tabs, but nothing no database can hold.
func freeText(field, text string, limit int) error {
	switch n := utf8.RuneCountInString(text); {
	case n > limit:
		return badParam(field, fmt.Sprintf("may have %d characters; it has %d", limit, n))
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return badParam(field, "must be valid UTF-8 without NUL characters")
	}
	return nil
}

// flowURL is where a flow is shown.
func flowURL(no string) string { return pathFlows + "/" + url.PathEscape(no) }
