// Package restsim simulates a system that is described by a declarative
// consumer's definition alone: the same file that the consumer works by. It
// changes with the file, so that a corrected definition can be tried before
// it meets the real system.
//
// It understands templates of single references, "$fields" and "$each" over
// records, and takes what is sent literally: an unknown name, a missing
// field or another constant than the definition's is refused.
package restsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors/rest"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
)

// Sim is one simulated organisation.
type Sim struct {
	simbase.Base
	def *rest.Definition
}

var _ simctl.Simulator = (*Sim)(nil)
var _ simctl.Handler = (*Sim)(nil)

// DefaultSettings are in force at the start and after a reset.
func DefaultSettings() simbase.Settings {
	return simbase.Settings{
		Token: "restsim-token", ClientID: "restsim-client", ClientSecret: "restsim-secret", TokenSeconds: 7200, Refuse: []string{},
	}
}

// New makes an organisation that holds nothing, mounted under name.
func New(name string, def *rest.Definition, o simbase.Options) *Sim {
	s := &Sim{def: def}
	s.Init(name, "id", DefaultSettings(), s, o)
	return s
}

// refusal is what is wrong, as the action the consumer shall take.
type refusal struct {
	do   rest.Action
	text string
}

func refuse(do rest.Action, format string, args ...any) *refusal {
	return &refusal{do, fmt.Sprintf(format, args...)}
}

// Handle implements simctl.Handler.
func (s *Sim) Handle(c *simctl.Call) simctl.Answer {
	a := s.def.Auth
	if a.Kind == rest.AuthOAuth2 && c.Path == a.TokenURL {
		return s.Issue(c)
	}
	if s.TooFast(c) {
		return s.failed(nil, refuse(rest.RetryAfter, "too many requests"))
	}
	if !s.admitted(c) {
		return s.failed(nil, refuse(rest.RefreshToken, "the token is not valid"))
	}
	for _, e := range s.endpoints() {
		vars, matches := matchPath(e.call.Path, c.Path)
		if !matches || c.Method != e.call.Method {
			continue
		}
		in := &input{sim: s, call: c, endpoint: e, vars: vars}
		if !in.queries() { // another endpoint has the same path
			continue
		}
		body, r := e.run(in)
		if r != nil {
			return s.failed(e.call, r)
		}
		return s.succeeded(e.call, body)
	}
	return simctl.Answer{Status: http.StatusNotFound, Outcome: "http_404", ContentType: "text/html; charset=utf-8", Body: []byte("<html>404</html>")}
}

// admitted checks the credentials.
func (s *Sim) admitted(c *simctl.Call) bool {
	a := s.def.Auth
	want := a.Prefix + s.Set().Token
	switch a.Kind {
	case rest.AuthNone, rest.AuthBasic:
		return true
	case rest.AuthKey:
		if a.In == "query" {
			return c.Query.Get(a.Name) == want
		}
		return c.Header.Get(a.Name) == want
	}
	return s.Knows(c)
}

// Refuse implements simctl.Handler: code is one of the definition's.
func (s *Sim) Refuse(_ *simctl.Call, code string) simctl.Answer {
	body := map[string]any{}
	put(body, s.def.Answer.Code, literal(code))
	put(body, s.def.Answer.Message, "simulated")
	return simctl.JSON(s.statusFor(code), code, body)
}

// statusFor is the status of the rule that knows a code.
func (s *Sim) statusFor(code string) int {
	for _, r := range s.def.Errors {
		for _, known := range r.Codes {
			if known == code && len(r.Status) > 0 {
				return r.Status[0].First()
			}
		}
	}
	return http.StatusOK
}

// literal writes a code as a number where it is one.
func literal(code string) any {
	if _, err := strconv.ParseInt(code, 10, 64); err == nil {
		return json.Number(code)
	}
	return code
}

// rule finds the answer that makes the consumer do something.
func (s *Sim) rule(call *rest.Call, do rest.Action, fault string) *rest.Rule {
	var rules []rest.Rule
	if call != nil {
		rules = append(rules, call.Errors...)
	}
	for _, r := range append(rules, s.def.Errors...) {
		if r.Do == do && r.Fault == fault {
			return &r
		}
	}
	return nil
}

func (s *Sim) failed(call *rest.Call, r *refusal) simctl.Answer {
	do, fault, _ := strings.Cut(string(r.do), ":")
	rule := s.rule(call, rest.Action(do), fault)
	if rule == nil {
		rule = s.rule(call, rest.FailRecord, "")
	}
	if rule == nil {
		return simctl.JSON(http.StatusBadRequest, do, map[string]any{"error": r.text})
	}
	status, body, outcome := http.StatusOK, map[string]any{}, do
	if len(rule.Status) > 0 {
		status = rule.Status[0].First()
	}
	if len(rule.Codes) > 0 {
		outcome = rule.Codes[0]
		put(body, s.def.Answer.Code, literal(outcome))
	}
	put(body, s.def.Answer.Message, r.text+rule.Message)
	a := simctl.JSON(status, outcome, body)
	if rule.AfterHeader != "" {
		a.Header = map[string]string{rule.AfterHeader: "1"}
	}
	return a
}

// blocked is a refusal for something that is missing or in the way.
var blocked = rest.FailRecord + rest.Action(":"+string(orgflow.CodeBlocked))

func (s *Sim) succeeded(call *rest.Call, body map[string]any) simctl.Answer {
	status := http.StatusOK
	p := call.Success
	if p == nil {
		p = s.def.Answer.Success
	}
	if p != nil {
		satisfy(body, p)
		if len(p.Status) > 0 {
			status = p.Status[0].First()
		}
	}
	return simctl.JSON(status, simctl.OK, body)
}

// satisfy makes a body what a condition asks for.
func satisfy(body map[string]any, p *rest.Predicate) {
	want := p.Equals
	if len(p.In) > 0 {
		want = p.In[0]
	}
	if p.Path != "" && want != nil {
		put(body, p.Path, want)
	}
	for i := range p.All {
		satisfy(body, &p.All[i])
	}
	if len(p.Any) > 0 {
		satisfy(body, &p.Any[0])
	}
}

// put sets a value at a path of plain names.
func put(o map[string]any, path string, v any) {
	if path == "" {
		return
	}
	parts := strings.Split(path[1:], "/")
	for _, name := range parts[:len(parts)-1] {
		inner, isObject := o[name].(map[string]any)
		if !isObject {
			inner = map[string]any{}
			o[name] = inner
		}
		o = inner
	}
	o[parts[len(parts)-1]] = v
}
