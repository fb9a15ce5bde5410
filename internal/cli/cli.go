// Package cli is the command line of the starter: it reads arguments, asks a
// Backend, and writes for people or, with --json, for programs.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/telemetry"
	"orgflow/internal/version"
)

// Exit codes (contract § 1).
const (
	ExitCompleted   = 0
	ExitFailed      = 1   // also: bad input, nothing done
	ExitIncomplete  = 2   // completed with failures or parked deletes
	ExitInterrupted = 130 // stopped watching; the run goes on
)

// Stdio is where a command reads and writes. Results go to Out, everything
// that is said besides to Err.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// Main runs one command and returns the exit code. ctx ends when the user
// interrupts the program.
func Main(ctx context.Context, args []string, stdio Stdio, open Open) int {
	return newProgram(stdio, open).run(ctx, args)
}

// program is the command line with its surroundings; tests replace them.
type program struct {
	Stdio
	open     Open
	load     func(config.Role) (config.Config, error)
	now      func() time.Time
	after    func(time.Duration) <-chan time.Time
	terminal bool // Err is looked at: draw a bar
	color    bool // Out is looked at and wants colour
	width    int  // columns of Out
	user     string
	warned   bool // the settings' warnings were said
}

func newProgram(stdio Stdio, open Open) *program {
	return &program{
		Stdio: stdio, open: open, load: config.Load,
		now: time.Now, after: time.After,
		terminal: telemetry.IsTerminal(stdio.Err),
		color:    telemetry.IsTerminal(stdio.Out) && os.Getenv("NO_COLOR") == "",
		width:    Width(stdio.Out),
		user:     userName(),
	}
}

// userName says who sits at the keyboard, as far as the system knows.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "cli"
}

// exit is an error that ends the program with a code. Without a cause the
// output has said everything.
type exit struct {
	code  int
	cause error
}

func (e exit) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.cause.Error()
}

func (e exit) Unwrap() error { return e.cause }

func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()                          //nolint:contextcheck // ExecuteContext hands ctx to the commands
	root.SetArgs(append([]string{}, args...)) // nil would mean os.Args
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitCompleted
	}
	code := ExitFailed
	var e exit
	if errors.As(err, &e) {
		code, err = e.code, e.cause
	}
	if err != nil {
		p.complain(err)
	}
	return code
}

// complain writes an error for people: every problem on a line of its own.
func (p *program) complain(err error) {
	var invalid *orgflow.InvalidError
	var settings *config.Error
	switch {
	case errors.As(err, &invalid):
		for _, problem := range invalid.Problems {
			p.say("%s", problem)
		}
	case errors.As(err, &settings):
		p.say("The settings cannot be used:")
		for _, problem := range settings.Problems {
			p.say("  %s", problem)
		}
	default:
		p.say("Error: %s", strings.TrimRight(err.Error(), "\n"))
	}
}

func (p *program) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.Err, format+"\n", args...) // nobody is left to tell
}

func (p *program) print(format string, args ...any) error {
	if _, err := fmt.Fprintf(p.Out, format+"\n", args...); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "starter",
		Short: "Start, watch and steer orgflow's runs",
		Long: "Start, watch and steer orgflow's runs.\n\n" +
			"starter talks to Temporal and the database directly; it uses the same ORGFLOW_*\nsettings as the server and the workers.",
		Example:       "  starter sync --file job.json --wait\n  starter runs list --company 129\n  starter serve",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version.Number(),
	}
	root.SetVersionTemplate(version.Line("starter") + "\n")
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w\nSee %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(p.serveCommand(), p.syncCommand(), p.whatIfCommand(), p.pullCommand(), p.erpCommand(), p.runsCommand(), p.schedulesCommand(), p.flowCommand(), p.metaCommand(),
		p.dataCommand(), p.noticesCommand(), p.migrateCommand(), p.adminLinkCommand(), p.doctorCommand(), p.healthCommand())
	return root
}

// group makes a command that only holds others.
func group(use, short, example string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}
