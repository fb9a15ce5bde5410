package rest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"net/http"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/rest"
	restsim "orgflow/connectors/rest/sim"
	"orgflow/connectors/rest/simbase"
)

// The handbook's example works as it stands.
func TestTheHandbooksExample(t *testing.T) {
	raw, err := os.ReadFile("../../docs/rest-consumer.md")
	if err != nil {
		t.Fatal(err)
	}
	var example string
	for _, m := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(raw), -1) {
		if strings.Contains(m[1], `"service_class"`) {
			example = m[1]
		}
	}
	def, err := rest.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	sim := restsim.New("hub", def, simbase.Options{})
	c := client(t, example, http.StripPrefix("/base", sim), `{"client_id": "restsim-client", "client_secret": "restsim-secret"}`)
	applied(t, c, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Fields: map[string]any{"id": "11", "name": "研发", "parent": "0"}})
	person := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, Fields: map[string]any{"no": "E1", "name": "测试甲", "sex": "2", "joined": "2026-11-22", "departments": "11"}}
	got := c.(connectors.Batcher).ApplyBatch(t.Context(), []connectors.Effect{person})
	if got.Results[0].Err != nil {
		t.Fatal(got.Results[0].Err)
	}
	page, err := c.(connectors.Directory).ReadMembers(t.Context(), "11", "")
	if err != nil || len(page.Records) != 1 || page.Records[0].Fields["sex"] != "2" || page.Records[0].Fields["joined"] != "2026-11-22" {
		t.Errorf("%+v, %v", page, err)
	}
}

// Every action and every key of a field stands in the handbook.
func TestTheHandbookIsComplete(t *testing.T) {
	raw, err := os.ReadFile("../../docs/rest-consumer.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("definition.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:Action = "|json:")([a-z_0-9]+)`).FindAllStringSubmatch(string(source), -1) {
		if !strings.Contains(string(raw), m[1]) {
			t.Errorf("%s is not in the handbook", m[1])
		}
	}
}
