package api

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// flowWorld is what surrounds running flows, by hand: it remembers what it
// was asked.
type flowWorld struct {
	*world
	publication Publication
	filter      FlowFilter
	format      ExportFormat
	decision    NewDecision
	row         json.RawMessage
	task        BoardTask
	absence     Absence
	span        [2]time.Time
	pieces      []string // what an export writes
	exportErr   error    // after the pieces
}

func (w *flowWorld) PublishDefinition(ctx context.Context, p Publication) (Published, error) {
	w.publication = p
	return Published{FlowCode: "ztbxx01", Version: 3, SHA256: "ab", Published: !p.DryRun}, w.begin(ctx)
}

func (w *flowWorld) ListDefinitions(ctx context.Context, _ int64, _ string, limit int) (DefinitionPage, error) {
	w.limit = limit
	return DefinitionPage{}, w.begin(ctx)
}

func (w *flowWorld) DefinitionVersions(ctx context.Context, _ int64, code string) ([]DefinitionInfo, error) {
	return []DefinitionInfo{{FlowCode: code, Version: 3}}, w.begin(ctx)
}

func (w *flowWorld) GetDefinition(ctx context.Context, _ int64, code string, version int) (Definition, error) {
	return Definition{DefinitionInfo: DefinitionInfo{FlowCode: code, Version: version, SHA256: "ab"}, Raw: []byte(`{"flowCode":"` + code + `"}`)}, w.begin(ctx)
}

func (w *flowWorld) ExportDefinition(ctx context.Context, _ int64, code string, _ int) (json.RawMessage, error) {
	return []byte(`{"schema":"flow-export/1","flowCode":"` + code + `"}`), w.begin(ctx)
}

func (w *flowWorld) ListFlows(ctx context.Context, f FlowFilter) (FlowPage, error) {
	w.filter = f
	return FlowPage{Flows: []Flow{{No: "n1"}}}, w.begin(ctx)
}

func (w *flowWorld) GetFlow(ctx context.Context, _ int64, no string) (FlowDetail, error) {
	return FlowDetail{Flow: Flow{No: no}}, w.begin(ctx)
}

func (w *flowWorld) FlowTimeline(ctx context.Context, _ int64, _, _ string, limit int) (TimelinePage, error) {
	w.limit = limit
	return TimelinePage{}, w.begin(ctx)
}

func (w *flowWorld) FlowMessages(ctx context.Context, _ int64, _, _ string, limit int) (MessagePage, error) {
	w.limit = limit
	return MessagePage{}, w.begin(ctx)
}

func (w *flowWorld) FlowStats(ctx context.Context, _ int64, code string, from, to time.Time) (FlowStats, error) {
	w.span = [2]time.Time{from, to}
	return FlowStats{FlowCode: code}, w.begin(ctx)
}

func (w *flowWorld) ExportFlows(ctx context.Context, f FlowFilter, format ExportFormat, out io.Writer) error {
	w.filter, w.format = f, format
	if err := w.begin(ctx); err != nil {
		return err
	}
	for _, p := range w.pieces {
		if _, err := io.WriteString(out, p); err != nil {
			return err
		}
	}
	return w.exportErr
}

func (w *flowWorld) StoreDecision(ctx context.Context, d NewDecision) (FlowDecision, error) {
	w.decision = d
	return FlowDecision{ID: 17, No: d.No, Round: 2, NodeSeq: d.NodeSeq, UserCode: d.UserCode, Decision: d.Decision}, w.begin(ctx)
}

func (w *flowWorld) ListDecisions(ctx context.Context, _ int64, _ string) ([]FlowDecision, error) {
	return nil, w.begin(ctx)
}

func (w *flowWorld) PutRow(ctx context.Context, k RowKey, row json.RawMessage) (BoardRow, error) {
	w.row = row
	return BoardRow{Board: k.Board, DataID: k.DataID, Rev: 1, Row: row}, w.begin(ctx)
}

func (w *flowWorld) GetRow(ctx context.Context, k RowKey) (BoardRow, error) {
	return BoardRow{Board: k.Board, DataID: k.DataID, Rev: 1, Row: []byte(`{"amount":1.10}`)}, w.begin(ctx)
}

func (w *flowWorld) PutTask(ctx context.Context, _ int64, t BoardTask) (BoardTask, error) {
	w.task = t
	return t, w.begin(ctx)
}

func (w *flowWorld) GetTask(ctx context.Context, _ int64, no string) (BoardTask, error) {
	return BoardTask{No: no}, w.begin(ctx)
}

func (w *flowWorld) PutAbsence(ctx context.Context, _ int64, a Absence) (Absence, error) {
	w.absence = a
	a.ID = 5
	return a, w.begin(ctx)
}

func (w *flowWorld) DeleteAbsence(ctx context.Context, _, _ int64) error { return w.begin(ctx) }

func (w *flowWorld) ListAbsences(ctx context.Context, _ int64, _ string, from, till time.Time) ([]Absence, error) {
	w.span = [2]time.Time{from, till}
	return nil, w.begin(ctx)
}
