package wecom

import (
	"slices"
	"strings"
	"testing"

	wcsim "orgflow/connectors/wecom/sim"
)

// A probe tells which step fails and why, tries what does not depend on it,
// and writes nothing.
func TestProbe(t *testing.T) {
	contacts, app := wcsim.DefaultSettings().Secrets[0].Secret, wcsim.DefaultSettings().Secrets[1].Secret
	for name, c := range map[string]struct {
		secret, agent string
		options       string
		want          []string // per step
		says          string
	}{
		"all right":            {contacts, app, "", []string{"token ok", "contacts ok", "messages ok"}, ""},
		"no messages":          {contacts, "", "", []string{"token ok", "contacts ok"}, ""},
		"wrong secret":         {"wrong", app, "", []string{"token unauthorized", "contacts skipped", "messages ok"}, "corpsecret"},
		"wrong agent secret":   {contacts, "wrong", "", []string{"token ok", "contacts ok", "messages unauthorized"}, "agent_secret"},
		"application's secret": {app, app, "", []string{"token ok", "contacts forbidden", "messages ok"}, "通讯录同步"},
		"address not trusted":  {contacts, app, `{"denied_ip": true}`, []string{"token ok", "contacts forbidden", "messages ok"}, "192.0.2.1"},
	} {
		t.Run(name, func(t *testing.T) {
			corp := newCorp(t, c.options)
			client := corp.client(c.secret)
			client.cfg.AgentSecret = c.agent
			var got []string
			said := ""
			for _, s := range client.Probe(t.Context()) {
				state := "ok"
				switch {
				case s.Skipped:
					state = "skipped"
				case s.Fault != nil:
					state = string(s.Fault.Code)
					said += s.Needs + s.Fault.Error()
				}
				got = append(got, s.Name+" "+state)
			}
			if !slices.Equal(got, c.want) || !strings.Contains(said, c.says) {
				t.Errorf("got %v, want %v; said %s", got, c.want, said)
			}
			if n := corp.sim.Desk().Requests().Writes; n != 0 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

// A token in force says nothing of the secret as it is now.
func TestProbeAsksForANewToken(t *testing.T) {
	corp := newCorp(t, "")
	for range 2 {
		for _, s := range corp.Probe(t.Context()) {
			if s.Fault != nil {
				t.Fatal(s.Fault)
			}
		}
	}
	corp.options(`{"secrets": [{"secret": "another"}]}`)
	if f := corp.Probe(t.Context())[0].Fault; f == nil {
		t.Error("the secret is not the enterprise's any more, and the probe says that it is")
	}
}
