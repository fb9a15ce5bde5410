package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

// runPage is one run.
type runPage struct {
	orgflow.Summary
	Link   string
	WebUI  string
	Phases []phaseRow
	Fetch  []fetchRow
	Plan   []planRow
	Verbs  []verb
	// Troubles are changes that somebody has to look at, by state, the first
	// of each.
	Troubles   []trouble
	Undoable   bool
	UndoneLink string // to the run that this one takes back
}

type phaseRow struct {
	Phase orgflow.Phase
	Kind  orgflow.Kind
	Op    orgflow.Op
	Where string // done, now, stopped, todo
	orgflow.Applied
	Counts bool // it has changes
}

type fetchRow struct {
	Kind orgflow.Kind
	orgflow.FetchCount
}

type planRow struct {
	Kind orgflow.Kind
	orgflow.PlanCount
}

// A verb is what somebody may do to a run.
type verb struct {
	Name   string
	Needs  string // the role
	Reason bool   // has to be given
	Plain  bool   // not the thing one came for
}

type trouble struct {
	State   orgflow.State
	Changes []changeRow
	More    bool
}

var (
	kinds = []orgflow.Kind{orgflow.Org, orgflow.Person}
	// phases in canonical order (spec § 2).
	phases = []orgflow.Phase{
		orgflow.PhasePrepare, orgflow.PhaseFetch, orgflow.PhasePlan,
		orgflow.PhaseOf(orgflow.Org, orgflow.Insert), orgflow.PhaseOf(orgflow.Org, orgflow.Update),
		orgflow.PhaseOf(orgflow.Person, orgflow.Insert), orgflow.PhaseOf(orgflow.Person, orgflow.Update),
		orgflow.PhaseOf(orgflow.Person, orgflow.Delete), orgflow.PhaseOf(orgflow.Org, orgflow.Delete),
	}
	// looked are the states that somebody has to look at.
	looked = []orgflow.State{orgflow.Parked, orgflow.Failed, orgflow.Blocked, orgflow.NeedsHuman, orgflow.Disputed, orgflow.Held}
)

// troubleLength is how many changes of a state the page of a run shows.
const troubleLength = 5

func (c *Console) syncRun(r *http.Request) (content, error) {
	s, err := c.Runs.Summary(r.Context(), inPath(r, "id"))
	if err != nil {
		return content{}, err
	}
	p := runPage{
		Summary: s, Link: runLink(s.ID), Phases: phasesOf(s), Verbs: verbsOf(s), WebUI: c.inWebUI(workflowOf(s.ID), s.RunID),
		UndoneLink: runLink(s.Undoes), Undoable: s.Status.Terminal() && !s.DryRun && effects(s) > 0,
	}
	for _, kind := range kinds {
		if f, ok := s.Fetch[kind]; ok {
			p.Fetch = append(p.Fetch, fetchRow{kind, f})
		}
		if n, ok := s.Plan[kind]; ok {
			p.Plan = append(p.Plan, planRow{kind, n})
		}
	}
	if p.Troubles, err = c.troubles(r.Context(), s); err != nil {
		return content{}, err
	}
	return content{template: "sync-run", title: "sync.one", section: "sync", data: p, over: s.Status.Terminal()}, nil
}

// effects counts the changes of a run that an undo could take back.
func effects(s orgflow.Summary) (n int) {
	for _, byOp := range s.Applied {
		for _, a := range byOp {
			n += a.Done
		}
	}
	return n
}

// workflowOf is the workflow of a run, whose id a later run of the same
// workflow id bears with an addition (store.CreateRun).
func workflowOf(id string) string {
	workflow, _, _ := strings.Cut(id, "~")
	return workflow
}

// troubles reads the first changes of the states that need somebody.
func (c *Console) troubles(ctx context.Context, s orgflow.Summary) ([]trouble, error) {
	var out []trouble
	if s.Progress.Total == 0 && s.ParkedDeletes == 0 { // no plan yet, or nothing in it
		return nil, nil
	}
	for _, state := range looked {
		page, err := c.Runs.ListChanges(ctx, s.ID, api.ChangeFilter{State: state, Limit: troubleLength})
		if err != nil {
			return nil, err
		}
		if len(page.Changes) == 0 {
			continue
		}
		rows, err := c.changeRows(ctx, s, page.Changes)
		if err != nil {
			return nil, err
		}
		out = append(out, trouble{state, rows, page.NextCursor != ""})
	}
	return out, nil
}

// phasesOf says how far a run is.
func phasesOf(s orgflow.Summary) []phaseRow {
	now := slices.Index(phases, s.Phase)
	if s.Status == orgflow.StatusCompleted || s.Status == orgflow.StatusCompletedWithFailures {
		now = len(phases)
	}
	var rows []phaseRow
	for i, phase := range phases {
		row := phaseRow{Phase: phase, Where: "todo"}
		switch {
		case i < now:
			row.Where = "done"
		case i == now && s.Status.Terminal():
			row.Where = "stopped"
		case i == now:
			row.Where = "now"
		}
		kind, op, found := strings.Cut(string(phase), "_")
		if found {
			row.Kind, row.Op = orgflow.Kind(kind), orgflow.Op(op)
			row.Applied, row.Counts = s.Applied[row.Kind][row.Op]
			row.Counts = row.Counts && row.Applied != (orgflow.Applied{})
		}
		rows = append(rows, row)
	}
	return rows
}

// verbsOf is what can be done to a run as it stands.
func verbsOf(s orgflow.Summary) []verb {
	switch s.Status {
	case orgflow.StatusRunning:
		return []verb{{Name: "pause", Needs: "operate"}, {Name: "cancel", Needs: "operate", Plain: true}}
	case orgflow.StatusPaused:
		return []verb{{Name: "resume", Needs: "operate"}, {Name: "cancel", Needs: "operate", Plain: true}}
	case orgflow.StatusAwaitingApproval:
		return []verb{{Name: "approve", Needs: "approve", Reason: true}, {Name: "reject", Needs: "approve", Reason: true, Plain: true}, {Name: "cancel", Needs: "operate", Plain: true}}
	case orgflow.StatusCompleted, orgflow.StatusCompletedWithFailures, orgflow.StatusRejected, orgflow.StatusSuperseded, orgflow.StatusFailed, orgflow.StatusCanceled:
		if failures(s) > 0 || s.Plan[orgflow.Org].Held+s.Plan[orgflow.Person].Held > 0 {
			return []verb{{Name: "retry", Needs: "operate"}}
		}
	}
	return nil
}

// steerRoutes are the forms of a run's page; each needs what its route of the
// API needs.
func (c *Console) steerRoutes(r chi.Router) {
	for name, v := range map[string]struct {
		need config.Access
		do   func(context.Context, string, api.Steering) error
	}{
		"cancel": {config.AccessOperate, c.Steer.Cancel}, "pause": {config.AccessOperate, c.Steer.Pause}, "resume": {config.AccessOperate, c.Steer.Resume},
		"approve": {config.AccessApprove, c.explained(c.Steer.Approve)}, "reject": {config.AccessApprove, c.explained(c.Steer.Reject)},
	} {
		c.do(r, "/sync/{id}/"+name, v.need, func(r *http.Request) (string, error) {
			return runLink(inPath(r, "id")), v.do(r.Context(), inPath(r, "id"), c.steering(r))
		})
	}
	c.do(r, "/sync/{id}/retry", config.AccessOperate, func(r *http.Request) (string, error) {
		started, err := c.Steer.Retry(r.Context(), inPath(r, "id"), c.steering(r))
		return begun(started, err)
	})
	c.do(r, "/sync/{id}/undo", config.AccessOperate, func(r *http.Request) (string, error) {
		started, err := c.Steer.Undo(r.Context(), inPath(r, "id"), api.UndoOptions{Steering: c.steering(r), DryRun: r.PostFormValue("dry") != ""})
		return begun(started, err)
	})
}

// explained wants a reason: whoever asks later why people were deleted, or
// were not, has to find one.
func (c *Console) explained(do func(context.Context, string, api.Steering) error) func(context.Context, string, api.Steering) error {
	return func(ctx context.Context, id string, s api.Steering) error {
		if strings.TrimSpace(s.Reason) == "" {
			return &orgflow.Fault{
				Code: orgflow.CodeInvalidRecord, Field: "reason", Message: "a reason is required to approve or reject parked changes",
				Advice: "say in a sentence why; it is kept with the run",
			}
		}
		return do(ctx, id, s)
	}
}

// begun leads to a run that somebody started.
func begun(started api.Started, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return runLink(started.ID), nil
}
