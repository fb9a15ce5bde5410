package dingtalk

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
)

const sentAnswer = `{"errcode":0,"errmsg":"ok","task_id":256271667526,"request_id":"x"}`

func TestAMessageIsAnActionCardForOnePerson(t *testing.T) {
	s := newStub(t, "v2").on(pathMessageSend, sentAnswer)
	c := s.client()
	c.cfg.AgentID = "1000001"
	m := connectors.Message{To: "E1", MessageText: orgflow.MessageText{
		Title: "待审批：#1", Text: "见 [这里](http://evil.invalid) **急**\n> 编号 ztbxx01_202108_0001", Link: "http://boards.invalid/?no=1&a=b"}}
	id, r, err := c.SendMessage(t.Context(), m)
	if err != nil || id != "256271667526" || r.Writes != 1 {
		t.Fatalf("%q, %+v, %v", id, r, err)
	}
	want := map[string]any{"agent_id": 1000001., "userid_list": "E1", "msg": map[string]any{"msgtype": "action_card", "action_card": map[string]any{
		"title": "待审批：#1", "single_title": "查看详情", "single_url": "http://boards.invalid/?no=1&a=b",
		"markdown": "### 待审批：＃1  \n  见 ［这里］(http://evil.invalid) ＊＊急＊＊  \n  ＞ 编号 ztbxx01_202108_0001",
	}}}
	if d := cmp.Diff(want, s.calls(pathMessageSend)[0].body); d != "" {
		t.Error(d)
	}
	m.Link = ""
	if _, _, err := c.SendMessage(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if msg := s.calls(pathMessageSend)[1].body["msg"].(map[string]any); msg["msgtype"] != "markdown" {
		t.Errorf("without a link %v is sent", msg)
	}
}

// Whatever stands in a message: it is short enough, and two that are equal
// are the same bytes.
func TestAMessageFitsAndIsTheSameEachTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		long := rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.String().Draw(t, "piece"), rapid.IntRange(0, 300).Draw(t, "times"))
		})
		text := orgflow.MessageText{Title: long.Draw(t, "title"), Text: long.Draw(t, "text") + "\n编号 1 · 第2轮", Link: "http://boards.invalid/?no=1&a=b"}
		raw, err := messageBody(text)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := messageBody(text)
		var msg struct {
			Card struct{ Title, Markdown string } `json:"action_card"`
		}
		if err := json.Unmarshal(raw, &msg); err != nil || len(raw) > maxMessage || string(raw) != string(again) ||
			utf8.RuneCountInString(msg.Card.Title) > maxMessageTitle || !strings.HasSuffix(msg.Card.Markdown, "编号 1 · 第2轮") {
			t.Fatalf("%d bytes %s, %v", len(raw), raw, err)
		}
	})
}

func TestWhatCannotBeSentCostsNoCall(t *testing.T) {
	good := connectors.Message{To: "E1", MessageText: orgflow.MessageText{Title: "t", Text: "x"}}
	for name, tc := range map[string]struct {
		agent string
		bad   func(m *connectors.Message)
		code  orgflow.Code
	}{
		"no agent":            {"", func(*connectors.Message) {}, orgflow.CodeInvalidConfig},
		"an agent of letters": {"abc", func(*connectors.Message) {}, orgflow.CodeInvalidConfig},
		"nobody":              {"1", func(m *connectors.Message) { m.To = "" }, orgflow.CodeInvalidRecord},
		"two people":          {"1", func(m *connectors.Message) { m.To = "E1,E2" }, orgflow.CodeInvalidRecord},
		"a long link":         {"1", func(m *connectors.Message) { m.Link = "http://" + strings.Repeat("a", 500) }, orgflow.CodeInvalidRecord},
	} {
		wire := &conformance.Wire{}
		c := wired(t, "v2", wire)
		c.cfg.AgentID = tc.agent
		m := good
		tc.bad(&m)
		_, r, err := c.SendMessage(t.Context(), m)
		if f, ok := errors.AsType[*orgflow.Fault](err); !ok || f.Code != tc.code || r.Calls != 0 || len(wire.Calls()) != 0 {
			t.Errorf("%s: %v after %d calls", name, err, r.Calls)
		}
	}
	c := wired(t, "v2", &conformance.Wire{})
	if _, _, err := c.MessageResult(t.Context(), "no number", "E1"); orgflow.AsFault(err).Code != orgflow.CodeInvalidRecord {
		t.Error(err)
	}
}

// A vendor's text may repeat what was sent: it does not get into faults.
func TestAFaultDoesNotRepeatTheMessage(t *testing.T) {
	s := newStub(t, "v2").on(pathMessageSend, `{"errcode":41049,"errmsg":"含有违禁词: 测试甲的薪资","request_id":"x"}`)
	c := s.client()
	c.cfg.AgentID = "1"
	_, _, err := c.SendMessage(t.Context(), connectors.Message{To: "E1", MessageText: orgflow.MessageText{Title: "测试甲的薪资", Text: "编号"}})
	if err == nil || strings.Contains(err.Error(), "测试甲") || !strings.Contains(err.Error(), "41049") {
		t.Error(err)
	}
}
