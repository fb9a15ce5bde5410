package rest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

func (l *linter) entity(at string, kind orgflow.Kind, e *Entity) {
	if e == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		l.field(at+"/fields/"+escape(name), e, e.Fields[name])
	}
	l.profile(at, e)
	for name, p := range map[string]string{"key": e.Key, "read_id": e.ReadID, "read_ext": e.ReadExt} {
		l.path(at+"/"+name, p)
	}
	l.word(at+"/on_delete", e.OnDelete, "delete", "disable", "keep")
	n := recordNames(e)
	for name, c := range map[string]*Call{"insert": e.Insert, "update": e.Update, "delete": e.Delete, "disable": e.Disable, "get": e.Get} {
		l.call(at+"/"+name, c, n)
	}
	for i := range e.Find {
		f, at := &e.Find[i], fmt.Sprintf("%s/find/%d", at, i)
		l.call(at, &f.Call, n)
		l.path(at+"/items", f.Items)
		l.path(at+"/total", f.Total)
		for p, t := range f.Match {
			l.path(at+"/match/"+escape(p), p)
			l.template(at+"/match/"+escape(p), t, n)
		}
	}
	l.list(at+"/children", e.Children, kind == orgflow.Org)
	l.list(at+"/members", e.Members, kind == orgflow.Person)
	l.insert(at, e)
	l.reads(at, e)
	l.removal(at, e)
	l.sent(at, e)
}

func (l *linter) field(at string, e *Entity, f Field) {
	l.word(at+"/as", f.As, AsText, AsInt, AsNumber, AsBool, AsList, AsIntList, AsJSON)
	l.word(at+"/when", f.When, "always", "insert", "update")
	l.word(at+"/clear", f.Clear, "empty", "null", "zero", "never")
	l.path(at+"/read", f.Read)
	if f.Date != nil {
		if _, err := f.Date.zone(); err != nil {
			l.refuse(at+"/date/zone", "must be an IANA time zone such as Asia/Shanghai")
		}
		if f.Date.In == "" || f.Date.Out == "" {
			l.refuse(at+"/date", `needs in and out, Go layouts such as "2006-01-02", or unix and unix_ms as out`)
		}
	}
	if f.Max < 0 {
		l.refuse(at+"/max", "must be 0 (no limit) or more")
	}
	l.template(at+"/shape", f.Shape, recordNames(e).and("value"))
	if r := f.Relation; r != nil {
		if r.Add == nil || r.Remove == nil || f.Read == "" || e.Get == nil || !f.isList() {
			l.refuse(at+"/relation", "needs add and remove, the field's read, a list as its type, and the record's get: what is there is compared with what is wanted")
		}
		l.call(at+"/relation/add", r.Add, recordNames(e).and("item"))
		l.call(at+"/relation/remove", r.Remove, recordNames(e).and("item"))
	}
}

func (l *linter) profile(at string, e *Entity) {
	p := e.Profile
	single := map[string]string{"name": p.Name, "parent": p.Parent, "leaders": p.Leaders, "mobile": p.Mobile, "job_number": p.JobNumber, "email": p.Email, "orgs": p.Orgs, "manager": p.Manager}
	if p.Name == "" {
		l.refuse(at+"/profile/name", "is required: the field that holds the name")
	}
	for name, target := range single {
		l.target(at+"/profile/"+name, e, target)
	}
	for name, list := range map[string][]string{"immutable": p.Immutable, "unique": p.Unique} {
		for i, target := range list {
			l.target(fmt.Sprintf("%s/profile/%s/%d", at, name, i), e, target)
		}
	}
	l.target(at+"/id", e, e.ID)
}

// target refuses a name that is no field.
func (l *linter) target(at string, e *Entity, name string) {
	if _, known := e.Fields[name]; name != "" && !known {
		l.refuse(at, "is %q, which is none of the fields %s", name, strings.Join(slices.Sorted(maps.Keys(e.Fields)), ", "))
	}
}

// insert asks how a lost answer is resolved: a record must never be created
// twice.
func (l *linter) insert(at string, e *Entity) {
	c := e.Insert
	if c == nil {
		return
	}
	if e.ID == "" && c.ID == "" && (c.Batch == nil || c.Batch.Results == nil || c.Batch.Results.ID == "") {
		l.refuse(at+"/insert/id", "is required where the consumer assigns ids: the path of the new id in the answer")
	}
	if c.Idempotent || e.ID != "" && e.Get != nil || len(e.Find) > 0 {
		return
	}
	l.refuse(at+"/insert", "must say what happens after a lost answer: the record is looked for by get (with an id of ours) or find, or repeating is harmless (idempotent)")
}

// reads checks what reading needs.
func (l *linter) reads(at string, e *Entity) {
	if (e.Get != nil || len(e.Find) > 0 || e.Children != nil || e.Members != nil) && e.ReadID == "" {
		l.refuse(at+"/read_id", "is required: the path of the id in a record that was read")
	}
	if e.Get != nil && !l.says(e.Get, Gone) {
		l.refuse(at+"/get/errors", `must have a rule with "do": "gone": what says that there is no such record`)
	}
	if e.Children != nil && e.Get == nil {
		l.refuse(at+"/get", "is required beside children: departments are read one by one")
	}
	for name, c := range map[string]*Call{"update": e.Update, "delete": e.Delete, "disable": e.Disable} {
		if c != nil && c.IfMatch && (e.Get == nil || e.Get.ETag == "") {
			l.refuse(at+"/"+name+"/if_match", "needs a get that says where the version is (etag)")
		}
	}
}

// says tells whether a rule of a call leads to an action.
func (l *linter) says(c *Call, do ...Action) bool {
	for _, r := range append(slices.Clone(c.Errors), l.def.Errors...) {
		if slices.Contains(do, r.Do) {
			return true
		}
	}
	return false
}

func (l *linter) removal(at string, e *Entity) {
	name, c := "delete", e.Delete
	switch e.OnDelete {
	case "keep":
		return
	case "disable":
		name, c = "disable", e.Disable
	}
	if c == nil {
		l.refuse(at+"/"+name, `is required, or "on_delete": "keep"`)
		return
	}
	if !c.Idempotent && !l.says(c, Gone, Success) {
		l.refuse(at+"/"+name+"/errors", `must have a rule with "do": "gone": a record that is not there is as wanted; or be idempotent`)
	}
}

// sent finds fields that no call sends.
func (l *linter) sent(at string, e *Entity) {
	for name, c := range map[string]*Call{"insert": e.Insert, "update": e.Update} {
		if c == nil {
			continue
		}
		templates := []any{c.Body, anyMap(c.Form), anyMap(c.Query), c.Path}
		if hasFields(templates) {
			continue
		}
		each := uses(templates, "fields")
		for _, target := range slices.Sorted(maps.Keys(e.Fields)) {
			f := e.Fields[target]
			if f.Relation != nil || f.When != "" && f.When != "always" && f.When != name || target == e.ID && name == "update" {
				continue
			}
			if each && f.Path != "" || refersTo(templates, "field."+target) || uses(templates, "field."+target) {
				continue
			}
			l.refuse(at+"/fields/"+escape(target), "is not sent by %s; name it there, or give it a path or \"when\"", name)
		}
	}
}

func refersTo(t any, ref string) bool { return slices.Contains(refsIn(t), ref) }

// hasFields tells whether a template holds {"$fields": true}.
func hasFields(t any) bool {
	switch t := t.(type) {
	case []any:
		return slices.ContainsFunc(t, hasFields)
	case map[string]any:
		if t[dirFields] == true {
			return true
		}
		for _, one := range t {
			if hasFields(one) {
				return true
			}
		}
	}
	return false
}

func (l *linter) list(at string, list *List, allowed bool) {
	if list == nil {
		return
	}
	if !allowed {
		l.refuse(at, "belongs to the other kind: children to /org, members to /person")
		return
	}
	n := names("id")
	l.word(at+"/at", list.At, "root")
	l.path(at+"/items", list.Items)
	for p, t := range list.Match {
		l.path(at+"/match/"+escape(p), p)
		l.template(at+"/match/"+escape(p), t, n)
	}
	p := list.Paging
	if p == nil {
		l.call(at, &list.Call, n)
		return
	}
	l.word(at+"/paging/kind", p.Kind, PageCursor, PageNumber, PageOffset, PageLink)
	for name, where := range map[string]string{"next": p.Next, "more": p.More, "total": p.Total} {
		l.path(at+"/paging/"+name, where)
	}
	ref := map[string]string{PageCursor: "cursor", PageNumber: "page", PageOffset: "offset"}[p.Kind]
	switch {
	case p.Kind == "":
		l.refuse(at+"/paging/kind", "is required, allowed are cursor, page, offset, link")
	case ref != "" && !refersTo([]any{list.Path, anyMap(list.Query), list.Body}, ref):
		l.refuse(at+"/paging", "asks for pages with {%s}, which stands nowhere in the call", ref)
	case (p.Kind == PageCursor || p.Kind == PageLink) && p.Next == "":
		l.refuse(at+"/paging/next", "is required: where the answer says how to go on")
	}
	if p.Size < 0 {
		l.refuse(at+"/paging/size", "must be 1 or more")
	}
	l.call(at, &list.Call, n.and("cursor", "page", "offset", "size"))
}
