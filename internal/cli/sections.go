package cli

import (
	"fmt"
	"strings"

	"orgflow"
)

var (
	kinds = []orgflow.Kind{orgflow.Org, orgflow.Person}
	ops   = []orgflow.Op{orgflow.Insert, orgflow.Update, orgflow.Delete}
)

func (r *renderer) fetch() {
	var rows []row
	for _, kind := range kinds {
		f, ok := r.s.Fetch[kind]
		if !ok {
			continue
		}
		line := row{mark: well, name: kindText[kind], numbers: []int{f.Read, f.Staged, f.Rejected}, alarm: []bool{false, false, true}}
		switch {
		case !f.Complete && r.s.Status.Terminal():
			line.mark, line.note = look, "not read whole, so no deletes were planned"
			if f.Cause != "" {
				line.note += ": " + f.Cause
			}
		case !f.Complete:
			line.mark = ongoing
		case f.Rejected > 0:
			line.mark = look
		}
		rows = append(rows, line)
	}
	r.table("fetched", []string{"read", "staged", "rejected"}, rows)
}

func (r *renderer) plan() {
	var rows []row
	references, invited := false, false
	for _, kind := range kinds {
		references = references || r.s.Plan[kind].References > 0
		invited = invited || r.s.Plan[kind].Invited > 0
	}
	header := []string{"insert", "update", "delete", "unchanged", "held"}
	if references {
		header = append(header, "references")
	}
	if invited {
		header = append(header, "invited")
	}
	for _, kind := range kinds {
		p, ok := r.s.Plan[kind]
		if !ok {
			continue
		}
		line := row{mark: none, name: kindText[kind], numbers: []int{p.Insert, p.Update, p.Delete, p.Unchanged, p.Held}, alarm: []bool{false, false, false, false, true}}
		if references {
			line.numbers = append(line.numbers, p.References)
		}
		if invited {
			line.numbers = append(line.numbers, p.Invited)
		}
		if p.Held > 0 {
			line.mark = look
		}
		rows = append(rows, line)
	}
	r.table("planned", header, rows)
}

func (r *renderer) applied() {
	var rows []row
	for _, kind := range kinds {
		for _, op := range ops {
			a, ok := r.s.Applied[kind][op]
			if !ok || a == (orgflow.Applied{}) {
				continue
			}
			line := row{mark: well, name: string(op) + " " + kindText[kind],
				numbers: []int{a.Done, a.Failed, a.Blocked, a.Pending}, alarm: []bool{false, true, true, true}}
			switch {
			case a.Failed+a.Blocked > 0:
				line.mark = bad
			case a.Pending > 0 && r.s.Status == orgflow.StatusRunning:
				line.mark = ongoing
			case a.Pending > 0:
				line.mark = look
			}
			rows = append(rows, line)
		}
	}
	r.table("applied", []string{"done", "failed", "blocked", "pending"}, rows)
}

// advice says what is left to do, each with the command that shows it.
func (r *renderer) advice() {
	s, sum := r.s, outcomes(r.s)
	changes := "starter runs changes " + clean(s.ID)
	held, rejected := 0, 0
	for _, kind := range kinds {
		held += s.Plan[kind].Held
		rejected += s.Fetch[kind].Rejected
	}
	var points []point
	if sum.Failed > 0 {
		points = append(points, point{bad, count(sum.Failed, "change") + " failed", changes + " --state failed"})
	}
	if sum.Blocked > 0 {
		points = append(points, point{bad, count(sum.Blocked, "change") + " not tried, because what they depend on failed", changes + " --state blocked"})
	}
	if held > 0 {
		points = append(points, point{look, count(held, "record") + " held back by the rules of " + s.Consumer, changes + " --state held"})
	}
	if rejected > 0 {
		points = append(points, point{look, count(rejected, "record") + " of the source set aside; once corrected there, the next run takes them", ""})
	}
	if s.ParkedDeletes > 0 {
		points = append(points, point{look, count(s.ParkedDeletes, "delete") + " parked, " + parkedText(s), changes + " --state parked"})
	}
	points = append(points, beyondUndo(s)...)
	points = append(points, somebody(s)...)
	if s.DryRun && s.Error == nil && s.Status.Terminal() && s.Progress.Total > 0 {
		points = append(points, point{none, "The plan can be read", changes})
	}
	for _, n := range s.Notes {
		points = append(points, point{none, n, ""})
	}
	if len(points) > 0 {
		r.line("")
	}
	for _, p := range points {
		r.point(p.mark, p.text)
		if p.command != "" {
			r.line("     → " + p.command) // never wrapped: it is there to be copied
		}
	}
}

// somebody says whom a run waits for, if it does.
func somebody(s orgflow.Summary) []point {
	if s.Status == orgflow.StatusAwaitingApproval {
		return []point{{none, "To let them go, or give them up with reject", "starter runs approve " + s.ID + " --reason …"}}
	}
	if s.Status == orgflow.StatusPaused {
		return []point{{look, "Nothing is sent until somebody resumes it; no other run gets the target meanwhile", "starter runs resume " + s.ID}}
	}
	return nil
}

// beyondUndo lists what no undo brings back while that can still be prevented.
func beyondUndo(s orgflow.Summary) []point {
	if s.Status.Terminal() && !s.DryRun {
		return nil
	}
	points := make([]point, len(s.Irreversible))
	for n, i := range s.Irreversible {
		points[n] = point{none, fmt.Sprintf("No undo brings back %s %s: %s", number(i.Count), opText(i), i.Why), ""}
	}
	return points
}

// opText names the changes an undo cannot bring back: "deletes of persons".
func opText(i orgflow.Irreversible) string {
	if i.Count == 1 {
		return string(i.Op) + " of " + kindText[i.Kind]
	}
	return string(i.Op) + "s of " + kindText[i.Kind]
}

// point is a finding and the command that tells more about it.
type point struct {
	mark          mark
	text, command string
}

func parkedText(s orgflow.Summary) string {
	if s.Status == orgflow.StatusAwaitingApproval {
		return "waiting for somebody to approve or reject"
	}
	return "not sent"
}

// foot: cost and provenance.
func (r *renderer) foot() {
	s := r.s
	r.line("")
	cost := []string{count(s.Calls, "call")}
	if s.Throttled > 0 {
		cost = append(cost, number(s.Throttled)+" throttled")
	}
	if s.TokenRenewals > 0 {
		cost = append(cost, count(s.TokenRenewals, "token renewal"))
	}
	r.line("   " + r.paint.dim(strings.Join(cost, " · ")))
	width := 0
	for _, f := range s.Files {
		width = max(width, columns(clean(f.Name)))
	}
	for i, f := range s.Files {
		label := "     "
		if i == 0 {
			label = "files"
		}
		r.line("   " + r.paint.dim(fmt.Sprintf("%s  %s  %-7s  %.8s", label, fill(clean(f.Name), width), clean(f.Layer), clean(f.SHA256))))
	}
}
