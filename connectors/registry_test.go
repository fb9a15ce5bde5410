package connectors_test

import (
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// Settings that are wrong are reported with the file they stand in, whatever
// the connector knows of files; a place that is known already stays.
func TestWrongSettingsNameTheirFile(t *testing.T) {
	r := connectors.NewRegistry(map[string]connectors.ConsumerFactory{"hub": func(connectors.Settings) (connectors.Consumer, error) {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: []orgflow.Problem{
			{Pointer: "/consumers/hub/token", Message: "is required"}, {File: "hub.consumer.json", Line: 2, Column: 3, Message: "is broken"},
		}}
	}}, nil)
	_, err := r.Consumer(connectors.Settings{CompanyID: 7, Name: "hub"})
	for _, want := range []string{"companies/7/company.json: /consumers/hub/token: is required", "; hub.consumer.json:2:3: is broken"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if f := orgflow.AsFault(err); f.Code != orgflow.CodeInvalidConfig || f.Field != "/consumers/hub/token" {
		t.Errorf("%+v", f)
	}
}
