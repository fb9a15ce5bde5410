package rest_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/rest/scimsim"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
)

// provider is a SCIM client before a simulated provider.
func provider(t *testing.T, state string, around func(http.Handler) http.Handler) (connectors.Consumer, *scimsim.Sim) {
	t.Helper()
	raw, err := os.ReadFile("../../meta/scim.consumer.json")
	if err != nil {
		t.Fatal(err)
	}
	sim := scimsim.New(simbase.Options{})
	if state != "" {
		if err := sim.PutState(json.RawMessage(state)); err != nil {
			t.Fatal(err)
		}
	}
	var h http.Handler = sim
	if around != nil {
		h = around(sim)
	}
	base := http.StripPrefix("/base", h)
	return client(t, string(raw), base, `{"token": "scimsim-token"}`), sim
}

func user(op orgflow.Op, id string, fields map[string]any) connectors.Effect {
	return connectors.Effect{Kind: orgflow.Person, Op: op, ConsumerID: id, Key: "orgflow:7:person:1", Fields: fields}
}

func whole() map[string]any {
	return map[string]any{"userName": "E1", "displayName": "测试甲", "active": "true", "email": "e1@example.com", "mobile": "10000000001", "employeeNumber": "E1", "groups": "r000001"}
}

const group = `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "r000001", "displayName": "研发", "meta": {"version": "W/\"1\""}}`

func users(sim *scimsim.Sim) []simbase.Object { return sim.State().(simbase.State).Persons }

func TestAUserOfScim(t *testing.T) {
	c, sim := provider(t, `{"orgs": [`+group+`]}`, nil)
	r := applied(t, c, user(orgflow.Insert, "", whole()))
	if r.ConsumerID == "" || r.Adopted || r.Writes != 2 {
		t.Fatalf("%+v", r)
	}
	raw, _ := json.Marshal(sim.State())
	for _, want := range []string{`"externalId":"orgflow:7:person:1"`, `"formatted":"测试甲"`, `"primary":true,"type":"work"`, `"employeeNumber":"E1"`, `"members":[{"value":"` + r.ConsumerID + `"}]`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("%s is not in %s", want, raw)
		}
	}
	e := user(orgflow.Update, r.ConsumerID, map[string]any{"title": "主管", "groups": "(top)"})
	e.Clear = []string{"mobile"}
	applied(t, c, e)
	raw, _ = json.Marshal(sim.State())
	if text := string(raw); !strings.Contains(text, `"title":"主管"`) || strings.Contains(text, "phoneNumbers") || !strings.Contains(text, `"members":[]`) {
		t.Errorf("%s", raw)
	}
	applied(t, c, user(orgflow.Delete, r.ConsumerID, nil))
	applied(t, c, user(orgflow.Delete, r.ConsumerID, nil)) // gone is as wanted
	if len(users(sim)) != 0 {
		t.Error("still there")
	}
}

// Who is there under the name is taken over and marked as ours; who bears
// another record's key is not touched.
func TestAUserOfScimWhoIsThere(t *testing.T) {
	there := func(key string) string {
		return `{"persons": [{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "r000009", "userName": "e1", "active": false, "externalId": "` + key + `", "meta": {"version": "W/\"1\""}}], "orgs": [` + group + `]}`
	}
	c, sim := provider(t, there(""), nil)
	if r := applied(t, c, user(orgflow.Insert, "", whole())); r.ConsumerID != "r000009" || !r.Adopted {
		t.Errorf("%+v", r)
	}
	if u := users(sim); len(u) != 1 || u[0]["displayName"] != "测试甲" || u[0]["active"] != true || u[0]["externalId"] != "orgflow:7:person:1" {
		t.Errorf("%+v", u)
	}
	c, sim = provider(t, there("somebody-else"), nil)
	_ = refused(t, c, user(orgflow.Insert, "", whole()), orgflow.CodeConflict)
	if u := users(sim); len(u) != 1 || u[0]["displayName"] != nil {
		t.Errorf("%+v", u)
	}
}

// Somebody else changes the user between our look and our write: the write
// is refused (412), and made again on what is there now.
func TestAVersionThatChanged(t *testing.T) {
	meddle := 0
	c, sim := provider(t, `{"orgs": [`+group+`]}`, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPatch && r.Header.Get("If-Match") != "" && meddle > 0 {
				meddle--
				r.Header.Set("If-Match", `W/"77"`)
			}
			h.ServeHTTP(w, r)
		})
	})
	r := applied(t, c, user(orgflow.Insert, "", whole()))
	meddle = 2
	applied(t, c, user(orgflow.Update, r.ConsumerID, map[string]any{"title": "主管"}))
	if users(sim)[0]["title"] != "主管" {
		t.Error("not changed")
	}
	meddle = 9
	_ = refused(t, c, user(orgflow.Update, r.ConsumerID, map[string]any{"title": "经理"}), orgflow.CodeUnavailable)
}

// The provider's own ways to say no.
func TestRefusalsOfScim(t *testing.T) {
	for code, want := range map[string]orgflow.Code{
		"429": orgflow.CodeThrottled, "401": orgflow.CodeUnauthorized, "403": orgflow.CodeForbidden, "invalidFilter": orgflow.CodeInvalidConfig,
		"mutability": orgflow.CodeNeedsHuman, "invalidValue": orgflow.CodeInvalidRecord, "500": orgflow.CodeUnavailable,
	} {
		c, sim := provider(t, "", nil)
		if err := sim.Desk().AddFaults(simctl.Fault{Path: "*", Errcode: simctl.Code(code)}); err != nil {
			t.Fatal(err)
		}
		if f := refused(t, c, user(orgflow.Insert, "", whole()), want); code == "429" && f.RetryAfter.Seconds() != 1 {
			t.Errorf("waits %s", f.RetryAfter)
		}
	}
}
