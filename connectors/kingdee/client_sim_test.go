package kingdee

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
	"orgflow/internal/transport"
)

// readAll reads all pages.
func readAll(t *testing.T, c connectors.ERP, q connectors.ERPQuery, between func(page int)) []string {
	t.Helper()
	var all []string
	for page := 1; ; page++ {
		if between != nil {
			between(page)
		}
		got, err := c.Rows(t.Context(), q)
		if err != nil {
			t.Fatalf("page %d: %v", page, err)
		}
		all = append(all, column(got.Rows, 0)...)
		if len(got.Rows) < q.Limit {
			return all
		}
		q.Start += q.Limit
	}
}

func sequence(first, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(first + i)
	}
	return out
}

func TestPagesTogetherAreAllRowsOnce(t *testing.T) {
	for _, topRow := range []string{"end", "count"} {
		e := newERP(t, `{"top_row": "`+topRow+`"}`)
		if d := cmp.Diff(sequence(100001, 360), readAll(t, e, orders(), nil)); d != "" {
			t.Errorf("TopRowCount as %s: %s", topRow, d)
		}
	}
}

// A window that is exactly full, or one more, at the server's own limit.
func TestExactlyFullWindows(t *testing.T) {
	for _, n := range []int{0, 1, 1999, 2000, 2001} {
		for _, limit := range []int{2000, 10_000} {
			e := newERP(t, "", func(c *Config) { c.MaxPageSize = limit })
			e.put(generated(n))
			q := orders(within(day(6, 1), day(6, 2)), func(q *connectors.ERPQuery) { q.Limit = limit })
			if d := cmp.Diff(sequence(100001, n), readAll(t, e, q, nil)); n > 0 && d != "" {
				t.Errorf("%d rows in pages of %d: %s", n, limit, d)
			}
		}
	}
}

// A server that gives fewer rows than the page has must not end the read.
func TestAPageLargerThanTheServerGives(t *testing.T) {
	e := newERP(t, `{"max_rows": 2500}`, func(c *Config) { c.MaxPageSize = 10_000 })
	e.put(generated(7001))
	page, err := e.Rows(t.Context(), orders(func(q *connectors.ERPQuery) { q.Limit = 10_000 }))
	if err != nil || !slices.Equal(column(page.Rows, 0), sequence(100001, 7001)) {
		t.Errorf("%d rows, %v", len(page.Rows), err)
	}
	if page.Calls != 5 { // a login, 2,500 twice, 2,001, and nothing
		t.Errorf("%d calls", page.Calls)
	}
}

// A page that takes several calls is of one piece although somebody saves or
// deletes a bill between them, or it is none: no row is lost or doubled.
func TestARowThatMovesWithinAPage(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		parts  int  // of the page that is of one piece
		moved  bool // the first one is none
	}{
		"one leaves":              {`"delete": ["100002"]`, 3, true},
		"one comes":               {`"upsert": [{"FID": 1, "FBillNo": "new", "FModifyDate": "2026-06-01T10:00:00"}]`, 4, true},
		"all leave":               {`"delete": ["100001", "100002", "100003", "100004", "100005", "100006", "100007"]`, 0, true},
		"one that stays is saved": {`"upsert": [{"FID": 100003, "FBillNo": "x", "FModifyDate": "2026-06-01T10:00:00"}]`, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := newERP(t, "", func(c *Config) { c.MaxPageSize = 3 })
			e.put(generated(7))
			var calls atomic.Int32
			e.link = transport.NewLink(transport.Vendor{MaxBody: maxBody, Timeout: time.Minute}, Options{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				if calls.Add(1) == 3 { // after the login and the first part
					e.do("rows", `{"form_id": "SAL_SaleOrder", `+c.change+`}`)
				}
				return http.DefaultTransport.RoundTrip(r)
			})})
			q := orders(func(q *connectors.ERPQuery) { q.Limit = 100 })
			page, err := e.Rows(t.Context(), q)
			if c.moved {
				wantFault(t, err, orgflow.CodeUnavailable)
				page, err = e.Rows(t.Context(), q)
			}
			if want := readAll(t, e.client(), q, nil); err != nil || !slices.Equal(column(page.Rows, 0), want) || page.Parts != c.parts {
				t.Errorf("%v in %d parts, want %v; %v", column(page.Rows, 0), page.Parts, want, err)
			}
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWindowsAreHalfOpenAndJoin(t *testing.T) {
	e := newERP(t, "")
	edge := "2026-06-01T12:00:00"
	e.do("rows", `{"form_id": "SAL_SaleOrder", "upsert": [
	  {"FID": 1, "FBillNo": "a", "FModifyDate": "2026-06-01T11:59:59"}, {"FID": 2, "FBillNo": "b", "FModifyDate": "`+edge+`"},
	  {"FID": 3, "FBillNo": "c", "FModifyDate": "`+edge+`"}, {"FID": 4, "FBillNo": "d", "FModifyDate": "2026-06-01T12:00:01"}]}`)
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	only := func(q *connectors.ERPQuery) { q.In = map[string][]string{"FID": {"1", "2", "3", "4"}} }
	before := readAll(t, e, orders(within(noon.Add(-time.Hour), noon), only), nil)
	after := readAll(t, e, orders(within(noon, noon.Add(time.Hour)), only), nil)
	if !slices.Equal(before, []string{"1"}) || !slices.Equal(after, []string{"2", "3", "4"}) {
		t.Errorf("before %v, after %v", before, after)
	}
}

func TestFiltersKeepTheirValues(t *testing.T) {
	e := newERP(t, "")
	e.do("rows", `{"form_id": "SAL_SaleOrder", "upsert": [{"FID": 1, "FBillNo": "O'Neil' or 1=1 --"}, {"FID": 2, "FBillNo": "x"}]}`)
	for _, tc := range []struct {
		in   map[string][]string
		want []string
	}{
		{map[string][]string{"FBillNo": {"O'Neil' or 1=1 --"}}, []string{"1"}},
		{map[string][]string{"FBillNo": {"O'Neil' or 1=1 --", "x"}}, []string{"1", "2"}},
		{map[string][]string{"FBillNo": {"' or '1'='1"}}, nil},
		{map[string][]string{"FBillNo": {"x"}, "FID": {"1"}}, nil},
		{map[string][]string{"FBillNo": {"x"}, "FID": {}}, []string{"2"}},
	} {
		if got := readAll(t, e, orders(func(q *connectors.ERPQuery) { q.In = tc.in }), nil); !slices.Equal(got, tc.want) {
			t.Errorf("%v: %v, want %v", tc.in, got, tc.want)
		}
	}
}

// Cells are the ERP's own bytes: a decimal of more digits than a float has
// arrives whole, and null is not the empty text.
func TestCellsAreExact(t *testing.T) {
	e := newERP(t, "")
	e.do("rows", `{"form_id": "SAL_SaleOrder", "upsert": [{"FID": 1, "FBillNo": "", "FNote": null, "F_DEMO_Rate": 12345678901234567.1234567891,
	  "F_DEMO_Urgent": true, "FDate": "2026-01-15", "FCustId": 100002}]}`)
	page, err := e.Rows(t.Context(), orders(func(q *connectors.ERPQuery) {
		q.Fields = []string{"FID", "FBillNo", "FNote", "F_DEMO_Rate", "F_DEMO_Urgent", "FDate", "FCustId", "FCustId.FNumber"}
		q.In = map[string][]string{"FID": {"1"}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range page.Rows[0] {
		got = append(got, string(c))
	}
	want := []string{"1", `""`, "null", "12345678901234567.1234567891", "true", `"2026-01-15T00:00:00"`, "100002", `"C000002"`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestEntriesAreRowsOfTheirOwn(t *testing.T) {
	e := newERP(t, "")
	e.do("rows", `{"form_id": "SAL_SaleOrder", "upsert": [{"FID": 1, "FBillNo": "a", "FSaleOrderEntry": [{"FEntryID": 11, "FQty": 2}, {"FEntryID": 12, "FQty": 3.5}]},
	  {"FID": 2, "FBillNo": "b", "FSaleOrderEntry": []}]}`)
	page, err := e.Rows(t.Context(), orders(func(q *connectors.ERPQuery) {
		q.Fields, q.OrderBy = []string{"FSaleOrderEntry_FEntryID", "FID", "FQty"}, []string{"FID", "FSaleOrderEntry_FEntryID"}
		q.In = map[string][]string{"FID": {"1", "2"}}
	}))
	if err != nil || fmt.Sprintf("%s", page.Rows) != "[[11 1 2.0000000000] [12 1 3.5000000000] [null 2 null]]" {
		t.Errorf("%s, %v", page.Rows, err)
	}
}

func TestALostSessionOnPageThree(t *testing.T) {
	for _, shape := range []string{"service", "nested", "list", "object", "empty"} {
		e := newERP(t, `{"lost_shape": "`+shape+`"}`)
		got := readAll(t, e, orders(), func(page int) {
			if page == 3 {
				_ = e.sim.ExpireTokens()
			}
		})
		if !slices.Equal(got, sequence(100001, 360)) || e.sim.Logins() != 2 || e.TokenRenewals() != 2 {
			t.Errorf("told as %s: %d rows, %d logins", shape, len(got), e.sim.Logins())
		}
	}
}

func TestTheSessionLastsAsLongAsItIsUsed(t *testing.T) {
	e := newERP(t, "")
	for range 10 {
		readAll(t, e, orders(), nil)
		e.clock.Pass(19 * time.Minute)
	}
	if e.sim.Logins() != 1 {
		t.Errorf("%d logins within three hours of use", e.sim.Logins())
	}
	e.clock.Pass(2 * time.Minute)
	readAll(t, e, orders(), nil)
	if e.sim.Logins() != 2 {
		t.Errorf("%d logins after 21 minutes without a call", e.sim.Logins())
	}
}

// Sixteen callers need a session, and all lose it: one login each time.
func TestManyCallersShareOneLogin(t *testing.T) {
	e := newERP(t, "", func(c *Config) { c.Concurrency = 16 })
	for round := 1; round <= 3; round++ {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := e.Rows(t.Context(), orders()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if e.sim.Logins() != round {
			t.Errorf("round %d: %d logins", round, e.sim.Logins())
		}
		_ = e.sim.ExpireTokens()
	}
}

// Twelve callers want an answer that does not come: when everybody waits,
// as many calls are under way as are allowed.
func TestNoMoreCallsAtOnceThanConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var underWay atomic.Int64
		wire := &conformance.Wire{Samples: map[string]string{loginPath: `{"LoginResultType":1,"KDSVCSessionId":"S"}`, queryPath: `[]`}}
		c := wired(t, transport.Func(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == queryPath {
				underWay.Add(1)
				<-release
			}
			return wire.RoundTrip(req)
		}))
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				if _, err := c.Rows(t.Context(), orders()); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := underWay.Load(); n != defaultConcurrency {
			t.Errorf("%d calls at once, %d are allowed", n, defaultConcurrency)
		}
		close(release)
		wg.Wait()
	})
}

func TestEveryLogin(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"password":                     func(*Config) {},
		"password, of an organisation": func(c *Config) { c.OrgNumber = "100" },
		"app secret":                   byApp,
		"app secret, an organisation":  func(c *Config) { byApp(c); c.OrgNumber = "100" },
		"signed":                       func(c *Config) { byApp(c); c.Sign = true },
	} {
		e := newERP(t, `{"org_numbers": ["100"]}`, change)
		if err := e.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := newERP(t, `{"sign_digest": "sha1"}`, func(c *Config) { byApp(c); c.Sign, c.SignDigest = true, "sha1" })
	if err := e.Check(t.Context()); err != nil {
		t.Errorf("signed with sha1: %v", err)
	}
}

func TestRefusedLogins(t *testing.T) {
	for name, tc := range map[string]struct {
		options string
		change  func(*Config)
		code    orgflow.Code
		vendor  string
		field   string
		calls   int64
	}{
		"wrong password":       {`{}`, func(c *Config) { c.Password = "wrong-password" }, orgflow.CodeUnauthorized, "login_0", "/erp", 1},
		"wrong account set":    {`{}`, func(c *Config) { c.AcctID = "other" }, orgflow.CodeInvalidConfig, codeNoAccount, "/erp/acct_id", 1},
		"the same, misleading": {`{"wrong_acct": "lost"}`, func(c *Config) { c.AcctID = "other" }, orgflow.CodeInvalidConfig, codeLoginLost, "/erp/acct_id", 1},
		"not on the list":      {`{"users": [{"username": "orgflow", "password": "kingdee-sim-password", "no_webapi": true}]}`, func(*Config) {}, orgflow.CodeForbidden, codeNotAllowed, "/erp/username", 1},
		"password must change": {`{"users": [{"username": "orgflow", "password": "kingdee-sim-password", "result": -3}]}`, func(*Config) {}, orgflow.CodeUnauthorized, "login_-3", "/erp/password", 1},
		"not activated":        {`{"users": [{"username": "orgflow", "password": "kingdee-sim-password", "result": -7}]}`, func(*Config) {}, orgflow.CodeForbidden, "login_-7", "", 1},
		"wrong app secret":     {`{}`, func(c *Config) { byApp(c); c.AppSecret = "wrong-secret" }, orgflow.CodeUnauthorized, "login_-1", "/erp", 1},
		"app without the user": {`{"apps": [{"app_id": "219001_kingdeesim", "app_secret": "kingdee-sim-app-secret", "users": []}]}`, byApp, orgflow.CodeForbidden, codeAppUser, "/erp/app_id", 1},
		"wrong digest":         {`{"sign_digest": "sha1"}`, func(c *Config) { byApp(c); c.Sign = true }, orgflow.CodeUnauthorized, codeBadSign, "/erp/app_secret", 1},
		"wrong organisation":   {`{"org_numbers": ["100"]}`, func(c *Config) { byApp(c); c.OrgNumber = "200" }, orgflow.CodeInternal, "8", "/erp/org_number", 2},
	} {
		t.Run(name, func(t *testing.T) {
			e := newERP(t, tc.options, tc.change)
			for range 3 { // whoever asks next does not log in again
				_, err := e.Rows(t.Context(), orders())
				f := wantFault(t, err, tc.code)
				if f.VendorCode != tc.vendor || f.Field != tc.field || f.Advice == "" || f.Transient() {
					t.Errorf("%+v", f)
				}
			}
			if n := e.Stats().Calls; n != tc.calls {
				t.Errorf("%d calls, want %d", n, tc.calls)
			}
		})
	}
}

// Five wrong passwords lock the account: many callers, again and again, make
// few attempts, and none while a refusal is fresh.
func TestAWrongPasswordDoesNotLockTheAccount(t *testing.T) {
	e := newERP(t, "", func(c *Config) { c.Password = "wrong-password" })
	for range 3 { // half an hour
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				if _, err := e.Rows(t.Context(), orders()); orgflow.AsFault(err) == nil || orgflow.AsFault(err).Code != orgflow.CodeUnauthorized {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		e.clock.Pass(refusalHolds)
	}
	if n := e.Stats().Calls; n != 3 {
		t.Errorf("%d logins tried", n)
	}
	if err := e.client().Check(t.Context()); err != nil {
		t.Errorf("the right password is refused: %v", err)
	}
}

func TestALockedAccountSaysSo(t *testing.T) {
	e := newERP(t, "")
	for range 5 {
		_, _ = e.client(func(c *Config) { c.Password = "wrong-password" }).Rows(t.Context(), orders())
	}
	_, err := e.Rows(t.Context(), orders())
	if f := wantFault(t, err, orgflow.CodeUnauthorized); f.VendorCode != codeLocked || !strings.Contains(f.Advice, "half an hour") {
		t.Errorf("%+v", f)
	}
}

func TestFaultsOfQueries(t *testing.T) {
	for name, tc := range map[string]struct {
		fault, options string
		change         func(*connectors.ERPQuery)
		code           orgflow.Code
		vendor, field  string
		wait           time.Duration
	}{
		"a field that is not there":  {change: func(q *connectors.ERPQuery) { q.Fields = []string{"FID", "FNoSuch"} }, code: orgflow.CodeInvalidConfig, vendor: codeField, field: "FNoSuch"},
		"a field in the wrong case":  {change: func(q *connectors.ERPQuery) { q.Fields = []string{"FBILLNO"} }, code: orgflow.CodeInvalidConfig, vendor: codeField, field: "FBILLNO"},
		"a property not there":       {change: func(q *connectors.ERPQuery) { q.Fields = []string{"FCustId.FNone"} }, code: orgflow.CodeInvalidConfig, vendor: codeField, field: "FCustId.FNone"},
		"the parent of dimensions":   {change: func(q *connectors.ERPQuery) { q.Fields = []string{"FAuxPropId"} }, code: orgflow.CodeUnavailable, vendor: "http_500"},
		"a form that is not there":   {change: func(q *connectors.ERPQuery) { q.FormID = "SAL_None" }, code: orgflow.CodeNotFound, vendor: codeForm},
		"too many calls":             {fault: `{"path": "` + queryPath + `", "errcode": 14}`, code: orgflow.CodeThrottled, vendor: "14", wait: throttleWait},
		"a conflict":                 {fault: `{"path": "` + queryPath + `", "errcode": 13}`, code: orgflow.CodeUnavailable, vendor: codeBusy, wait: busyWait},
		"no right":                   {fault: `{"path": "` + queryPath + `", "errcode": 2}`, code: orgflow.CodeForbidden, vendor: "2"},
		"the database":               {fault: `{"path": "` + queryPath + `", "errcode": 6}`, code: orgflow.CodeUnavailable, vendor: "6", wait: databaseWait},
		"the licence":                {fault: `{"path": "` + queryPath + `", "errcode": 7}`, code: orgflow.CodeForbidden, vendor: "7"},
		"an exception, twice":        {fault: `{"path": "` + queryPath + `", "errcode": 4}`, code: orgflow.CodeInternal, vendor: "4"},
		"response_error":             {fault: `{"path": "` + queryPath + `", "body": "response_error: something broke"}`, code: orgflow.CodeInternal, vendor: codeText},
		"a busy form, as a text":     {fault: `{"path": "` + queryPath + `", "body": "response_error:单据冲突，请稍候再使用"}`, code: orgflow.CodeUnavailable, vendor: codeBusy, wait: busyWait},
		"an unknown code":            {fault: `{"path": "` + queryPath + `", "errcode": 77}`, code: orgflow.CodeInternal, vendor: "77"},
		"a gateway":                  {fault: `{"path": "` + queryPath + `", "http_status": 502}`, code: orgflow.CodeUnavailable, vendor: "http_502"},
		"403 with nothing":           {fault: `{"path": "` + queryPath + `", "http_status": 403, "body": " "}`, code: orgflow.CodeForbidden, vendor: "http_403"},
		"a login page":               {fault: `{"path": "` + queryPath + `", "body": "<html>登录</html>"}`, code: orgflow.CodeUnavailable, vendor: "malformed"},
		"a connection that is cut":   {fault: `{"path": "` + queryPath + `", "drop_connection": true}`, code: orgflow.CodeUnavailable},
		"more rows than asked for":   {fault: `{"path": "` + queryPath + `", "body": [[1,"a"],[2,"b"]]}`, change: func(q *connectors.ERPQuery) { q.Limit = 1 }, code: orgflow.CodeUnavailable, vendor: "malformed"},
		"rows of another width":      {fault: `{"path": "` + queryPath + `", "body": [[1]]}`, code: orgflow.CodeUnavailable, vendor: "malformed"},
		"an answer to another query": {fault: `{"path": "` + queryPath + `", "body": {"Result": {"ResponseStatus": {"IsSuccess": true}}}}`, code: orgflow.CodeUnavailable, vendor: "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newERP(t, tc.options)
			if tc.fault != "" {
				e.fault(tc.fault)
			}
			q := orders()
			if tc.change != nil {
				tc.change(&q)
			}
			_, err := e.Rows(t.Context(), q)
			f := wantFault(t, err, tc.code)
			if f.VendorCode != tc.vendor || f.Field != tc.field || f.RetryAfter != tc.wait || f.Advice == "" {
				t.Errorf("%+v", f)
			}
			if errors.Is(err, connectors.ErrNoField) != (tc.vendor == codeField) {
				t.Errorf("%v names a field: %t", err, !(tc.vendor == codeField))
			}
		})
	}
}

func TestAnExceptionIsTriedOnceMore(t *testing.T) {
	e := newERP(t, "")
	e.fault(`{"path": "` + queryPath + `", "errcode": 4, "times": 1}`)
	if page, err := e.Rows(t.Context(), orders()); err != nil || len(page.Rows) != 100 || page.Calls != 3 {
		t.Errorf("%d rows, %d calls, %v", len(page.Rows), page.Calls, err)
	}
}

func TestNoDataIsNoRows(t *testing.T) {
	e := newERP(t, "")
	e.fault(`{"path": "` + queryPath + `", "errcode": 10}`)
	if page, err := e.Rows(t.Context(), orders()); err != nil || len(page.Rows) != 0 {
		t.Errorf("%v, %v", page, err)
	}
}

// Who may not see currencies can see orders all the same.
func TestCheck(t *testing.T) {
	for fault, good := range map[string]bool{
		``: true, `{"path": "` + queryPath + `", "errcode": 2}`: true, `{"path": "` + queryPath + `", "errcode": 7}`: false,
		`{"path": "` + queryPath + `", "http_status": 502}`: false, `{"path": "` + loginPath + `", "http_status": 404}`: false,
	} {
		e := newERP(t, "")
		if fault != "" {
			e.fault(fault)
		}
		if err := e.Check(t.Context()); (err == nil) != good {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

func TestAnAddressWithoutK3CloudIsExplained(t *testing.T) {
	e := newERP(t, "")
	c := e.client()
	c.base = strings.TrimSuffix(e.url, "k3cloud/")
	err := c.Check(t.Context())
	if f := wantFault(t, err, orgflow.CodeForbidden); !strings.Contains(f.Advice, "/k3cloud/") {
		t.Errorf("%+v", f)
	}
}

func TestFormOfTheDemo(t *testing.T) {
	e := newERP(t, "")
	form, err := e.Form(t.Context(), "SAL_SaleOrder")
	if err != nil {
		t.Fatal(err)
	}
	if form.ID != "SAL_SaleOrder" || form.Name != "销售订单" || form.Key != "FID" || len(form.Fields) != 15 || len(form.Entries) != 2 {
		t.Errorf("%+v", form)
	}
	line := form.Entries[0]
	if line.ID != "FSaleOrderEntry" || line.Key != "FEntryID" || line.Parent != "" || len(line.Fields) != 6 || form.Entries[1].Parent != "FSaleOrderEntry" {
		t.Errorf("%+v", form.Entries)
	}
	if customer := form.Fields[4]; customer != (orgflow.ERPField{ID: "FCustId", Name: "客户", Type: orgflow.ERPInteger, Lookup: "BD_Customer"}) {
		t.Errorf("%+v", customer)
	}
	if len(form.Notes) != 2 || !strings.Contains(form.Notes[0], "FOldField") || !strings.Contains(form.Notes[1], "FAuxPropId") {
		t.Errorf("notes %q", form.Notes)
	}
	// Whatever the form shows can be asked for.
	var fields []string
	for _, f := range form.Fields {
		fields = append(fields, f.ID)
		if f.Lookup != "" {
			fields = append(fields, f.ID+".FNumber", f.ID+".FName")
		}
	}
	for _, f := range line.Fields {
		fields = append(fields, f.ID)
	}
	fields = append(fields, line.ID+"_"+line.Key)
	if _, err := e.Rows(t.Context(), orders(func(q *connectors.ERPQuery) { q.Fields = fields })); err != nil {
		t.Error(err)
	}
	_, err = e.Form(t.Context(), "SAL_None")
	wantFault(t, err, orgflow.CodeNotFound)
}

// Settings and faults show neither password nor session.
func TestSecretsAreVeiled(t *testing.T) {
	c, _, _ := scripted(t, map[string][]string{
		serviceValidate: {`{"LoginResultType":1,"KDSVCSessionId":"the-session-id"}`},
		serviceQuery:    {"[[" + status(0, "s3cret-password of the-session-id is wrong") + "]]"},
	})
	_, err := c.Rows(t.Context(), orders())
	if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "the-session-id") || !strings.Contains(err.Error(), "*** of *** is wrong") {
		t.Error(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(verb, c.cfg); strings.Contains(s, "s3cret") {
			t.Error(verb, s)
		}
	}
}
