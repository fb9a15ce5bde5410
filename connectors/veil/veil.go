// Package veil keeps personal values that we sent out of the texts that a
// vendor answers with: those go into logs, errors and histories.
package veil

import (
	"errors"
	"strings"

	"orgflow"
)

// mark stands where a value stood.
const mark = "***"

// Values picks the texts of the named fields.
func Values(body map[string]any, fields []string) []string {
	var values []string
	for _, name := range fields {
		if v, ok := body[name].(string); ok {
			values = append(values, v)
		}
	}
	return values
}

// Text takes values out of a text. One of a single character stays: without
// it unrelated words would be torn apart.
func Text(text string, values []string) string {
	for _, v := range values {
		if len(v) > len("张") {
			text = strings.ReplaceAll(text, v, mark)
		}
	}
	return text
}

// Fault takes values out of what a fault repeats of the vendor: message and code. The fault itself stays as it
// is, for that of a token renewal belongs to everybody who waited for it;
// other errors come back unchanged.
func Fault(err error, values []string) error {
	if f, ok := errors.AsType[*orgflow.Fault](err); ok && f != nil {
		own := *f
		own.Message, own.VendorCode = Text(f.Message, values), Text(f.VendorCode, values)
		return &own
	}
	return err
}
