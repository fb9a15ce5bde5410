// Package doctor looks whether an installation can work: settings, files,
// database, Temporal, every connection, clocks, disk. A check never changes
// anything, has a time limit of its own, and says what it found, why that
// matters, and what to do. What was found is judged here, by functions that
// make no call themselves; who makes the calls is the program's business.
package doctor

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// State is how well something is.
type State string

// States of findings.
const (
	OK State = "ok"
	// Warning: it works, or is not needed yet; somebody should look at it.
	Warning State = "warning"
	// Failed: orgflow cannot do its work.
	Failed State = "failed"
	// Skipped: it was not looked at, because it cannot be after what failed.
	Skipped State = "skipped"
)

// Areas of findings that are no connection. A connection's area is the
// consumer's name, AreaSource or AreaERP.
const (
	AreaSettings = "settings"
	AreaFiles    = "files"
	AreaDatabase = "database"
	AreaTemporal = "temporal"
	AreaHTTP     = "http"
	AreaDisk     = "disk"
	AreaSource   = "source"
	AreaERP      = "erp"
)

// Finding is what one look came to. It shows no secret.
type Finding struct {
	State     State  `json:"state" enum:"ok,warning,failed,skipped" doc:"only failed makes the whole fail"`
	Area      string `json:"area" doc:"settings, files, database, temporal, http, disk, or a connection: a consumer's name, source, erp"`
	CompanyID int64  `json:"company_id,omitempty" doc:"of a connection or file"`
	Check     string `json:"check" doc:"what was looked at"`
	Found     string `json:"found" doc:"what was found, and why it matters"`
	Advice    string `json:"advice,omitempty" doc:"what to do"`
}

// Report is everything that was found, in the order of the checks.
type Report struct {
	OK       int       `json:"ok"`
	Warnings int       `json:"warnings"`
	Failed   int       `json:"failed"`
	Skipped  int       `json:"skipped"`
	Findings []Finding `json:"findings"`
}

// Add appends findings and counts them.
func (r *Report) Add(findings ...Finding) {
	for _, f := range findings {
		switch f.State {
		case OK:
			r.OK++
		case Warning:
			r.Warnings++
		case Failed:
			r.Failed++
		case Skipped:
			r.Skipped++
		}
		r.Findings = append(r.Findings, f)
	}
}

// Request says what is to be looked at.
type Request struct {
	// CompanyID limits files and connections to one company; 0 is every one.
	CompanyID int64
	// Settings are the problems of settings that cannot be used, a line each.
	Settings []string
}

// Check looks at one thing.
type Check struct {
	Area      string
	CompanyID int64
	Name      string
	// Limit is how long Look may take; 0 is DefaultLimit.
	Limit time.Duration
	// Look returns what it found; Area, CompanyID and Check of a finding may
	// be left to those of the check. It honours its context.
	Look func(context.Context) []Finding
}

const (
	// DefaultLimit is how long a check may take.
	DefaultLimit = 10 * time.Second
	// grace is how much longer a check is waited for that was told to end, so
	// that it can say how far it came.
	grace = time.Second
	// atOnce is how many checks run at the same time.
	atOnce = 16
)

// Run makes all checks, several at once, and returns what they found in
// their order. A check that has not answered a second after its limit is left
// to itself; none keeps another from being made.
func Run(ctx context.Context, checks []Check) []Finding {
	found := make([][]Finding, len(checks))
	turns := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, c := range checks {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			found[i] = c.run(ctx)
		})
	}
	wg.Wait()
	var all []Finding
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}

func (c Check) run(ctx context.Context) []Finding {
	limit := c.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer := make(chan []Finding, 1) // nobody may be waiting any more
	go func() { answer <- c.Look(ctx) }()
	found, ok := await(ctx, answer)
	if !ok {
		found = []Finding{{State: Failed, Found: fmt.Sprintf("gave no answer within %s", limit), Advice: adviceSilent}}
	}
	for i := range found {
		f := &found[i]
		if f.Area == "" {
			f.Area = c.Area
		}
		if f.CompanyID == 0 {
			f.CompanyID = c.CompanyID
		}
		if f.Check == "" {
			f.Check = c.Name
		}
	}
	return found
}

// await waits for the answer until the check should have ended.
func await(ctx context.Context, answer <-chan []Finding) (found []Finding, ok bool) {
	select {
	case found = <-answer:
		return found, true
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case found = <-answer:
		return found, true
	case <-late.C:
		return nil, false
	}
}

// Not is the finding for checks of one area that are not made, and why.
func Not(checks []Check, why string) Finding {
	names := make([]string, len(checks))
	for i, c := range checks {
		names[i] = c.Name
	}
	return Finding{State: Skipped, Area: checks[0].Area, Check: "the rest", Found: "not looked at, because " + why + ": " + strings.Join(names, ", ")}
}
