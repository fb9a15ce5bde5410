package app

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/internal/store"
)

// oneRun is a Temporal with one run of a load's workflow, which closes when
// somebody waits for it, unless it is stuck.
type oneRun struct {
	client.Client
	client.WorkflowRun
	stuck, closed bool
	starts        int
}

func (o *oneRun) ExecuteWorkflow(context.Context, client.StartWorkflowOptions, any, ...any) (client.WorkflowRun, error) {
	o.starts++
	if !o.closed {
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("running", "", "run-1")
	}
	return o, nil
}

func (o *oneRun) GetWorkflow(_ context.Context, _, runID string) client.WorkflowRun {
	o.closed = runID == "run-1" && !o.stuck
	return o
}

func (o *oneRun) Get(context.Context, any) error { return nil }
func (o *oneRun) GetRunID() string               { return "run-2" }

// Who has seen a load end may start the next one, although its workflow closes
// a moment later.
func TestALoadStartsOnceTheFormerHasEnded(t *testing.T) {
	for name, c := range map[string]struct {
		recorded, stuck bool
		starts          int
		busy            bool
	}{
		"its workflow is about to close": {recorded: true, starts: 2},
		"its workflow does not close":    {recorded: true, stuck: true, starts: 2, busy: true},
		"it has just begun":              {starts: 1, busy: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := loadsOf(t, formERP{form: customers()}, map[string]string{
				"companies/129/forms/BD_Customer.json": `{"form_id": "BD_Customer", "date_field": "FModifyDate"}`,
			})
			temporal := &oneRun{stuck: c.stuck}
			l.app.Store, l.app.temporal = outbox(t), temporal
			in := orgflow.LoadInput{CompanyID: 129, FormID: "BD_Customer", Kind: orgflow.LoadUpdate}
			if c.recorded {
				load, _, err := l.app.Store.CreateLoad(t.Context(), store.NewLoad{FirstRunID: "run-1", WorkflowID: orgflow.ERPWorkflowID(129, "BD_Customer"), Input: in})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := l.app.Store.FinishLoad(t.Context(), load.ID, orgflow.StatusCompleted, nil); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			started, err := l.StartLoad(t.Context(), raw)
			if temporal.starts != c.starts {
				t.Errorf("asked %d times", temporal.starts)
			}
			if c.busy {
				if f := orgflow.AsFault(err); f.Code != orgflow.CodeTargetBusy || !strings.Contains(f.Message, orgflow.ERPRunID(orgflow.ERPWorkflowID(129, "BD_Customer"), "run-1")) {
					t.Errorf("%+v", f)
				}
			} else if err != nil || started.RunID != "run-2" || started.URL != "/api/v1/erp-runs/"+started.ID {
				t.Errorf("%+v, %v", started, err)
			}
		})
	}
}
