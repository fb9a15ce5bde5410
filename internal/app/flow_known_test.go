package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"orgflow/internal/api"
)

// calling is the definition "simple" with a trigger behind its people.
func calling(url string) string {
	return strings.Replace(fmt.Sprintf(simple, "hook", "n"), `"allow": [], "next": [{"to": 99}]}`,
		`"next": [{"to": 30}]}, {"seq": 30, "type": "trigger", "http": {"url": "`+url+`"}, "next": [{"to": 99}]}`, 1)
}

// TestSettingsThatDefinitionsNeed: what a definition or template uses and the
// company's file does not say is told when it is published, with the name of
// the setting, and by lint with the same words.
func TestSettingsThatDefinitionsNeed(t *testing.T) {
	const company = `{"company_id": 7, "roles": {"flow_admin": ["E1"]}%s}`
	const linked = `{"todo": {"title": "{title}", "text": "{link}\n{mark}"}}`
	for name, c := range map[string]struct {
		settings, templates, definition string
		pointer, want                   string // the only problem; "": none
	}{
		"no link":              {"", linked, fmt.Sprintf(simple, "hook", "n"), "/notify/onTask/tpl", `add "notify": {"link": `},
		"a link":               {`, "notify": {"link": "https://b.example/{no}"}`, linked, fmt.Sprintf(simple, "hook", "n"), "", ""},
		"a link from afar":     {`, "notify": {"link": "${BOARDS_ELSEWHERE}/{no}"}`, linked, fmt.Sprintf(simple, "hook", "n"), "", ""},
		"a broken link":        {`, "notify": {"link": "https://b.example/{nr}"}`, "{}", fmt.Sprintf(simple, "hook", "n"), "/notify/link", "unknown placeholder {nr}; there are {no}, {flowCode}, {dataId}"},
		"a broken task link":   {`, "notify": {"task_link": "https://b.example/{no}"}`, "{}", fmt.Sprintf(simple, "hook", "n"), "/notify/task_link", "there are {taskNo}"},
		"no task link":         {"", `{"task": {"title": "{title}", "text": "{link} {mark}"}}`, fmt.Sprintf(simple, "hook", "n"), "/task", `"task_link"`},
		"an odd placeholder":   {"", `{"todo": {"title": "{titel}", "text": "{mark}"}}`, fmt.Sprintf(simple, "hook", "n"), "/todo/title", `there are {mark}, {no}`},
		"no hosts":             {"", "{}", calling("https://erp.example.com/x"), "/nodes/3/http/url", `"triggers": {"hosts": []}`},
		"another host":         {`, "triggers": {"hosts": ["erp.example.com:8443"]}`, "{}", calling("https://erp.example.com/x"), "/nodes/3/http/url", "list it there"},
		"the host":             {`, "triggers": {"hosts": ["erp.example.com"]}`, "{}", calling("https://erp.example.com/x"), "", ""},
		"the host, by default": {`, "triggers": {"hosts": ["erp.example.com"]}`, "{}", calling("${ERP_ELSEWHERE:-https://erp.example.com}/x"), "", ""},
		"a host from afar":     {`, "triggers": {"hosts": ["erp.example.com"]}`, "{}", calling("${ERP_ELSEWHERE}/x"), "", ""},
		"metadata":             {`, "triggers": {"hosts": ["169.254.169.254"]}`, "{}", calling("http://169.254.169.254/x"), "/nodes/3/http/url", "never called"},
		"not a host":           {`, "triggers": {"hosts": ["https://erp.example.com/x"]}`, "{}", fmt.Sprintf(simple, "hook", "n"), "/triggers/hosts/0", "without scheme and path"},
	} {
		t.Run(name, func(t *testing.T) {
			draftDir(t, map[string]string{"company.json": fmt.Sprintf(company, c.settings), "flow-templates.json": c.templates, "flows/hook.json": c.definition})
			d := openDesk(t)
			res := d.call("PUT", "/api/v1/flow-definitions/hook?company_id=7", c.definition)
			code, lint, _ := starter(t, "flow", "definitions", "lint", "--company", "7")
			if c.want == "" {
				if res.Code != 200 || code != 0 {
					t.Fatalf("%d %s\n%d %s", res.Code, res.Body, code, lint)
				}
				return
			}
			var e api.Error
			if err := json.Unmarshal(res.Body.Bytes(), &e); err != nil || res.Code != 422 || len(e.Problems) != 1 || e.Problems[0].Pointer != c.pointer || !strings.Contains(e.Problems[0].Message, c.want) {
				t.Errorf("published: %d %s", res.Code, res.Body)
			}
			if code == 0 || !strings.Contains(lint, c.pointer+": ") || !strings.Contains(lint, c.want) {
				t.Errorf("lint: %d %s", code, lint)
			}
		})
	}
}

// TestTheFirstVersionIsPublishedOnce, and no later one is overwritten.
func TestTheFirstVersionIsPublishedOnce(t *testing.T) {
	eachDesk(t, testTheFirstVersionIsPublishedOnce)
}

func testTheFirstVersionIsPublishedOnce(t *testing.T, d *desk) {
	first, err := d.Flows().PublishFirst(t.Context(), 129, "purchase01", "standalone")
	if err != nil || !first.Published || first.Version != 1 || first.SHA256 == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := d.Flows().PublishFirst(t.Context(), 129, "purchase01", "standalone"); err != nil || again.Published {
		t.Errorf("again: %+v, %v", again, err)
	}
	own := fmt.Sprintf(simple, "purchase01", "我们的采购")
	if own := get[api.Published](d, "PUT", "/api/v1/flow-definitions/purchase01", own); own.Version != 2 {
		t.Fatalf("%+v", own)
	}
	if later, err := d.Flows().PublishFirst(t.Context(), 129, "purchase01", "standalone"); err != nil || later.Published {
		t.Errorf("later: %+v, %v", later, err)
	}
	if newest := get[struct{ Version int }](d, "GET", "/api/v1/flow-definitions/purchase01", ""); newest.Version != 2 {
		t.Errorf("version %d is the newest", newest.Version)
	}
	if _, err := d.Flows().PublishFirst(t.Context(), 129, "nothing", "standalone"); err == nil || !strings.Contains(err.Error(), `no flow definition "nothing"`) {
		t.Error(err)
	}
}
