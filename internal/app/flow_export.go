package app

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"orgflow/internal/api"
	"orgflow/internal/store"
)

// ExportFlows writes the flows a filter selects, newest first.
func (f *Flows) ExportFlows(ctx context.Context, filter api.FlowFilter, format api.ExportFormat, w io.Writer) error {
	selected, err := f.filter(filter)
	if err != nil {
		return err
	}
	put, end := ndjson(w)
	if format == api.ExportCSV {
		put, end = flowsCSV(w)
	}
	for flow, err := range f.app.Store.ExportFlows(ctx, selected) {
		if err != nil {
			return err
		}
		if err := put(flow); err != nil {
			return fmt.Errorf("export of flows: %w", err)
		}
	}
	return end()
}

// ndjson writes a flow per line.
func ndjson(w io.Writer) (put func(store.FlowDetail) error, end func() error) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	put = func(d store.FlowDetail) error {
		head := flowHead(d.Flow)
		if head.CurrentNodes == nil {
			head.CurrentNodes = []int{}
		}
		return enc.Encode(api.FlowExport{Flow: head, Nodes: flowNodes(d.Visits), Tasks: flowTasks(d.Tasks)})
	}
	return put, func() error { return nil }
}

// csvHeader are the columns of an export for spreadsheets: a row per task,
// and one for a flow without any.
var csvHeader = []string{
	"flow_running_number", "flow_code", "version", "data_id", "title", "initiator", "initiator_name", "initiator_dept",
	"state", "round", "started_at", "closed_at",
	"node_seq", "node", "task_round", "visit", "task", "kind", "user_code", "user_name", "task_state", "cause", "opened_at", "done_at",
}

// flowsCSV writes for spreadsheets: with a byte order mark, by which they
// know UTF-8, and with texts that they would take for formulas made texts.
func flowsCSV(w io.Writer) (put func(store.FlowDetail) error, end func() error) {
	out := csv.NewWriter(w)
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		if _, err := io.WriteString(w, "\uFEFF"); err != nil {
			return err
		}
		return out.Write(csvHeader)
	}
	put = func(d store.FlowDetail) error {
		if err := begin(); err != nil {
			return err
		}
		for _, row := range csvRows(d) {
			if err := out.Write(row); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	}
	return put, func() error {
		if err := begin(); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	}
}

func csvRows(d store.FlowDetail) [][]string {
	closed := time.Time{}
	if d.ClosedAt != nil {
		closed = *d.ClosedAt
	}
	head := []string{
		cell(d.No), cell(d.Code), strconv.Itoa(d.Version), cell(d.DataID), cell(d.Title), cell(d.Initiator.Code), cell(d.Initiator.Name), cell(d.Initiator.Dept),
		string(d.State), strconv.Itoa(d.Round), csvTime(d.StartedAt), csvTime(closed),
	}
	if len(d.Tasks) == 0 {
		return [][]string{append(head, make([]string, len(csvHeader)-len(head))...)}
	}
	names := map[int64]string{}
	for _, v := range d.Visits {
		names[v.ID] = v.Name
	}
	rows := make([][]string, len(d.Tasks))
	for i, t := range d.Tasks {
		rows[i] = append(head[:len(head):len(head)],
			strconv.Itoa(t.NodeSeq), cell(names[t.Visit]), strconv.Itoa(t.Round), strconv.FormatInt(t.Visit, 10), strconv.FormatInt(t.ID, 10), t.Kind,
			cell(t.UserCode), cell(t.UserName), string(t.State), t.Cause, csvTime(t.OpenedAt), csvTime(t.DoneAt))
	}
	return rows
}

// cell keeps a text from being taken for a formula.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
