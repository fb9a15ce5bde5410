package orgflow_test

import (
	"errors"
	"testing"

	"orgflow"
)

func TestAMessageIsStoredAndReadAlike(t *testing.T) {
	m := orgflow.MessageText{Title: "待审批：<甲>", Text: "编号 1\n第1轮 & \"x\"", Link: "http://boards.invalid/?no=1&a=b"}
	first, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := m.Encode(); again != first {
		t.Errorf("%q, then %q", first, again)
	}
	if got, err := orgflow.DecodeMessage(first); err != nil || got != m {
		t.Errorf("%+v, %v", got, err)
	}
	for _, body := range []string{"", "null", "[]", `"x"`, `{"title": "a"}`, `{"text": "a"}`, `{"title": "a", "text": "b", "more": 1}`, first + first, first[:9]} {
		_, err := orgflow.DecodeMessage(body)
		if f, ok := errors.AsType[*orgflow.Fault](err); !ok || f.Code != orgflow.CodeInvalidRecord {
			t.Errorf("%q: %v", body, err)
		}
	}
}
