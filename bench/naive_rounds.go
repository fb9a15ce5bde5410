package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	hcmsim "orgflow/connectors/hcm/sim"
)

// naiveOptions are what is measured beside a script that compares nothing.
type naiveOptions struct {
	departments, people int
	every               int
	latency             time.Duration
	rounds              int
	programs            string
}

// The situations of a round, in order.
const (
	situationFirst = iota
	situationChanged
	situationUnchanged
	situations
)

// cost is what one party needed in one situation.
type cost struct {
	took          time.Duration
	calls, writes int64
}

// costs are one party's, by situation.
type costs [situations]cost

// naive measures orgflow beside the script in three situations: a first push,
// a run after some records have changed, and one after none has.
func naive(ctx context.Context, args []string, out io.Writer) (rows []row, err error) {
	var o naiveOptions
	f := flag.NewFlagSet("naive", flag.ContinueOnError)
	f.IntVar(&o.departments, "departments", 100, "departments below the root")
	f.IntVar(&o.people, "people", 1000, "people")
	f.IntVar(&o.every, "every", 100, "of how many records one changes before the second run")
	f.DurationVar(&o.latency, "latency", 20*time.Millisecond, "latency of the simulated vendor")
	f.IntVar(&o.rounds, "rounds", 2, "how often both are measured; the medians are compared")
	f.StringVar(&o.programs, "programs", "", programsFlag)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if o.departments < 1 || o.people < 1 || o.every < 1 || o.rounds < 1 {
		return nil, errors.New("at least one department, person, record and round is needed")
	}
	dir, err := workplace(ctx, &o.programs, "standalone")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return nil, err
	}
	var ours, theirs []costs
	var least [situations]int64
	for round := range o.rounds {
		r, err := o.round(ctx, filepath.Join(dir, strconv.Itoa(round)), round)
		if err != nil {
			return nil, err
		}
		ours, theirs, least = append(ours, r.orgflow), append(theirs, r.script), r.least
		fmt.Fprintf(out, "round %d: orgflow %v, script %v\n", round+1, r.orgflow, r.script)
	}
	return o.rows(ours, theirs, least), nil
}

// String is a party's round in a line.
func (c costs) String() string {
	text := ""
	for _, one := range c {
		text += fmt.Sprintf("%v (%d calls) ", one.took.Round(time.Millisecond), one.calls)
	}
	return text
}

// naiveRound is what one round measured.
type naiveRound struct {
	orgflow, script costs
	least           [situations]int64 // writes that are needed
}

// round has orgflow, then the script fill an empty organisation and go on
// with it. Afterwards each must hold what the other one does.
func (o naiveOptions) round(ctx context.Context, dir string, seed int) (r naiveRound, err error) {
	p, err := startStandalone(ctx, o.programs, dir, nil)
	if err != nil {
		return r, err
	}
	defer p.stop()
	first := hcmsim.Generate(o.departments, o.people, int64(seed+1))
	later, changes, err := changed(first, o.every)
	if err != nil {
		return r, err
	}
	led, err := withManager(first)
	if err != nil {
		return r, err
	}
	// Every record, and managers afterwards: a department can only be led by
	// its members (DingTalk reference § 4.2).
	r.least = [situations]int64{int64(o.departments + o.people + led), int64(changes), 0}
	sources := [situations]hcmsim.State{first, later, later}
	options := fmt.Sprintf(`{"qps": 0, "latency_ms": %d}`, o.latency.Milliseconds())
	if err := p.empty(ctx, options); err != nil {
		return r, err
	}
	r.orgflow, err = p.through(ctx, sources, func() error { _, err := p.sync(ctx); return err })
	if err != nil {
		return r, fmt.Errorf("orgflow: %w", err)
	}
	for i, c := range r.orgflow {
		if c.writes != r.least[i] {
			return r, fmt.Errorf("orgflow made %d writes in situation %d, and %d are needed", c.writes, i, r.least[i])
		}
	}
	ours, err := p.organisation(ctx)
	if err != nil {
		return r, err
	}
	if err := p.empty(ctx, options); err != nil {
		return r, err
	}
	r.script, err = p.through(ctx, sources, func() error { return runScript(ctx, p.sim) })
	if err != nil {
		return r, fmt.Errorf("the script: %w", err)
	}
	theirs, err := p.organisation(ctx)
	if err != nil {
		return r, err
	}
	if err := same(ours, theirs); err != nil {
		return r, fmt.Errorf("orgflow and the script made different organisations: %w", err)
	}
	return r, nil
}

// through does something once with each state of the source.
func (p *process) through(ctx context.Context, sources [situations]hcmsim.State, do func() error) (c costs, err error) {
	for i, source := range sources {
		if err := p.source(ctx, source); err != nil {
			return c, err
		}
		seen, err := p.counted(ctx, func() error {
			began := time.Now()
			err := do()
			c[i].took = time.Since(began)
			return err
		})
		c[i].calls, c[i].writes = seen.Total, seen.Writes
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// changed is a source in which one department and one person of so many has
// another name or title, and the number of those changes. The root stays.
func changed(s hcmsim.State, every int) (hcmsim.State, int, error) {
	changes := 0
	later := hcmsim.State{Models: map[string][]json.RawMessage{}, Metas: s.Metas}
	for model, field := range map[string]string{"Organization": "name", "Employee": "position"} {
		for i, raw := range s.Models[model] {
			if i%every == every/2 && (i > 0 || model == "Employee") {
				var row map[string]json.RawMessage
				if err := json.Unmarshal(raw, &row); err != nil {
					return later, 0, err
				}
				row[field] = json.RawMessage(fmt.Sprintf(`"新名%d部"`, i))
				if model == "Employee" {
					row[field] = json.RawMessage(`{"name": "首席工程师"}`)
				}
				var err error
				if raw, err = json.Marshal(row); err != nil {
					return later, 0, err
				}
				changes++
			}
			later.Models[model] = append(later.Models[model], raw)
		}
	}
	return later, changes, nil
}

// withManager is how many departments have a manager; DingTalk's root cannot
// be changed.
func withManager(s hcmsim.State) (n int, err error) {
	for _, raw := range s.Models["Organization"] {
		var o orgRow
		if err := json.Unmarshal(raw, &o); err != nil {
			return 0, err
		}
		if o.ManagerID != 0 && o.ParentID != 0 {
			n++
		}
	}
	return n, nil
}

// rows compares medians, and the calls of the last round with the least that
// could do.
func (o naiveOptions) rows(ours, theirs []costs, least [situations]int64) (rows []row) {
	last := len(ours) - 1
	names := [situations]string{"first push", fmt.Sprintf("%d%% changed", 100/o.every), "nothing changed"}
	for i, name := range names {
		what := fmt.Sprintf("%s, %s people, %s departments, latency %v: ", name, count(int64(o.people)), count(int64(o.departments)), o.latency)
		a, b := middle(ours, i), middle(theirs, i)
		mine, other := ours[last][i].calls, theirs[last][i].calls
		rows = append(rows,
			row{what + "time", seconds(a), "naive script: " + seconds(b), a / b, aim{}},
			row{what + "calls", count(mine), "naive script: " + count(other), float64(mine) / float64(other), aim{}})
		needed := row{what: what + "calls", ours: count(mine), beside: "writes needed: " + count(least[i])}
		if least[i] > 0 { // otherwise nothing can be divided by it
			needed.ratio = float64(mine) / float64(least[i])
			needed.beside += fmt.Sprintf(" (the script: %s ×)", short(float64(other)/float64(least[i])))
		}
		rows = append(rows, needed)
	}
	return rows
}

// middle is the median time of a situation.
func middle(list []costs, situation int) float64 {
	var took []float64
	for _, c := range list {
		took = append(took, c[situation].took.Seconds())
	}
	return median(took)
}
