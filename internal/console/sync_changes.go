package console

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/internal/api"
)

// A changeRow is a change as the pages show it.
type changeRow struct {
	orgflow.Change
	Name   string // of the record, empty where it is not known
	Fields []fieldRow
	Record string // link to the record's log, empty in a what-if
}

// A fieldRow is a difference of one field.
type fieldRow struct {
	Name, Before, After string
	New                 bool // there was no value before
}

var (
	states = []orgflow.State{
		orgflow.Planned, orgflow.Done, orgflow.Failed, orgflow.Blocked, orgflow.Held, orgflow.Parked,
		orgflow.PendingInvite, orgflow.NeedsHuman, orgflow.Disputed, orgflow.Skipped,
	}
	ops = []orgflow.Op{orgflow.Insert, orgflow.Update, orgflow.Delete}
)

// known returns what of an address is one of the values there are.
func known[T ~string](value string, all []T) T {
	if slices.Contains(all, T(value)) {
		return T(value)
	}
	return ""
}

// changes is a run's plan as a table, in the order of its execution.
func (c *Console) changes(r *http.Request) (content, error) {
	s, err := c.Runs.Summary(r.Context(), inPath(r, "id"))
	if err != nil {
		return content{}, err
	}
	q := r.URL.Query()
	f := api.ChangeFilter{State: known(q.Get("state"), states), Op: known(q.Get("op"), ops), Kind: known(q.Get("kind"), kinds), Cursor: q.Get("cursor"), Limit: pageLength}
	page, err := c.Runs.ListChanges(r.Context(), s.ID, f)
	if err != nil {
		return content{}, err
	}
	rows, err := c.changeRows(r.Context(), s, page.Changes)
	if err != nil {
		return content{}, err
	}
	data := struct {
		orgflow.Summary
		Link    string
		Filter  api.ChangeFilter
		States  []orgflow.State
		Ops     []orgflow.Op
		Kinds   []orgflow.Kind
		Changes []changeRow
		Next    string
	}{Summary: s, Link: runLink(s.ID), Filter: f, States: states, Ops: ops, Kinds: kinds, Changes: rows}
	if page.NextCursor != "" {
		next := url.Values{"cursor": {page.NextCursor}}
		for key, value := range map[string]string{"state": string(f.State), "op": string(f.Op), "kind": string(f.Kind)} {
			if value != "" {
				next.Set(key, value)
			}
		}
		data.Next = runLink(s.ID) + "/changes?" + next.Encode()
	}
	return content{template: "sync-changes", title: "plan", section: "sync", data: data}, nil
}

// changeRows are changes of a run with the names of their records.
func (c *Console) changeRows(ctx context.Context, s orgflow.Summary, changes []orgflow.Change) ([]changeRow, error) {
	ids := make([]int, len(changes))
	for i, change := range changes {
		ids[i] = change.ID
	}
	names, err := c.Plans.Names(ctx, s.ID, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]changeRow, len(changes))
	for i, change := range changes {
		rows[i] = rowOf(change)
		rows[i].Name = names[change.ID]
		rows[i].Record = recordLink(orgflow.Target{CompanyID: s.CompanyID, Consumer: s.Consumer}, change.Key())
	}
	return rows, nil
}

func rowOf(c orgflow.Change) changeRow {
	row := changeRow{Change: c}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		d := c.Fields[name]
		row.Fields = append(row.Fields, fieldRow{Name: name, Before: value(d.Before), After: value(d.After), New: d.Before == nil})
	}
	return row
}

// value is a field's value as people read it.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case string:
		return orgflow.ShowRefs(v)
	}
	text, err := asText(v, "")
	if err != nil {
		return "?"
	}
	return orgflow.ShowRefs(text)
}

// asText writes a value as JSON for people, "<" and "&" as they are: templates
// escape what they show.
func asText(v any, indent string) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// recordLink is the page of what was sent for a record.
func recordLink(target orgflow.Target, key orgflow.RecordKey) string {
	return "/sync/records?" + url.Values{
		"company": {strconv.FormatInt(target.CompanyID, 10)}, "consumer": {target.Consumer}, "kind": {string(key.Kind)}, "id": {key.ID},
	}.Encode()
}

// logRow is one attempt at a change of a record.
type logRow struct {
	api.LogEntry
	Run  string // link
	Sent string // indented
}

// recordLog is what was sent for one record, newest first.
func (c *Console) recordLog(r *http.Request) (content, error) {
	q := r.URL.Query()
	company, _ := strconv.ParseInt(q.Get("company"), 10, 64) // what is no number is a company without records
	target := orgflow.Target{CompanyID: company, Consumer: q.Get("consumer")}
	key := orgflow.RecordKey{Kind: known(q.Get("kind"), kinds), ID: q.Get("id")}
	data := struct {
		Target    orgflow.Target
		Key       orgflow.RecordKey
		Kinds     []orgflow.Kind
		Companies []int64
		Consumers []string
		Asked     bool
		Entries   []logRow
		Older     string
	}{Target: target, Key: key, Kinds: kinds, Companies: c.Files.Companies(), Consumers: c.consumers(), Asked: key.ID != "" && key.Kind != ""}
	if data.Asked {
		page, err := c.Records.RecordLog(r.Context(), target, key, q.Get("cursor"), pageLength)
		if err != nil {
			return content{}, err
		}
		for _, e := range page.Entries {
			data.Entries = append(data.Entries, logRow{LogEntry: e, Run: runLink(e.RunID), Sent: pretty(e.Request)})
		}
		if page.NextCursor != "" {
			data.Older = recordLink(target, key) + "&cursor=" + url.QueryEscape(page.NextCursor)
		}
	}
	return content{template: "sync-records", title: "records", section: "sync", data: data}, nil
}

// pretty is JSON indented, "" for none.
func pretty(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return string(raw)
	}
	text, err := asText(v, "  ")
	if err != nil {
		return string(raw)
	}
	return text
}
