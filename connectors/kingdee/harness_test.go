package kingdee

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/connectors/simctl"
	"orgflow/internal/testclock"
)

// erp is a simulated server and a client of it.
type erp struct {
	*Client
	t     *testing.T
	sim   *kdsim.Sim
	clock *testclock.Clock
	url   string
}

// newERP holds the forms of the demo, as of the clock.
func newERP(t *testing.T, options string, change ...func(*Config)) *erp {
	t.Helper()
	e := &erp{t: t, clock: testclock.New()}
	e.sim = kdsim.New(kdsim.Options{Now: e.clock.Now})
	e.put(kdsim.Demo(e.clock.Now()))
	if options != "" {
		e.options(options)
	}
	server := httptest.NewServer(e.sim)
	t.Cleanup(server.Close)
	e.url = server.URL + "/k3cloud/"
	e.Client = e.client(change...)
	return e
}

// client is another client, with a session of its own.
func (e *erp) client(change ...func(*Config)) *Client {
	e.t.Helper()
	set := kdsim.DefaultSettings()
	cfg := Config{BaseURL: e.url, AcctID: set.AcctID, Username: set.Users[0].Name, Password: set.Users[0].Password}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg, Options{Now: e.clock.Now})
	if err != nil {
		e.t.Fatal(err)
	}
	return c
}

// byApp logs in with the application.
func byApp(c *Config) {
	app := kdsim.DefaultSettings().Apps[0]
	c.Password, c.AppID, c.AppSecret = "", app.ID, app.Secret
}

func (e *erp) put(s kdsim.State) {
	e.t.Helper()
	if err := e.sim.Put(s); err != nil {
		e.t.Fatal(err)
	}
}

func (e *erp) options(raw string) {
	e.t.Helper()
	if err := e.sim.SetOptions(json.RawMessage(raw)); err != nil {
		e.t.Fatal(err)
	}
}

func (e *erp) fault(raw string) {
	e.t.Helper()
	list, err := simctl.DecodeFaults([]byte(raw))
	if err == nil {
		err = e.sim.Desk().AddFaults(list...)
	}
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *erp) do(action, body string) {
	e.t.Helper()
	if _, err := e.sim.Actions()[action](json.RawMessage(body)); err != nil {
		e.t.Fatal(err)
	}
}

const (
	queryPath = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc"
	infoPath  = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.QueryBusinessInfo.common.kdsvc"
	loginPath = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.AuthService.ValidateUser.common.kdsvc"
)

// orders asks for sales orders in the order of their ids.
func orders(change ...func(*connectors.ERPQuery)) connectors.ERPQuery {
	q := connectors.ERPQuery{FormID: "SAL_SaleOrder", Fields: []string{"FID", "FBillNo"}, OrderBy: []string{"FID"}, Limit: 100}
	for _, f := range change {
		f(&q)
	}
	return q
}

// within is a window of FModifyDate.
func within(from, until time.Time) func(*connectors.ERPQuery) {
	return func(q *connectors.ERPQuery) { q.DateField, q.From, q.Until = "FModifyDate", from, until }
}

// generated is a form of so many rows, all changed on 2026-06-01.
func generated(count int) kdsim.State {
	return kdsim.State{Forms: map[string]kdsim.Form{"SAL_SaleOrder": {
		Fields:   []kdsim.Field{{Key: "FBillNo"}, {Key: "FModifyDate", Type: 61}, {Key: "FAmount", Type: 106}},
		Generate: &kdsim.Generate{Count: count, From: "2026-06-01", Until: "2026-06-02", Seed: 5},
	}}}
}

func day(month, day int) time.Time {
	return time.Date(2026, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

// ids are the cells of a column as text.
func column(rows [][]json.RawMessage, at int) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = strings.Trim(string(r[at]), `"`)
	}
	return out
}

// wantFault is the fault of a call that must fail with the code.
func wantFault(t *testing.T, err error, want orgflow.Code) *orgflow.Fault {
	t.Helper()
	f, ok := err.(*orgflow.Fault)
	if !ok || f == nil || f.Code != want {
		t.Fatalf("got %v, want a fault %s", err, want)
	}
	return f
}

// scripted is a server whose n-th answer to a service is the n-th of its
// script, the last one staying. "500|text" has a status.
func scripted(t *testing.T, script map[string][]string, change ...func(*Config)) (*Client, *testclock.Clock, func(string) int) {
	t.Helper()
	var mu sync.Mutex
	asked := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		service := strings.TrimSuffix(r.URL.Path[strings.LastIndex(r.URL.Path, "ServicesStub.")+len("ServicesStub."):], serviceSuffix)
		n := asked[service]
		asked[service]++
		list := script[service]
		if len(list) == 0 {
			list = []string{`{"LoginResultType":1,"KDSVCSessionId":"S"}`}
		}
		answer := list[min(n, len(list)-1)]
		if status, body, ok := strings.Cut(answer, "|"); ok {
			var code int
			_, _ = fmt.Sscan(status, &code)
			w.WriteHeader(code)
			answer = body
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	clock := testclock.New()
	cfg := Config{BaseURL: server.URL + "/K3Cloud", AcctID: "A", Username: "u", Password: "s3cret-password"}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg, Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return c, clock, func(service string) int {
		mu.Lock()
		defer mu.Unlock()
		return asked[service]
	}
}

// status is the object of a failure.
func status(msgCode int, message string) string {
	return fmt.Sprintf(`{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":"","Message":%q,"DIndex":0}],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":%d}}}`, message, msgCode)
}

const lostText = "会话信息已丢失，请重新登录"
