package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"orgflow/internal/testpg"
)

// flowOptions are what is measured of approval flows.
type flowOptions struct {
	flows     int    // per round and party
	decisions int    // per flow; each is one node further
	callers   string // numbers between commas
	rounds    int
	databases string
	least     float64
	programs  string
	messages  bool
}

// flows measures launches and decisions of approval flows over HTTP beside a
// bare Temporal workflow on the same server: the least that could carry a
// flow durably.
func flows(ctx context.Context, args []string, out io.Writer) (rows []row, err error) {
	var o flowOptions
	f := flag.NewFlagSet("flows", flag.ContinueOnError)
	f.IntVar(&o.flows, "flows", 100, "flows per round and party")
	f.IntVar(&o.decisions, "decisions", 3, "decisions per flow, one node after the other")
	f.StringVar(&o.callers, "callers", "1,16", "how many call at a time; several are measured one after the other")
	f.IntVar(&o.rounds, "rounds", 5, "how often both are measured, in turn; the median of the rounds' ratios counts")
	f.StringVar(&o.databases, "databases", "sqlite,postgres", "what Temporal and orgflow keep their data in; PostgreSQL is that of "+testpg.EnvURL+", or a temporary one")
	f.Float64Var(&o.least, "least", 0.5, "fail where orgflow does less than this, of what the bare workflow does")
	f.BoolVar(&o.messages, "messages", false, "tell approvers by a (simulated) DingTalk message, which the bare workflow does not")
	f.StringVar(&o.programs, "programs", "", programsFlag)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	dir, err := workplace(ctx, &o.programs, "standalone")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return nil, err
	}
	for database := range strings.SplitSeq(o.databases, ",") {
		table, err := o.measure(ctx, database, filepath.Join(dir, database), out)
		if err != nil {
			return rows, fmt.Errorf("on %s: %w", database, err)
		}
		table.print(out, o)
		rows = append(rows, table.compared(o.least)...)
	}
	return rows, nil
}
