package conformance

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"orgflow"
)

// EchoMark stands in a made-up answer for what the request said that must
// not be shown.
const EchoMark = "§"

// Echoes are ways in which vendors repeat what they were sent.
var Echoes = []string{
	`{"errcode":40014,"errmsg":"invalid access_token: §"}`,
	`{"errcode":60104,"errmsg":"mobile § existed, hint: [1700000000_1_abc], from ip: 192.0.2.1"}`,
	`{"errcode":"88","errmsg":"ding talk error[subcode=40014,submsg=不合法的access_token §]","sub_msg":"§"}`,
	`{"code":"InvalidParameter","message":"The value § of x-acs-dingtalk-access-token is wrong","requestid":"r"}`,
	`{"code":500,"msg":"sign error, expected §","data":{"detail":"§"}}`,
	`{"error":"invalid_client","error_description":"client_secret § is wrong"}`,
	`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"401","detail":"Authorization: Bearer §"}`,
	`[[{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":"§","Message":"会话信息已丢失 §"}]}}}]]`,
	`response_error:{"msg":"session § lost"}`,
	`<html><head><title>§</title></head><body>GET /x?access_token=§&corpsecret=§ Cookie: §</body></html>`,
	"§", `"§"`, `{"errcode":"§","errmsg":"§"}`, `{"errcode":-1,"errmsg":"https://vendor.example/x?token=§"}`,
}

// echoing is a wire whose call Broken is answered with an answer that repeats
// what must not be shown.
type echoing struct {
	Wire
	seen []string
}

// RoundTrip implements http.RoundTripper.
func (e *echoing) RoundTrip(req *http.Request) (*http.Response, error) {
	var raw []byte
	if req.Body != nil {
		raw, _ = io.ReadAll(req.Body) // the connector's own bytes
		req.Body = io.NopCloser(bytes.NewReader(raw))
	}
	if calls := []string{req.Method + " " + req.URL.Path, req.URL.Path}; !slices.Contains(calls, e.Broken) {
		return e.Wire.RoundTrip(req)
	}
	hidden := hiddenIn(req, raw)
	res, err := e.Wire.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, _ := io.ReadAll(res.Body) // it is in memory
	e.seen = append(e.seen, hidden...)
	res.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(body, []byte(EchoMark), []byte(strings.Join(hidden, " ")))))
	return res, nil
}

// hiddenIn are the secrets and the personal values of a request, by the
// names they are sent under.
func hiddenIn(req *http.Request, raw []byte) []string {
	var out []string
	add := func(name, value string) {
		name = strings.ToLower(name)
		if len(value) >= 6 && slices.ContainsFunc([]string{"token", "secret", "password", "authorization", "session", "cookie", "signature", "mobile", "email", "idcard"},
			func(part string) bool { return strings.Contains(name, part) }) && !slices.Contains(out, value) {
			out = append(out, value)
		}
	}
	values := func(of map[string][]string) {
		for name, list := range of {
			for _, v := range list {
				add(name, v[strings.LastIndexByte(v, ' ')+1:])
			}
		}
	}
	values(req.URL.Query())
	values(req.Header)
	var doc any
	if json.Unmarshal(raw, &doc) == nil {
		named("", doc, add)
	} else if form, err := url.ParseQuery(string(raw)); err == nil {
		values(form)
	}
	slices.Sort(out)
	return out
}

func named(name string, v any, visit func(name, value string)) {
	switch v := v.(type) {
	case string:
		visit(name, v)
	case []any:
		for _, element := range v {
			named(name, element, visit)
		}
	case map[string]any:
		for key, element := range v {
			named(key, element, visit)
		}
	}
}

// JudgeEcho lets the call of an asking be answered with what it said, and
// complains where an error shows it.
func (v Vendor[C]) JudgeEcho(t *testing.T, k Asking[C], a Answer) {
	t.Helper()
	wire := &echoing{Wire: Wire{Samples: v.Good(), Broken: k.Path, Given: a}}
	maps.Copy(wire.Samples, k.With)
	_, err := k.Do(t.Context(), v.Connect(t, wire))
	if err == nil {
		return
	}
	f := orgflow.AsFault(err)
	for _, hidden := range wire.seen {
		for _, text := range []string{strings.ReplaceAll(err.Error(), f.Advice, ""), f.Message, f.VendorCode, f.Field} { // the advice is ours
			if strings.Contains(text, hidden) {
				t.Errorf("%s: %s, answered %d %.200q: shows %q: %s", v.Name, k.Name, a.Status, a.Body, hidden, text)
			}
		}
	}
}

// FuzzEchoes fuzzes answers that repeat what the request said, to all askings
// of one or more vendors: no error may show it.
func FuzzEchoes[C any](f *testing.F, vendors ...Vendor[C]) {
	for v, vendor := range vendors {
		for i := range vendor.Askings {
			for n, echo := range Echoes {
				f.Add(uint8(v), uint8(i), []uint16{0, 0, 200, 201, 300}[n%5], []byte(echo))
			}
		}
	}
	f.Fuzz(func(t *testing.T, v, which uint8, status uint16, body []byte) {
		vendor := vendors[int(v)%len(vendors)]
		vendor.JudgeEcho(t, vendor.Askings[int(which)%len(vendor.Askings)], Answer{Status: 200 + int(status)%400, Body: body})
	})
}
