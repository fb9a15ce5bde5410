package kingdee

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
	"orgflow/connectors"
)

// A server that accepts every login and forgets every session is asked for
// two logins, and then for one a minute.
func TestSessionsThatNeverWorkCoolDown(t *testing.T) {
	lost := "[[" + status(1, lostText) + "]]"
	c, clock, asked := scripted(t, map[string][]string{serviceQuery: {lost}})
	for _, step := range []struct {
		later  time.Duration
		logins int
	}{{0, 2}, {time.Second, 2}, {30 * time.Second, 2}, {28 * time.Second, 2}, {time.Second, 3}, {59 * time.Second, 3}, {time.Second, 4}} {
		clock.Pass(step.later)
		_, err := c.Rows(t.Context(), orders())
		f := wantFault(t, err, orgflow.CodeUnavailable)
		if asked(serviceValidate) != step.logins || f.RetryAfter <= 0 || f.RetryAfter > coolDown || f.VendorCode != codeSession {
			t.Errorf("after another %s: %d logins, want %d, %+v", step.later, asked(serviceValidate), step.logins, f)
		}
	}
}

// A session that is refused at first and then accepted is not given up.
func TestASessionThatBecomesUsableIsKept(t *testing.T) {
	lost := "[[" + status(1, lostText) + "]]"
	c, clock, asked := scripted(t, map[string][]string{serviceQuery: {lost, lost, lost, `[[1,"a"]]`, lost, `[]`}})
	_, err := c.Rows(t.Context(), orders()) // both sessions are refused
	wantFault(t, err, orgflow.CodeUnavailable)
	clock.Pass(30 * time.Second)
	_, err = c.Rows(t.Context(), orders()) // still
	wantFault(t, err, orgflow.CodeUnavailable)
	clock.Pass(20 * time.Second)
	if page, err := c.Rows(t.Context(), orders()); err != nil || len(page.Rows) != 1 || asked(serviceValidate) != 2 {
		t.Errorf("%v, %v after %d logins", page, err, asked(serviceValidate))
	}
	// One that worked and is lost is renewed at once.
	if _, err := c.Rows(t.Context(), orders()); err != nil || asked(serviceValidate) != 3 {
		t.Errorf("%v after %d logins", err, asked(serviceValidate))
	}
}

// Two programs that throw each other out do not do so without end.
func TestLoginsArePaced(t *testing.T) {
	script := make([]string, 0, 100)
	for range 50 {
		script = append(script, `[]`, "[["+status(1, lostText)+"]]")
	}
	c, clock, asked := scripted(t, map[string][]string{serviceQuery: script})
	var err error
	calls := 0
	for ; err == nil && calls < 50; calls++ {
		_, err = c.Rows(t.Context(), orders())
	}
	f := wantFault(t, err, orgflow.CodeUnavailable)
	if asked(serviceValidate) != loginBurst || f.RetryAfter != loginSpan {
		t.Errorf("%d logins within no time, %+v", asked(serviceValidate), f)
	}
	clock.Pass(loginSpan)
	if _, err := c.Rows(t.Context(), orders()); err != nil {
		t.Error(err)
	}
}

// What may pass is tried again at the next call, and never held against it.
func TestALoginThatCouldNotBeMadeIsTriedAgain(t *testing.T) {
	for _, trouble := range []string{"502|bad gateway", "<html>", "200|" + status(14, "调用次数超限"), `{"LoginResultType":1}`, `{"LoginResultType":1,"KDSVCSessionId":"a\r\nb: c"}`, `[]`, `{}`} {
		c, _, asked := scripted(t, map[string][]string{serviceValidate: {trouble, `{"LoginResultType":1,"KDSVCSessionId":"S"}`}, serviceQuery: {`[]`}})
		_, err := c.Rows(t.Context(), orders())
		if f := orgflow.AsFault(err); f == nil || !f.Transient() {
			t.Errorf("%s: %v", trouble, err)
		}
		if _, err := c.Rows(t.Context(), orders()); err != nil || asked(serviceValidate) != 2 {
			t.Errorf("%s: %v after %d logins", trouble, err, asked(serviceValidate))
		}
	}
}

func TestALostSessionDuringTheLoginIsTriedOnceMore(t *testing.T) {
	c, _, asked := scripted(t, map[string][]string{serviceValidate: {status(1, lostText), `{"LoginResultType":1,"KDSVCSessionId":"S"}`}, serviceQuery: {`[]`}})
	if _, err := c.Rows(t.Context(), orders()); err != nil || asked(serviceValidate) != 2 {
		t.Errorf("%v after %d logins", err, asked(serviceValidate))
	}
}

// The word for a login in data or captions says nothing of the session.
func TestTheBareWordIsNoLostSession(t *testing.T) {
	c, _, asked := scripted(t, map[string][]string{serviceQuery: {`[[1,"请重新登录"]]`, "[[" + status(0, "字段 登录名 不正确") + "]]"}})
	page, err := c.Rows(t.Context(), orders())
	if err != nil || len(page.Rows) != 1 {
		t.Errorf("%v, %v", page, err)
	}
	_, err = c.Rows(t.Context(), orders())
	if f := wantFault(t, err, orgflow.CodeInternal); f.VendorCode != "error_500" || asked(serviceValidate) != 1 {
		t.Errorf("%+v after %d logins", f, asked(serviceValidate))
	}
}

func TestLoginsThatCountAsSuccess(t *testing.T) {
	for answer, good := range map[string]bool{
		`{"LoginResultType":1,"KDSVCSessionId":"S"}`: true, `{"LoginResultType":"1","KDSVCSessionId":"S","Message":null}`: true,
		`{"LoginResultType":-5,"KDSVCSessionId":"S"}`: true, `{"LoginResultType":-4,"KDSVCSessionId":"S","IsSuccessByAPI":true}`: true,
		`{"LoginResultType":-2,"KDSVCSessionId":"S","IsSuccessByAPI":true}`: true, `{"LoginResultType":-2,"KDSVCSessionId":"S"}`: false,
		`{"LoginResultType":-3,"KDSVCSessionId":"S","IsSuccessByAPI":true}`: false, `{"LoginResultType":0,"KDSVCSessionId":"S","IsSuccessByAPI":true}`: false,
		`{"LoginResultType":-1,"KDSVCSessionId":"S"}`: false, `{"LoginResultType":99,"KDSVCSessionId":"S"}`: false, `{"KDSVCSessionId":"S"}`: false,
		`{"LoginResultType":1,"KDSVCSessionId":"","Context":{"SessionId":"S"}}`: false,
	} {
		c, _, _ := scripted(t, map[string][]string{serviceValidate: {answer}, serviceQuery: {`[]`}})
		if _, err := c.Rows(t.Context(), orders()); (err == nil) != good {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// The login that one caller began goes on for the others when it leaves.
func TestACallerWhoLeavesDoesNotEndTheLogin(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	s := &session{now: time.Now, login: func(ctx context.Context) (string, error) {
		close(began)
		<-release
		return "S", ctx.Err()
	}}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, _, err := s.get(ctx)
		first <- err
	}()
	<-began
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("first: %v", err)
	}
	close(release)
	if h, started, err := s.get(t.Context()); err != nil || h.id != "S" || started {
		t.Errorf("second: %+v %t %v", h, started, err)
	}
}

// A login that never ends is given up, and the next caller begins another.
func TestALoginThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := 0
		s := &session{now: time.Now, login: func(ctx context.Context) (string, error) {
			if logins++; logins == 1 {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "S", nil
		}}
		_, _, err := s.get(t.Context())
		wantFault(t, err, orgflow.CodeUnavailable)
		if h, _, err := s.get(t.Context()); err != nil || h.id != "S" {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

// The recipe's known signatures.
func TestSignature(t *testing.T) {
	c := Config{AcctID: "62f5c8a1b2c3d4", Username: "administrator", AppID: "219001_abc", AppSecret: "s3cret"}
	for digest, want := range map[string]string{
		digestSHA256: "0709d7367bc879d713219ee3a4f92e18302545fa1f48aa4bb2240c503c174e9e", digestSHA1: "f30de4bb273dd2a7fa5ccc34d09222f4491de44a",
	} {
		c.SignDigest = digest
		if got := c.signature("1700000000"); got != want {
			t.Errorf("%s: %s", digest, got)
		}
	}
}

// Nothing that is no plain name or value reaches a filter.
func TestQueriesThatAreRefused(t *testing.T) {
	c, _, asked := scripted(t, nil)
	evil := `FID" or 1=1--`
	for name, change := range map[string]func(*connectors.ERPQuery){
		"form":              func(q *connectors.ERPQuery) { q.FormID = `SAL_SaleOrder";DROP TABLE x;--` },
		"no form":           func(q *connectors.ERPQuery) { q.FormID = "" },
		"field":             func(q *connectors.ERPQuery) { q.Fields = []string{"FID", evil} },
		"field with commas": func(q *connectors.ERPQuery) { q.Fields = []string{"FID,FBillNo"} },
		"no fields":         func(q *connectors.ERPQuery) { q.Fields = nil },
		"order":             func(q *connectors.ERPQuery) { q.OrderBy = []string{"FID DESC"} },
		"no order":          func(q *connectors.ERPQuery) { q.OrderBy = nil },
		"date field":        func(q *connectors.ERPQuery) { within(day(1, 1), day(2, 1))(q); q.DateField = evil },
		"empty window":      within(day(2, 1), day(2, 1)),
		"filter key":        func(q *connectors.ERPQuery) { q.In = map[string][]string{evil: {"1"}} },
		"filter value":      func(q *connectors.ERPQuery) { q.In = map[string][]string{"FID": {"1\x00"}} },
		"no limit":          func(q *connectors.ERPQuery) { q.Limit = 0 },
		"negative start":    func(q *connectors.ERPQuery) { q.Start = -1 },
	} {
		_, err := c.Rows(t.Context(), orders(change))
		if f := wantFault(t, err, orgflow.CodeInvalidConfig); f.Field == "" {
			t.Errorf("%s: %v", name, f)
		}
	}
	_, err := c.Form(t.Context(), "a b")
	wantFault(t, err, orgflow.CodeInvalidConfig)
	if n := asked(serviceValidate) + asked(serviceQuery); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}

func TestRenderedQuery(t *testing.T) {
	c, _, _ := scripted(t, nil)
	got, err := c.query(connectors.ERPQuery{
		FormID: "SAL_SaleOrder", Fields: []string{"FID", "FCustId.FNumber"}, OrderBy: []string{"FModifyDate", "FID"}, DateField: "FModifyDate",
		From: day(1, 1), Until: time.Date(2026, 2, 1, 8, 30, 5, 0, time.FixedZone("", 8*3600)), In: map[string][]string{"FSaleOrgId.FNumber": {"100", "2'0"}, "FBillNo": {"x"}},
		Limit: 10,
	})
	want := query{
		FormID: "SAL_SaleOrder", FieldKeys: "FID,FCustId.FNumber", Order: "FModifyDate ASC,FID ASC",
		Filter: "FModifyDate >= '2026-01-01 00:00:00' and FModifyDate < '2026-02-01 08:30:05' and FBillNo = 'x' and FSaleOrgId.FNumber in ('100','2''0')",
	}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	raw, err := text(got)
	if err != nil || raw != fmt.Sprintf(`{"FormId":"SAL_SaleOrder","FieldKeys":"FID,FCustId.FNumber","FilterString":%q,"OrderString":"FModifyDate ASC,FID ASC","TopRowCount":0,"StartRow":0,"Limit":0}`, want.Filter) {
		t.Errorf("%s, %v", raw, err)
	}
}
