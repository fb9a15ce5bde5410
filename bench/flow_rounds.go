package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"orgflow/internal/testpg"
)

// party launches flows and decides in them, one way or the other.
type party interface {
	// prepare makes what has to be there before a flow is launched.
	prepare(ctx context.Context, flow string) error
	// launch launches a flow and returns once its first step is committed.
	launch(ctx context.Context, flow string) error
	// decide makes the n-th decision, from 0, and returns once its step is
	// committed. The last one ends the flow.
	decide(ctx context.Context, flow string, n int) error
}

// contest is two parties on one installation.
type contest struct {
	o             flowOptions
	orgflow, bare party
	program       int // process id of what orgflow's party calls; Temporal is in it
	out           io.Writer
	flows         int // so far
}

// measure starts an installation on a database and has both parties take
// turns.
func (o flowOptions) measure(ctx context.Context, on, dir string, out io.Writer) (flowTable, error) {
	t := flowTable{database: on}
	env, release, err := databaseOf(on) //nolint:contextcheck // a server is started with a timeout of its own
	if err != nil {
		return t, err
	}
	defer release()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return t, err
	}
	p, err := startStandalone(ctx, o.programs, dir, append(env, elsewhere))
	if err != nil {
		return t, err
	}
	defer p.stop()
	ours, err := newBoard(ctx, p, o.decisions, o.messages)
	if err != nil {
		return t, err
	}
	database := p.database()
	for _, e := range env {
		if url, ok := strings.CutPrefix(e, databaseURL); ok {
			database = url
		}
	}
	bare, err := newBare(ctx, p, database, o.decisions)
	if err != nil {
		return t, err
	}
	defer bare.close()
	c := &contest{o: o, orgflow: ours, bare: bare, program: p.cmd.Process.Pid, out: out}
	err = beside(ctx, p, database, func(ctx context.Context, api string) (err error) {
		ours.api = api
		t.rows, err = c.all(ctx)
		return err
	})
	return t, err
}

// all measures with each number of callers.
func (c *contest) all(ctx context.Context) (rows []flowRow, err error) {
	if err := c.warm(ctx); err != nil {
		return nil, err
	}
	for _, text := range strings.Split(c.o.callers, ",") {
		callers, err := strconv.Atoi(text)
		if err != nil || callers < 1 {
			return nil, fmt.Errorf("%q is no number of callers", text)
		}
		more, err := c.rounds(ctx, callers)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// databaseOf returns the settings that make the program use a database.
func databaseOf(name string) (env []string, release func(), err error) {
	switch name {
	case "sqlite":
		return nil, func() {}, nil
	case "postgres":
		url, release, err := testpg.Durable()
		return []string{databaseURL + url}, release, err
	}
	return nil, nil, fmt.Errorf("there is no database %q; there are sqlite and postgres", name)
}

const databaseURL = "ORGFLOW_DATABASE_URL="

// warm has both parties do a little of everything, unmeasured.
func (c *contest) warm(ctx context.Context) error {
	few := *c
	few.o.flows = min(c.o.flows, 32)
	for _, p := range []party{c.orgflow, c.bare} {
		if _, _, err := few.round(ctx, p, 4); err != nil {
			return err
		}
	}
	c.flows = few.flows
	return nil
}

// rounds measures both parties in turn; who begins changes.
func (c *contest) rounds(ctx context.Context, callers int) ([]flowRow, error) {
	launches, decisions := flowRow{what: "launches", callers: callers}, flowRow{what: "decisions", callers: callers}
	for round := range c.o.rounds {
		turns := []func() error{
			func() error { return c.turn(ctx, c.orgflow, callers, &launches.orgflow, &decisions.orgflow) },
			func() error { return c.turn(ctx, c.bare, callers, &launches.bare, &decisions.bare) },
		}
		if round%2 == 1 {
			slices.Reverse(turns)
		}
		for _, turn := range turns {
			if err := turn(); err != nil {
				return nil, err
			}
		}
		last := func(s samples) float64 { return s[len(s)-1].rate() }
		fmt.Fprintf(c.out, "round %d, %d callers: launches/s %.1f, bare %.1f; decisions/s %.1f, bare %.1f\n", round+1, callers,
			last(launches.orgflow), last(launches.bare), last(decisions.orgflow), last(decisions.bare))
	}
	return []flowRow{launches, decisions}, nil
}

func (c *contest) turn(ctx context.Context, p party, callers int, launches, decisions *samples) error {
	l, d, err := c.round(ctx, p, callers)
	*launches, *decisions = append(*launches, l), append(*decisions, d)
	return err
}

// round launches flows, then decides in all of them.
func (c *contest) round(ctx context.Context, p party, callers int) (launches, decisions sample, err error) {
	names := make([]string, c.o.flows)
	for i := range names {
		c.flows++
		names[i] = fmt.Sprint("flow-", c.flows)
	}
	if err := each(ctx, 8, names, p.prepare); err != nil {
		return launches, decisions, err
	}
	launches, err = c.time(func(w *stopwatch) error {
		return each(ctx, callers, names, func(ctx context.Context, name string) error {
			return w.time(ctx, func(ctx context.Context) error { return p.launch(ctx, name) })
		})
	})
	if err != nil {
		return launches, decisions, err
	}
	decisions, err = c.time(func(w *stopwatch) error {
		return each(ctx, callers, names, func(ctx context.Context, name string) error {
			for n := range c.o.decisions {
				if err := w.time(ctx, func(ctx context.Context) error { return p.decide(ctx, name, n) }); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return launches, decisions, err
}

// time measures what do has timed.
func (c *contest) time(do func(*stopwatch) error) (sample, error) {
	w, err := newStopwatch(c.program)
	if err != nil {
		return sample{}, err
	}
	if err := do(w); err != nil {
		return sample{}, err
	}
	return w.stop()
}
