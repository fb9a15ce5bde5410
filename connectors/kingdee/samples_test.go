package kingdee

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
)

type heard = conformance.Answer

func wired(t testing.TB, wire http.RoundTripper) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: "http://erp.invalid/k3cloud/", AcctID: "A", Username: "u", Password: "s3cret-password"}, Options{Transport: wire})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rowsOf(ctx context.Context, c *Client) (any, error) {
	page, err := c.Rows(ctx, orders())
	return page, err
}

func formOf(ctx context.Context, c *Client) (any, error) { return c.Form(ctx, "SAL_SaleOrder") }

func k3Cloud(t testing.TB) conformance.Vendor[*Client] {
	t.Helper()
	return conformance.Vendor[*Client]{
		Name: "Kingdee", Samples: conformance.Samples(t, "testdata/samples.json"), Connect: wired,
		Askings: []conformance.Asking[*Client]{
			{Name: "rows", Path: queryPath, Do: rowsOf, May: isRows, Shows: showsRows, Gone: saysNoForm},
			{Name: "form", Path: infoPath, Do: formOf, May: isForm, Shows: showsForm, Gone: saysNoForm},
			{Name: "login", Path: loginPath, Do: rowsOf, May: isLogin, Gone: func(heard) bool { return false }},
		},
	}
}

func good(a heard) bool { return a.Status >= 200 && a.Status < 300 }

// isRows: a list of rows of two plain values each, or "no data" (MsgCode 10).
func isRows(a heard) bool {
	if strings.Contains(string(a.Body), "MsgCode") {
		return strings.Contains(string(a.Body), "10")
	}
	_, ok := rowsIn(a)
	return ok && good(a)
}

func rowsIn(a heard) ([][]json.RawMessage, bool) {
	var rows [][]json.RawMessage
	body := conformance.Trim(a.Body)
	if len(body) == 0 || body[0] != '[' || json.Unmarshal(body, &rows) != nil {
		return nil, false
	}
	return rows, !slices.ContainsFunc(rows, func(r []json.RawMessage) bool {
		return len(r) != 2 || slices.ContainsFunc(r, func(c json.RawMessage) bool { return c[0] == '{' || c[0] == '[' })
	})
}

func showsRows(got any, a heard) bool {
	rows, _ := rowsIn(a)
	return cmp.Equal(rows, got.(connectors.ERPPage).Rows) || len(rows) == 0 && len(got.(connectors.ERPPage).Rows) == 0
}

func isForm(a heard) bool {
	return good(a) && len(conformance.Look(a.Body, "Result", "NeedReturnData", "PkFieldName")) > 0 &&
		!(conformance.Says(a.Body, []string{"false", "0", "False"}, "Result", "ResponseStatus", "IsSuccess") && len(conformance.Look(a.Body, "Result", "ResponseStatus", "IsSuccess")) == 1)
}

// showsForm: a form has a key and no more entries than the answer.
func showsForm(got any, a heard) bool {
	form := got.(orgflow.ERPForm)
	for _, list := range conformance.Lists(a.Body, "Result", "NeedReturnData", "Entrys") {
		if len(list) > len(form.Entries) && form.Key != "" {
			return true
		}
	}
	return false
}

func isLogin(a heard) bool {
	return good(a) && (conformance.Says(a.Body, []string{"1", "-5"}, "LoginResultType") || conformance.Says(a.Body, []string{"true", "1"}, "IsSuccessByAPI")) &&
		len(conformance.Look(a.Body, "KDSVCSessionId")) > 0
}

func saysNoForm(a heard) bool {
	return strings.Contains(string(a.Body), "业务对象不存在") || escaped(a.Body)
}

// escaped: the words are written as \u….
func escaped(body []byte) bool { return strings.Contains(string(body), `\u`) }

// Whatever the answer to one call is.
func FuzzAnswers(f *testing.F) { conformance.FuzzAnswers(f, k3Cloud(f)) }

func TestBrokenAnswers(t *testing.T) { conformance.TestBrokenAnswers(t, k3Cloud(t)) }

func TestLongAnswers(t *testing.T) {
	conformance.TestLongAnswers(t, `[[1,"`, []string{"rows", "form", "login"}, k3Cloud(t))
}

// Every answer that the reference shows is understood by the method that
// makes the call.
func TestTheSamplesOfTheReference(t *testing.T) {
	vendor := k3Cloud(t)
	want := map[string]string{ // the fault, empty for a success
		"login": "", "login, needs a form": "", "rows": "", "no rows": "", "metadata": "",
		"login, wrong password": "unauthorized login_0", "login, locked": "unauthorized login_locked", "login, not allowed": "forbidden login_not_allowed",
		"login, wrong account set": "invalid_config login_no_account_set", "login, application": "forbidden login_app_user",
		"login, signature": "unauthorized login_signature", "login, lost": "invalid_config login_lost",
		"lost, as a row": "unavailable 1", "lost, in a list": "unavailable 1", "lost, as an object": "unavailable 1", "lost, with nothing": "unavailable 1",
		"no right": "forbidden 2", "no such field": "invalid_config no_field", "no such form": "not_found no_form", "bad query": "internal bad_query",
		"in use": "unavailable busy", "call limit": "throttled 14", "a list of errors": "internal errors", "one error": "internal errors",
		"plain text": "internal response_error", "malformed body": "unavailable http_500", "metadata of no form": "not_found no_form",
	}
	for _, s := range vendor.Samples {
		t.Run(s.Name, func(t *testing.T) {
			fault, known := want[s.Name]
			if !known {
				t.Fatal("nothing is done with this sample")
			}
			do := rowsOf
			if s.Path == infoPath {
				do = formOf
			}
			wire := &conformance.Wire{Samples: vendor.Good(), Broken: s.Path, Given: heard{Status: s.Status, Body: s.Body()}}
			_, err := do(t.Context(), wired(t, wire))
			if fault == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if f := orgflow.AsFault(err); f == nil || string(f.Code)+" "+f.VendorCode != fault || f.Message == "" {
				t.Errorf("%v, want %s", err, fault)
			}
		})
	}
	if len(vendor.Samples) != len(want) {
		t.Errorf("%d samples, of which %d are expected", len(vendor.Samples), len(want))
	}
}

func TestTheSampleOfMetadata(t *testing.T) {
	vendor := k3Cloud(t)
	got, err := formOf(t.Context(), wired(t, &conformance.Wire{Samples: vendor.Good()}))
	want := orgflow.ERPForm{
		ID: "SAL_SaleOrder", Name: "销售订单", Key: "FID",
		Fields: []orgflow.ERPField{{ID: "FBillNo", Name: "单据编号", Type: orgflow.ERPText}, {ID: "FCustId", Name: "客户", Type: orgflow.ERPInteger, Lookup: "BD_Customer"}},
		Entries: []orgflow.ERPEntry{{ID: "FSaleOrderEntry", Name: "订单明细", Key: "FEntryID",
			Fields: []orgflow.ERPField{{ID: "FQty", Name: "数量", Type: orgflow.ERPDecimal}}}},
		Notes: []string{"FBillHead.FOld: left out: not visible at the ERP",
			"FSaleOrderEntry.FAuxPropId: left out: the parent of flexible dimensions; name these, like FAuxPropId.FF100001.FName"},
	}
	if d := cmp.Diff(any(want), got); err != nil || d != "" {
		t.Error(err, d)
	}
}

// Whatever an answer repeats of what was sent, no error shows it.
func FuzzEchoes(f *testing.F) { conformance.FuzzEchoes(f, k3Cloud(f)) }
