package aiguanhuai_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors/aiguanhuai"
	"orgflow/connectors/signing"
)

func TestEveryProblemIsListed(t *testing.T) {
	_, err := aiguanhuai.New(aiguanhuai.Config{
		BaseURL: "agh.example.com", Push: "sometimes", QPS: new(float64(-1)), BatchSize: 2001, MaxBytes: 10,
		OrgSource: new(-1), TaskParam: "id", Signing: signing.Config{Preset: "guess"},
	}, aiguanhuai.Options{})
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) || invalid.Code != orgflow.CodeInvalidConfig {
		t.Fatal(err)
	}
	var got []string
	for _, p := range invalid.Problems {
		got = append(got, strings.TrimPrefix(p.Pointer, "/consumers/ai_guan_huai/"))
	}
	want := []string{"base_url", "corp_id", "push", "qps", "batch_size", "max_bytes", "org_source", "task_param", "signing/preset"}
	if !slices.Equal(got, want) {
		t.Errorf("problems at %v, want %v", got, want)
	}
}

func TestTheKeyIsNotPrinted(t *testing.T) {
	cfg := aiguanhuai.Config{BaseURL: "https://agh.example.com", Signing: signing.Config{Preset: "hmac_sha1_sorted_query", Key: "agh-hmac-key"}}
	if text := fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, cfg.LogValue()); strings.Contains(text, "agh-hmac-key") {
		t.Error(text)
	}
}
