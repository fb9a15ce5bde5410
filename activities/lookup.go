package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors"
)

// lookups serves the transform "lookup" from the run's source, asking for
// each value once. A failure of the source is kept in err: the activity then
// fails and is tried again, instead of rejecting records that are fine.
type lookups struct {
	ctx    context.Context // the activity's; a transform has none to pass
	source connectors.Source
	known  map[[3]string]map[string]any // nil value: asked, not found
	err    error
}

func (s *Sync) lookups(ctx context.Context, job orgflow.Job) (*lookups, error) {
	source, err := s.source(job)
	return &lookups{ctx: ctx, source: source, known: map[[3]string]map[string]any{}}, err
}

// find implements mapping.Lookup.
func (l *lookups) find(model, by, value string) (map[string]any, bool, error) {
	key := [3]string{model, by, value}
	if record, asked := l.known[key]; asked {
		return record, record != nil, nil
	}
	record, err := l.ask(model, by, value)
	if err != nil {
		if l.err == nil {
			l.err = err
		}
		return nil, false, err
	}
	l.known[key] = record
	return record, record != nil, nil
}

func (l *lookups) ask(model, by, value string) (map[string]any, error) {
	filter, err := filterValue(by, value)
	if err != nil {
		return nil, err
	}
	page, err := l.source.ReadPage(l.ctx, connectors.Query{
		Model: model, FilterDict: map[string]json.RawMessage{by: filter}, PageSize: 1,
		Fields: []connectors.Column{{Key: "id", Field: []string{"id"}}, {Key: by, Field: []string{by}}},
	}, "")
	if err != nil || len(page.Rows) == 0 {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(page.Rows[0]))
	dec.UseNumber()
	var record map[string]any
	if err := dec.Decode(&record); err != nil {
		return nil, fmt.Errorf("record of %s: %w", model, err)
	}
	return record, nil
}

// filterValue writes a value as the source compares it: ids are numbers,
// everything else is text.
func filterValue(by, value string) (json.RawMessage, error) {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && (by == "id" || strings.HasSuffix(by, "_id")) && strconv.FormatInt(n, 10) == value {
		return json.RawMessage(value), nil
	}
	return json.Marshal(value)
}
