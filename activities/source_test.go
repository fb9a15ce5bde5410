package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"orgflow"
	"orgflow/connectors"
)

// gateway is a source that serves rows in pages, and whose pages can repeat,
// shrink or fail.
type gateway struct {
	mu       sync.Mutex
	rows     map[string][]json.RawMessage // by model
	perPage  int
	declared func(model string, rows int) int // nil: as many as there are
	repeat   bool                             // every page is the first one
	fail     map[string]error                 // by "Employee/3", page numbers from 1
	after    func(model string, page int)     // once a page is handed out, under the lock
	asked    []string
}

func newGateway() *gateway {
	return &gateway{rows: map[string][]json.RawMessage{}, perPage: 500, fail: map[string]error{}}
}

func (g *gateway) ReadPage(_ context.Context, q connectors.Query, cursor string) (connectors.Page, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	from, _ := strconv.Atoi(cursor)
	page := from/g.perPage + 1
	name := fmt.Sprintf("%s/%d", q.Model, page)
	g.asked = append(g.asked, name)
	if err := g.fail[name]; err != nil {
		return connectors.Page{Calls: 1}, err
	}
	rows := g.rows[q.Model]
	out := connectors.Page{Calls: 1, Declared: len(rows)}
	if g.declared != nil {
		out.Declared = g.declared(q.Model, len(rows))
	}
	to := min(from+g.perPage, len(rows))
	if from < to {
		out.Rows = rows[from:to]
	}
	if g.repeat {
		out.Rows = rows[:min(g.perPage, len(rows))]
	}
	if to < len(rows) {
		out.Next = strconv.Itoa(to)
	}
	if g.after != nil {
		g.after(q.Model, page)
	}
	return out, nil
}

// org is a department at the source.
type org struct {
	ID      int    `json:"id"`
	Name    string `json:"name"`
	Parent  int    `json:"parent_id,omitempty"`
	Manager int    `json:"manager_id,omitempty"`
}

// person is a person at the source, with a staff number and a mobile that
// cannot exist.
type person struct {
	ID      int
	Dept    int
	Title   string
	Manager int
	Name    string // "" makes one up; "-" leaves it out
	Mobile  string
}

func (p person) row() json.RawMessage {
	row := map[string]any{
		"id": p.ID, "number": fmt.Sprintf("E%d", p.ID), "mobile": fmt.Sprintf("100%08d", p.ID),
		"name": fmt.Sprintf("员工%d", p.ID), "departments": []map[string]any{{"id": p.Dept}},
		"position": map[string]any{"name": p.Title}, "identity_card": fmt.Sprintf("TEST-%d", p.ID),
	}
	if p.Manager != 0 {
		row["manager_id"] = p.Manager
	}
	if p.Name != "" {
		row["name"] = p.Name
	}
	if p.Name == "-" {
		delete(row, "name")
	}
	if p.Mobile != "" {
		row["mobile"] = p.Mobile
	}
	return raw(row)
}

func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // of values written in this file
	}
	return b
}

// hold replaces what the source contains.
func (g *gateway) hold(orgs []org, people []person) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rows = map[string][]json.RawMessage{}
	for _, o := range orgs {
		g.rows["Organization"] = append(g.rows["Organization"], raw(o))
	}
	for _, p := range people {
		g.rows["Employee"] = append(g.rows["Employee"], p.row())
	}
}

func unavailable() error { return orgflow.Faultf(orgflow.CodeUnavailable, "connection refused") }
