package orgflow

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code classifies a failure by what has to be done about it. The same code
// stands in Temporal errors, HTTP answers, the database and logs.
type Code string

// Codes of faults. A vendor's own code stays in Fault.VendorCode.
const (
	// CodeInvalidJob: the job itself is wrong; nothing was started.
	CodeInvalidJob Code = "invalid_job"
	// CodeInvalidConfig: a meta, template, company or consumer file is broken or missing.
	CodeInvalidConfig Code = "invalid_config"
	// CodeUnauthorized: the remote system refuses our credentials. Stops the run.
	CodeUnauthorized Code = "unauthorized"
	// CodeForbidden: a permission, an IP or a scope is missing. Stops the run.
	CodeForbidden Code = "forbidden"
	// CodeQuota: a quota or a size cap is exhausted. Stops further inserts of the kind.
	CodeQuota Code = "quota_exhausted"
	// CodeThrottled: too fast. Never a failure: wait RetryAfter and go on.
	CodeThrottled Code = "throttled"
	// CodeUnavailable: transient (network before the request was sent, 5xx, "busy"). Retry with back-off.
	CodeUnavailable Code = "unavailable"
	// CodeUnknownOutcome: the request may or may not have taken effect. Read back before repeating.
	CodeUnknownOutcome Code = "unknown_outcome"
	// CodeInvalidRecord: the remote system refuses this record. Its own failure only.
	CodeInvalidRecord Code = "invalid_record"
	// CodeConflict: another record has the identity, name or number.
	CodeConflict Code = "conflict"
	// CodeNotFound: the record or what it refers to is not there.
	CodeNotFound Code = "not_found"
	// CodePending: accepted, effective only after somebody acts (an invitation).
	CodePending Code = "pending_invite"
	// CodeNeedsHuman: the remote system does not offer the operation; a person must do it.
	CodeNeedsHuman Code = "needs_human"
	// CodeBlocked: something this record depends on did not succeed.
	CodeBlocked Code = "blocked"
	// CodeDeleteLimit: a safeguard on deletes stopped the run, as the job asked.
	CodeDeleteLimit Code = "delete_limit"
	// CodeTooManyFailures: most records failed, so the run stopped trying.
	CodeTooManyFailures Code = "too_many_failures"
	// CodeTargetBusy: another run holds the target.
	CodeTargetBusy Code = "target_busy"
	// CodePartialRead: the source could not be read whole.
	CodePartialRead Code = "partial_read"
	// CodeCanceled: stopped by a user.
	CodeCanceled Code = "canceled"
	// CodeInternal: a defect of orgflow or of its own infrastructure.
	CodeInternal Code = "internal"
)

// Fault is the one error type between the layers. Connectors make it from
// vendor answers; activities turn it into Temporal errors and the API into
// HTTP answers, each in one table.
type Fault struct {
	Code       Code   `json:"code"`
	VendorCode string `json:"vendor_code,omitempty"` // as the vendor sent it
	Message    string `json:"message"`               // vendor text as it came, without secrets or personal data of ours
	Advice     string `json:"advice,omitempty"`      // what to do, in English
	Field      string `json:"field,omitempty"`       // JSON pointer or field to blame, if one is
	// RetryAfter is how long to wait before the next attempt; zero leaves it
	// to the caller's back-off.
	RetryAfter time.Duration `json:"-"`
	// Err is the cause, for errors.Is and logs; never shown to a user.
	Err error `json:"-"`
}

// Error returns code, vendor code and message on one line.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(string(f.Code))
	if f.VendorCode != "" {
		b.WriteString(" " + f.VendorCode)
	}
	if f.Field != "" && !strings.HasPrefix(f.Message, f.Field) {
		b.WriteString(" at " + f.Field)
	}
	b.WriteString(": " + f.Message)
	if f.Advice != "" {
		b.WriteString(" (" + f.Advice + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Faultf makes a fault with a formatted message.
func Faultf(code Code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// AsFault returns the fault inside err. An error that carries none becomes
// CodeInternal, so that no failure is ever taken for success.
func AsFault(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return &Fault{Code: CodeInternal, Message: err.Error(), Err: err}
}

// StopsRun tells whether every further call would meet the same fault, so
// that the run has to end instead of failing record by record.
func (f *Fault) StopsRun() bool {
	switch f.Code {
	case CodeUnauthorized, CodeForbidden, CodeInvalidConfig, CodeInvalidJob, CodeDeleteLimit, CodeTooManyFailures, CodeTargetBusy, CodeCanceled:
		return true
	default:
		return false
	}
}

// Transient tells whether the same call may succeed later without anybody
// changing anything.
func (f *Fault) Transient() bool {
	switch f.Code {
	case CodeThrottled, CodeUnavailable, CodeUnknownOutcome:
		return true
	default:
		return false
	}
}

// Problem is one finding about an input: where, what, what is allowed.
type Problem struct {
	File    string `json:"file,omitempty"` // shown name, never an absolute path
	Line    int    `json:"line,omitempty"` // 1-based, 0 when unknown
	Column  int    `json:"column,omitempty"`
	Pointer string `json:"pointer"` // JSON pointer; "" is the whole document
	Message string `json:"message"` // says what is allowed
	Warning bool   `json:"warning,omitempty"`
}

// String returns the problem as one line a person can act on.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	} else if p.Line > 0 && p.Pointer == "" {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	if p.Pointer != "" {
		b.WriteString(p.Pointer + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// InvalidError lists all problems of one input at once.
type InvalidError struct {
	Code     Code // CodeInvalidJob or CodeInvalidConfig
	Problems []Problem
}

// Error returns all problems, separated by semicolons.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return string(e.Code) + ": " + strings.Join(lines, "; ")
}

// Unwrap makes errors.As find the fault of the first problem.
func (e *InvalidError) Unwrap() error {
	f := &Fault{Code: e.Code}
	if len(e.Problems) > 0 {
		p := e.Problems[0]
		f.Field = p.Pointer
		lines := make([]string, len(e.Problems))
		for i, p := range e.Problems {
			lines[i] = p.String()
		}
		f.Message = strings.Join(lines, "; ")
	}
	return f
}
