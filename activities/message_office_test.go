package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"orgflow"
	"orgflow/connectors"
	dtsim "orgflow/connectors/dingtalk/sim"
	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/internal/store"
	"orgflow/internal/testpg"
)

// office is a site whose vendor brings messages to people E1 to E3. The
// outbox has the database's clock; letting time go by moves what stands in it
// back as far as the others' clock moves on.
type office struct {
	*site
	outbox   *store.Store
	messages *Messages
	wrote    int
}

// carrier is a vendor that brings messages.
type carrier struct {
	vendor
	people string
	wants  func(state any) []arrival
}

// arrival is a message as the simulator keeps it.
type arrival struct {
	To, Title, Text string
	Dropped         string // why; empty where it was delivered
}

func dingTalkCarrier() carrier {
	v := dingTalkVendor("v2")
	v.settings = strings.Replace(v.settings, `"qps"`, `"agent_id": "1000001", "qps"`, 1)
	return carrier{v, `{"departments": [{"dept_id": 1, "name": "公司"}], "users": [
		{"userid": "E1", "name": "测试甲", "mobile": "10000000001", "dept_id_list": [1]}, {"userid": "E2", "name": "测试乙", "mobile": "10000000002", "dept_id_list": [1]},
		{"userid": "E3", "name": "测试丙", "mobile": "10000000003", "dept_id_list": [1]}]}`, func(state any) (out []arrival) {
		for _, m := range state.(dtsim.State).Messages {
			var msg struct {
				Card struct{ Title, Markdown string } `json:"action_card"`
			}
			_ = json.Unmarshal(m.Msg, &msg)
			a := arrival{To: m.UserID, Title: msg.Card.Title, Text: msg.Card.Markdown}
			if m.State != "delivered" {
				a.Dropped = cmp.Or(m.Code, m.State)
			}
			out = append(out, a)
		}
		return out
	}}
}

func weComCarrier() carrier {
	v := weComVendor(`, "agent_id": 1000002, "agent_secret": "wecomsim-app"`, `{}`)
	return carrier{v, `{"departments": [{"id": 1, "name": "公司"}], "users": [
		{"userid": "E1", "name": "测试甲", "mobile": "10000000001", "department": [1]}, {"userid": "E2", "name": "测试乙", "mobile": "10000000002", "department": [1]},
		{"userid": "E3", "name": "测试丙", "mobile": "10000000003", "department": [1]}]}`, func(state any) (out []arrival) {
		for _, m := range state.(wcsim.State).Messages {
			var card struct{ Title, Description string }
			_ = json.Unmarshal(m.Content, &card)
			out = append(out, arrival{To: m.UserID, Title: card.Title, Text: card.Description, Dropped: m.Reason})
		}
		return out
	}}
}

// eachCarrier runs a test with DingTalk and with WeCom.
func eachCarrier(t *testing.T, test func(t *testing.T, c carrier)) {
	for _, c := range []carrier{dingTalkCarrier(), weComCarrier()} {
		t.Run(c.code, func(t *testing.T) { test(t, c) })
	}
}

func newOffice(t testing.TB, c carrier) *office {
	t.Helper()
	return openOffice(t, c, freshDatabase(t))
}

// eachOffice is a test on both databases.
func eachOffice(t *testing.T, c carrier, test func(t *testing.T, w *office)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newOffice(t, c)) })
	t.Run("postgres", func(t *testing.T) { test(t, openOffice(t, c, testpg.URL(t))) })
}

func openOffice(t testing.TB, c carrier, url string) *office {
	t.Helper()
	w := &office{site: openSite(t, c.vendor, url, json.RawMessage(c.people))}
	var err error
	if w.outbox, err = store.Open(t.Context(), url, store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.outbox.Close(); err != nil {
			t.Error(err)
		}
	})
	w.staff(w.outbox, http.DefaultTransport)
	return w
}

// codes are people whose user codes are their ids.
type codes struct{}

func (codes) ConsumerID(_ context.Context, _ orgflow.Target, code string) (string, error) {
	if code == "gone" {
		return "", orgflow.Faultf(orgflow.CodeNotFound, "nobody has the code")
	}
	return code, nil
}

// staff puts a worker to work that just started.
func (w *office) staff(s MessageStore, wire http.RoundTripper) {
	w.messages = &Messages{
		Store: s, Files: w.files, People: codes{}, Now: time.Now,
		Connectors: registry(w.vendor.code, func(set connectors.Settings) (connectors.Consumer, error) { return w.vendor.connect(set, wire, w.now) }, w.source),
	}
}

func (w *office) target() orgflow.Target {
	return orgflow.Target{CompanyID: company, Consumer: w.vendor.code}
}

// write stores a message about a subject: its title is the subject and a
// number.
func (w *office) write(to, subject, text string) store.NewMessage {
	w.wrote++
	return store.NewMessage{
		DedupKey: fmt.Sprint(w.wrote), Channel: w.vendor.code, ToUser: to, Subject: subject, Kind: "todo",
		Body: body(orgflow.MessageText{Title: subject, Text: text, Link: "http://boards.invalid/flow?no=" + subject}),
	}
}

func body(m orgflow.MessageText) string {
	raw, err := m.Encode()
	if err != nil {
		panic(err) // of texts: cannot fail
	}
	return raw
}

func (w *office) enqueue(list ...store.NewMessage) {
	w.t.Helper()
	if n, err := w.outbox.Enqueue(w.t.Context(), company, list); err != nil || n != len(list) {
		w.t.Fatalf("%d messages stored, %v", n, err)
	}
}

// handle runs one attempt of an activity.
func (w *office) handle(name string) (out HandledMessages, err error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	env := suite.NewTestActivityEnvironment()
	w.messages.Register(env)
	value, err := env.ExecuteActivity(name, w.target())
	if err == nil {
		err = value.Get(&out)
	}
	return out, err
}

func (w *office) send() HandledMessages  { return w.must(orgflow.ActivitySendMessages) }
func (w *office) check() HandledMessages { return w.must(orgflow.ActivityCheckMessages) }

func (w *office) must(name string) HandledMessages {
	w.t.Helper()
	out, err := w.handle(name)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	return out
}

// pass lets time go by, for the outbox too.
func (w *office) pass(d time.Duration) {
	w.t.Helper()
	w.site.pass(d)
	back := fmt.Sprintf("%%[1]s = %%[1]s - %d", d.Microseconds())
	if !strings.HasPrefix(w.url, "sqlite:") {
		back = fmt.Sprintf("%%[1]s = %%[1]s - %d * interval '1 microsecond'", d.Microseconds())
	}
	var set []string
	for _, column := range []string{"next_at", "leased_till", "sent_at", "created_at"} {
		set = append(set, fmt.Sprintf(back, column))
	}
	if _, err := w.outbox.DB().ExecContext(w.t.Context(), "UPDATE outbox SET "+strings.Join(set, ", ")); err != nil {
		w.t.Fatal(err)
	}
}

// settle works as Notify does until nothing is left, and fails where that
// takes more than some rounds.
func (w *office) settle() (total MessageCounts) {
	w.t.Helper()
	for range 40 {
		sent := w.send()
		total.Add(sent.Count)
		asked := w.check()
		total.Add(asked.Count)
		if !asked.Left {
			return total
		}
		w.pass(max(asked.Wait, asked.Pause, sent.Pause, time.Second) + time.Second)
	}
	w.t.Fatalf("it does not come to an end: %s", strings.Join(w.rows(), "\n"))
	return total
}

// rows are the messages of the outbox: key, state, tries and note.
func (w *office) rows() []string {
	w.t.Helper()
	list, _, err := w.outbox.ListMessages(w.t.Context(), store.MessageFilter{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, m := range list {
		out = append(out, fmt.Sprintf("%s %s: %s", m.DedupKey, m.State, m.Note))
	}
	return out
}

// arrivals are what people got, or would have got, in this order.
func (w *office) arrivals(c carrier) []string {
	var out []string
	for _, a := range c.wants(w.sim.State()) {
		line := a.To + " " + a.Title
		if a.Dropped != "" {
			line += " dropped: " + a.Dropped
		}
		out = append(out, line)
	}
	return out
}

func inOrder(list []string) []string { return slices.Sorted(slices.Values(list)) }

// mortalOutbox is the outbox as a worker that may be killed sees it.
type mortalOutbox struct {
	*store.Store
	*reaper
}

func (m mortalOutbox) LeaseMessages(ctx context.Context, q store.LeaseRequest) (list []store.Message, err error) {
	err = m.step("LeaseMessages", func() (err error) { list, err = m.Store.LeaseMessages(ctx, q); return })
	return
}

func (m mortalOutbox) ConfirmSent(ctx context.Context, id int64, provider string, check time.Duration) error {
	return m.step("ConfirmSent", func() error { return m.Store.ConfirmSent(ctx, id, provider, check) })
}

func (m mortalOutbox) RetryMessage(ctx context.Context, id int64, tries int, after time.Duration, note string) error {
	return m.step("RetryMessage", func() error { return m.Store.RetryMessage(ctx, id, tries, after, note) })
}

func (m mortalOutbox) GiveUpMessage(ctx context.Context, id int64, tries int, note string) error {
	return m.step("GiveUpMessage", func() error { return m.Store.GiveUpMessage(ctx, id, tries, note) })
}

func (m mortalOutbox) SupersedeMessage(ctx context.Context, id int64, tries int, note string) error {
	return m.step("SupersedeMessage", func() error { return m.Store.SupersedeMessage(ctx, id, tries, note) })
}

func (m mortalOutbox) ConfirmDelivered(ctx context.Context, id int64, note string) error {
	return m.step("ConfirmDelivered", func() error { return m.Store.ConfirmDelivered(ctx, id, note) })
}

func (m mortalOutbox) ConfirmDropped(ctx context.Context, id int64, note string) error {
	return m.step("ConfirmDropped", func() error { return m.Store.ConfirmDropped(ctx, id, note) })
}

func (m mortalOutbox) CheckMessageLater(ctx context.Context, id int64, after time.Duration) error {
	return m.step("CheckMessageLater", func() error { return m.Store.CheckMessageLater(ctx, id, after) })
}
