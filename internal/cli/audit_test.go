package cli

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/config"
	"orgflow/internal/flowcall"
)

// willing does whatever it is asked, and remembers from where it was steered.
type willing struct {
	api.Orgs
	Loads
	api.Flows
	FlowDefinitions
	Data
	origins []string
}

func (w *willing) steered(s api.Steering) { w.origins = append(w.origins, s.By+"|"+s.Origin()) }

type (
	willingSteerer struct {
		api.Steerer
		w *willing
	}
	willingSchedules struct {
		*world
		w *willing
	}
	willingCalls struct{ api.FlowCalls }
)

func (w willingSteerer) Cancel(_ context.Context, _ string, s api.Steering) error {
	w.w.steered(s)
	return nil
}
func (w willingSteerer) Pause(ctx context.Context, id string, s api.Steering) error {
	return w.Cancel(ctx, id, s)
}
func (w willingSteerer) Resume(ctx context.Context, id string, s api.Steering) error {
	return w.Cancel(ctx, id, s)
}
func (w willingSteerer) Approve(ctx context.Context, id string, s api.Steering) error {
	return w.Cancel(ctx, id, s)
}
func (w willingSteerer) Reject(ctx context.Context, id string, s api.Steering) error {
	return w.Cancel(ctx, id, s)
}
func (w willingSteerer) Retry(ctx context.Context, id string, s api.Steering) (api.Started, error) {
	return api.Started{ID: "again"}, w.Cancel(ctx, id, s)
}
func (w willingSteerer) Undo(ctx context.Context, id string, o api.UndoOptions) (api.Started, error) {
	return api.Started{ID: "undone"}, w.Cancel(ctx, id, o.Steering)
}

func (w willingSchedules) PauseSchedule(_ context.Context, _ string, s api.Steering) error {
	w.w.steered(s)
	return nil
}
func (w willingSchedules) ResumeSchedule(ctx context.Context, id string, s api.Steering) error {
	return w.PauseSchedule(ctx, id, s)
}
func (w willingSchedules) TriggerSchedule(ctx context.Context, id string, s api.Steering) error {
	return w.PauseSchedule(ctx, id, s)
}
func (w willingSchedules) BackfillSchedule(ctx context.Context, id string, _, _ time.Time, s api.Steering) error {
	return w.PauseSchedule(ctx, id, s)
}

func (w *willing) StartPull(context.Context, json.RawMessage, api.StartOptions) (api.Started, error) {
	return api.Started{ID: "pull-1"}, nil
}
func (w *willing) CancelPull(_ context.Context, _ string, s api.Steering) error {
	w.steered(s)
	return nil
}
func (w *willing) DecidePull(ctx context.Context, id string, _ bool, s api.Steering) error {
	return w.CancelPull(ctx, id, s)
}
func (w *willing) StartLoad(context.Context, json.RawMessage) (api.Started, error) {
	return api.Started{ID: "load-1"}, nil
}
func (w *willing) CancelLoad(ctx context.Context, id string, s api.Steering) error {
	return w.CancelPull(ctx, id, s)
}
func (w *willing) Export(_ context.Context, _ int64, _, by, origin string) (orgflow.PersonExport, error) {
	w.origins = append(w.origins, by+"|"+origin)
	return orgflow.PersonExport{}, nil
}
func (w *willing) Erase(_ context.Context, r orgflow.EraseRequest) (orgflow.Erasure, error) {
	w.origins = append(w.origins, r.By+"|"+r.Origin)
	return orgflow.Erasure{}, nil
}
func (w *willing) Prune(context.Context, func(orgflow.Pruned)) (orgflow.Pruned, error) {
	return nil, nil
}
func (w *willing) Backup(context.Context, string) error { return nil }

func (w *willing) StoreDecision(context.Context, api.NewDecision) (api.FlowDecision, error) {
	return api.FlowDecision{}, nil
}
func (w *willing) PublishDrafts(context.Context, int64, string, bool) ([]api.Published, error) {
	return []api.Published{{FlowCode: "a", Published: true}, {FlowCode: "b"}}, nil
}
func (w *willing) PublishDefinition(context.Context, api.Publication) (api.Published, error) {
	return api.Published{FlowCode: "a", Published: true}, nil
}

func (willingCalls) Launch(context.Context, flowcall.LaunchParams) (flowcall.Answer, error) {
	return flowcall.Answer{Answer: approval.Answer{Number: "n1"}}, nil
}
func (willingCalls) OnAudit(context.Context, flowcall.AuditParams) (flowcall.Answer, error) {
	return flowcall.Answer{}, nil
}
func (willingCalls) Relaunch(context.Context, flowcall.FlowParams) (flowcall.Answer, error) {
	return flowcall.Answer{}, nil
}
func (willingCalls) Discard(context.Context, flowcall.DiscardParams) (flowcall.Answer, error) {
	return flowcall.Answer{}, nil
}
func (willingCalls) Urgent(context.Context, flowcall.FlowParams) (flowcall.Answer, error) {
	return flowcall.Answer{}, nil
}
func (willingCalls) Steer(context.Context, flowcall.SteerParams) (flowcall.Answer, error) {
	return flowcall.Answer{}, nil
}
func (willingCalls) TaskNotify(context.Context, string, string) (flowcall.TaskAnswer, error) {
	return flowcall.TaskAnswer{TaskNo: "T1"}, nil
}

// reading are the commands that change nothing at others: they look, check,
// write files of the one who calls them, or are the program itself.
var reading = []string{
	"erp inspect", "erp list", "erp show", "flow definitions export", "flow definitions lint", "flow definitions list", "flow definitions show",
	"flow export", "flow list", "flow messages", "flow show", "flow stats", "flow timeline", "meta lint", "meta preview", "meta sign", "notices", "pull show",
	"data retention", "doctor", "health", "runs changes", "runs list", "runs show", "schedules list", "schedules show", "serve", "what-if",
	"migrate", // the audit log may not be there yet
}

// TestWhatCommandsDoIsWrittenDown walks all commands: each that acts leaves
// one row, or tells whom it asks from where it acts; a new one meets this by
// itself.
func TestWhatCommandsDoIsWrittenDown(t *testing.T) {
	acts := map[string]struct{ args, wrote string }{
		"sync":                     {"--file -", "start run-1"},
		"pull":                     {"--company 129", "start pull-1"},
		"erp create":               {"--form F", "start load-1"},
		"erp update":               {"--form F", "start load-1"},
		"schedules apply":          {"", "apply_schedules schedules"},
		"flow launch":              {"--code c --data 1 --user E1", "launch n1"},
		"flow audit":               {"n1", "audit n1"},
		"flow relaunch":            {"n1", "relaunch n1"},
		"flow discard":             {"n1 --user E1", "discard n1"},
		"flow urgent":              {"n1", "urge n1"},
		"flow notify":              {"T1", "notify T1"},
		"flow repair":              {"n1 --by E1", "repair n1"},
		"flow withdraw":            {"n1 --by E1", "withdraw n1"},
		"flow retract":             {"n1 --by E1", "retract n1"},
		"flow jump":                {"n1 --by E1 --to 0", "jump n1"},
		"flow decide":              {"n1 --node 10 --user E5 --decision approve", "decide n1"},
		"flow definitions publish": {"", "publish a"},
		"flow definitions import":  {"- --publish", "publish a"},
		"admin-link":               {"", "admin_link sign-in"},
		"data prune":               {"", "prune old rows"},
		"data backup":              {"--out copy.db", "backup copy.db"},
		// Whoever is asked writes it down.
		"runs cancel": {"x", ""}, "runs pause": {"x", ""}, "runs resume": {"x", ""}, "runs approve": {"x", ""}, "runs reject": {"x", ""}, "runs retry": {"x", ""}, "runs undo": {"x", ""},
		"data export": {"--company 129 --person E1 --out " + filepath.Join(t.TempDir(), "E1.json"), ""}, "data erase": {"--company 129 --person E1 --reason asked", ""},
		"pull cancel": {"x", ""}, "pull approve": {"x", ""}, "pull reject": {"x", ""}, "erp cancel": {"x", ""},
		"schedules pause": {"x", ""}, "schedules resume": {"x", ""}, "schedules trigger": {"x", ""},
		"schedules backfill": {"x --from 2026-11-18T00:00:00Z --to 2026-11-19T00:00:00Z", ""},
	}
	walk(newProgram(Stdio{}, nil).root(), func(cmd *cobra.Command) {
		path := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "starter"), " ")
		act, listed := acts[path]
		delete(acts, path)
		switch {
		case !cmd.Runnable() || cmd.HasSubCommands() && !listed, slices.Contains(reading, path):
			return
		case !listed:
			t.Errorf("%s is in neither list", path)
			return
		}
		wrote, origins := written(t, append(strings.Fields(path), strings.Fields(act.args)...)...)
		switch want := "tester " + act.wrote + " cli tester"; {
		case act.wrote != "" && !slices.Equal(wrote, []string{want}):
			t.Errorf("%s: %q, want %q", path, wrote, want)
		case act.wrote == "" && (len(wrote) > 0 || !slices.Equal(origins, []string{"tester|cli tester"})):
			t.Errorf("%s: wrote %q itself, and told %q", path, wrote, origins)
		}
	})
	for path := range acts {
		t.Errorf("there is no %s", path)
	}
}

// written runs a command and returns what it wrote into the audit log, and
// who it said is acting from where.
func written(t *testing.T, args ...string) (wrote, origins []string) {
	t.Helper()
	w := &world{in: `{"consumer":"ding_talk","company_id":129}`, summaries: []any{orgflow.Summary{Status: orgflow.StatusCanceled}}}
	all := &willing{}
	p := newProgram(Stdio{In: strings.NewReader(w.in), Out: &w.out, Err: &w.err}, func(_ context.Context, c config.Config) (Backend, func() error, error) {
		b, closeAll, err := w.open(t.Context(), c)
		if c.Role == config.RoleStarter {
			b = Backend{
				Start: w, Runs: w, Steer: willingSteerer{w: all}, Schedules: willingSchedules{w, all}, Orgs: all, Loads: all, Flows: all, FlowCalls: willingCalls{}, FlowDefinitions: all, Data: all,
				AdminLink: func(context.Context) (string, error) { return "link", nil },
				Audit: func(_ context.Context, who, action, subject, origin string) error {
					wrote = append(wrote, strings.Join([]string{who, action, subject, origin}, " "))
					return nil
				},
			}
		}
		return b, closeAll, err
	})
	p.load = func(r config.Role) (config.Config, error) { return config.Config{Role: r}, nil }
	p.user = "tester"
	if code := p.run(t.Context(), args); code != 0 {
		t.Errorf("%v: exit code %d: %s", args, code, &w.err)
	}
	return wrote, all.origins
}
