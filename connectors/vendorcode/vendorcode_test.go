package vendorcode_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors/vendorcode"
)

var others = vendorcode.Others{
	Gateway:  vendorcode.Meaning{Code: orgflow.CodeUnknownOutcome, Advice: "gateway"},
	Redirect: vendorcode.Meaning{Code: orgflow.CodeInvalidConfig, Advice: "redirect"},
	Unknown:  vendorcode.Meaning{Code: orgflow.CodeInternal, Advice: "unknown"},
}

func TestEachCodeOfARowHasItsMeaning(t *testing.T) {
	cause := errors.New("gone")
	table := vendorcode.Index(
		[]vendorcode.Row{{Codes: "1 2", Code: orgflow.CodeConflict, Advice: "a", Field: "name", After: time.Second, Cause: cause}},
		[]vendorcode.Row{{Codes: "http_503", Code: orgflow.CodeUnavailable, Advice: "b"}},
	)
	want := vendorcode.Meaning{Code: orgflow.CodeConflict, Advice: "a", Field: "name", After: time.Second, Cause: cause}
	for _, code := range []string{"1", "2"} {
		if got := table.Of(code, 200, others); got != want {
			t.Errorf("%s: %+v", code, got)
		}
	}
	for _, tc := range []struct {
		code   string
		status int
		advice string
	}{
		{"http_503", 503, "b"}, // a row wins over the status
		{"http_500", 500, "gateway"}, {"http_302", 302, "redirect"}, {"http_418", 418, "unknown"},
		{"3", 500, "unknown"}, {"3", 302, "unknown"}, // the vendor itself has spoken
		{"", 200, "unknown"},
	} {
		if got := table.Of(tc.code, tc.status, others); got.Advice != tc.advice {
			t.Errorf("%q with status %d: %+v, want %s", tc.code, tc.status, got, tc.advice)
		}
	}
}

func TestAnUnreadableAnswerIsNeverSuccess(t *testing.T) {
	for status, want := range map[int]string{200: "malformed", 204: "malformed", 299: "malformed", 199: "http_199", 302: "http_302", 404: "http_404", 503: "http_503"} {
		if got := vendorcode.Unreadable(status); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

// What became of a write may be unknown; a read is just made again.
func TestTheFaultOfAnAnswer(t *testing.T) {
	cause := errors.New("gone")
	m := vendorcode.Meaning{Code: orgflow.CodeUnknownOutcome, Advice: "wait", Field: "f", After: time.Minute, Cause: cause}
	want := orgflow.Fault{Code: orgflow.CodeUnknownOutcome, VendorCode: "7", Message: "text", Advice: "wait", Field: "f", RetryAfter: time.Minute, Err: cause}
	if got := m.Fault("7", "text", true); !reflect.DeepEqual(*got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := m.Fault("7", "text", false); got.Code != orgflow.CodeUnavailable {
		t.Errorf("a read: %+v", got)
	}
	if got := others.Unknown.Fault("7", "text", false); got.Code != orgflow.CodeInternal {
		t.Errorf("a read with another code: %+v", got)
	}
	if got := vendorcode.MalformedRead("x"); got.Code != orgflow.CodeUnavailable || got.VendorCode != vendorcode.Malformed || got.Message != "x" {
		t.Errorf("a malformed read: %+v", got)
	}
}
