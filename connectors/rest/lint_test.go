package rest_test

import (
	"slices"
	"strings"
	"testing"

	"orgflow/connectors/rest"
)

// Each case is a definition with one mistake, and what its writer is told.
func TestLint(t *testing.T) {
	for name, x := range map[string]struct {
		changes map[string]any
		want    string
	}{
		"nothing to write to":       {map[string]any{"person": nil}, "/person: is required, or /org"},
		"unknown key":               {map[string]any{"persons": 1}, `: unknown field "persons"`},
		"unknown kind of auth":      {map[string]any{"auth.kind": "oauth"}, `/auth/kind: is "oauth", allowed are none, key`},
		"token without a life":      {map[string]any{"auth": `{"kind": "token", "in": "query", "name": "t", "token": "/t", "request": {"method": "GET", "path": "/t"}}`}, "/auth/life_seconds: is required, or expires_in"},
		"a signature without proof": {map[string]any{"signing": `{"preset": "hmac_sha1_sorted_query", "key": "{settings.key}"}`}, "/signing/vectors: must have a request whose signature is known"},
		"a signature proved wrong":  {map[string]any{"signing": `{"preset": "hmac_sha1_sorted_query", "key": "{settings.key}", "vectors": [{"query": {"a": "1"}, "key": "k", "signature": "x"}]}`}, "/signing/vectors/0: gives the signature"},
		"unknown reference":         {map[string]any{"person.update.path": "/people/{no}"}, "/person/update/path: refers to {no}, which is not known here; allowed are root, now, uuid, id"},
		"unknown setting":           {map[string]any{"headers": `{"X": "{settings.keey}"}`}, "/headers/X: refers to {settings.keey}"},
		"unknown filter":            {map[string]any{"headers": `{"X": "{settings.key|base64}"}`}, `/headers/X: is "base64", allowed are json`},
		"unknown directive":         {map[string]any{"person.insert.body": `{"$all": true}`}, "/person/insert/body/$all: is no directive"},
		"an open brace":             {map[string]any{"headers": `{"X": "{x"}`}, "/headers/X: has a { without its }"},
		"a path that is none":       {map[string]any{"answer.code": "code"}, `/answer/code: must be a path`},
		"a predicate without value": {map[string]any{"answer.success": `{"path": "/code"}`}, "/answer/success: needs exactly one of equals"},
		"an empty predicate":        {map[string]any{"answer.success": `{}`}, "/answer/success: has no condition"},
		"unknown action":            {map[string]any{"errors": `[{"codes": ["1"], "do": "ignore"}, {"codes": ["404"], "do": "gone"}]`}, `/errors/0/do: is "ignore", allowed are refresh_token`},
		"a rule for everything":     {map[string]any{"errors": `[{"do": "gone"}]`}, "/errors/0: has no condition"},
		"codes without their place": {map[string]any{"answer.code": nil}, "/errors/0: looks at codes or message"},
		"a fault of another action": {map[string]any{"errors": `[{"codes": ["404"], "do": "gone", "fault": "conflict"}]`}, "/errors/0/fault: goes with fail_record and fail_run only"},
		"a lost insert":             {map[string]any{"person.get": nil}, "/person/insert: must say what happens after a lost answer"},
		"ids nobody reads":          {map[string]any{"person.id": nil}, "/person/insert/id: is required where the consumer assigns ids"},
		"get that knows no absence": {map[string]any{"errors": nil}, `/person/get/errors: must have a rule with "do": "gone"`},
		"delete of what is gone":    {map[string]any{"errors": nil}, `/person/delete/errors: must have a rule with "do": "gone"`},
		"no way to delete":          {map[string]any{"person.delete": nil}, `/person/delete: is required, or "on_delete": "keep"`},
		"a field that is not sent":  {map[string]any{"person.insert.body": `{"no": "{field.no}", "name": "{field.name}", "phone": "{field.phone}", "depts": "{field.depts}"}`}, "/person/fields/sex: is not sent by insert"},
		"a profile of no field":     {map[string]any{"person.profile.mobile": "mobile"}, `/person/profile/mobile: is "mobile", which is none of the fields depts, name`},
		"a batch without records":   {map[string]any{"person.insert.batch": `{"max_records": 5}`}, "/person/insert/batch: and {\"$each\": \"records\"}"},
		"a version nobody reads":    {map[string]any{"person.update.if_match": true}, "/person/update/if_match: needs a get"},
		"a relation nobody reads":   {map[string]any{"person.fields.depts.read": nil, "person.fields.depts.relation": `{"add": {"method": "POST", "path": "/x/{item}"}, "remove": {"method": "DELETE", "path": "/x/{item}"}}`}, "/person/fields/depts/relation: needs add and remove"},
		"pages asked for in vain":   {map[string]any{"person.members": `{"method": "GET", "path": "/m", "items": "/rows", "paging": {"kind": "page"}}`}, "/person/members/paging: asks for pages with {page}"},
		"members without children":  {map[string]any{"person.members": `{"method": "GET", "path": "/m", "items": "/rows"}`, "org": `{"fields": {"name": {}}, "on_delete": "keep", "profile": {"name": "name"}}`}, "/org/children: and /person/members go together"},
		"a poll that never ends":    {map[string]any{"person.update.poll": `{"task": "/t", "status": "/s", "running": ["x"]}`}, "/person/update/poll: needs task, request, status and done"},
		"a time zone that is none":  {map[string]any{"person.fields.phone.date": `{"in": "2006", "out": "2006", "zone": "China"}`}, "/person/fields/phone/date/zone: must be an IANA time zone"},
		"another host":              {map[string]any{"person.update.path": "https://evil.example/{id}"}, "/person/update/path: must begin with /"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range rest.Lint([]byte(with(t, plainDefinition, x.changes))) {
				got = append(got, p.Pointer+": "+p.Message)
			}
			if !slices.ContainsFunc(got, func(p string) bool { return strings.HasPrefix(p, x.want) }) {
				t.Errorf("%q is not in\n%s", x.want, strings.Join(got, "\n"))
			}
		})
	}
}

func FuzzLint(f *testing.F) {
	f.Add(plainDefinition)
	f.Fuzz(func(_ *testing.T, raw string) { rest.Lint([]byte(raw)) }) // must not panic
}
