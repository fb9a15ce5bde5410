package rest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"orgflow"
)

// scopeNames are the references a template may use: names, and record's
// fields where entity is set.
type scopeNames struct {
	entity *Entity
	list   []string
}

var none = scopeNames{}

func names(list ...string) scopeNames { return scopeNames{list: list} }

// recordNames are those of a call about a record.
func recordNames(e *Entity) scopeNames {
	return scopeNames{entity: e, list: []string{"id", "key", "kind", "op", "ext"}}
}

func (n scopeNames) and(more ...string) scopeNames {
	return scopeNames{n.entity, append(slices.Clone(n.list), more...)}
}

func (l *linter) known(ref string, n scopeNames) bool {
	if s, is := strings.CutPrefix(ref, "settings."); is {
		_, known := l.def.Settings[s]
		return known
	}
	if f, is := strings.CutPrefix(ref, "field."); is {
		if n.entity == nil {
			return false
		}
		_, known := n.entity.Fields[f]
		return known
	}
	if strings.HasPrefix(ref, "ext.") {
		return n.entity != nil
	}
	return slices.Contains([]string{"root", "now", "uuid"}, ref) || slices.Contains(n.list, ref)
}

// template checks references, filters and directives.
func (l *linter) template(at string, t any, n scopeNames) {
	switch t := t.(type) {
	case string:
		list, err := pieces(t)
		if err != nil {
			l.refuse(at, "%s", err)
		}
		for _, p := range list {
			if p.ref != "" && !l.known(p.ref, n) {
				l.refuse(at, "refers to {%s}, which is not known here; allowed are %s", p.ref, l.allowed(n))
			}
			for _, f := range p.filters {
				l.word(at, f, filters...)
			}
		}
	case []any:
		for i, one := range t {
			l.template(fmt.Sprintf("%s/%d", at, i), one, n)
		}
	case map[string]any:
		l.object(at, t, n)
	}
}

func (l *linter) allowed(n scopeNames) string {
	list := append([]string{"root", "now", "uuid"}, n.list...)
	if n.entity != nil {
		list = append(list, "field.NAME", "ext.LABEL")
	}
	for _, s := range slices.Sorted(maps.Keys(l.def.Settings)) {
		list = append(list, "settings."+s)
	}
	return strings.Join(list, ", ")
}

// object checks an object of a template, or one of its directives.
func (l *linter) object(at string, t map[string]any, n scopeNames) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		switch {
		case name == dirEach:
			l.each(at, t, n)
			return
		case name == dirConcat, name == dirFirst:
			if _, isList := t[name].([]any); !isList || len(t) > 1 {
				l.refuse(at, "must be {%q: [...]} alone", name)
			}
		case name == dirFields:
			if t[name] != true || n.entity == nil {
				l.refuse(at+"/"+name, "must be true, in a call about a record")
			}
		case name == dirIf:
			if ref := plain(t[name]); len(t) != 2 || t[dirThen] == nil || !l.known(ref, n) {
				l.refuse(at, `must be {"$if": NAME, "then": ...}, NAME one of %s`, l.allowed(n))
			}
			l.template(at+"/then", t[dirThen], n)
			return
		case name == dirJSON:
			if len(t) > 1 {
				l.refuse(at, "must be {%q: ...} alone", name)
			}
		case strings.HasPrefix(name, "$"):
			l.refuse(at+"/"+name, "is no directive, allowed are $fields, $each, $concat, $first, $json, $if")
		}
		l.template(at+"/"+escape(name), t[name], n)
	}
}

func (l *linter) each(at string, t map[string]any, n scopeNames) {
	what, _ := t[dirEach].(string)
	if t[dirAs] == nil || len(t) != 2 {
		l.refuse(at, `must be {"$each": ..., "as": ...}`)
	}
	within := n
	field, isField := strings.CutPrefix(what, "field.")
	switch {
	case n.entity == nil:
		l.refuse(at+"/$each", "has no record here")
	case what == "fields", what == "cleared":
		within = n.and("name", "path", "value")
	case what == "ext":
		within = n.and("name", "value")
	case what == "records":
	case isField && n.entity.Fields[field].isList():
		within = n.and("item")
	default:
		l.refuse(at+"/$each", "is %q, allowed are fields, cleared, ext, records, and field.NAME of a list", what)
	}
	l.template(at+"/as", t[dirAs], within)
}

func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// call checks a request and what is read from its answer.
func (l *linter) call(at string, c *Call, n scopeNames) {
	if c == nil {
		return
	}
	l.word(at+"/method", c.Method, methods...)
	if c.Method == "" {
		l.refuse(at+"/method", "is required, allowed are %s", strings.Join(methods, ", "))
	}
	if !strings.HasPrefix(c.Path, "/") || strings.Contains(c.Path, "?") {
		l.refuse(at+"/path", "must begin with / and have no query; it is put behind base_url")
	}
	if c.IfMatch {
		n = n.and("etag")
	}
	l.template(at+"/path", c.Path, n)
	l.template(at+"/query", anyMap(c.Query), n)
	l.template(at+"/headers", anyMap(c.Headers), n)
	l.template(at+"/form", anyMap(c.Form), n)
	l.template(at+"/body", c.Body, n)
	if c.Body != nil && c.Form != nil {
		l.refuse(at+"/form", "stands beside body; give one of the two")
	}
	l.predicate(at+"/success", c.Success)
	l.rules(at+"/errors", c.Errors)
	l.path(at+"/id", c.ID)
	l.path(at+"/record", c.Record)
	if c.ETag != "header:ETag" {
		l.path(at+"/etag", c.ETag)
	}
	l.batch(at, c)
	l.poll(at, c, n)
}

func (l *linter) batch(at string, c *Call) {
	b := c.Batch
	if (b != nil) != uses(c.Body, "records") {
		l.refuse(at+"/batch", `and {"$each": "records"} in the body go together`)
	}
	if b == nil {
		return
	}
	if b.MaxRecords < 1 {
		l.refuse(at+"/batch/max_records", "must be 1 or more")
	}
	if b.MaxBytes < 0 {
		l.refuse(at+"/batch/max_bytes", "must be 0 (no limit) or more")
	}
	if r := b.Results; r != nil {
		l.path(at+"/batch/results/list", r.List)
		for name, p := range map[string]string{"key": r.Key, "code": r.Code, "message": r.Message, "id": r.ID} {
			l.path(at+"/batch/results/"+name, p)
		}
		if r.Success == nil {
			l.refuse(at+"/batch/results/success", "is required: when a record was taken")
		}
		l.predicate(at+"/batch/results/success", r.Success)
	}
}

func (l *linter) poll(at string, c *Call, n scopeNames) {
	p := c.Poll
	if p == nil {
		return
	}
	at += "/poll"
	if p.Request == nil || p.Task == "" || p.Status == "" || len(p.Done) == 0 {
		l.refuse(at, "needs task, request, status and done")
	}
	l.path(at+"/task", p.Task)
	l.path(at+"/status", p.Status)
	l.call(at+"/request", p.Request, n.and("task"))
	if p.IntervalSeconds < 0 || p.MaxSeconds < 0 {
		l.refuse(at, "interval_seconds and max_seconds must be above 0")
	}
}

func (l *linter) predicate(at string, p *Predicate) {
	if p == nil {
		return
	}
	l.path(at+"/path", p.Path)
	given := 0
	for _, is := range []bool{p.Equals != nil, len(p.In) > 0, p.Absent, p.Present, p.Contains != ""} {
		if is {
			given++
		}
	}
	place := p.Path != "" || p.Header != ""
	switch {
	case p.Path != "" && p.Header != "":
		l.refuse(at+"/header", "stands beside path; give one of the two")
	case place && given != 1:
		l.refuse(at, "needs exactly one of equals, in, absent, present, contains")
	case !place && given > 0:
		l.refuse(at+"/path", "is required, or header: what is compared")
	case !place && len(p.Status)+len(p.All)+len(p.Any) == 0 && p.Not == nil:
		l.refuse(at, "has no condition; it would always hold")
	}
	for i := range p.All {
		l.predicate(fmt.Sprintf("%s/all/%d", at, i), &p.All[i])
	}
	for i := range p.Any {
		l.predicate(fmt.Sprintf("%s/any/%d", at, i), &p.Any[i])
	}
	l.predicate(at+"/not", p.Not)
}

var (
	recordFaults = []string{string(orgflow.CodeInvalidRecord), string(orgflow.CodeConflict), string(orgflow.CodeBlocked), string(orgflow.CodeQuota)}
	runFaults    = []string{string(orgflow.CodeInvalidConfig), string(orgflow.CodeUnauthorized), string(orgflow.CodeForbidden)}
)

func (l *linter) rules(at string, rules []Rule) {
	for i := range rules {
		r, at := &rules[i], fmt.Sprintf("%s/%d", at, i)
		if !slices.Contains(actions, r.Do) {
			words := make([]string, len(actions))
			for n, a := range actions {
				words[n] = string(a)
			}
			l.refuse(at+"/do", "is %q, allowed are %s", r.Do, strings.Join(words, ", "))
		}
		if len(r.Status)+len(r.Codes)+len(r.Message) == 0 && r.When == nil {
			l.refuse(at, "has no condition; give one or more of status, codes, message, when")
		}
		if (len(r.Codes) > 0 && l.def.Answer.Code == "" || r.Message != "" && l.def.Answer.Message == "") && !strings.Contains(at, "results") {
			l.refuse(at, "looks at codes or message, and the definition does not say where they are (/answer/code, /answer/message)")
		}
		l.predicate(at+"/when", r.When)
		switch r.Do {
		case FailRecord, Bisect, SkipRecord:
			l.word(at+"/fault", r.Fault, recordFaults...)
		case FailRun:
			l.word(at+"/fault", r.Fault, runFaults...)
		default:
			if r.Fault != "" {
				l.refuse(at+"/fault", "goes with fail_record and fail_run only")
			}
		}
	}
}
