package cli

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"orgflow/internal/api"
)

// flowWorld is what surrounds running flows, by hand.
type flowWorld struct {
	page      api.FlowPage
	filter    api.FlowFilter
	detail    api.FlowDetail
	timeline  []api.TimelinePage // one per call
	messages  []api.MessagePage  // one per call
	stats     api.FlowStats
	span      [2]time.Time
	format    api.ExportFormat
	decision  api.NewDecision
	defs      []api.DefinitionPage // one per call
	versions  []api.DefinitionInfo
	published []api.Published
	pub       api.Publication
	by        string
	dry       bool
	company   int64
	version   int
	imported  string
	force     bool
	draft     Draft
	err       error
}

func (w *flowWorld) PublishDefinition(_ context.Context, p api.Publication) (api.Published, error) {
	w.pub = p
	return api.Published{FlowCode: "ztbxx01", Version: 2, Published: true}, w.err
}

func (w *flowWorld) PublishDrafts(_ context.Context, company int64, by string, dryRun bool) ([]api.Published, error) {
	w.company, w.by, w.dry = company, by, dryRun
	return w.published, w.err
}

func (w *flowWorld) ImportDraft(_ context.Context, company int64, file string, raw []byte, force bool) (Draft, error) {
	w.company, w.imported, w.force = company, file+" "+string(raw), force
	return w.draft, w.err
}

// take takes the first of what is left, the zero value of nothing.
func take[T any](list *[]T) (first T) {
	if len(*list) > 0 {
		first, *list = (*list)[0], (*list)[1:]
	}
	return first
}

func (w *flowWorld) ListDefinitions(context.Context, int64, string, int) (api.DefinitionPage, error) {
	return take(&w.defs), w.err
}

func (w *flowWorld) DefinitionVersions(context.Context, int64, string) ([]api.DefinitionInfo, error) {
	return w.versions, w.err
}

func (w *flowWorld) GetDefinition(_ context.Context, _ int64, code string, version int) (api.Definition, error) {
	w.version = version
	return api.Definition{Raw: []byte(`{"flowCode":"` + code + `","nodes":[]}`)}, w.err
}

func (w *flowWorld) ExportDefinition(_ context.Context, _ int64, code string, version int) (json.RawMessage, error) {
	w.version = version
	return []byte(`{"schema":"flow-export/1","flowCode":"` + code + `"}`), w.err
}

func (w *flowWorld) ListFlows(_ context.Context, f api.FlowFilter) (api.FlowPage, error) {
	w.filter = f
	return w.page, w.err
}

func (w *flowWorld) GetFlow(context.Context, int64, string) (api.FlowDetail, error) {
	return w.detail, w.err
}

func (w *flowWorld) FlowTimeline(context.Context, int64, string, string, int) (api.TimelinePage, error) {
	return take(&w.timeline), w.err
}

func (w *flowWorld) FlowMessages(context.Context, int64, string, string, int) (api.MessagePage, error) {
	return take(&w.messages), w.err
}

func (w *flowWorld) FlowStats(_ context.Context, _ int64, _ string, from, to time.Time) (api.FlowStats, error) {
	w.span = [2]time.Time{from, to}
	return w.stats, w.err
}

func (w *flowWorld) ExportFlows(_ context.Context, f api.FlowFilter, format api.ExportFormat, out io.Writer) error {
	w.filter, w.format = f, format
	_, err := io.WriteString(out, "exported\n")
	if w.err != nil {
		err = w.err
	}
	return err
}

func (w *flowWorld) StoreDecision(_ context.Context, d api.NewDecision) (api.FlowDecision, error) {
	w.decision = d
	return api.FlowDecision{ID: 17, No: d.No, Round: 2, NodeSeq: d.NodeSeq, UserCode: d.UserCode, Decision: d.Decision}, w.err
}

func (w *flowWorld) ListDecisions(context.Context, int64, string) ([]api.FlowDecision, error) {
	return nil, w.err
}
