package kingdee

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
	"orgflow/connectors/wire"
	"orgflow/internal/egress"
	"orgflow/internal/transport"
)

// The splitter agrees with encoding/json on every text.
func FuzzRows(f *testing.F) {
	for _, s := range []string{`[]`, `[[1,"a"],[2,null]]`, ` [ [ -1.50e3 , "\"]," ] ] `, `[[1]]`, `[[1,2,3]]`, `[[1,{}]]`, `[[1,[2]]]`, `{"a":1}`, `[1]`, `[[true,false]]`, `[["\\","]"]]`, `[[],[]]`, `null`, `"x"`} {
		f.Add([]byte(s), 2)
	}
	f.Fuzz(func(t *testing.T, body []byte, width int) {
		width = 1 + (width%8+8)%8
		body = bytes.TrimSpace(body)
		if !json.Valid(body) {
			return
		}
		got, err := splitRows(body, width)
		var want [][]json.RawMessage
		bad := body[0] != '[' || json.Unmarshal(body, &want) != nil
		for _, r := range want {
			bad = bad || len(r) != width || slices.ContainsFunc(r, func(c json.RawMessage) bool { return c[0] == '[' || c[0] == '{' })
		}
		var raw []json.RawMessage // a row that is null is no list
		if json.Unmarshal(body, &raw) == nil {
			bad = bad || slices.ContainsFunc(raw, func(r json.RawMessage) bool { return r[0] != '[' })
		}
		if (err != nil) != bad {
			t.Fatalf("%q in rows of %d: %v", body, width, err)
		}
		if err == nil && fmt.Sprintf("%s", got) != fmt.Sprintf("%s", want) {
			t.Errorf("%q: %s, want %s", body, got, want)
		}
	})
}

// Cells share the answer's bytes: a page costs a few allocations, however
// many rows it has.
func TestAPageCostsFewAllocations(t *testing.T) {
	row := `[100001,"XSDD000001","2026-01-15T00:00:00",12.5000000000,null],`
	body := []byte("[" + strings.TrimSuffix(strings.Repeat(row, 2000), ",") + "]")
	n := testing.AllocsPerRun(10, func() {
		if rows, err := splitRows(body, 5); err != nil || len(rows) != 2000 {
			t.Fatal(len(rows), err)
		}
	})
	if n > 40 {
		t.Errorf("%.0f allocations for 2,000 rows", n)
	}
}

func TestTypesOfFields(t *testing.T) {
	for code, want := range map[string]orgflow.ERPType{
		"231": orgflow.ERPText, "167": orgflow.ERPText, "175": orgflow.ERPText, "239": orgflow.ERPText, "36": orgflow.ERPText, "35": orgflow.ERPLongText, "99": orgflow.ERPLongText,
		"48": orgflow.ERPInteger, "52": orgflow.ERPInteger, "56": orgflow.ERPInteger, "127": orgflow.ERPInteger, "104": orgflow.ERPBoolean, "106": orgflow.ERPDecimal,
		"62": orgflow.ERPFloat, "61": orgflow.ERPTime, "42": orgflow.ERPTime, "40": orgflow.ERPDate, "232": orgflow.ERPText, "0": orgflow.ERPText,
	} {
		fields, notes := (&Client{}).fields(formEntity{ID: header, Fields: []formField{{ID: "FX", Type: "231"}, {ID: "FY", Type: wire.Text(code)}}})
		if len(fields) != 2 || fields[1].Type != want {
			t.Errorf("%s: %+v", code, fields)
		}
		if _, known := types[code]; known == (len(notes) > 0) {
			t.Errorf("%s: notes %q", code, notes)
		}
	}
	fields, notes := (&Client{}).fields(formEntity{ID: header, Fields: []formField{
		{ID: "FPicture", Type: "165"}, {ID: "F X", Type: "231"}, {ID: "FA", Type: "231"}, {ID: "FA", Type: "56"}, {Type: "231"},
	}})
	if len(fields) != 1 || fields[0].Type != orgflow.ERPText || len(notes) != 3 {
		t.Errorf("%+v, %q", fields, notes)
	}
}

func TestMetadataThatCannotBeUsed(t *testing.T) {
	for name, body := range map[string]string{
		"another form": `{"Result":{"NeedReturnData":{"Id":"BD_Customer","PkFieldName":"FCUSTID","Entrys":[{"Key":"FBillHead"}]}}}`,
		"no key":       `{"Result":{"NeedReturnData":{"Id":"SAL_SaleOrder","Entrys":[{"Key":"FBillHead"}]}}}`,
		"no header":    `{"Result":{"NeedReturnData":{"PkFieldName":"FID","Entrys":[{"Key":"FE","EntryPkFieldName":"FEntryID"}]}}}`,
		"nothing":      `{"Result":{"ResponseStatus":{"IsSuccess":true}}}`,
	} {
		c, _, _ := scripted(t, map[string][]string{serviceInfo: {body}})
		_, err := c.Form(t.Context(), "SAL_SaleOrder")
		if f := wantFault(t, err, orgflow.CodeUnavailable); f.VendorCode != "malformed" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// Servers answer 502 over HTTP/2, so a server that offers it is spoken to in
// HTTP/1.1.
func TestHTTP11Only(t *testing.T) {
	var proto string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		_, _ = w.Write([]byte(`{"LoginResultType":1,"KDSVCSessionId":"S"}`))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	old := oldHTTP(egress.List{})
	old.TLSClientConfig = &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12}
	c, err := New(Config{BaseURL: server.URL + "/k3cloud/", AcctID: "A", Username: "u", Password: "p"}, Options{Transport: old})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.login(t.Context()); err != nil || proto != "HTTP/1.1" {
		t.Errorf("%s, %v", proto, err)
	}
}

func TestAnAnswerThatIsTooLong(t *testing.T) {
	short := transport.Chain(&conformance.Wire{Samples: map[string]string{loginPath: `{"LoginResultType":1,"KDSVCSessionId":"S"}`, queryPath: `[[1,"abcdefghijklmnopqrstuvwxyz"],[1,"abcdefghijklmnopqrstuvwxyz"]]`}}, transport.BodyCap(48))
	_, err := wired(t, short).Rows(t.Context(), orders())
	f := wantFault(t, err, orgflow.CodeInvalidConfig)
	if !errors.Is(err, transport.ErrTooLong) || !strings.Contains(f.Advice, "page_size") {
		t.Errorf("%+v", f)
	}
}

func TestConfigProblemsAreListedAtOnce(t *testing.T) {
	_, err := ParseConfig([]byte(`{"base_url": "http://x/k3cloud/?a=b", "acct": 1, "password": 7, "app_id": "a", "sign": "yes", "lcid": -1, "qps": -1, "concurrency": 99, "timeout_seconds": -1, "max_page_size": 20000, "sign_digest": "md5"}`))
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	var at []string
	for _, p := range invalid.Problems {
		at = append(at, strings.TrimPrefix(p.Pointer, "/erp/"))
	}
	slices.Sort(at)
	if want := []string{"acct", "acct_id", "app_secret", "base_url", "concurrency", "lcid", "max_page_size", "password", "qps", "sign", "sign_digest", "timeout_seconds", "username"}; !slices.Equal(at, want) {
		t.Errorf("%v, want %v", at, want)
	}
}

func TestConfigs(t *testing.T) {
	const rest = `"acct_id": "a", "username": "u"`
	for doc, good := range map[string]bool{
		`{"type": "kingdee", "base_url": "https://erp.example.com/k3cloud/", "password": "p", ` + rest + `}`: true,
		`{"base_url": "http://10.0.0.1:8080/K3Cloud", "password": "p", ` + rest + `}`:                        true,
		`{"base_url": "http://x/k3cloud/", "app_id": "i", "app_secret": "s", "sign": true, ` + rest + `}`:    true,
		`{"base_url": "http://x/k3cloud/", "app_id": "i", "app_secret": "s", "password": "p", ` + rest + `}`: false,
		`{"base_url": "http://x/k3cloud/", "app_secret": "s", ` + rest + `}`:                                 false,
		`{"base_url": "http://x/k3cloud/", ` + rest + `}`:                                                    false,
		`{"base_url": "http://x/k3cloud/", "password": "p", "sign": true, ` + rest + `}`:                     false,
		`{"base_url": "http://x/", "password": "p", ` + rest + `}`:                                           false,
		`{"base_url": "ftp://x/k3cloud/", "password": "p", ` + rest + `}`:                                    false,
		`{"base_url": "http://u:p@x/k3cloud/", "password": "p", ` + rest + `}`:                               false,
		`[]`: false, `null`: false, `{} {}`: false,
	} {
		cfg, err := ParseConfig([]byte(doc))
		if (err == nil) != good {
			t.Errorf("%s: %v", doc, err)
		}
		if _, err := New(cfg, Options{}); good && err != nil {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// The handbook's table says what faults.go does.
func TestTheHandbookIsTrue(t *testing.T) {
	raw, err := os.ReadFile("../../docs/kingdee.md")
	if err != nil {
		t.Fatal(err)
	}
	for code, m := range meanings {
		if !slices.ContainsFunc(strings.Split(string(raw), "\n"), func(line string) bool {
			return strings.HasPrefix(line, "| `") && strings.Contains(line, "`"+code+"`") && strings.Contains(line, "`"+string(m.Code)+"` | "+m.Advice+" |")
		}) {
			t.Errorf("code %s is not there as %s with its advice", code, m.Code)
		}
	}
	for _, key := range []string{"sign_digest", "org_number", "concurrency", "max_page_size", "lcid", "qps", "timeout_seconds"} {
		if !strings.Contains(string(raw), "`"+key+"`") {
			t.Errorf("the setting %s is not there", key)
		}
	}
}

// The connection's registry keeps one client, and so one session.
func TestOneClientForAllCallers(t *testing.T) {
	made := 0
	r := connectors.NewRegistry(nil, nil).ERPs(map[string]connectors.ERPFactory{"kingdee": func(s connectors.Settings) (connectors.ERP, error) {
		made++
		cfg, err := ParseConfig(s.JSON)
		if err != nil {
			return nil, err
		}
		return New(cfg, Options{})
	}})
	s := connectors.Settings{CompanyID: 129, Name: "kingdee", JSON: []byte(`{"base_url": "http://x/k3cloud/", "acct_id": "a", "username": "u", "password": "p"}`)}
	first, err := r.ERP(s)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := r.ERP(s); err != nil || second != first || made != 1 {
		t.Errorf("%d clients, %v", made, err)
	}
	if _, err := r.ERP(connectors.Settings{Name: "sap"}); orgflow.AsFault(err).Code != orgflow.CodeInvalidConfig {
		t.Error(err)
	}
}

// A secret that begins just before the cut of a long text leaves nothing of
// itself behind.
func TestLongTextsShowNoPartOfASecret(t *testing.T) {
	const secret = "s3cret-password"
	a := &answer{found: found{code: "500", text: strings.Repeat("长", maxMessage-8) + secret + " and a stack"}}
	if f := a.meant(secret); strings.Contains(f.Message, "s3c") || len([]rune(f.Message)) < maxMessage/2 {
		t.Error(f.Message)
	}
}
