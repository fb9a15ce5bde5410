package rest_test

import (
	"context"
	"maps"
	"net/http"
	"os"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
	"orgflow/connectors/rest"
)

type (
	heard  = conformance.Answer
	asking = conformance.Asking[connectors.Consumer]
	maker  = conformance.Vendor[connectors.Consumer]
)

// described is a vendor that a definition describes.
func described(t testing.TB, name, definition, settings, samples string, askings []asking) maker {
	t.Helper()
	raw, err := os.ReadFile(definition)
	if err != nil {
		t.Fatal(err)
	}
	def, err := rest.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := rest.ParseConfig([]byte(`{"base_url": "http://rest.invalid", "qps": 0, "settings": ` + settings + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return maker{Name: name, Samples: conformance.Samples(t, samples), Askings: askings, Connect: func(t testing.TB, wire http.RoundTripper) connectors.Consumer {
		t.Helper()
		c, err := rest.New(def, cfg, rest.Options{Name: name, Transport: wire, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}}
}

func makers(t testing.TB) []maker {
	t.Helper()
	return []maker{
		described(t, "SCIM", "../../meta/scim.consumer.json", `{"token": "scimsim-token"}`, "testdata/samples_scim.json", askingsOfScim()),
		described(t, "云+", "../../meta/emm_cloud.consumer.json", `{"client_id": "id", "client_secret": "secret"}`, "testdata/samples_emm_cloud.json", askingsOfEmmCloud()),
		described(t, "爱关怀", "testdata/ai_guan_huai.consumer.json", `{"corp_id": "c"}`, "../aiguanhuai/testdata/samples.json", askingsOfGuanHuai()),
		described(t, "WeCom", "testdata/we_com.consumer.json", `{"corpid": "c", "corpsecret": "secret"}`, "../wecom/testdata/samples.json", askingsOfWeCom()),
	}
}

func apply(e connectors.Effect) func(context.Context, connectors.Consumer) (any, error) {
	return func(ctx context.Context, c connectors.Consumer) (any, error) {
		r, err := c.Apply(ctx, e)
		return r.ConsumerID, err
	}
}

func membersOf(org string) func(context.Context, connectors.Consumer) (any, error) {
	return func(ctx context.Context, c connectors.Consumer) (any, error) {
		page, err := c.(connectors.Directory).ReadMembers(ctx, org, "")
		return len(page.Records), err
	}
}

func childrenOf(org string) func(context.Context, connectors.Consumer) (any, error) {
	return func(ctx context.Context, c connectors.Consumer) (any, error) {
		got, err := c.(connectors.Directory).ReadOrg(ctx, org)
		return len(got.Children), err
	}
}

func check(ctx context.Context, c connectors.Consumer) (any, error) {
	return nil, c.(connectors.Checker).Check(ctx)
}

// zeroAt: a plain 0 at a path under a status of success.
func zeroAt(path string) func(heard) bool {
	return func(a heard) bool {
		return a.Status >= 200 && a.Status < 300 && conformance.Says(a.Body, []string{"0"}, path)
	}
}

// saysAt: one of the codes at a path.
func saysAt(path string, codes ...string) func(heard) bool {
	return func(a heard) bool { return conformance.Says(a.Body, codes, path) }
}

func either(conditions ...func(heard) bool) func(heard) bool {
	return func(a heard) bool {
		for _, holds := range conditions {
			if holds(a) {
				return true
			}
		}
		return false
	}
}

// showsAll: nothing of the list is left out.
func showsAll(path ...string) func(any, heard) bool {
	return func(got any, a heard) bool {
		for _, list := range conformance.Lists(a.Body, path...) {
			if len(list) == got {
				return true
			}
		}
		return false
	}
}

func effect(kind orgflow.Kind, op orgflow.Op, id string, fields map[string]any) connectors.Effect {
	return connectors.Effect{Kind: kind, Op: op, ConsumerID: id, Key: "orgflow:7:" + string(kind) + ":1", Fields: fields}
}

const (
	scimUser  = "2819c223-7f76-453a-919d-413861904646"
	scimGroup = "e9e30dba-f08f-4109-8486-d5c6a331660a"
	noUsers   = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"Resources":[]}`
)

func askingsOfScim() []asking {
	ok := func(a heard) bool {
		return a.Status >= 200 && a.Status < 300 && (a.Status == http.StatusNoContent || len(conformance.Look(a.Body, "schemas")) > 0)
	}
	gone := func(a heard) bool { return a.Status == http.StatusNotFound && conformance.Object(a.Body) }
	taken := func(a heard) bool { return a.Status == http.StatusConflict }
	person := map[string]any{"userName": "E1", "displayName": "测试甲", "active": "true", "mobile": "10000000001", "groups": scimGroup}
	insertion := effect(orgflow.Person, orgflow.Insert, "", person)
	found := func(a heard) bool {
		return ok(a) && (len(conformance.Lists(a.Body, "Resources")) > 0 || none(a) || objects(a))
	}
	return []asking{
		{Name: "insert a person", Path: "POST /Users", With: map[string]string{"GET /Users": noUsers}, Write: true, Do: apply(insertion), May: either(ok, taken)},
		{Name: "look before the insert", Path: "GET /Users", Do: apply(insertion), May: either(ok, gone), Then: "POST /Users", ThenIf: either(found, gone)},
		{Name: "update a person", Path: "PATCH /Users/" + scimUser, Write: true, Do: apply(effect(orgflow.Person, orgflow.Update, scimUser, map[string]any{"title": "主管"})), May: ok},
		{Name: "look before an update", Path: "GET /Users/" + scimUser, Do: apply(effect(orgflow.Person, orgflow.Update, scimUser, map[string]any{"title": "主管"})), May: ok, Gone: gone},
		{Name: "delete a person", Path: "DELETE /Users/" + scimUser, Write: true, Do: apply(effect(orgflow.Person, orgflow.Delete, scimUser, nil)), May: either(ok, gone)},
		{Name: "join a group", Path: "PATCH /Groups/" + scimGroup, With: map[string]string{"GET /Users": noUsers}, Write: true, Do: apply(insertion), May: ok},
		{Name: "insert a group", Path: "POST /Groups", With: map[string]string{"GET /Groups": noUsers}, Write: true,
			Do: apply(effect(orgflow.Org, orgflow.Insert, "", map[string]any{"displayName": "研发"})), May: either(ok, taken)},
		{Name: "read members", Path: "GET /Users", Do: membersOf("(top)"), May: ok, Gone: gone, Shows: orNone(showsAll("Resources"))},
		{Name: "read groups", Path: "GET /Groups", Do: childrenOf("(top)"), May: ok, Gone: gone, Shows: orNone(showsAll("Resources"))},
		{Name: "check", Path: "/ServiceProviderConfig", Do: check, May: ok},
	}
}

// none: the answer says that there is nothing to list (RFC 7644 § 3.4.2
// wants a list only where totalResults is not 0).
func none(a heard) bool { return conformance.Says(a.Body, []string{"0"}, "totalResults") }

// objects: a list of one, written as what is in it.
func objects(a heard) bool {
	for _, raw := range conformance.Look(a.Body, "Resources") {
		if conformance.Object(raw) {
			return true
		}
	}
	return false
}

func orNone(shows func(any, heard) bool) func(any, heard) bool {
	return func(got any, a heard) bool { return shows(got, a) || got == 0 && none(a) || got == 1 && objects(a) }
}

func askingsOfEmmCloud() []asking {
	ok, gone := zeroAt("code"), saysAt("code", "404")
	person := map[string]any{"userId": "E1", "name": "测试甲", "departmentIds": "D1"}
	record := func(a heard) bool {
		for _, list := range conformance.Lists(a.Body, "data", "results") {
			for _, raw := range list {
				if conformance.Says(raw, []string{"E1"}, "userId") && conformance.Says(raw, []string{"0", "409"}, "code") {
					return ok(a)
				}
			}
		}
		return false
	}
	single := func(got any, a heard) bool {
		return showsAll("data", "list")(got, a) || got == 1 && len(conformance.Look(a.Body, "data", "list")) > 0
	}
	return []asking{
		{Name: "token", Path: "/oauth2.0/token", Do: check, May: func(a heard) bool { return a.Status < 300 && len(conformance.Look(a.Body, "access_token")) > 0 }},
		{Name: "insert a person", Path: "POST /api/sys/v6.0/users/batch", Write: true, Do: apply(effect(orgflow.Person, orgflow.Insert, "", person)), May: either(record, saysAt("code", "409"))},
		{Name: "update a person", Path: "PUT /api/sys/v6.0/users/E1", Write: true, Do: apply(effect(orgflow.Person, orgflow.Update, "E1", map[string]any{"title": "主管"})), May: ok},
		{Name: "delete a person", Path: "DELETE /api/sys/v6.0/users/E1", Write: true, Do: apply(effect(orgflow.Person, orgflow.Delete, "E1", nil)), May: either(ok, gone)},
		{Name: "insert a department", Path: "POST /api/sys/v6.0/departments", Write: true,
			Do: apply(effect(orgflow.Org, orgflow.Insert, "", map[string]any{"id": "D1", "name": "研发", "parentId": "root"})), May: either(ok, saysAt("code", "409"))},
		{Name: "insert a department in doubt", Path: "GET /api/sys/v6.0/departments/D1", Do: apply(inDoubt(effect(orgflow.Org, orgflow.Insert, "", map[string]any{"id": "D1", "name": "研发", "parentId": "root"}))),
			May: either(ok, gone), Then: "POST /api/sys/v6.0/departments", ThenIf: gone},
		{Name: "delete a department", Path: "DELETE /api/sys/v6.0/departments/D1", Write: true, Do: apply(effect(orgflow.Org, orgflow.Delete, "D1", nil)), May: either(ok, gone)},
		{Name: "read members", Path: "GET /api/sys/v6.0/users", Do: membersOf("D1"), May: ok, Gone: gone, Shows: single},
		{Name: "read what is below", Path: "GET /api/sys/v6.0/departments", Do: childrenOf("root"), May: ok, Gone: gone, Shows: single},
		{Name: "read a department", Path: "GET /api/sys/v6.0/departments/D1", Do: childrenOf("D1"), May: ok, Gone: gone},
	}
}

func askingsOfGuanHuai() []asking {
	ok := zeroAt("errno")
	person := map[string]any{"userId": "E1", "account": "E1", "realName": "测试甲", "status": "1"}
	return []asking{
		{Name: "prepare", Path: "/v3/oms/add-prepare", May: ok, Shows: func(got any, _ heard) bool { return got != "" }, Do: func(ctx context.Context, c connectors.Consumer) (any, error) {
			task, err := c.(connectors.Pusher).BeginPush(ctx)
			return task.ID, err
		}},
		{Name: "add", Path: "/v3/oms/add", Write: true, May: ok, Do: func(ctx context.Context, c connectors.Consumer) (any, error) {
			return nil, c.(connectors.Pusher).AddToPush(ctx, "xxxx", []connectors.Effect{effect(orgflow.Person, orgflow.Insert, "", person)}).Results[0].Err
		}},
		{Name: "complete", Path: "/v3/oms/add-complete", Write: true, May: ok, Do: func(ctx context.Context, c connectors.Consumer) (any, error) {
			_, err := c.(connectors.Pusher).CompletePush(ctx, "xxxx")
			return nil, err
		}},
		{Name: "update", Path: "/v3/oms/update", Write: true, May: ok, Do: apply(effect(orgflow.Person, orgflow.Insert, "", person))},
	}
}

func askingsOfWeCom() []asking {
	ok, gone := zeroAt("errcode"), saysAt("errcode", "60111", "60003", "60123")
	person := map[string]any{"userid": "E1", "name": "测试甲", "mobile": "10000000001", "department": "1"}
	return []asking{
		{Name: "token", Path: "/cgi-bin/gettoken", Do: check, May: ok},
		{Name: "insert a person", Path: "/cgi-bin/user/create", Write: true, Do: apply(effect(orgflow.Person, orgflow.Insert, "", person)), May: either(ok, saysAt("errcode", "60102", "60008"))},
		{Name: "update a person", Path: "/cgi-bin/user/update", Write: true, Do: apply(effect(orgflow.Person, orgflow.Update, "E1", map[string]any{"position": "主管"})), May: ok},
		{Name: "delete a person", Path: "/cgi-bin/user/delete", Write: true, Do: apply(effect(orgflow.Person, orgflow.Delete, "E1", nil)), May: either(ok, gone)},
		{Name: "insert a person in doubt", Path: "/cgi-bin/user/get", Do: apply(inDoubt(effect(orgflow.Person, orgflow.Insert, "", person))), May: either(ok, gone), Then: "/cgi-bin/user/create", ThenIf: gone},
		{Name: "insert a department in doubt", Path: "/cgi-bin/department/list", Do: apply(inDoubt(effect(orgflow.Org, orgflow.Insert, "", map[string]any{"name": "新部", "parentid": "1"}))), May: either(ok, gone),
			Then: "/cgi-bin/department/create", ThenIf: either(gone, func(a heard) bool { return ok(a) && len(conformance.Look(a.Body, "department")) > 0 })},
		{Name: "read members", Path: "/cgi-bin/user/list", Do: membersOf("1"), May: ok, Gone: gone, Shows: func(got any, a heard) bool {
			return showsAll("userlist")(got, a) || got == 1 && len(conformance.Look(a.Body, "userlist", "userid")) > 0
		}},
	}
}

// Whatever the answer to one call of a definition is.
func FuzzAnswersOfDefinitions(f *testing.F) { conformance.FuzzAnswers(f, makers(f)...) }

func TestBrokenAnswers(t *testing.T) { conformance.TestBrokenAnswers(t, makers(t)...) }

func TestLongAnswers(t *testing.T) {
	conformance.TestLongAnswers(t, `{"code":0,"message":"`, []string{"update a person", "read members"}, makers(t)...)
}

// beyond are samples that are no success where a definition asks for them.
var beyond = map[string]string{
	"look before the insert: users":                 "two users are a conflict",
	"delete a person: user/delete, without errcode": "the definition wants an errcode; without one it reads back",
}

// What the samples say is understood: nothing is asked in vain.
func TestTheSamplesAreSuccesses(t *testing.T) {
	for _, m := range makers(t) {
		for _, k := range m.Askings {
			for _, s := range m.Samples {
				if s.Path != k.Path || s.Wrong || beyond[k.Name+": "+s.Name] != "" {
					continue
				}
				wire := &conformance.Wire{Samples: m.Good(), Broken: k.Path, Given: heard{Status: s.Status, Body: s.Body()}}
				maps.Copy(wire.Samples, k.With)
				if _, err := k.Do(t.Context(), m.Connect(t, wire)); err != nil {
					t.Errorf("%s: %s, answered %q: %v", m.Name, k.Name, s.Name, err)
				}
			}
		}
	}
}

// Whatever an answer repeats of what was sent, no error shows it.
func FuzzEchoes(f *testing.F) { conformance.FuzzEchoes(f, makers(f)...) }
