package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// listed is a definition that can show what it holds, with one way of paging.
func listed(t *testing.T, query, paging string) string {
	get := `{"method": "GET", "path": "/orgs/{id}", "record": "/data", "errors": [{"status": [404], "do": "gone"}]}`
	return with(t, plainDefinition, map[string]any{
		"org": `{"id": "no", "read_id": "/no", "fields": {"no": {"when": "insert"}, "name": {"read": "/name"}}, "on_delete": "keep",
			"get": ` + get + `, "children": {"method": "GET", "path": "/orgs", "query": {"under": "{id}"}, "items": "/rows"}, "profile": {"name": "name"}}`,
		"person.members": `{"method": "GET", "path": "/members", "query": {"dept": "{id}"` + query + `}, "items": "/rows", "paging": ` + paging + `}`,
	})
}

// pages serves five members, two a page, in every way of paging.
func pages(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from := 0
	for name, scale := range map[string]int{"offset": 1, "page": 2, "cursor": 1, "at": 1} {
		if v := q.Get(name); v != "" {
			_, _ = fmt.Sscan(v, &from)
			if name == "page" {
				from--
			}
			from *= scale
		}
	}
	var rows []string
	for i := from; i < min(from+2, 5); i++ {
		rows = append(rows, fmt.Sprintf(`{"no": "E%d", "name": "测试", "sex": "f", "depts": [11]}`, i))
	}
	next, more := "", from+2 < 5
	if more {
		next = fmt.Sprint(from + 2)
	}
	link := ""
	if more {
		link = "members?at=" + next
	}
	fmt.Fprintf(w, `{"code": 0, "rows": [%s], "total": 5, "next": %q, "more": %v, "link": %q}`, strings.Join(rows, ","), next, more, link)
}

func TestPaging(t *testing.T) {
	for name, x := range map[string]struct{ query, paging string }{
		"cursor":           {`, "cursor": "{cursor}"`, `{"kind": "cursor", "size": 2, "next": "/next"}`},
		"cursor with more": {`, "cursor": "{cursor}"`, `{"kind": "cursor", "size": 2, "next": "/next", "more": "/more"}`},
		"page":             {`, "page": "{page}", "n": "{size}"`, `{"kind": "page", "size": 2, "first": 1}`},
		"page with total":  {`, "page": "{page}"`, `{"kind": "page", "size": 2, "first": 1, "total": "/total"}`},
		"offset":           {`, "offset": "{offset}"`, `{"kind": "offset", "size": 2}`},
		"offset with more": {`, "offset": "{offset}"`, `{"kind": "offset", "size": 2, "more": "/more"}`},
		"link":             {``, `{"kind": "link", "size": 2, "next": "/link"}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := client(t, listed(t, x.query, x.paging), http.HandlerFunc(pages)).(connectors.Directory)
			var got []string
			calls := 0
			for cursor := ""; ; calls++ {
				page, err := d.ReadMembers(t.Context(), "11", cursor)
				if err != nil || page.Calls != 1 {
					t.Fatal(err, page.Calls)
				}
				for _, r := range page.Records {
					got = append(got, r.ConsumerID)
					if r.Fields["sex"] != "2" || r.Fields["depts"] != "11" || r.Fields["phone"] != nil {
						t.Errorf("%+v", r.Fields)
					}
				}
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			if !slices.Equal(got, []string{"E0", "E1", "E2", "E3", "E4"}) || calls != 2 {
				t.Errorf("%v in %d further pages", got, calls)
			}
		})
	}
}

// A page that does not say how to go on must not look like the end.
func TestPagesThatAreNotWhole(t *testing.T) {
	const cursor, kind = `, "cursor": "{cursor}"`, `{"kind": "cursor", "next": "/next", "more": "/more"}`
	for name, x := range map[string]struct{ query, paging, body string }{
		"no list":                   {cursor, kind, `{"code": 0, "more": false}`},
		"a text for a list":         {cursor, kind, `{"code": 0, "rows": "none", "more": false}`},
		"nothing about more":        {cursor, kind, `{"code": 0, "rows": []}`},
		"more without a place":      {cursor, kind, `{"code": 0, "rows": [{"no": "E1"}], "more": true}`},
		"more, and the same place":  {cursor, kind, `{"code": 0, "rows": [{"no": "E1"}], "more": true, "next": "x"}`},
		"a person without id":       {cursor, kind, `{"code": 0, "rows": [{}], "more": false}`},
		"a link to another host":    {``, `{"kind": "link", "next": "/next"}`, `{"code": 0, "rows": [], "next": "http://evil.example/members"}`},
		"more to come, and nothing": {`, "page": "{page}"`, `{"kind": "page", "total": "/total"}`, `{"code": 0, "rows": [], "total": 7}`},
		"HTML":                      {cursor, kind, `<html>`},
		"cut off":                   {cursor, kind, `{"code": 0, "rows": [{"no": "E1"`},
	} {
		t.Run(name, func(t *testing.T) {
			d := client(t, listed(t, x.query, x.paging), &script{answers: ok(x.body)}).(connectors.Directory)
			page, err := d.ReadMembers(t.Context(), "11", "")
			if name == "more, and the same place" {
				page, err = d.ReadMembers(t.Context(), "11", "x")
			}
			if f := orgflow.AsFault(err); f == nil || !f.Transient() || len(page.Records) > 0 {
				t.Errorf("%+v, %v", page, err)
			}
		})
	}
}

func TestDepartmentsAreRead(t *testing.T) {
	d := listed(t, "", `{"kind": "page"}`)
	d = strings.Replace(d, `"dept":"{id}"`, `"dept":"{id}","page":"{page}"`, 1)
	c, s := scripted(t, d, ok(`{"code": 0, "data": {"no": "11", "name": "研发"}}`, `{"code": 0, "rows": [{"no": "12"}, {"no": "13"}]}`))
	org, err := c.(connectors.Directory).ReadOrg(t.Context(), "11")
	if err != nil || org.Calls != 2 || !slices.Equal(org.Children, []string{"12", "13"}) || org.Record.Fields["name"] != "研发" {
		t.Errorf("%+v, %v, %v", org, err, s.calls())
	}
	c, _ = scripted(t, d, []reply{{status: 404, body: `{"code": 5}`}})
	if _, err := c.(connectors.Directory).ReadOrg(t.Context(), "11"); orgflow.AsFault(err) == nil || orgflow.AsFault(err).Code != orgflow.CodeNotFound {
		t.Errorf("a department that was deleted: %v", err)
	}
	if _, lists := client(t, plainDefinition, s).(connectors.Directory); lists {
		t.Error("a definition without lists shows what it holds")
	}
}
