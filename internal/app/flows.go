package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// Flows publishes definitions, reads flows and stores what boards store;
// HTTP and CLI share it. It needs no Temporal.
type Flows struct {
	app *App
	// predict tells who comes next; nil where nobody can tell.
	predict Predictor
}

// Predictor tells who comes next in a flow that runs.
type Predictor func(ctx context.Context, k store.FlowKey) ([]approval.Predicted, error)

// Flows returns what surrounds the running flows.
func (a *App) Flows() *Flows { return &Flows{app: a, predict: a.flows.Predict} }

// WithPredictor returns flows that tell who comes next.
func (f *Flows) WithPredictor(p Predictor) *Flows { return &Flows{app: f.app, predict: p} }

// company returns the company that is meant: the named one, else the only
// configured one.
func (f *Flows) company(id int64) (int64, error) {
	if id != 0 {
		return id, nil
	}
	companies := f.app.Meta.Companies()
	if len(companies) != 1 {
		return 0, &orgflow.Fault{
			Code: api.CodeBadParam, Field: "company_id", Message: "company_id is needed: configured are " + strings.Trim(fmt.Sprint(companies), "[]"),
		}
	}
	return companies[0], nil
}

// configured is company for what is stored: a mistyped company would keep
// rows that nobody finds. One whose file is broken is there.
func (f *Flows) configured(id int64) (int64, error) {
	id, err := f.company(id)
	if err != nil {
		return 0, err
	}
	var fault *orgflow.Fault
	if _, err := f.app.Meta.Company(id); errors.As(err, &fault) && fault.Code == orgflow.CodeNotFound {
		return 0, &orgflow.Fault{Code: api.CodeBadParam, Field: "company_id", Message: fault.Message, Err: err}
	}
	return id, nil
}

func (f *Flows) key(company int64, no string) (store.FlowKey, error) {
	company, err := f.company(company)
	return store.FlowKey{CompanyID: company, No: no}, err
}

// missing makes a fault of "there is no such row"; any other error stays
// what it is.
func missing(err error, code orgflow.Code, advice, format string, args ...any) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return &orgflow.Fault{Code: code, Message: fmt.Sprintf(format, args...), Advice: advice, Err: err}
}

func noFlow(err error, k store.FlowKey) error {
	return missing(err, api.CodeFlowNotFound, "GET /api/v1/flows or starter flow list shows all", "company %d has no flow %q", k.CompanyID, k.No)
}

func noDefinition(err error, company int64, code string, version int) error {
	what := fmt.Sprintf("flow definition %q", code)
	if version != 0 {
		what = fmt.Sprintf("version %d of flow definition %q", version, code)
	}
	return missing(err, api.CodeFlowDefNotFound, "GET /api/v1/flow-definitions or starter flow definitions list shows all", "company %d has no %s", company, what)
}

// exists is ErrNotFound for a flow that is not there.
func (f *Flows) exists(ctx context.Context, k store.FlowKey) error {
	_, err := f.app.Store.LoadFlow(ctx, k)
	return noFlow(err, k)
}

// definition reads a published version.
func (f *Flows) definition(ctx context.Context, company int64, code string, version int) (*approval.Definition, error) {
	d, err := f.app.flows.Definition(ctx, company, code, version)
	return d, noDefinition(err, company, code, version)
}
