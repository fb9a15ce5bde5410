package simctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Fault breaks matching calls on purpose (contract § 7).
type Fault struct {
	// Path is relative to the simulator, "/topapi/v2/user/create"; a
	// trailing "*" matches any rest.
	Path string `json:"path"`
	// Times is how often it fires; 0 is always.
	Times int `json:"times,omitempty"`
	// Every lets only each n-th matching call fail; 0 and 1 are each.
	Every int `json:"every,omitempty"`
	// AfterCommit applies the effect and then fails the answer. Alone it drops the connection.
	AfterCommit bool `json:"after_commit,omitempty"`
	// HTTPStatus is the status of the failing answer.
	HTTPStatus int `json:"http_status,omitempty"`
	// Errcode is a vendor code, answered in the envelope it belongs in.
	Errcode Code `json:"errcode,omitempty"`
	// Body is the failing answer's body: a JSON text is sent bare (so that
	// it may be anything), any other JSON value as it stands.
	Body json.RawMessage `json:"body,omitempty"`
	// DelayMS waits before the call is performed; with AfterCommit, before
	// it is answered. Alone it only delays.
	DelayMS int `json:"delay_ms,omitempty"`
	// DropConnection closes the connection without an answer.
	DropConnection bool `json:"drop_connection,omitempty"`
	// Match limits it to calls whose body or query fields have these values, compared as text.
	Match map[string]Text `json:"match,omitempty"`
}

// Code is a vendor's error code, written as a JSON number or text.
type Code string

// UnmarshalJSON accepts a number or a text.
func (c *Code) UnmarshalJSON(b []byte) error {
	t, err := scalar(b)
	if err != nil {
		return fmt.Errorf("errcode: %w", err)
	}
	*c = Code(t)
	return nil
}

// Text is a scalar compared as text: "2", 2 and true are allowed in JSON.
type Text string

// UnmarshalJSON accepts a text, a number or a boolean.
func (t *Text) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return fmt.Errorf("match: %w", err)
	}
	*t = Text(s)
	return nil
}

func scalar(b []byte) (string, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", err
	}
	switch v.(type) {
	case string, json.Number, bool:
		return Plain(v), nil
	}
	return "", errors.New("a text, number or boolean is expected")
}

// DecodeFaults reads a list of faults, or one alone, and checks each.
func DecodeFaults(raw []byte) ([]Fault, error) {
	raw = bytes.TrimSpace(raw)
	var list []Fault
	if len(raw) > 0 && raw[0] == '{' {
		var one Fault
		if err := DecodeStrict(raw, &one); err != nil {
			return nil, err
		}
		list = []Fault{one}
	} else if err := DecodeStrict(raw, &list); err != nil {
		return nil, err
	}
	for i := range list {
		if err := list[i].check(); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i, err)
		}
	}
	return list, nil
}

func (f *Fault) check() error {
	switch {
	case f.Path == "":
		return errors.New(`path is missing; "*" matches every path`)
	case f.Path[0] != '/' && f.Path != "*":
		return fmt.Errorf("path %q must begin with / or be *", f.Path)
	case strings.Contains(strings.TrimSuffix(f.Path, "*"), "*"):
		return fmt.Errorf("path %q: * is allowed at the end only", f.Path)
	case f.Times < 0 || f.Every < 0 || f.DelayMS < 0:
		return errors.New("times, every and delay_ms must not be negative")
	case f.HTTPStatus != 0 && (f.HTTPStatus < 200 || f.HTTPStatus > 599):
		return fmt.Errorf("http_status %d is not within 200..599", f.HTTPStatus)
	}
	if string(f.Body) == "null" {
		f.Body = nil
	}
	if !f.fails() && f.DelayMS == 0 {
		return errors.New("it has no effect: set one of http_status, errcode, body, delay_ms, drop_connection, after_commit")
	}
	return nil
}

// fails reports whether the answer is replaced, not merely delayed.
func (f *Fault) fails() bool {
	return f.AfterCommit || f.HTTPStatus != 0 || f.Errcode != "" || len(f.Body) > 0 || f.DropConnection
}

// drops reports whether the connection is closed instead of answered.
func (f *Fault) drops() bool {
	return f.DropConnection || (f.AfterCommit && f.HTTPStatus == 0 && f.Errcode == "" && len(f.Body) == 0)
}

// label says in a word or two what the fault did, for the request log.
func (f *Fault) label() string {
	switch {
	case f.drops():
		return "dropped"
	case f.Errcode != "":
		return string(f.Errcode)
	case f.HTTPStatus != 0:
		return fmt.Sprintf("http_%d", f.HTTPStatus)
	case len(f.Body) > 0:
		return "body"
	}
	return "delayed"
}

// answer builds the failing answer.
func (f *Fault) answer(c *Call, h Handler) Answer {
	a := Answer{Status: f.HTTPStatus, Outcome: f.label()}
	switch {
	case len(f.Body) > 0:
		var s string
		if json.Unmarshal(f.Body, &s) == nil {
			a.Body = []byte(s)
			if t := strings.TrimSpace(s); t == "" || (t[0] != '{' && t[0] != '[') {
				a.ContentType = http.DetectContentType(a.Body)
			}
		} else {
			a.Body = f.Body
		}
	case f.Errcode != "":
		r := h.Refuse(c, string(f.Errcode))
		a.Body, a.ContentType, a.Header = r.Body, r.ContentType, r.Header
		if a.Status == 0 {
			a.Status = r.Status
		}
	default:
		a.ContentType, a.Body = "text/plain; charset=utf-8", []byte("simulated failure")
	}
	return a
}

func (f *Fault) matches(c *Call) bool {
	if prefix, wild := strings.CutSuffix(f.Path, "*"); wild {
		if !strings.HasPrefix(c.Path, prefix) {
			return false
		}
	} else if f.Path != c.Path {
		return false
	}
	for name, want := range f.Match {
		if got, ok := c.Field(name); !ok || got != string(want) {
			return false
		}
	}
	return true
}

// FaultStatus is a fault with what became of it.
type FaultStatus struct {
	Fault
	Seen  int `json:"seen"`  // matching calls
	Fired int `json:"fired"` // calls it broke
	// Remaining is how often it will still fire; absent without a limit.
	Remaining *int `json:"remaining,omitempty"`
}

// faultSet is the list in force. The first fault that fires wins; a fault
// that was used up stays listed until cleared.
type faultSet struct {
	mu   sync.Mutex
	list []*FaultStatus
}

func (s *faultSet) add(faults []Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.list = append(s.list, &FaultStatus{Fault: f})
	}
}

func (s *faultSet) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = nil
}

func (s *faultSet) status() []FaultStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]FaultStatus, len(s.list))
	for i, f := range s.list {
		out[i] = *f
		if f.Times > 0 {
			left := f.Times - f.Fired
			out[i].Remaining = &left
		}
	}
	return out
}

// pick returns the fault that fires for a call, or nil.
func (s *faultSet) pick(c *Call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.list {
		if (f.Times > 0 && f.Fired >= f.Times) || !f.matches(c) {
			continue
		}
		f.Seen++
		if f.Every > 1 && f.Seen%f.Every != 0 {
			continue
		}
		f.Fired++
		return &f.Fault
	}
	return nil
}
