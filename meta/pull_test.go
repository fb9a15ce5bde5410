package meta_test

import (
	"errors"
	"strings"
	"testing"

	"orgflow"
	"orgflow/meta"
)

func TestDecodePull(t *testing.T) {
	files, err := meta.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err := files.DecodePull([]byte(`{"company_id": 129, "delete_limit": {"count": 5}}`))
	if err != nil || in.Origin != "ding_talk" || *in.DeleteLimit != (orgflow.DeleteLimit{Percent: 10, Count: 5}) {
		t.Errorf("%+v, %v", in, err)
	}
	for raw, want := range map[string]string{
		``:                                     "is empty",
		`{"company_id": 0}`:                    "/company_id",
		`{"company_id": 128}`:                  "/company_id: company 128 has no configuration",
		`{"company_id": 129, "originn": "x"}`:  `did you mean "origin"`,
		`{"company_id": 129, "origin": "emm"}`: "/origin: company 129 has no connection",
	} {
		var invalid *orgflow.InvalidError
		if _, err := files.DecodePull([]byte(raw)); !errors.As(err, &invalid) || invalid.Code != orgflow.CodeInvalidJob || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
}
