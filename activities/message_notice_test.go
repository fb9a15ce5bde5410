package activities

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/webhook"
	"orgflow/internal/store"
	"orgflow/internal/transport"
	"orgflow/meta"
)

// What a provider drops without a word is noticed: of a flow's message
// operators are told; of a notice to operators there is a line in the log.
func TestMessagesThatReachNobodyAreNoticed(t *testing.T) {
	eachCarrier(t, func(t *testing.T, c carrier) {
		w := newOffice(t, c)
		toPerson, toOperator := w.write("E9", "RW1", "编号 1"), w.write("E9", "sync:ding_talk", "编号 2")
		toPerson.No, toOperator.Kind = "RW1", store.NoticeKind
		w.enqueue(toPerson, toOperator)
		total := w.settle()
		if lost := total.Dead + total.Dropped; lost != 2 {
			t.Fatalf("%+v: %q", total, w.rows())
		}
		list, _, err := w.outbox.Notices(t.Context(), company, 0)
		if err != nil || len(list) != 1 || list[0].Event != orgflow.NoticeMessage || list[0].Job != "messages:"+c.code || list[0].Ref != "RW1" {
			t.Errorf("%+v, %v", list, err)
		}
		for _, n := range list {
			if n.Cause == "" || n.Cause == string(orgflow.CodeInternal) || strings.Contains(n.Cause, "E9") {
				t.Errorf("cause %q", n.Cause)
			}
		}
		lost, err := w.outbox.LostNotices(t.Context(), company, 0)
		if err != nil || len(lost) != 1 || lost[0].DedupKey != toOperator.DedupKey {
			t.Errorf("%+v, %v", lost, err)
		}
	})
}

// A notice whose outcome nobody knows is posted again, the same to the byte;
// the receiver's answers are recorded.
func TestNoticesArePosted(t *testing.T) {
	var got []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body) // what is missing is noticed below
		got = append(got, r.Header.Get(webhook.HeaderKey)+" "+string(raw))
		switch len(got) {
		case 1: // taken, and the answer is lost
			panic(http.ErrAbortHandler)
		case 3:
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
	}))
	receiver.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer receiver.Close()
	w := newOffice(t, dingTalkCarrier())
	said := w.postsTo(receiver.URL)
	w.enqueue(hooked("one"), hooked("two"))
	for range 3 {
		said()
		w.pass(time.Minute)
	}
	if len(got) != 3 || got[0] != got[1] || !strings.HasPrefix(got[0], "one ") || !strings.HasPrefix(got[2], "two ") {
		t.Errorf("posted: %q", got)
	}
	rows := w.rows()
	if d := cmp.Diff("one sent: ", rows[0]); d != "" || !strings.HasPrefix(rows[1], "two dead: invalid_record 422: ") {
		t.Errorf("%q", rows)
	}
}

// While the address or the secret is wrong nothing is given up.
func TestAWebhookThatRests(t *testing.T) {
	receiver := httptest.NewServer(http.NotFoundHandler())
	defer receiver.Close()
	w := newOffice(t, dingTalkCarrier())
	said := w.postsTo(receiver.URL)
	w.enqueue(hooked("one"))
	out := said()
	if out.Stopped == nil || out.Stopped.Code != orgflow.CodeInvalidConfig || out.Pause < time.Minute || !out.Left {
		t.Errorf("%+v", out)
	}
	if rows := w.rows(); !strings.HasPrefix(rows[0], "one pending: invalid_config 404: ") {
		t.Errorf("%q", rows)
	}
}

func hooked(key string) store.NewMessage {
	return store.NewMessage{
		DedupKey: key, Channel: orgflow.ChannelWebhook, ToUser: orgflow.ChannelWebhook, Subject: "job", Kind: store.NoticeKind,
		Body: body(orgflow.MessageText{Title: "运行失败", Text: "x", Notice: &orgflow.NoticeFacts{CompanyID: company, Ref: "r"}}),
	}
}

// postsTo gives the company a webhook and returns what sends over it once.
func (w *office) postsTo(url string) func() HandledMessages {
	w.t.Helper()
	dir := w.t.TempDir()
	file := filepath.Join(dir, "companies", fmt.Sprint(company), "company.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, `{"company_id": %d, "notify": {"webhook": {"url": %q}}}`, company, url), 0o600); err != nil {
		w.t.Fatal(err)
	}
	files, err := meta.Open(dir, func(string) (string, bool) { return "", false })
	if err != nil {
		w.t.Fatal(err)
	}
	w.messages.Files = files
	w.messages.Webhook = func(h meta.Webhook) (connectors.Messenger, error) {
		return webhook.New(h.URL, h.Secret, transport.Options{}), nil
	}
	return func() (out HandledMessages) {
		w.t.Helper()
		var suite testsuite.WorkflowTestSuite
		var logged bytes.Buffer
		suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(&logged, nil))))
		env := suite.NewTestActivityEnvironment()
		w.messages.Register(env)
		before := len(w.lost())
		value, err := env.ExecuteActivity(orgflow.ActivitySendMessages, orgflow.Target{CompanyID: company, Consumer: orgflow.ChannelWebhook})
		if err == nil {
			err = value.Get(&out)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if lost := len(w.lost()) > before; lost != strings.Contains(logged.String(), "a notice to operators was not delivered") {
			w.t.Errorf("lost: %t; log: %s", lost, &logged)
		}
		return out
	}
}

func (w *office) lost() []store.Message {
	w.t.Helper()
	list, err := w.outbox.LostNotices(w.t.Context(), company, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}
