package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"orgflow"
)

// tag keeps the search attributes true, also for runs started by hand in the
// Web UI, which sets none.
func (r *syncRun) tag(ctx workflow.Context, status orgflow.Status) error {
	return workflow.UpsertTypedSearchAttributes(ctx, RunAttributes("sync", r.info.Target, status).Copy())
}

// show sets phase and note, and renders the details a person reads in the
// Web UI.
func (r *syncRun) show(ctx workflow.Context, phase orgflow.Phase, note string) {
	r.summary.Phase = phase
	r.note = note
	workflow.SetCurrentDetails(ctx, details(r.summary, note))
}

// details is the run as Markdown. It holds counts only.
func details(s orgflow.Summary, note string) string {
	var b strings.Builder
	b.WriteString(fmt.Sprintf("**%s** — %s\n\n", s.Phase, note))
	if s.Progress.Total > 0 {
		b.WriteString(fmt.Sprintf("Progress: **%d of %d** changes\n\n", s.Progress.Done, s.Progress.Total))
	}
	kinds := []orgflow.Kind{orgflow.Org, orgflow.Person}
	failed := 0
	for _, k := range kinds {
		if f, ok := s.Fetch[k]; ok {
			b.WriteString(fmt.Sprintf("- %s read: %d, staged %d, rejected %d%s\n", k, f.Read, f.Staged, f.Rejected, incomplete(f)))
		}
	}
	for _, k := range kinds {
		if p, ok := s.Plan[k]; ok {
			b.WriteString(fmt.Sprintf("- %s planned: %d insert, %d update, %d delete, %d unchanged, %d held\n", k, p.Insert, p.Update, p.Delete, p.Unchanged, p.Held))
		}
	}
	for _, k := range kinds {
		for _, op := range []orgflow.Op{orgflow.Insert, orgflow.Update, orgflow.Delete} {
			if a, ok := s.Applied[k][op]; ok {
				b.WriteString(fmt.Sprintf("- %s %s: %d done, %d failed, %d blocked, %d to go\n", k, op, a.Done, a.Failed, a.Blocked, a.Pending))
				failed += a.Failed + a.Blocked
			}
		}
	}
	if failed > 0 {
		b.WriteString(fmt.Sprintf("\nFailures: **%d** — `starter runs changes %s` shows each with its reason\n", failed, s.ID))
	}
	if s.ParkedDeletes > 0 {
		b.WriteString(fmt.Sprintf("\nParked deletes: **%d**\n", s.ParkedDeletes))
	}
	if len(s.Irreversible) > 0 {
		b.WriteString("\nNo undo brings back:\n\n")
	}
	for _, i := range s.Irreversible {
		b.WriteString(fmt.Sprintf("- %s %s, %d: %s\n", i.Kind, i.Op, i.Count, i.Why))
	}
	if s.Error != nil {
		b.WriteString(fmt.Sprintf("\nError: %s\n", s.Error.Error()))
	}
	return b.String()
}

func incomplete(f orgflow.FetchCount) string {
	if f.Complete || f.Cause == "" {
		return ""
	}
	return " — not read whole: " + f.Cause
}
