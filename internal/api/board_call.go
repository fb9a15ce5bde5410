package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"orgflow"
	"orgflow/internal/config"
)

// boardCall is a call that boards make as a plain URL: GET or POST, with
// query or form parameters.
type boardCall struct {
	path, id, summary, about string
	params                   []boardParam
	data                     reflect.Type // of the answer's data
	act                      string       // for the audit log; empty where what it asks writes that down
	do                       func(ctx context.Context, v url.Values) (boardAnswer, error)
}

// boardCalls are the calls of one subject: what holds for each of them.
type boardCalls struct {
	tag, about string
	need       config.Access
	json       bool         // a JSON object of the parameters is read too
	strict     bool         // parameters are checked against the call's own
	unreadable orgflow.Code // of parameters that cannot be read
	late       bool         // an answer may be 202
	priced     bool         // answers tell their age and cost
	refused    func(error) error
	calls      []boardCall
}

type boardParam struct {
	name, kind, doc string
	required        bool
}

func needed(name, doc string) boardParam {
	return boardParam{name: name, kind: huma.TypeString, doc: doc, required: true}
}

func optional(name, doc string) boardParam {
	return boardParam{name: name, kind: huma.TypeString, doc: doc}
}

// companyParam is a parameter that many calls have.
var companyParam = boardParam{name: "company_id", kind: huma.TypeInteger, doc: "needed where several companies are configured"}

// boardAnswer is what a call has to say.
type boardAnswer struct {
	data     any
	subject  string // of the audit log
	accepted bool   // the effect shows in a moment
	// Of what is priced.
	readAt time.Time
	calls  int
}

// envelope is what boards are answered.
type envelope struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
	*Price
	RequestID string `json:"request_id"`
}

func (s *server) boardCallRoutes(all boardCalls) {
	guarded := s.router.With(s.authorize(all.need))
	for _, c := range all.calls {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			guarded.MethodFunc(method, c.path, s.boardHandler(all, c))
			s.describeBoardCall(all, c, method)
		}
	}
}

func (s *server) boardHandler(all boardCalls, c boardCall) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && all.need > config.AccessRead { // routed like GET, but a look must not do anything
			s.write(w, r, &Error{Code: codeMethod, Message: "HEAD is not possible here; allowed: GET, POST", headers: http.Header{"Allow": {"GET, POST"}}})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		err := all.read(r, c)
		var a boardAnswer
		if err == nil {
			a, err = c.do(r.Context(), r.Form)
		}
		if err != nil {
			s.write(w, r, s.answer(r.Context(), all.refused(err)))
			return
		}
		if c.act != "" {
			s.did(r.Context(), c.act, a.subject)
		}
		status, e := http.StatusOK, envelope{Message: "ok", Data: a.data, RequestID: requestID(r.Context())}
		if a.accepted {
			status, e.Message = http.StatusAccepted, "accepted; the effect shows in a moment"
		}
		if all.priced {
			p := s.priceOf(a.readAt, a.calls)
			e.Price = &p
			w.Header().Set("Age", strconv.Itoa(p.Age))
		}
		writeJSON(w, status, e)
	}
}

// read fills r.Form with the parameters of the query and of the body: a form
// or, where that is read, a JSON object.
func (all boardCalls) read(r *http.Request, c boardCall) error {
	var err error
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind == "multipart/form-data":
		err = r.ParseMultipartForm(MaxBody)
	case kind == "application/json" && all.json:
		return parseJSON(r)
	default:
		err = r.ParseForm()
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyTooLarge()
	}
	if err != nil {
		ways := "in the query or as a form"
		if all.json {
			ways = "in the query, as a form, or as a JSON object of texts and numbers"
		}
		if name := c.broken(r.URL.RawQuery); name != "" {
			return &Error{
				Code: all.unreadable, Field: name, cause: err,
				Message: name + ": cannot be read: in a query a ; is written %3B, and a % that is not followed by two hexadecimal digits %25",
			}
		}
		return &Error{Code: all.unreadable, Message: "the parameters cannot be read: they are sent " + ways, cause: err}
	}
	if all.strict {
		return c.check(r.Form)
	}
	return nil
}

// broken names the call's parameter that stands in a query and cannot be read;
// empty where that is none of its own, or the query is not what is wrong.
func (c boardCall) broken(query string) string {
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if _, err := url.ParseQuery(part); err != nil && slices.ContainsFunc(c.params, func(p boardParam) bool { return p.name == name }) {
			return name
		}
	}
	return ""
}

func parseJSON(r *http.Request) error {
	raw, err := io.ReadAll(r.Body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyTooLarge()
	}
	if err != nil {
		return &Error{Code: CodeBadParam, Message: fmt.Sprintf("the body cannot be read: it may have %d bytes", MaxBody), cause: err}
	}
	r.Form = r.URL.Query()
	if len(bytes.TrimSpace(raw)) == 0 { // clients that always name a type
		return nil
	}
	var keys map[string]json.RawMessage
	if err := readBody(raw, &keys); err != nil {
		return err
	}
	for name, value := range keys {
		var text string
		var n json.Number
		switch {
		case string(value) == "null":
		case json.Unmarshal(value, &text) == nil:
			r.Form.Set(name, text)
		case json.Unmarshal(value, &n) == nil:
			r.Form.Set(name, n.String())
		default:
			return badParam(name, "must be a text or a number")
		}
	}
	return nil
}

// check refuses a parameter with a name that is not known, which would change
// nothing and look as if it had; "_" is what pages add against caches.
func (c boardCall) check(form url.Values) error {
	known := make([]string, len(c.params))
	for i, p := range c.params {
		known[i] = p.name
	}
	for name, values := range form {
		switch {
		case name == "_":
		case !slices.Contains(known, name):
			return refusedParam(name, "is not known here; allowed are "+strings.Join(known, ", "))
		case len(values) > 1 && slices.ContainsFunc(values, func(other string) bool { return other != values[0] }):
			return refusedParam(name, "is given more than once, with different values")
		}
	}
	for _, p := range c.params {
		if p.required && strings.TrimSpace(form.Get(p.name)) == "" {
			return refusedParam(p.name, "is needed: "+p.doc)
		}
	}
	return nil
}

func refusedParam(name, message string) *Error {
	return &Error{Code: codeInvalidParameter, Field: name, Message: name + " " + message}
}

// describeBoardCall adds a call to the document: huma would read neither
// forms nor a method for each of two.
func (s *server) describeBoardCall(all boardCalls, c boardCall, method string) {
	op := &huma.Operation{
		OperationID: c.id + "-" + strings.ToLower(method), Method: method, Path: c.path, Tags: []string{all.tag}, Summary: c.summary,
		Description: strings.TrimSpace(c.about + " " + all.about),
		Responses: map[string]*huma.Response{
			"200":     {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: s.envelopeSchema(c, all.priced)}}},
			"default": s.errorResponse(),
		},
		Security: []map[string][]string{{"bearer": {}}, {"key": {}}}, Extensions: map[string]any{"x-role": all.need.String()},
	}
	if all.late {
		op.Responses["202"] = &huma.Response{Description: "Taken; the effect shows in a moment"}
	}
	for _, p := range c.params {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p.name, In: "query", Required: p.required, Description: p.doc, Schema: &huma.Schema{Type: p.kind}})
	}
	s.huma.OpenAPI().AddOperation(op)
}

func (s *server) envelopeSchema(c boardCall, priced bool) *huma.Schema {
	properties := map[string]*huma.Schema{
		"code": {Type: huma.TypeInteger, Enum: []any{0}}, "message": {Type: huma.TypeString},
		"data": s.huma.OpenAPI().Components.Schemas.Schema(c.data, true, c.id), "request_id": {Type: huma.TypeString},
	}
	if priced {
		properties["read_at"] = &huma.Schema{Type: huma.TypeString, Format: "date-time"}
		properties["age_seconds"], properties["calls"] = &huma.Schema{Type: huma.TypeInteger}, &huma.Schema{Type: huma.TypeInteger}
	}
	return &huma.Schema{Type: huma.TypeObject, Properties: properties}
}
