package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

type syncFlags struct {
	file               string
	wait, json, dryRun bool
}

func (p *program) syncCommand() *cobra.Command {
	var f syncFlags
	cmd := &cobra.Command{
		Use:   "sync --file job.json",
		Short: "Start a sync run",
		Long: "Start a sync run from a job file.\n\n" +
			"The job is checked whole before anything starts; a bad one lists all problems.\n" +
			"With --wait the exit code is 0 when the run completed, 2 when it completed with\n" +
			"failures or parked deletes, 1 when it failed. Ctrl-C stops watching, not the run.",
		Example: "  starter sync --file job.json --wait\n  starter sync --file job.json --dry-run --wait --json\n  cat job.json | starter sync --file -",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.sync(cmd.Context(), f) },
	}
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "job file; - reads standard input")
	cmd.Flags().BoolVarP(&f.wait, "wait", "w", false, "watch the run and end with its summary")
	cmd.Flags().BoolVar(&f.json, "json", false, "print only JSON: the summary with --wait, else the run's id")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "plan, but send nothing")
	_ = cmd.MarkFlagRequired("file") // the flag exists
	return cmd
}

func (p *program) sync(ctx context.Context, f syncFlags) error {
	raw, err := p.readFile(f.file)
	if err != nil {
		return err
	}
	raw, job, err := p.decode(ctx, raw, f)
	if err != nil {
		return err
	}
	return p.with(ctx, config.RoleStarter, func(b Backend) error {
		started, err := b.Start.Start(ctx, job, raw, api.StartOptions{WorkflowID: api.RunID(job, p.now()), By: p.user})
		if err != nil {
			return fmt.Errorf("start the run: %w", err)
		}
		if f.wait {
			return p.watch(ctx, b.Runs, started.ID, f.json)
		}
		return p.printStarted(started, "runs show", f.json)
	})
}

// decode checks the job without any connection: a typing error is worth
// knowing even while Temporal is away.
func (p *program) decode(ctx context.Context, raw []byte, f syncFlags) (json.RawMessage, orgflow.Job, error) {
	var job orgflow.Job
	err := p.with(ctx, config.RoleOffline, func(b Backend) error {
		var err error
		if job, err = b.Decode(raw); err != nil {
			return inFile(err, f.file)
		}
		if !f.dryRun || job.Params.DryRun {
			return nil
		}
		if raw, err = withDryRun(raw); err != nil {
			return err
		}
		job, err = b.Decode(raw)
		return inFile(err, f.file)
	})
	return raw, job, err
}

// withDryRun sets params.dry_run and leaves everything else as it was written.
func withDryRun(raw []byte) ([]byte, error) {
	var job, params map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(raw, []byte("\ufeff")), &job); err != nil {
		return nil, fmt.Errorf("read job: %w", err)
	}
	if text, ok := job["params"]; ok {
		if err := json.Unmarshal(text, &params); err != nil {
			return nil, fmt.Errorf("read params of job: %w", err)
		}
	}
	if params == nil {
		params = map[string]json.RawMessage{}
	}
	params["dry_run"] = json.RawMessage("true")
	text, err := json.Marshal(params)
	if err != nil {
		return nil, fmt.Errorf("write params of job: %w", err)
	}
	job["params"] = text
	out, err := json.Marshal(job)
	if err != nil {
		return nil, fmt.Errorf("write job: %w", err)
	}
	return out, nil
}

// inFile names the file in problems that do not name one.
func inFile(err error, file string) error {
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	name := filepath.Base(file)
	if file == "-" {
		name = "stdin"
	}
	named := &orgflow.InvalidError{Code: invalid.Code, Problems: make([]orgflow.Problem, len(invalid.Problems))}
	for i, problem := range invalid.Problems {
		if problem.File == "" {
			problem.File = name
		}
		named.Problems[i] = problem
	}
	return named
}

// maxInput bounds what is read from a file or from standard input.
const maxInput = 16 << 20

func (p *program) readFile(name string) ([]byte, error) {
	var r = p.In
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, errors.Unwrap(err))
		}
		defer f.Close()
		r = f
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(raw) > maxInput:
		return nil, fmt.Errorf("%s is larger than %d MiB", name, maxInput>>20)
	}
	return raw, nil
}

func (p *program) printJSON(v any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
