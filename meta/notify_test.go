package meta_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/meta"
)

func TestWhoIsToldHowRunsEnd(t *testing.T) {
	const consumers = `"consumers": {"ding_talk": {"base_url": "u", "appkey": "k", "appsecret": "${HCM_TOKEN}"}}, `
	all := orgflow.NoticeEvents()
	for name, c := range map[string]struct {
		notify string
		want   meta.NoticeSettings
		nobody bool
	}{
		"channels alone are for flows": {`{"channels": ["ding_talk", "we_com"]}`,
			meta.NoticeSettings{Channels: []string{"ding_talk", "we_com"}, On: all, Window: time.Hour, Language: meta.Chinese}, true},
		"operators, by what there is": {`{"operators": ["E1"]}`,
			meta.NoticeSettings{Operators: []string{"E1"}, Channels: []string{"ding_talk"}, On: all, Window: time.Hour, Language: meta.Chinese}, false},
		"a webhook, by itself": {`{"webhook": {"url": "https://ops.invalid/${NOT_SET}", "secret": "${NOT_SET}"}}`,
			meta.NoticeSettings{Channels: []string{"ding_talk", "webhook"}, On: all, Window: time.Hour, Language: meta.Chinese}, false},
		"a webhook that is not described": {`{"channels": ["webhook"]}`,
			meta.NoticeSettings{Channels: []string{}, On: all, Window: time.Hour, Language: meta.Chinese}, true},
		"everything": {`{"operators": ["E1", "E2"], "channels": ["webhook", "ding_talk"], "webhook": {"url": "https://ops.invalid"}, "on": ["failed"], "digest": "90m", "language": "en", "console": "https://console.invalid/"}`,
			meta.NoticeSettings{
				Operators: []string{"E1", "E2"}, Channels: []string{"webhook", "ding_talk"}, On: []orgflow.NoticeEvent{orgflow.NoticeFailed},
				Window: 90 * time.Minute, Language: meta.English, Console: "https://console.invalid",
			}, false},
	} {
		t.Run(name, func(t *testing.T) {
			company, err := openWith(t, map[string]string{"companies/7/company.json": `{"company_id": 7, ` + consumers + `"notify": ` + c.notify + `}`}).Company(7)
			if err != nil {
				t.Fatal(err)
			}
			got, err := company.Notices("ding_talk", "we_com")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" || got.Nobody() != c.nobody {
				t.Errorf("nobody: %t; %s", got.Nobody(), d)
			}
		})
	}
}

// Messages about flows go on whatever the webhook lacks.
func TestTheWebhooksSecretIsItsOwn(t *testing.T) {
	company, err := openWith(t, map[string]string{"companies/7/company.json": `{"company_id": 7, "notify": {"link": "https://boards.invalid/${HCM_TOKEN}",
		"channels": ["webhook", "we_com"], "webhook": {"url": "https://ops.invalid", "secret": "${NOT_SET}"}}}`}).Company(7)
	if err != nil {
		t.Fatal(err)
	}
	if link, _, err := company.Links(); err != nil || link != "https://boards.invalid/"+environment["HCM_TOKEN"] {
		t.Errorf("%q, %v", link, err)
	}
	if d := cmp.Diff([]string{"we_com"}, company.Channels()); d != "" {
		t.Error(d)
	}
	_, err = company.Webhook()
	if code, problems := problems(t, err); code != orgflow.CodeInvalidConfig || problems[0].Pointer != "/notify/webhook/secret" {
		t.Error(err)
	}
	none, err := openWith(t, map[string]string{"companies/7/company.json": `{"company_id": 7}`}).Company(7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Webhook(); err == nil || !errors.As(err, new(*orgflow.Fault)) {
		t.Error(err)
	}
}
