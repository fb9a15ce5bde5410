package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
)

// CodePermission says that the role of whoever asks does not suffice.
const CodePermission orgflow.Code = "permission_denied"

// Codes that only HTTP knows. All others are orgflow's own.
const (
	codeUnauthenticated  orgflow.Code = "unauthenticated"    // no key, or an unknown one
	codePermission       orgflow.Code = CodePermission       // the key's role does not suffice
	codeWrongHost        orgflow.Code = "wrong_host"         // DNS rebinding suspected
	codeCrossOrigin      orgflow.Code = "cross_origin"       // a foreign web page sent it
	codeNoRoute          orgflow.Code = "route_not_found"    //
	codeMethod           orgflow.Code = "method_not_allowed" //
	codeTooLarge         orgflow.Code = "body_too_large"     //
	codeInvalidParameter orgflow.Code = "invalid_parameter"  // path, query or header
	codeInvalidBody      orgflow.Code = "invalid_body"       // not JSON, or not of the wanted shape
	codeTimeout          orgflow.Code = "timeout"            //
)

// statuses is the one table from codes to HTTP. A code that is missing is a
// defect and answers 500.
var statuses = map[orgflow.Code]int{
	orgflow.CodeInvalidJob:    http.StatusBadRequest,
	orgflow.CodeInvalidConfig: http.StatusUnprocessableEntity,
	orgflow.CodeInvalidRecord: http.StatusUnprocessableEntity,
	orgflow.CodeNotFound:      http.StatusNotFound,
	orgflow.CodeConflict:      http.StatusConflict,
	orgflow.CodeTargetBusy:    http.StatusConflict,
	orgflow.CodeDeleteLimit:   http.StatusConflict,

	orgflow.CodeTooManyFailures: http.StatusConflict,
	orgflow.CodeBlocked:         http.StatusConflict,
	orgflow.CodePending:         http.StatusConflict,
	orgflow.CodeNeedsHuman:      http.StatusConflict,
	orgflow.CodeCanceled:        http.StatusConflict,
	orgflow.CodeThrottled:       http.StatusTooManyRequests,
	orgflow.CodeUnavailable:     http.StatusServiceUnavailable,
	orgflow.CodeUnauthorized:    http.StatusBadGateway, // the vendor refuses us, not we the caller
	orgflow.CodeForbidden:       http.StatusBadGateway,
	orgflow.CodeQuota:           http.StatusBadGateway,
	orgflow.CodeUnknownOutcome:  http.StatusBadGateway,
	orgflow.CodePartialRead:     http.StatusBadGateway,
	orgflow.CodeInternal:        http.StatusInternalServerError,

	codeUnauthenticated:  http.StatusUnauthorized,
	codePermission:       http.StatusForbidden,
	codeWrongHost:        http.StatusForbidden,
	codeCrossOrigin:      http.StatusForbidden,
	codeNoRoute:          http.StatusNotFound,
	codeMethod:           http.StatusMethodNotAllowed,
	codeTooLarge:         http.StatusRequestEntityTooLarge,
	codeInvalidParameter: http.StatusUnprocessableEntity,
	codeInvalidBody:      http.StatusBadRequest,
	codeTimeout:          http.StatusGatewayTimeout,
}

// Error is the body of every answer that is not a success (contract § 4).
type Error struct {
	Code      orgflow.Code      `json:"code" doc:"what went wrong, for programs" example:"not_found"`
	Message   string            `json:"message" doc:"what went wrong and what to do, for people"`
	Field     string            `json:"field,omitempty" doc:"JSON pointer or parameter to blame" example:"/params/mode"`
	RequestID string            `json:"request_id" doc:"also in the log and the header X-Request-Id"`
	Problems  []orgflow.Problem `json:"problems,omitempty" doc:"all findings, where there may be several"`

	status  int
	headers http.Header
	cause   error
}

// Error returns the message.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap returns the cause, which is logged but not shown.
func (e *Error) Unwrap() error { return e.cause }

// GetStatus returns the HTTP status; huma asks for it.
func (e *Error) GetStatus() int {
	if e.status != 0 {
		return e.status
	}
	for _, table := range []map[orgflow.Code]int{statuses, flowStatuses} {
		if status, ok := table[e.Code]; ok {
			return status
		}
	}
	return http.StatusInternalServerError
}

// GetHeaders returns headers that belong to the answer; huma asks for them.
func (e *Error) GetHeaders() http.Header { return e.headers }

// Answer is what an error is told as, to whoever asks over HTTP: as the API
// answers it, for pages.
func Answer(ctx context.Context, err error) *Error { return fault(ctx, refusedCall(err)) }

// fault turns any error into an answer. Only an *orgflow.Fault or an
// *orgflow.InvalidError was written to be read by a caller; the text of
// anything else goes to the log.
func fault(ctx context.Context, err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		own.RequestID = requestID(ctx)
		return own
	}
	e := &Error{RequestID: requestID(ctx), cause: err}
	var invalid *orgflow.InvalidError
	var f *orgflow.Fault
	switch {
	case errors.As(err, &invalid):
		e.invalid(invalid)
	case errors.As(err, &f) && f.Code != orgflow.CodeInternal:
		e.fault(f)
	case errors.Is(err, context.DeadlineExceeded):
		e.Code, e.Message = codeTimeout, "the answer took too long; the work may go on: look before you repeat"
	default:
		e.Code, e.Message = orgflow.CodeInternal, "something went wrong inside orgflow; its log tells more under this request_id"
	}
	return e
}

func (e *Error) invalid(invalid *orgflow.InvalidError) {
	e.Code, e.Problems = invalid.Code, invalid.Problems
	lines := make([]string, len(invalid.Problems))
	for i, p := range invalid.Problems {
		lines[i] = p.String()
	}
	e.Message = strings.Join(lines, "; ")
	if len(invalid.Problems) > 0 {
		e.Field = invalid.Problems[0].Pointer
	}
}

func (e *Error) fault(f *orgflow.Fault) {
	e.Code, e.Message, e.Field = f.Code, f.Message, f.Field
	if f.VendorCode != "" {
		e.Message = f.VendorCode + " " + e.Message
	}
	if f.Advice != "" {
		e.Message += " (" + f.Advice + ")"
	}
	if f.RetryAfter > 0 {
		seconds := int((f.RetryAfter + time.Second - 1) / time.Second)
		e.headers = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	}
}

// own replaces huma's problem documents by ours, content type included.
func own(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	ctx.SetHeader("Content-Type", "application/json")
	e := &Error{RequestID: requestID(ctx.Context()), Message: m.Detail}
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		e.Code, e.Message = codeTooLarge, bodyTooLarge().Message
	case http.StatusUnprocessableEntity:
		e.Code = codeInvalidParameter
	case http.StatusBadRequest, http.StatusUnsupportedMediaType:
		e.Code = codeInvalidBody
	case http.StatusRequestTimeout:
		e.Code = codeTimeout
	default:
		e.Code, e.Message = orgflow.CodeInternal, "something went wrong inside orgflow; its log tells more under this request_id"
	}
	e.details(m.Errors)
	return e, nil
}

func bodyTooLarge() *Error {
	return &Error{Code: codeTooLarge, Message: "the body is larger than " + strconv.Itoa(MaxBody) + " bytes"}
}

// details takes over what huma found, without the values: they may be
// personal, and the caller knows them.
func (e *Error) details(found []*huma.ErrorDetail) {
	for _, d := range found {
		if d == nil {
			continue
		}
		e.Problems = append(e.Problems, orgflow.Problem{Pointer: place(d.Location), Message: d.Message})
	}
	if len(e.Problems) == 0 {
		return
	}
	e.Field = e.Problems[0].Pointer
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	e.Message = strings.Join(lines, "; ")
}

// place turns "body.items[3].name" into a JSON pointer and "query.limit" into
// the parameter's name.
func place(location string) string {
	in, name, _ := strings.Cut(location, ".")
	if in != "body" {
		return name
	}
	if name == "" {
		return ""
	}
	return "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(name)
}

// write sends an error outside huma's operations.
func (s *server) write(w http.ResponseWriter, r *http.Request, e *Error) {
	e.RequestID = requestID(r.Context())
	for name, values := range e.headers {
		w.Header()[name] = values
	}
	writeJSON(w, e.GetStatus(), e)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client went away; the access log shows it
}
