package hcm

import (
	"context"
	"net/http"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
)

type heard = conformance.Answer

// hcmCloud is a gateway that gives tokens out, with answers on a wire
// without a network.
func hcmCloud(t testing.TB) conformance.Vendor[*Source] {
	t.Helper()
	rows := func(ctx context.Context, s *Source) (any, error) {
		return s.ReadPage(ctx, connectors.Query{Model: "Employee"}, "")
	}
	return conformance.Vendor[*Source]{
		Name: "HCM", Samples: conformance.Samples(t, "testdata/samples.json"),
		Connect: func(t testing.TB, wire http.RoundTripper) *Source {
			t.Helper()
			cfg := Config{BaseURL: "http://hcm.invalid", HTTPClient: &http.Client{Transport: wire}, Auth: Auth{
				Mode: ClientCredentials, TokenURL: "http://hcm.invalid/token", ClientID: "id", ClientSecret: "s3cret-value",
			}}
			s, err := New(cfg, WithSleep(func(ctx context.Context, _ time.Duration) error { return ctx.Err() }))
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Askings: []conformance.Asking[*Source]{
			{Name: "read rows", Path: "/api/hcm.model.list", Do: rows, May: succeeds, Shows: showsRows},
			{Name: "token", Path: "/token", Do: rows, May: func(a heard) bool { return a.Status < 300 && len(conformance.Look(a.Body, "access_token")) > 0 }},
		},
	}
}

// places are where rows may stand (HCM reference § 1.6).
var places = [][]string{nil, {"result"}, {"data"}, {"result", "list"}, {"result", "data"}, {"data", "list"}, {"data", "data"}, {"list"}}

// succeeds: a status of success, no errcode but 0 and the warning, and no
// "success": false.
func succeeds(a heard) bool {
	if a.Status < 200 || a.Status > 299 || conformance.Says(a.Body, []string{"false"}, "success") && len(conformance.Look(a.Body, "success")) == 1 {
		return false
	}
	codes := conformance.Look(a.Body, "errcode")
	return len(codes) == 0 || conformance.Says(a.Body, []string{"0", "", "null", warningCode}, "errcode")
}

// showsRows: the rows are those of one of the lists, and no rows are shown
// only where a list is empty, or null and counted as 0.
func showsRows(got any, a heard) bool {
	page := got.(connectors.Page)
	for _, path := range places {
		for _, list := range conformance.Lists(a.Body, path...) {
			if len(list) == len(page.Rows) {
				return true
			}
		}
		if len(path) > 0 && len(page.Rows) == 0 && conformance.Says(a.Body, []string{"null"}, path...) {
			for _, count := range []string{"count", "total"} {
				if conformance.Says(a.Body, []string{"0"}, append(path[:len(path)-1:len(path)-1], count)...) {
					return true
				}
			}
		}
	}
	return false
}

// Whatever the answer to one call is.
func FuzzAnswers(f *testing.F) { conformance.FuzzAnswers(f, hcmCloud(f)) }

func TestBrokenAnswers(t *testing.T) { conformance.TestBrokenAnswers(t, hcmCloud(t)) }

func TestLongAnswers(t *testing.T) {
	conformance.TestLongAnswers(t, `{"errcode":0,"errmsg":"`, []string{"read rows", "token"}, hcmCloud(t))
}

// Every answer that the reference shows is read by ReadPage.
func TestTheSamplesOfTheReference(t *testing.T) {
	vendor := hcmCloud(t)
	for name, want := range map[string]struct {
		rows, declared int
		fault          string
	}{
		"rows": {rows: 1, declared: 1}, "rows with total": {rows: 2, declared: 7}, "rows in result.data": {rows: 1, declared: 4},
		"rows in data.list": {rows: 2, declared: 2}, "rows in data": {rows: 1, declared: -1}, "no rows": {}, "token": {rows: 1, declared: 1},
		"an error": {fault: "forbidden 18003"}, "an error under a status": {fault: "invalid_config 80001"}, "an expired login": {fault: "unauthorized 51006"},
		"no success": {fault: "internal "}, "the login page": {fault: "unauthorized "}, "the browser's envelope": {fault: "invalid_config "},
	} {
		found := false
		for _, s := range vendor.Samples {
			if s.Name != name {
				continue
			}
			found = true
			wire := &conformance.Wire{Samples: vendor.Good(), Broken: s.Path, Given: heard{Status: s.Status, Body: s.Body()}}
			page, err := vendor.Connect(t, wire).ReadPage(t.Context(), connectors.Query{Model: "Employee"}, "")
			if want.fault != "" {
				if f := orgflow.AsFault(err); f == nil || string(f.Code)+" "+f.VendorCode != want.fault || f.Message == "" {
					t.Errorf("%s: %+v, want %s", name, f, want.fault)
				}
			} else if err != nil || len(page.Rows) != want.rows || page.Declared != want.declared {
				t.Errorf("%s: %d rows of %d, %v", name, len(page.Rows), page.Declared, err)
			}
		}
		if !found {
			t.Errorf("there is no sample %q", name)
		}
	}
	if n := len(vendor.Samples); n != 13 {
		t.Errorf("%d samples, of which 13 are read", n)
	}
}

// Whatever an answer repeats of what was sent, no error shows it.
func FuzzEchoes(f *testing.F) { conformance.FuzzEchoes(f, hcmCloud(f)) }
