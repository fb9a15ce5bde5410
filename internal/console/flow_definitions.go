package console

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
)

type definitionsPage struct {
	reader
	Definitions []api.DefinitionInfo
	NextURL     string
}

// flowDefinitions lists the newest version of each definition.
func (c *Console) flowDefinitions(r *http.Request) (content, error) {
	who, err := c.reader(r)
	if err != nil {
		return content{}, err
	}
	page := definitionsPage{reader: who}
	show := content{template: "flow-definitions", title: "flow.definitions", section: "flows"}
	if !who.Undecided() {
		list, err := c.FlowDefinitions.ListDefinitions(r.Context(), who.Company, r.URL.Query().Get("cursor"), pageLength)
		if err != nil {
			return content{}, err
		}
		page.Definitions = list.Definitions
		if list.NextCursor != "" {
			page.NextURL = "/flows/definitions" + who.with(url.Values{"cursor": {list.NextCursor}})
		}
	}
	show.data = page
	return show, nil
}

type definitionPage struct {
	reader
	api.DefinitionInfo
	Versions []api.DefinitionInfo
	Diagram  diagram
	JSON     string
}

// VersionURL is the page of another version.
func (p definitionPage) VersionURL(version int) string {
	return "/flows/definitions/" + url.PathEscape(p.FlowCode) + p.with(url.Values{"version": {strconv.Itoa(version)}})
}

// flowDefinition shows a version of a definition, the newest unless one is
// named.
func (c *Console) flowDefinition(r *http.Request) (content, error) {
	who, err := c.reader(r)
	if err != nil {
		return content{}, err
	}
	code, version := chi.URLParam(r, "code"), 0
	if named := r.URL.Query().Get("version"); named != "" {
		if version, err = strconv.Atoi(named); err != nil || version < 1 {
			return content{}, badField("version", "must be a positive whole number")
		}
	}
	page := definitionPage{reader: who}
	if page.Versions, err = c.FlowDefinitions.DefinitionVersions(r.Context(), who.Company, code); err != nil {
		return content{}, err
	}
	d, def, err := c.definition(r.Context(), who.Company, code, version)
	if err != nil {
		return content{}, err
	}
	page.DefinitionInfo, page.Diagram = d.DefinitionInfo, newDiagram(def, who)
	var b bytes.Buffer
	if err := json.Indent(&b, d.Raw, "", "  "); err != nil {
		return content{}, err
	}
	page.JSON = b.String()
	return content{template: "flow-definition", title: "flow.definition", section: "flows", data: page}, nil
}

// definition reads a published version, the newest for 0.
func (c *Console) definition(ctx context.Context, company int64, code string, version int) (api.Definition, *approval.Definition, error) {
	d, err := c.FlowDefinitions.GetDefinition(ctx, company, code, version)
	if err != nil {
		return d, nil, err
	}
	def, problems := approval.Decode("", d.Raw)
	if len(problems) > 0 { // it was checked when it was published
		return d, nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	def.SetDefaults()
	return d, def, nil
}

type statsPage struct {
	reader
	api.FlowStats
	From, To string
	States   []stateStats
}

// stateStats is how the flows of one state fared.
type stateStats struct {
	State  orgflow.FlowState
	Count  int
	Closed bool // Spread says how long they took
	Spread api.Spread
}

// flowStats shows how the flows of a code fare.
func (c *Console) flowStats(r *http.Request) (content, error) {
	who, err := c.reader(r)
	if err != nil {
		return content{}, err
	}
	q := r.URL.Query()
	page := statsPage{reader: who, From: q.Get("from"), To: q.Get("to")}
	from, to, err := span(page.From, page.To)
	if err != nil {
		return content{}, err
	}
	if page.FlowStats, err = c.Flows.FlowStats(r.Context(), who.Company, chi.URLParam(r, "code"), from, to); err != nil {
		return content{}, err
	}
	for _, state := range flowStates {
		if n := page.FlowStats.States[state]; n > 0 {
			spread, closed := page.Duration[state]
			page.States = append(page.States, stateStats{State: state, Count: n, Closed: closed && spread.Count > 0, Spread: spread})
		}
	}
	return content{template: "flow-stats", title: "flow.stats", section: "flows", data: page}, nil
}
