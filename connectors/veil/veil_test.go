package veil_test

import (
	"errors"
	"fmt"
	"testing"

	"orgflow"
	"orgflow/connectors/veil"
)

func TestValuesAreTakenOutOfATextWhereverTheyStand(t *testing.T) {
	body := map[string]any{"name": "测试甲", "mobile": "10000000001", "title": "工程师", "short": "张", "order": int64(7)}
	values := veil.Values(body, []string{"mobile", "name", "short", "order", "absent"})
	got := veil.Text("10000000001 belongs to 测试甲 (张 7), 工程师; 测试甲", values)
	if want := "*** belongs to *** (张 7), 工程师; ***"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := veil.Text("as it was", []string{"", "x y"}); got != "as it was" {
		t.Errorf("%q", got)
	}
}

// A renewal's fault is handed to everybody who waited for the token.
func TestTheFaultOfOthersIsNotTouched(t *testing.T) {
	shared := &orgflow.Fault{Code: orgflow.CodeConflict, VendorCode: "7", Message: "测试甲 is taken"}
	err := veil.Fault(fmt.Errorf("call: %w", shared), []string{"测试甲"})
	if f := orgflow.AsFault(err); f.Message != "*** is taken" || f.VendorCode != "7" || shared.Message != "测试甲 is taken" {
		t.Errorf("%+v, and the shared one %+v", f, shared)
	}
	other := errors.New("测试甲")
	if veil.Fault(other, []string{"测试甲"}) != other || veil.Fault(nil, nil) != nil {
		t.Error("an error that is no fault was changed")
	}
}
