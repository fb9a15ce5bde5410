package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

func (c *Console) flowRoutes(r chi.Router) {
	c.see(r, "/flows", config.AccessRead, c.flowList)
	c.see(r, "/flows/definitions", config.AccessRead, c.flowDefinitions)
	c.see(r, "/flows/definitions/{code}", config.AccessRead, c.flowDefinition)
	c.see(r, "/flows/definitions/{code}/stats", config.AccessRead, c.flowStats)
	c.see(r, "/flows/{no}", config.AccessRead, c.flowPage)
	c.do(r, "/flows/{no}/decide", config.AccessApprove, c.decideFlow)
	c.do(r, "/flows/{no}/{verb}", config.AccessOperate, c.steerFlow)
}

// reader is who looks at pages of flows, and of which company.
type reader struct {
	// Company is 0 where only one is configured and none was named.
	Company   int64
	Companies []int64 // to choose from; empty where there is one only
	User      string  // user code; empty: nobody is signed in, and none was given
	Signed    bool    // the user code is that of who is signed in
}

// Undecided tells that a company has to be chosen first.
func (a reader) Undecided() bool { return a.Company == 0 && len(a.Companies) > 0 }

// Query is what links carry on, empty or beginning with "?".
func (a reader) Query() string { return a.with(url.Values{}) }

func (a reader) with(v url.Values) string {
	if a.Company != 0 {
		v.Set("company", strconv.FormatInt(a.Company, 10))
	}
	if a.User != "" && !a.Signed {
		v.Set("user", a.User)
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// reader tells who looks. Whoever is signed in looks in their own name; on an
// open server the address says whose tasks are meant.
func (c *Console) reader(r *http.Request) (reader, error) {
	who, err := c.SignIn.Who(r)
	if err != nil {
		return reader{}, err
	}
	a := reader{User: r.FormValue("user")}
	if all := c.FlowDesk.FlowCompanies(); len(all) > 1 {
		a.Companies = all
	}
	if who != nil {
		a.User, a.Signed, a.Company = who.Code, true, who.CompanyID
	}
	if named := r.FormValue("company"); named != "" {
		if a.Company, err = strconv.ParseInt(named, 10, 64); err != nil || a.Company < 1 {
			return reader{}, badField("company", "must be a positive whole number")
		}
	}
	return a, nil
}

func badField(field, message string) error {
	return &orgflow.Fault{Code: api.CodeBadParam, Field: field, Message: field + " " + message}
}

// flowFilter is what the list was asked for, as it was written.
type flowFilter struct {
	Code, State, Initiator, Assignee, DataID, From, To string
}

// mostCodes bounds the flow codes to choose from.
const mostCodes = 500

// flowListPage is the page of somebody's tasks and of all flows.
type flowListPage struct {
	reader
	Tasks    OpenTaskPage
	TasksURL string // of more tasks
	Filter   flowFilter
	Flows    []api.Flow
	NextURL  string
	States   []orgflow.FlowState
	Codes    []api.DefinitionInfo
}

// flowStates are the states a list is filtered by.
var flowStates = []orgflow.FlowState{
	orgflow.FlowRunning, orgflow.FlowReturned, orgflow.FlowFaulted, orgflow.FlowApproved, orgflow.FlowRejected, orgflow.FlowDiscarded, orgflow.FlowStarting,
}

func (c *Console) flowList(r *http.Request) (content, error) {
	who, err := c.reader(r)
	if err != nil {
		return content{}, err
	}
	page := flowListPage{reader: who, States: flowStates}
	show := content{template: "flows", title: "flows", section: "flows"}
	if who.Undecided() {
		show.data = page
		return show, nil
	}
	ctx, q := r.Context(), r.URL.Query()
	if who.User != "" {
		page.Tasks, err = c.FlowDesk.OpenTasks(ctx, who.Company, who.User, q.Get("tasks"), pageLength)
		if err != nil {
			return content{}, err
		}
	}
	definitions, err := c.FlowDefinitions.ListDefinitions(ctx, who.Company, "", mostCodes)
	if err != nil {
		return content{}, err
	}
	page.Codes = definitions.Definitions
	err = c.listed(ctx, &page, q)
	show.data = page
	return show, err
}

// listed fills in the flows that are asked for.
func (c *Console) listed(ctx context.Context, page *flowListPage, q url.Values) error {
	f := flowFilter{
		Code: q.Get("code"), State: q.Get("state"), Initiator: q.Get("initiator"), Assignee: q.Get("assignee"),
		DataID: q.Get("data"), From: q.Get("from"), To: q.Get("to"),
	}
	page.Filter = f
	ask := api.FlowFilter{
		CompanyID: page.Company, Code: f.Code, Initiator: f.Initiator, Assignee: f.Assignee, DataID: f.DataID, Cursor: q.Get("cursor"), Limit: pageLength,
	}
	if f.State != "" {
		if !slices.Contains(flowStates, orgflow.FlowState(f.State)) {
			return badField("state", "is none that a flow has")
		}
		ask.States = []orgflow.FlowState{orgflow.FlowState(f.State)}
	}
	var err error
	if ask.From, ask.To, err = span(f.From, f.To); err != nil {
		return err
	}
	flows, err := c.Flows.ListFlows(ctx, ask)
	if err != nil {
		return err
	}
	page.Flows = flows.Flows
	if flows.NextCursor != "" {
		page.NextURL = "/flows" + page.with(again(q, "cursor", flows.NextCursor))
	}
	if page.Tasks.NextCursor != "" {
		page.TasksURL = "/flows" + page.with(again(q, "tasks", page.Tasks.NextCursor))
	}
	return nil
}

// again is a query with one value replaced and without what is empty.
func again(q url.Values, name, value string) url.Values {
	out := url.Values{}
	for key, values := range q {
		if v := cmp.Or(values...); v != "" && key != "live" && key != "lang" {
			out.Set(key, v)
		}
	}
	out.Set(name, value)
	return out
}

// span reads the days from and to, both included; an empty one is no bound.
func span(from, to string) (begin, end time.Time, err error) {
	if from != "" {
		if begin, err = time.ParseInLocation(time.DateOnly, from, china); err != nil {
			return begin, end, badField("from", "must be a day such as 2026-11-22")
		}
	}
	if to != "" {
		if end, err = time.ParseInLocation(time.DateOnly, to, china); err != nil {
			return begin, end, badField("to", "must be a day such as 2026-11-22")
		}
		end = end.AddDate(0, 0, 1)
	}
	return begin, end, nil
}
