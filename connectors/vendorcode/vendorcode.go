// Package vendorcode says what the codes of vendors' answers mean to us: a
// table of rows per vendor, and what holds where no row does.
package vendorcode

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"orgflow"
)

// Codes of our own for answers that carry none of the vendor's.
const (
	Malformed = "malformed" // not what the vendor documents an answer to be
	HTTP      = "http_"     // and the status, where nothing else is known
)

// Meaning is what a vendor code is to us.
type Meaning struct {
	Code   orgflow.Code
	Advice string
	Field  string        // of the record or the settings; empty if none is to blame
	After  time.Duration // usual wait before the next attempt
	Cause  error         // inside the fault; nil is none
}

// Row gives several codes one meaning.
type Row struct {
	Codes  string // separated by spaces
	Code   orgflow.Code
	Advice string
	Field  string
	After  time.Duration
	Cause  error
}

// Table has the meaning of each known code.
type Table map[string]Meaning

// Others are the meanings of what is in no table.
type Others struct {
	Gateway  Meaning // a server in between failed (HTTP 5xx, and no code)
	Redirect Meaning // the address leads elsewhere (HTTP 3xx, and no code)
	Unknown  Meaning // anything else; never success
}

// Index makes one table of rows. Of two rows with one code the last counts.
func Index(rows ...[]Row) Table {
	t := Table{}
	for _, list := range rows {
		for _, r := range list {
			for code := range strings.FieldsSeq(r.Codes) {
				t[code] = Meaning{Code: r.Code, Advice: r.Advice, Field: r.Field, After: r.After, Cause: r.Cause}
			}
		}
	}
	return t
}

// Of looks a code up, the one that Unreadable gives included. A code that is
// in no table stays unknown: the record fails with it.
func (t Table) Of(code string, status int, o Others) Meaning {
	if m, ok := t[code]; ok {
		return m
	}
	switch bare := strings.HasPrefix(code, HTTP); {
	case bare && status >= http.StatusInternalServerError:
		return o.Gateway
	case bare && status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return o.Redirect
	}
	return o.Unknown
}

// Unreadable is the code of an answer that cannot be understood: Malformed
// where its status claims success, else HTTP and the status.
func Unreadable(status int) string {
	if status >= 200 && status < 300 {
		return Malformed
	}
	return fmt.Sprintf("%s%03d", HTTP, status)
}

// Fault is the fault of an answer with this code and text. Where the outcome
// is not known, a read (write is false) is just unavailable: it can be
// repeated.
func (m Meaning) Fault(code, text string, write bool) *orgflow.Fault {
	f := &orgflow.Fault{
		Code: m.Code, VendorCode: code, Message: text, Advice: m.Advice, Field: m.Field, RetryAfter: m.After, Err: m.Cause,
	}
	if m.Code == orgflow.CodeUnknownOutcome && !write {
		f.Code = orgflow.CodeUnavailable
	}
	return f
}

// MalformedRead is the fault of a read whose answer is not as documented:
// nothing is known, least of all that something is not there.
func MalformedRead(message string) *orgflow.Fault {
	return &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: Malformed, Message: message}
}
