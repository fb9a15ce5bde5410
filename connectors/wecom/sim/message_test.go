package wcsim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newSender is an application's caller of an enterprise with E1 to E3.
func newSender(t *testing.T, options string) *caller {
	t.Helper()
	c := newCaller(t, options)
	for n := 1; n <= 3; n++ {
		c.expect(fmt.Sprintf(`POST user/create {"userid":"E%d","name":"测试","mobile":"1000000000%d","department":[1]}`, n, n), 0)
	}
	c.login("wecomsim-app")
	return c
}

func text(to, content string) string {
	return fmt.Sprintf(`{"touser":%q,"agentid":1000002,"msgtype":"text","text":{"content":%q},"enable_duplicate_check":1,"duplicate_check_interval":600}`, to, content)
}

// fates are what became of the messages, in the order in which they came.
func (c *caller) fates() []string {
	var out []string
	for _, m := range c.sim.State().(State).Messages {
		out = append(out, strings.TrimSpace(m.UserID+" "+m.State+" "+m.Reason))
	}
	return out
}

func TestWhoGetsAMessage(t *testing.T) {
	c := newSender(t, `{"unlicensed": ["E3"]}`)
	got := c.post("message/send", text("e1|E9|E3|X", "a"))
	if code(got) != 0 || got["invaliduser"] != "e9|x" || got["unlicenseduser"] != "e3" || got["msgid"] != "MSG1" {
		t.Errorf("%v", got)
	}
	c.expect("POST message/send "+text("E9", "a"), 81013, "POST message/send "+text("", "a"), 81013, "POST message/send "+text("E3", "a"), 0,
		"POST message/send "+text("@all", "b"), 0,
		"POST message/send "+strings.Replace(text("E1", "c"), "1000002", "7", 1), 40056, "POST message/send {}", 40056,
		"POST message/send "+strings.Replace(text("E1", "c"), `"text","text"`, `"text","txt"`, 1), 40035,
		"POST message/send "+text("E1", strings.Repeat("长", 683)), 45002, // 2049 bytes
		`POST message/send {"touser":"E1","agentid":1000002,"msgtype":"textcard","textcard":{"title":"t","description":"d"}}`, 40035,
		`POST message/send {"touser":"E1","agentid":1000002,"msgtype":"textcard","textcard":{"title":"`+strings.Repeat("长", 43)+`","description":"d","url":"u"}}`, 45002)
	if d := cmp.Diff([]string{"E1 delivered", "E1 delivered", "E2 delivered", "E3 delivered"}, c.fates()); d != "" {
		t.Error(d)
	}
	c.login("wecomsim-contacts")
	c.expect("POST message/send "+text("E1", "d"), 48002)
}

// The surplus is dropped, and the answer is ok (§ 7).
func TestMessagesAreDroppedSilently(t *testing.T) {
	c := newSender(t, `{"messages_per_minute": 2, "messages_per_hour": 4}`)
	send := func(to, content, want string) {
		t.Helper()
		c.expect("POST message/send "+text(to, content), 0)
		if all := c.fates(); all[len(all)-1] != want {
			t.Errorf("%s to %s: %s, want %s", content, to, all[len(all)-1], want)
		}
	}
	send("E1", "a", "E1 delivered")
	send("e1", "a", "E1 dropped repeated")
	send("E2", "a", "E2 delivered")
	send("E1", "b", "E1 delivered")
	send("E1", "c", "E1 dropped per_minute")
	c.clock.Pass(time.Minute)
	send("E1", "c", "E1 delivered")
	send("E1", "a", "E1 dropped repeated")
	send("E1", "d", "E1 delivered")
	c.clock.Pass(9 * time.Minute)
	send("E1", "e", "E1 dropped per_hour")
	c.clock.Pass(50 * time.Minute)
	send("E1", "a", "E1 delivered") // the interval is over
	unchecked := strings.Replace(text("E1", "a"), `"enable_duplicate_check":1`, `"enable_duplicate_check":0`, 1)
	c.expect("POST message/send "+unchecked, 0)
	if all := c.fates(); all[len(all)-1] != "E1 delivered" {
		t.Errorf("without the check: %s", all[len(all)-1])
	}
}

// A restart forgets no message, and so repeats none.
func TestMessagesAreKept(t *testing.T) {
	c := newSender(t, "")
	c.expect("POST message/send "+text("E1", "<&>"), 0)
	raw, err := json.Marshal(c.sim.State())
	if err == nil {
		err = c.sim.PutState(raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.expect("POST message/send "+text("E1", "<&>"), 0, "POST message/send "+text("E1", "x"), 0)
	if d := cmp.Diff([]string{"E1 delivered", "E1 dropped repeated", "E1 delivered"}, c.fates()); d != "" {
		t.Error(d)
	}
	ids := map[string]bool{}
	for _, m := range c.sim.State().(State).Messages {
		ids[m.ID] = true
	}
	if len(ids) != 3 {
		t.Errorf("ids %v", ids)
	}
	for _, bad := range []string{`{"messages":[{"msgid":"M","userid":"E1","content":{},"state":"lost"}]}`, `{"messages":[{"userid":"E1","content":{},"state":"dropped"}]}`} {
		if err := c.sim.PutState(json.RawMessage(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
