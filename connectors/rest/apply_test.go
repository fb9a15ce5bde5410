package rest_test

import (
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

const (
	yes   = `{"code": 0}`
	gone  = `{"code": 404, "text": "no such person"}`
	asIs  = `{"code": 0, "data": {"no": "E1", "name": "测试甲", "phone": "10000000001", "depts": ["12", "11"]}}`
	other = `{"code": 0, "data": {"no": "E1", "name": "测试乙", "phone": "10000000001", "depts": []}}`
)

func TestWhatIsSent(t *testing.T) {
	for name, x := range map[string]struct {
		effect connectors.Effect
		method string
		path   string
		body   string
	}{
		"insert":        {insert(func(f map[string]any) { f["sex"], f["phone"] = "2", "" }), "POST", "/base/people", `{"depts":["11","12"],"name":"测试甲","no":"E1","sex":"f"}`},
		"update":        {update(map[string]any{"name": "a<b>&c"}, "phone", "depts"), "PUT", "/base/people/E1", `{"depts":[],"name":"a<b>&c","phone":""}`},
		"empty text":    {update(map[string]any{"phone": ""}), "PUT", "/base/people/E1", `{"phone":""}`},
		"delete":        {remove(), "DELETE", "/base/people/E1", ""},
		"escaped paths": {connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E/1 ?"}, "DELETE", "/base/people/E%2F1%20%3F", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := scripted(t, plainDefinition, ok(yes))
			if r := applied(t, c, x.effect); r.Calls != 1 || r.Writes != 1 || r.ConsumerID == "" {
				t.Errorf("receipt %+v", r)
			}
			if got := s.seen[0]; got.Method != x.method || got.Path != x.path || got.Body != x.body {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// What cannot be sent is found before any call, and the value is not shown.
func TestWhatIsRefused(t *testing.T) {
	c, s := scripted(t, plainDefinition, ok(yes))
	for field, e := range map[string]connectors.Effect{
		"sex":   insert(func(f map[string]any) { f["sex"] = "hush" }),
		"name":  insert(func(f map[string]any) { delete(f, "name") }),
		"title": insert(func(f map[string]any) { f["title"] = "hush" }),
		"no":    {Kind: orgflow.Person, Op: orgflow.Delete},
		"phone": insert(func(f map[string]any) { f["phone"] = []any{"hush"} }),
		"ext":   {Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Ext: map[string]any{"工号": "hush"}},
	} {
		f := refused(t, c, e, orgflow.CodeInvalidRecord)
		if f.Field != field || strings.Contains(f.Error(), "hush") {
			t.Errorf("%s: %v", field, f)
		}
	}
	s.expect(t)
}

func TestAnInsertInDoubt(t *testing.T) {
	for name, x := range map[string]struct {
		answers []reply
		calls   []string
	}{
		"did not happen":        {ok(gone, yes), []string{"GET /people/E1", "POST /people"}},
		"happened":              {ok(asIs), []string{"GET /people/E1"}},
		"another was in place":  {ok(other, yes), []string{"GET /people/E1", "PUT /people/E1"}},
		"exists, said the call": {ok(gone, `{"code": 409}`, other, yes), []string{"GET /people/E1", "POST /people", "GET /people/E1", "PUT /people/E1"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := scripted(t, plainDefinition, x.answers)
			if r := applied(t, c, inDoubt(insert())); r.ConsumerID != "E1" {
				t.Errorf("receipt %+v", r)
			}
			s.expect(t, x.calls...)
		})
	}
}

// "Could not read" is never "is not there": nothing is written then.
func TestAnInsertInDoubtThatCannotBeRead(t *testing.T) {
	for name, a := range map[string]reply{
		"HTML":             {body: "<html>404</html>", status: 404},
		"a gateway":        {status: 502},
		"an empty answer":  {body: ""},
		"an unknown code":  {body: `{"code": 7}`},
		"another record":   {body: `{"code": 0, "data": {"no": "E2"}}`},
		"no record":        {body: `{"code": 0, "data": []}`},
		"success as text":  {body: `{"code": "0", "data": {"no": "E1"}}`},
		"404 with no body": {status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := scripted(t, plainDefinition, []reply{a})
			if _, err := c.Apply(t.Context(), inDoubt(insert())); err == nil {
				t.Error("success")
			}
			s.expect(t, "GET /people/E1")
		})
	}
}

func TestUpdatesAndDeletesInDoubt(t *testing.T) {
	c, s := scripted(t, plainDefinition, ok(asIs, gone))
	applied(t, c, inDoubt(update(map[string]any{"name": "测试甲", "depts": "11,12"})))
	applied(t, c, inDoubt(remove()))
	s.expect(t, "GET /people/E1", "DELETE /people/E1")
	c, s = scripted(t, plainDefinition, ok(other, gone))
	f := refused(t, c, inDoubt(update(map[string]any{"name": "测试甲"})), orgflow.CodeNotFound)
	if f.Field != "" { // the engine inserts it again
		t.Errorf("%+v", f)
	}
	s.expect(t, "GET /people/E1", "PUT /people/E1")
}

func TestActions(t *testing.T) {
	rule := func(do string, more ...string) string {
		return `[{"codes": ["7"], "do": "` + do + `"` + strings.Join(more, "") + `}]`
	}
	for name, x := range map[string]struct {
		rule string
		want orgflow.Code
	}{
		"refresh_token":            {rule("refresh_token"), orgflow.CodeUnauthorized},
		"retry_after":              {rule("retry_after", `, "after_seconds": 3`), orgflow.CodeThrottled},
		"retry":                    {rule("retry"), orgflow.CodeUnavailable},
		"success":                  {rule("success"), ""},
		"gone":                     {rule("gone"), orgflow.CodeNotFound},
		"insert_instead":           {rule("insert_instead"), orgflow.CodeNotFound},
		"skip_record":              {rule("skip_record"), ""},
		"fail_record":              {rule("fail_record"), orgflow.CodeInvalidRecord},
		"fail_record as conflict":  {rule("fail_record", `, "fault": "conflict"`), orgflow.CodeConflict},
		"bisect alone":             {rule("bisect"), orgflow.CodeInvalidRecord},
		"fail_run":                 {rule("fail_run"), orgflow.CodeInvalidConfig},
		"fail_run unauthorized":    {rule("fail_run", `, "fault": "unauthorized"`), orgflow.CodeUnauthorized},
		"needs_human":              {rule("needs_human"), orgflow.CodeNeedsHuman},
		"read_again without a tag": {rule("read_again"), orgflow.CodeUnavailable},
		"unknown":                  {rule("unknown"), orgflow.CodeUnknownOutcome},
		"no rule":                  {`[]`, orgflow.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			d := with(t, plainDefinition, map[string]any{"person.update.errors": x.rule})
			c, _ := scripted(t, d, ok(`{"code": 7, "text": "no"}`))
			r, err := c.Apply(t.Context(), update(map[string]any{"name": "测试乙"}))
			f := orgflow.AsFault(err)
			switch {
			case x.want == "" && err != nil, x.want != "" && (f == nil || f.Code != x.want || f.VendorCode != "7" || f.Message != "no"):
				t.Errorf("got %v, want %s", err, x.want)
			case name == "skip_record" && (!slices.Equal(r.Dropped, []string{"name"}) || r.Note == ""):
				t.Errorf("skipped without a word: %+v", r)
			case name == "retry_after" && f.RetryAfter.Seconds() != 3:
				t.Errorf("waits %s", f.RetryAfter)
			}
		})
	}
}

// What no rule knows is decided by the HTTP status, and is never success.
func TestStatusesWithoutARule(t *testing.T) {
	for status, want := range map[int]orgflow.Code{
		200: orgflow.CodeUnknownOutcome, 302: orgflow.CodeInvalidConfig, 400: orgflow.CodeInternal, 401: orgflow.CodeUnauthorized,
		403: orgflow.CodeForbidden, 404: orgflow.CodeInternal, 408: orgflow.CodeUnknownOutcome, 413: orgflow.CodeInvalidRecord,
		429: orgflow.CodeThrottled, 500: orgflow.CodeUnknownOutcome, 503: orgflow.CodeUnknownOutcome,
	} {
		for _, body := range []string{"", "<html></html>", "{", "[]", `"ok"`, "null", "{}"} {
			c, _ := scripted(t, plainDefinition, []reply{{status: status, body: body, header: map[string]string{"Retry-After": "7"}}})
			for _, e := range []connectors.Effect{update(map[string]any{"name": "x"}), remove()} {
				if f := refused(t, c, e, want); status == 429 && f.RetryAfter.Seconds() != 7 {
					t.Errorf("waits %s", f.RetryAfter)
				}
			}
		}
	}
}

func TestRulesThatLookAtSuccess(t *testing.T) {
	d := with(t, plainDefinition, map[string]any{"person.update.errors": `[{"message": "warning", "always": true, "do": "fail_record"}]`})
	c, _ := scripted(t, d, ok(`{"code": 0, "text": "done with a warning"}`))
	_ = refused(t, c, update(map[string]any{"name": "x"}), orgflow.CodeInvalidRecord)
}

func TestNobodyIsDeletedWhereTheDefinitionKeepsThem(t *testing.T) {
	c, s := scripted(t, with(t, plainDefinition, map[string]any{"person.on_delete": "keep"}), ok(yes))
	if r := applied(t, c, remove()); r.Note == "" {
		t.Error("without a word")
	}
	s.expect(t)
	disable := `{"method": "POST", "path": "/people/{id}/disable"}`
	c, s = scripted(t, with(t, plainDefinition, map[string]any{"person.on_delete": "disable", "person.disable": disable}), ok(yes))
	applied(t, c, remove())
	s.expect(t, "POST /people/E1/disable")
}

// Neither secrets nor what we know of a person come back in a vendor's text.
func TestFaultsShowNoSecrets(t *testing.T) {
	d := with(t, plainDefinition, map[string]any{"auth": `{"kind": "key", "in": "query", "name": "k", "value": "{settings.key}"}`})
	c, _ := scripted(t, d, ok(`{"code": 7, "text": "测试甲 10000000001 with key hush-hush refused"}`), `{"key": "hush-hush"}`)
	f := refused(t, c, insert(), orgflow.CodeInternal)
	for _, secret := range []string{"测试甲", "10000000001", "hush"} {
		if strings.Contains(f.Error(), secret) {
			t.Errorf("%q is shown: %v", secret, f)
		}
	}
}

// A definition that looks at statuses only is not taken in by the page of a
// gateway or of another server.
func TestAPageIsNoAnswer(t *testing.T) {
	d := with(t, plainDefinition, map[string]any{
		"answer": `{"success": {"status": ["2xx"]}}`, "errors": `[{"status": [404], "do": "gone"}, {"status": [409], "do": "success"}]`,
	})
	for _, body := range []string{"<html></html>", "", "{", "ok", `{"a":1}x`} {
		for _, status := range []int{200, 404, 409} {
			c, _ := scripted(t, d, []reply{{status: status, body: body}})
			for _, e := range []connectors.Effect{remove(), update(map[string]any{"name": "x"}), insert(), inDoubt(insert())} {
				if r, err := c.Apply(t.Context(), e); err == nil {
					t.Errorf("%s after %d %q is a success: %+v", e.Op, status, body, r)
				}
			}
		}
	}
	c, _ := scripted(t, d, []reply{{status: 404, body: `{}`}})
	applied(t, c, remove())
}
