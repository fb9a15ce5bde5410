package activities

import (
	"log/slog"

	"orgflow"
)

// About says what an activity with this argument works on, for log lines and
// traces: the id of a run, pull, load or flow, or the target. An activity that
// begins one has no id yet.
func About(argument any) []slog.Attr {
	if attrs := aboutRun(argument); attrs != nil {
		return attrs
	}
	switch p := argument.(type) {
	case PullParams:
		return named("pull_id", p.PullID)
	case PullEnd:
		return named("pull_id", p.PullID)
	case LoadParams:
		return named("load_id", p.LoadID)
	case WindowParams:
		return append(named("load_id", p.LoadID), slog.Int("window", p.Window.Seq))
	case LoadEnd:
		return named("load_id", p.LoadID)
	case FlowStepParams:
		return aboutFlow(p.CompanyID, p.No)
	case FlowChildParams:
		return aboutFlow(p.CompanyID, p.No)
	case FlowTriggerParams:
		return aboutFlow(p.CompanyID, p.No)
	case TakeParams:
		return named("target", p.Target.String())
	case orgflow.Target:
		return named("target", p.String())
	}
	return nil
}

// aboutRun is About for activities of sync runs.
func aboutRun(argument any) []slog.Attr {
	switch p := argument.(type) {
	case RunParams:
		return named("run_id", p.RunID)
	case FetchParams:
		return append(named("run_id", p.RunID), slog.String("kind", string(p.Kind)))
	case SettleParams:
		return named("run_id", p.RunID)
	case PauseParams:
		return named("run_id", p.RunID)
	case ResumeParams:
		return named("run_id", p.RunID)
	case ApplyParams:
		return append(named("run_id", p.RunID), slog.String("phase", string(p.Phase)))
	case PushParams:
		return named("run_id", p.RunID)
	case FinishParams:
		return named("run_id", p.RunID)
	}
	return nil
}

func named(name, id string) []slog.Attr { return []slog.Attr{slog.String(name, id)} }

func aboutFlow(company int64, no string) []slog.Attr {
	return append(named("flow", no), slog.Int64("company_id", company))
}
