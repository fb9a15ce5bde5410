package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// What is wrong in the settings of a consumer or source is said by the run:
// which setting, in which file, and what to do. Nothing is written.
func TestSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sims, nowhere := "http://"+w.sims, "http://"+freeAddr(t)
	source := object{"type": "hcm", "base_url": sims + "/hcm", "auth": object{"mode": "bearer", "token": "${HCM_TOKEN}"}}
	weCom := func(base, secret string) object {
		return object{"base_url": base, "corpid": "${WECOM_CORPID}", "corpsecret": secret}
	}
	agh := func(base string) object {
		return object{"base_url": base, "corp_id": "aghsim-corp", "partner_id": "aghsim-partner"}
	}
	w.env["WRONG"] = "this-is-wrong-77"
	cases := []struct {
		name, consumer string
		source         object
		settings       object
		want           []string // all of them, in what is said
	}{
		{"secret that is nowhere", "we_com", source, weCom(sims+"/wecom", "${WECOM_NO_SECRET}"), []string{"${WECOM_NO_SECRET}", "/consumers/we_com/corpsecret", "company.json", "environment"}},
		{"wrong secret", "we_com", source, weCom(sims+"/wecom", "${WRONG}"), []string{"unauthorized", "corpsecret", "we_com", "company.json"}},
		{"address of something else", "we_com", source, weCom(sims+"/nothing", "${WECOM_CORPSECRET}"), []string{"base_url", "company.json"}},
		{"key that is not known", "we_com", source, object{"base_url": sims, "corpid": "c", "secret": "s"}, []string{"/consumers/we_com/secret", "corpsecret", "company.json"}},
		{"address where nobody listens", "ai_guan_huai", source, agh(nowhere), []string{nowhere[len("http://"):], "base_url", "company.json"}},
		{"address of something else", "ai_guan_huai", source, agh(sims + "/nothing"), []string{"base_url", "company.json"}},
		{"setting that is missing", "emm_cloud", source, object{"base_url": sims + "/emmcloud", "settings": object{"client_id": "x"}}, []string{"client_secret", "company.json"}},
		{"wrong secret", "emm_cloud", source, object{"base_url": sims + "/emmcloud", "settings": object{"client_id": "x", "client_secret": "${WRONG}"}}, []string{"unauthorized", "company.json"}},
		{"wrong token", "scim", source, object{"base_url": sims + "/scim", "settings": object{"token": "${WRONG}"}}, []string{"unauthorized", "company.json"}},
		{"address of something else", "scim", source, object{"base_url": sims + "/nothing", "settings": object{"token": "${SCIM_TOKEN}"}}, []string{"base_url", "company.json"}},
		{"no such file", "ai_guan_huai", object{"type": "file", "dir": t.TempDir()}, agh(sims + "/aiguanhuai"), []string{"Organization.json", "Organization.csv", "source.dir", "company.json"}},
		{"no such table", "ai_guan_huai", object{"type": "sql", "url": "sqlite://" + w.data + "/nothing.db", "tables": object{"Organization": "o", "Employee": "e"}}, agh(sims + "/aiguanhuai"), []string{"SQLite file", "source.url", "company.json"}},
	}
	for i, c := range cases {
		w.pair(pairing{company: 301 + i, consumer: c.consumer, source: c.source, settings: c.settings})
	}
	notices := newNoticeReceiver(t, "this-is-wrong-77") // the secret it signs with is the right one here
	w.pair(pairing{company: toldCompany, consumer: "we_com", source: source, notify: object{
		"operators": []string{"E404"}, "language": "en", "webhook": object{"url": notices.url, "secret": "${WRONG}"},
	}, settings: object{
		"base_url": sims + "/wecom", "corpid": "${WECOM_CORPID}", "corpsecret": "${WRONG}", "agent_id": 1000002, "agent_secret": "${WECOM_AGENT_SECRET:-wecomsim-app}",
	}})
	w.serve()
	w.load(demo(t))
	t.Run("runs", func(t *testing.T) {
		t.Run("operators are told", func(t *testing.T) {
			t.Parallel()
			w := *w
			w.t = t
			w.tellsOperators(notices)
		})
		for i, c := range cases {
			t.Run(c.consumer+", "+c.name, func(t *testing.T) {
				t.Parallel()
				w := *w
				w.t = t
				got := w.starter("sync", "--file", w.file("job.json", pairing{company: 301 + i, consumer: c.consumer}.job("")), "--wait")
				said := got.out + got.err
				if got.code != 1 {
					t.Errorf("exit code %d", got.code)
				}
				for _, part := range c.want {
					if !strings.Contains(said, part) {
						t.Errorf("it does not say %q", part)
					}
				}
				if strings.Contains(said, "this-is-wrong-77") {
					t.Error("it shows the secret")
				}
				if t.Failed() || testing.Verbose() {
					t.Log(said)
				}
			})
		}
	})
	for _, sim := range []string{"wecom", "aiguanhuai", "emmcloud", "scim"} {
		if n := w.requests(sim).Writes; n != 0 {
			t.Errorf("%d writes at %s", n, sim)
		}
	}
}

// The shipped company talks to the simulators. Where standalone serves none,
// it says what its files lack.
func TestTheDemoCompanyWithoutSimulators(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serveAlone()
	for consumer, variable := range map[string]string{
		"ding_talk": "DINGTALK_APPKEY", "we_com": "WECOM_CORPID", "emm_cloud": "EMM_CLIENT_ID", "scim": "SCIM_TOKEN",
	} {
		got := w.starter("sync", "--file", w.file("job.json", pairing{company: 129, consumer: consumer}.job("")), "--wait")
		said := got.out + got.err
		if got.code != 1 || !strings.Contains(said, fmt.Sprintf("${%s}", variable)) || !strings.Contains(said, "companies/129/company.json") {
			t.Errorf("%s: %d %s", consumer, got.code, said)
		}
	}
}
