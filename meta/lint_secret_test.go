package meta_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"orgflow"
)

// Whatever names a secret is asked to be a reference, in company files and
// definitions of consumers; nothing else is.
func TestLintFindsSecretsInClearText(t *testing.T) {
	const company = `{"company_id": 129, "source": {"type": "hcm", "base_url": "u", "auth": {"mode": "bearer", "token": "${HCM_TOKEN}"}},
		"consumers": {"ding_talk": {"base_url": "u", %s}}}`
	for setting, want := range map[string]bool{
		`"appsecret": "hush"`:                                 true,
		`"corpsecret": "hush"`:                                true,
		`"client_secret": "hush"`:                             true,
		`"access_token": "hush"`:                              true,
		`"api_key": "hush"`:                                   true,
		`"events": {"aes_key": "hush", "token": "${NOPE}"}`:   true,
		`"signing": {"preset": "x", "key": "hush"}`:           true,
		`"headers": {"Authorization": "Bearer hush"}`:         true,
		`"settings": {"db_password": "hush"}`:                 true,
		`"proxy": "http://user:hush@proxy:3128"`:              true,
		`"appsecret": "${HCM_TOKEN}"`:                         false,
		`"appsecret": "${file:/run/secrets/ding}"`:            false,
		`"headers": {"Authorization": "Bearer ${HCM_TOKEN}"}`: false,
		`"appsecret": ""`:                                     false,
		`"appkey": "dingabc"`:                                 false,
		`"corp_id": "ding123", "agent_id": "1"`:               false,
		`"settings": {"keyring": "x", "token_url": "/token"}`: false,
	} {
		files := map[string]string{"companies/129/company.json": fmt.Sprintf(company, setting)}
		found := slices.ContainsFunc(openWith(t, files).Lint(129), func(p orgflow.Problem) bool {
			if strings.Contains(p.String(), "hush") {
				t.Errorf("%s: the secret is repeated: %s", setting, p)
			}
			return p.Warning && strings.Contains(p.Message, "in clear text")
		})
		if found != want {
			t.Errorf("%s: found %v in %v", setting, found, openWith(t, files).Lint(129))
		}
	}
}

// A definition takes secrets from the settings of the connection.
func TestLintFindsSecretsOfDefinitions(t *testing.T) {
	for auth, want := range map[string]bool{
		`"kind": "oauth2", "token_url": "/token", "client_id": "a", "client_secret": "hush"`:                     true,
		`"kind": "oauth2", "token_url": "/token", "client_id": "a", "client_secret": "{settings.client_secret}"`: false,
	} {
		files := map[string]string{"companies/129/hr_hub.consumer.json": strings.Replace(hrHub, `"auth": {"kind": "none"}`, `"auth": {`+auth+`}`, 1)}
		found := slices.ContainsFunc(openWith(t, files).Lint(129), func(p orgflow.Problem) bool {
			return p.Warning && p.Pointer == "/auth/client_secret" && strings.Contains(p.Message, "in clear text")
		})
		if found != want {
			t.Errorf("%s: found %v", auth, found)
		}
	}
}
