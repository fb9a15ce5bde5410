package activities

import (
	"context"
	"encoding/json"
	"testing"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/mapping"
)

// codeTable is a source that answers one model and remembers the questions.
type codeTable struct {
	rows  map[string]string // filter → row
	asked []string
	err   error
}

func (c *codeTable) ReadPage(_ context.Context, q connectors.Query, _ string) (connectors.Page, error) {
	filter, _ := json.Marshal(q.FilterDict)
	c.asked = append(c.asked, q.Model+string(filter))
	if row, ok := c.rows[string(filter)]; ok {
		return connectors.Page{Rows: []json.RawMessage{json.RawMessage(row)}}, c.err
	}
	return connectors.Page{}, c.err
}

var lookupEntry = []mapping.Entry{
	{Key: "id", Field: []string{"id"}, Type: "string"},
	{Key: "position", Field: []string{"position_id"}, Transforms: []mapping.Transform{{Op: "lookup", Model: "Position", Emit: "name"}}},
}

func TestLookupAsksTheSourceOncePerValue(t *testing.T) {
	source := &codeTable{rows: map[string]string{`{"id":7}`: `{"id":7,"name":"工程师"}`}}
	look := &lookups{ctx: context.Background(), source: source, known: map[[3]string]map[string]any{}}
	standard, problems := mapping.CompileStandard(orgflow.Person, lookupEntry, []mapping.Entry{{Key: "id", Type: "string", Required: true}}, "id", mapping.WithLookup(look.find))
	if standard == nil {
		t.Fatal(problems)
	}
	for _, row := range []string{`{"id":1,"position_id":7}`, `{"id":2,"position_id":7}`} {
		record, issues := standard.Map(json.RawMessage(row))
		if string(record.Fields["ext"]) != `{"position":"工程师"}` {
			t.Errorf("fields = %s, issues %v", record.Fields, issues)
		}
	}
	standard.Map(json.RawMessage(`{"id":3,"position_id":8}`))
	standard.Map(json.RawMessage(`{"id":4,"position_id":8}`))
	if len(source.asked) != 2 {
		t.Errorf("asked %v, want each value once, found or not", source.asked)
	}
}

func TestAFailingSourceFailsTheActivityNotTheRecord(t *testing.T) {
	source := &codeTable{err: orgflow.Faultf(orgflow.CodeUnavailable, "503")}
	look := &lookups{ctx: context.Background(), source: source, known: map[[3]string]map[string]any{}}
	if _, _, err := look.find("Position", "id", "7"); err == nil || orgflow.AsFault(look.err).Code != orgflow.CodeUnavailable {
		t.Errorf("err = %v, kept %v", err, look.err)
	}
}
