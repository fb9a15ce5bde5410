package hcmsim_test

import (
	"fmt"
	"testing"
	"time"
)

func TestAuthentication(t *testing.T) {
	const good = "hcm-sim-token"
	for _, c := range []struct {
		name, options string
		header        []string
		want          string
	}{
		{"§1.2 none given", "", []string{}, "51006"},
		{"§1.6 foreign token", "", []string{"Authorization", "Bearer other"}, "17003"},
		{"§1.2 bearer", "", []string{"Authorization", "Bearer " + good}, "3"},
		{"§1.2 cookie", "", []string{"Cookie", "token=" + good}, "3"},
		{"§1.2 header", "", []string{"token", good}, "3"},
		{"§1.2 outer", "", []string{"OuterToken", good}, "3"},
		{"§1.2 bearer only", `{"auth_mode": "bearer"}`, []string{"token", good}, "51006"},
		{"§1.2 inner without its header", `{"auth_mode": "bearer_inner"}`, []string{"Authorization", "Bearer " + good}, "51006"},
		{"§1.2 inner", `{"auth_mode": "bearer_inner"}`, []string{"Authorization", "Bearer " + good, "hcminner", "1"}, "3"},
		{"§1.2 cookie only", `{"auth_mode": "cookie"}`, []string{"Authorization", "Bearer " + good}, "51006"},
		{"fixed token where clients fetch theirs", `{"auth_mode": "client_credentials"}`, []string{"Authorization", "Bearer " + good}, "17003"},
		{"no authentication", `{"auth_mode": "none"}`, []string{}, "3"},
		{"other token", `{"token": "t2"}`, []string{"Authorization", "Bearer t2"}, "3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.options)
			_, m, body := w.post("/api/hcm.model.list", `{"model": "Organization"}`, c.header...)
			got := fmt.Sprint(m["errcode"])
			if r, ok := m["result"].(map[string]any); ok {
				got = fmt.Sprint(r["count"])
			}
			if got != c.want {
				t.Errorf("answered %s", body)
			}
		})
	}
}

func TestTokensExpire(t *testing.T) {
	w := newWorld(t, `{"token_seconds": 60, "auth_mode": "client_credentials"}`)
	fetch := func() string {
		_, m, body := w.post("/oauth/token", "grant_type=client_credentials&client_id=hcm-client&client_secret=hcm-secret", "Content-Type", "application/x-www-form-urlencoded")
		if m["expires_in"] != 60.0 {
			t.Fatalf("token: %s", body)
		}
		return m["access_token"].(string)
	}
	try := func(token string) any {
		_, m, _ := w.post("/api/hcm.model.list", `{"model": "Employee"}`, "Authorization", "Bearer "+token)
		return m["errcode"]
	}
	first := fetch()
	if got := try(first); got != nil {
		t.Errorf("a new token answers %v", got)
	}
	w.now = w.now.Add(time.Minute)
	if got := try(first); got != 51006.0 {
		t.Errorf("after its life it answers %v", got)
	}
	second := fetch()
	if err := w.sim.ExpireTokens(); err != nil {
		t.Fatal(err)
	}
	if got := try(second); got != 51006.0 {
		t.Errorf("expired by hand it answers %v", got)
	}
	for body, want := range map[string]int{
		`{"grant_type": "client_credentials", "client_id": "hcm-client", "client_secret": "x"}`: 401,
		`{"grant_type": "password"}`: 400, `[`: 400,
	} {
		if code, _, _ := w.post("/oauth/token", body); code != want {
			t.Errorf("%s answers %d, want %d", body, code, want)
		}
	}
}
