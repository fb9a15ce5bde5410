package activities

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	wcsim "orgflow/connectors/wecom/sim"
)

// These tests show what the definition language can say: systems that have a
// connector in Go, described by a file instead, before the same simulators.

// described is a vendor whose connector in Go is replaced by a definition,
// edited by the test. It has settings of its own: those in company.json are
// the connector's.
func (v vendor) described(settings string, edit func(string) string) vendor {
	file := "../connectors/rest/testdata/" + v.code + ".consumer.json"
	v.connect = func(s connectors.Settings, wire http.RoundTripper, now func() time.Time) (connectors.Consumer, error) {
		definition, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var at struct {
			BaseURL string `json:"base_url"`
		}
		if err := json.Unmarshal(s.JSON, &at); err != nil {
			return nil, err
		}
		s.Definition = []byte(edit(string(definition)))
		s.JSON = []byte(`{"base_url": "` + at.BaseURL + `", "qps": 0, "settings": ` + settings + `}`)
		return connectDefined(s, wire, now)
	}
	return v
}

func asItIs(definition string) string { return definition }

func describedGuanHuai(t *testing.T, signing string) *guanHuai {
	t.Helper()
	w := newGuanHuai(t, "incremental")
	w.vendor = w.vendor.described(describedSettings(signing), asItIs)
	return w
}

func describedSettings(signing string) string {
	return `{"corp_id": "aghsim-corp", "partner_id": "aghsim-partner"` + signing + `}`
}

func TestAiGuanHuaiAsADefinition(t *testing.T) {
	w := describedGuanHuai(t, `, "signing": "hmac_sha256_sorted_query", "signing_key": "hush"`)
	w.options(`{"signing": {"preset": "hmac_sha256_sorted_query", "key": "hush"}}`)
	w.follows(before, later)
	if n := w.sim.Desk().Requests().Total; n != 0 {
		t.Errorf("a run without news calls %d times", n)
	}
}

func TestABadRecordOfAiGuanHuaiAsADefinition(t *testing.T) {
	w := newGuanHuai(t, "incremental")
	w.vendor = w.vendor.described(describedSettings(""), func(definition string) string {
		return strings.ReplaceAll(definition, `"max_records": 2000`, fmt.Sprintf(`"max_records": %d`, wholeBatch))
	})
	w.oneIsBad()
}

func TestTroublesOfAiGuanHuaiAsADefinition(t *testing.T) {
	sentAgain(t, func(t *testing.T) *guanHuai { return describedGuanHuai(t, "") })
}

const describedWeCom = `{"corpid": "wwsim0000000000001", "corpsecret": "wecomsim-contacts"}`

// WeCom's members and departments; who leads a department, which WeCom keeps
// beside the members, is beyond the language and left out of the template.
func TestWeComAsADefinition(t *testing.T) {
	faults := map[string]string{
		"undisturbed":   "",
		"lost answers":  `{"path": "*", "every": 5, "times": 10, "after_commit": true}`,
		"tokens end":    `{"path": "*", "every": 9, "times": 5, "errcode": 42001}`,
		"too fast":      `{"path": "*", "every": 3, "times": 10, "errcode": 45009}`,
		"HTML":          `{"path": "*", "every": 7, "times": 5, "body": "<html>"}`,
		"warnings":      `{"path": "/cgi-bin/user/get", "every": 2, "times": 5, "body": {"errcode": "0"}}`,
		"system busy":   `{"path": "*", "every": 6, "times": 5, "errcode": -1}`,
		"codes as text": `{"path": "*", "every": 8, "times": 5, "after_commit": true, "body": {"errcode": "0", "errmsg": "ok", "id": "x"}}`,
	}
	for _, name := range sampled(0, slices.Sorted(maps.Keys(faults))) {
		t.Run(name, func(t *testing.T) {
			w, fault := newWeCom(t), faults[name]
			w.write("HcmWorkSyncService.org_new.json", leaderless)
			w.vendor = w.vendor.described(describedWeCom, asItIs)
			w.wants = func(orgs []org, people []person) map[string]string {
				want := wantedAtWeCom(orgs, people)
				for key, text := range want {
					want[key] = strings.ReplaceAll(text, "*!", "!") // nobody leads
				}
				return want
			}
			for _, state := range []staffing{before, laterAtWeCom} {
				if fault != "" {
					w.fault(fault)
				}
				w.source.hold(state())
				w.completes("the run in trouble")
				w.sim.Desk().ClearFaults()
				w.quiet()
			}
			if d := w.differs(laterAtWeCom()); d != "" {
				t.Error(d)
			}
		})
	}
}

// A first run against a filled WeCom takes over what is there.
func TestWeComAsADefinitionShowsWhatItHolds(t *testing.T) {
	first := newWeCom(t)
	first.source.hold(team(5))
	first.completes("the run that fills it")
	w := openSite(t, unlimited(), freshDatabase(t), raw(first.sim.State()))
	w.vendor = w.vendor.described(describedWeCom, asItIs)
	w.source.hold(team(5))
	if s := w.reads(`{}`); s.Status != orgflow.StatusCompleted || len(w.sim.State().(wcsim.State).Users) != 5 {
		t.Errorf("ends %s: %s", s.Status, w.troubles(s.ID))
	}
}
