package dingtalk

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"orgflow"
)

func TestConfigProblemsAreListedTogether(t *testing.T) {
	_, err := New(Config{BaseURL: "oapi.dingtalk.com", AppSecret: "sss", RootDepartmentID: -1, QPS: new(float64(-1))}, Options{})
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) || len(invalid.Problems) != 5 {
		t.Fatalf("got %v, want five problems", err)
	}
	_, err = New(Config{BaseURL: "https://oapi.dingtalk.com", API: "v3", AppKey: "k", AppSecret: "sss"}, Options{})
	if err == nil || !strings.Contains(err.Error(), "/consumers/ding_talk/api") || !strings.Contains(err.Error(), `allowed are "v2" (current) and "v1"`) {
		t.Errorf("an unknown interface: %v", err)
	}
	if cfg := (Config{AppKey: "k", AppSecret: "sss"}); strings.Contains(fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), "sss") {
		t.Error("the configuration prints its secret")
	}
}
