package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// Parse reads a definition, or returns an *orgflow.InvalidError with all
// that is wrong with it at once, each with its JSON pointer.
func Parse(raw []byte) (*Definition, error) {
	d, problems := read(raw)
	if len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	return d, nil
}

// Lint lists everything that is wrong with a definition.
func Lint(raw []byte) []orgflow.Problem {
	_, problems := read(raw)
	return problems
}

func read(raw []byte) (*Definition, []orgflow.Problem) {
	d := new(Definition)
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		pointer := ""
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			pointer = "/" + strings.ReplaceAll(wrong.Field, ".", "/")
		}
		return nil, []orgflow.Problem{{Pointer: strings.TrimSuffix(pointer, "/"), Message: strings.TrimPrefix(err.Error(), "json: ")}}
	}
	l := &linter{def: d}
	l.definition()
	slices.SortStableFunc(l.problems, func(a, b orgflow.Problem) int { return strings.Compare(a.Pointer, b.Pointer) })
	return d, l.problems
}

// linter collects problems.
type linter struct {
	def      *Definition
	problems []orgflow.Problem
}

func (l *linter) refuse(at, format string, args ...any) {
	l.problems = append(l.problems, orgflow.Problem{Pointer: at, Message: fmt.Sprintf(format, args...)})
}

// word refuses what is none of the allowed words; empty is a default.
func (l *linter) word(at, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		l.refuse(at, "is %q, allowed are %s", value, strings.Join(allowed, ", "))
	}
}

// path refuses what is no path.
func (l *linter) path(at, p string) {
	if _, err := parsePath(p); err != nil {
		l.refuse(at, "%s", err)
	}
}

func (l *linter) definition() {
	d := l.def
	if d.Org == nil && d.Person == nil {
		l.refuse("/person", "is required, or /org: what the consumer takes")
	}
	if d.QPS < 0 {
		l.refuse("/qps", "must be above 0 calls a second")
	}
	for _, name := range slices.Sorted(maps.Keys(d.Settings)) {
		if name == "" || strings.ContainsAny(name, "{}|. /") {
			l.refuse("/settings/"+name, "must be a plain name")
		}
	}
	l.auth()
	l.template("/headers", anyMap(d.Headers), none)
	l.template("/query", anyMap(d.Query), none)
	l.predicate("/answer/success", d.Answer.Success)
	l.path("/answer/code", d.Answer.Code)
	l.path("/answer/message", d.Answer.Message)
	l.rules("/errors", d.Errors)
	l.call("/check", d.Check, none)
	l.signing()
	l.entity("/org", orgflow.Org, d.Org)
	l.entity("/person", orgflow.Person, d.Person)
	l.push()
	if d.Org != nil && d.Person != nil && (d.Org.Children == nil) != (d.Person.Members == nil) {
		l.refuse("/org/children", "and /person/members go together: what the consumer holds is read whole or not at all")
	}
}

func anyMap(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func (l *linter) auth() {
	a := l.def.Auth
	need := func(name, value string) {
		if value == "" {
			l.refuse("/auth/"+name, "is required by the kind %q", a.Kind)
		}
	}
	for name, t := range map[string]string{"value": a.Value, "user": a.User, "password": a.Password, "client_id": a.ClientID, "client_secret": a.ClientSecret, "scope": a.Scope} {
		l.template("/auth/"+name, t, none)
	}
	l.word("/auth/in", a.In, "query", "header", "body")
	switch a.Kind {
	case AuthNone:
	case AuthKey:
		need("in", a.In)
		need("name", a.Name)
		need("value", a.Value)
	case AuthBasic:
		need("user", a.User)
	case AuthToken:
		need("in", a.In)
		need("name", a.Name)
		need("token", a.Token)
		l.path("/auth/token", a.Token)
		l.path("/auth/expires_in", a.ExpiresIn)
		if a.Request == nil {
			l.refuse("/auth/request", "is required: the call that answers a token")
		}
		if a.ExpiresIn == "" && a.LifeSeconds <= 0 {
			l.refuse("/auth/life_seconds", "is required, or expires_in: how long a token lives")
		}
		l.call("/auth/request", a.Request, none)
	case AuthOAuth2:
		need("token_url", a.TokenURL)
		need("client_id", a.ClientID)
		need("client_secret", a.ClientSecret)
		l.word("/auth/style", a.Style, "header", "body")
	default:
		l.refuse("/auth/kind", "is %q, allowed are %s", a.Kind, strings.Join([]string{AuthNone, AuthKey, AuthBasic, AuthToken, AuthOAuth2}, ", "))
	}
}

// signing asks for proof: a recipe nobody compared with the vendor's is a
// guess (reference § C.5).
func (l *linter) signing() {
	s := l.def.Signing
	if s == nil {
		return
	}
	for name, t := range map[string]string{"preset": s.Preset, "key": s.Key, "id": s.ID, "param": s.Param} {
		l.template("/signing/"+name, t, none)
	}
	if strings.Contains(s.Preset, "{") || s.Preset == "none" {
		return // the connection chooses
	}
	if len(s.Vectors) == 0 {
		l.refuse("/signing/vectors", "must have a request whose signature is known, from the vendor's document or support")
	}
	try := *s
	if try.Key == "" || strings.Contains(try.Key, "{") {
		try.Key = "key"
	}
	_, problems := try.Compile("/signing")
	l.problems = append(l.problems, problems...)
}

func (l *linter) push() {
	p := l.def.Push
	if p == nil {
		return
	}
	for name, c := range map[string]*Call{"begin": p.Begin, "org": p.Org, "person": p.Person, "complete": p.Complete} {
		if c == nil {
			l.refuse("/push/"+name, "is required: a push begins, takes records of both kinds, and is completed")
		}
	}
	l.path("/push/task", p.Task)
	if p.Task == "" {
		l.refuse("/push/task", "is required: the path of the task in the answer")
	}
	l.call("/push/begin", p.Begin, none)
	l.call("/push/complete", p.Complete, names("task"))
	for name, c := range map[string]*Call{"org": p.Org, "person": p.Person} {
		l.call("/push/"+name, c, recordNames(l.entityOf(name)).and("task"))
		if c != nil && c.Batch == nil {
			l.refuse("/push/"+name+"/batch", "is required: how many records a call takes")
		}
	}
}

func (l *linter) entityOf(name string) *Entity {
	if name == "org" {
		return l.def.Org
	}
	return l.def.Person
}
