package wecom

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/connectors/wire"
)

func TestAMessageIsATextCardForOneMember(t *testing.T) {
	m := connectors.Message{To: "E1", MessageText: orgflow.MessageText{Title: "待审批", Text: "见<a href=\"http://evil.invalid\">这里</a>\n编号 1", Link: "http://boards.invalid/?no=1&a=b"}}
	want := map[string]any{"touser": "E1", "agentid": int64(7), "safe": 0, "enable_duplicate_check": 1, "duplicate_check_interval": 14400, "msgtype": "textcard",
		"textcard": map[string]string{"title": "待审批", "description": "见＜a href=\"http://evil.invalid\"＞这里＜/a＞\n编号 1", "url": "http://boards.invalid/?no=1&a=b", "btntxt": "详情"}}
	if d := cmp.Diff(want, messageBody(m, 7)); d != "" {
		t.Error(d)
	}
	m.Link = ""
	if got := messageBody(m, 7); got["msgtype"] != "text" || !strings.HasPrefix(got["text"].(map[string]string)["content"], "待审批\n见＜a") {
		t.Errorf("without a link: %v", got)
	}
}

func TestAMessageFitsAndIsTheSameEachTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		long := rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.String().Draw(t, "piece"), rapid.IntRange(0, 300).Draw(t, "times"))
		})
		m := connectors.Message{To: "E1", MessageText: orgflow.MessageText{Title: long.Draw(t, "title"), Text: long.Draw(t, "text") + "\n编号 1"}}
		if rapid.Bool().Draw(t, "with a link") {
			m.Link = "http://boards.invalid"
		}
		raw, err := wire.Encode(messageBody(m, 7))
		again, _ := wire.Encode(messageBody(m, 7))
		if err != nil || string(raw) != string(again) {
			t.Fatalf("%s, then %s, %v", raw, again, err)
		}
		var got struct {
			Card struct{ Title, Description string } `json:"textcard"`
			Text struct{ Content string }            `json:"text"`
		}
		if err := json.Unmarshal(raw, &got); err != nil || len(got.Card.Title) > 128 || len(got.Card.Description) > 512 || len(got.Text.Content) > 2048 ||
			!strings.HasSuffix(got.Card.Description+got.Text.Content, "编号 1") {
			t.Fatalf("%s, %v", raw, err)
		}
	})
}

func TestWhatCannotBeSentCostsNoCall(t *testing.T) {
	for name, tc := range map[string]struct {
		bad  func(c *Client, m *connectors.Message)
		code orgflow.Code
	}{
		"no agent":            {func(c *Client, _ *connectors.Message) { c.cfg.AgentID = nil }, orgflow.CodeInvalidConfig},
		"an agent of letters": {func(c *Client, _ *connectors.Message) { c.cfg.AgentID = json.RawMessage(`"x"`) }, orgflow.CodeInvalidConfig},
		"no secret":           {func(c *Client, _ *connectors.Message) { c.cfg.AgentSecret = "" }, orgflow.CodeInvalidConfig},
		"nobody":              {func(_ *Client, m *connectors.Message) { m.To = "" }, orgflow.CodeInvalidRecord},
		"everybody":           {func(_ *Client, m *connectors.Message) { m.To = "@all" }, orgflow.CodeInvalidRecord},
		"two members":         {func(_ *Client, m *connectors.Message) { m.To = "E1|E2" }, orgflow.CodeInvalidRecord},
		"a long link":         {func(_ *Client, m *connectors.Message) { m.Link = "http://" + strings.Repeat("a", 2048) }, orgflow.CodeInvalidRecord},
	} {
		lone := &conformance.Wire{}
		c := wired(t, lone)
		m := card
		tc.bad(c, &m)
		_, r, err := c.SendMessage(t.Context(), m)
		if f, ok := errors.AsType[*orgflow.Fault](err); !ok || f.Code != tc.code || r.Calls != 0 || len(lone.Calls()) != 0 {
			t.Errorf("%s: %v after %d calls", name, err, r.Calls)
		}
	}
}

// Messages go by the application's token, which is another than that of the
// contacts secret and is renewed by itself.
func TestMessagesHaveATokenOfTheirOwn(t *testing.T) {
	c := newCorp(t, "")
	c.put(wcsim.State{Departments: []wcsim.Department{{ID: 1, Name: "公司"}}, Users: []wcsim.User{{UserID: "E1", Name: "测试甲", Department: []int64{1}}}})
	c.cfg.AgentID, c.cfg.AgentSecret = json.RawMessage(`"1000002"`), "wecomsim-app"
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := c.SendMessage(t.Context(), card); err != nil {
			t.Fatal(err)
		}
		if err := c.sim.ExpireTokens(); err != nil {
			t.Fatal(err)
		}
		c.clock.Pass(time.Minute)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := c.TokenRenewals(); n != 4 {
		t.Errorf("%d tokens were fetched, want two of each secret", n)
	}
	c.cfg.AgentSecret = "wrong"
	_ = c.sim.ExpireTokens()
	_, _, err := c.SendMessage(t.Context(), card)
	if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeUnauthorized || !strings.Contains(f.Advice, "agent_secret") {
		t.Errorf("a wrong secret: %v", err)
	}
	c.cfg.AgentSecret = "wecomsim-contacts"
	_, _, err = c.SendMessage(t.Context(), card)
	if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeForbidden || !strings.Contains(f.Advice, "agent_secret") {
		t.Errorf("the contacts secret: %v", err)
	}
}
