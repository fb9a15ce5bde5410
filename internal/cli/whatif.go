package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/config"
)

func (p *program) whatIfCommand() *cobra.Command {
	file, rows, asJSON := "", "", false
	var files []string
	cmd := &cobra.Command{
		Use:   "what-if --file job.json [--rows rows.json] [--meta FILE…]",
		Short: "Show what a run would do with rows or mapping files that do not exist yet",
		Long: "Show what a run of the job would do with people and departments that do not exist\n" +
			"yet, or not like this. Nothing is stored, sent or started.\n\n" +
			"rows.json holds rows as the source delivers them, by service of the job:\n" +
			"  {\"org_new\": [{\"id\": 99, \"name\": \"新部门\", \"parent_id\": 1}],\n" +
			"   \"person_new\": [{\"id\": 9001, \"number\": \"E9001\", \"name\": \"新员工\",\n" +
			"                   \"mobile\": \"10000009001\", \"departments\": [{\"origin_id\": 99}]}]}\n" +
			"A row whose id exists already is shown as the update it would be.\n" +
			"Of the rows the fetch meta file and the template of today are used, of the rest\n" +
			"what the database knows; only a transform \"lookup\" asks the source.\n\n" +
			"--meta takes a template, fetch meta file or standard format as it might become; its\n" +
			"name says which of the job's files it stands for. Without rows it shows what it would\n" +
			"change of the records read last.",
		Example: "  starter what-if --file job.json --rows rows.json\n  starter what-if --file job.json --meta draft/HcmDingSyncService.person_new.json\n  starter what-if --file job.json --rows - --json < rows.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "-" && rows == "-" {
				return errors.New("only one of --file and --rows can be standard input")
			}
			return p.whatIf(cmd.Context(), file, rows, files, asJSON)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "job file; - reads standard input")
	cmd.Flags().StringVar(&rows, "rows", "", "file with source rows by service; - reads standard input")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringArrayVar(&files, "meta", nil, "mapping file as it might become; may be repeated")
	_ = cmd.MarkFlagRequired("file") // the flag exists
	cmd.MarkFlagsOneRequired("rows", "meta")
	return cmd
}

func (p *program) whatIf(ctx context.Context, file, rows string, files []string, asJSON bool) error {
	rawJob, err := p.readFile(file)
	if err != nil {
		return err
	}
	suppose := orgflow.Supposition{Files: map[string][]byte{}}
	if rows != "" {
		if suppose.Rows, err = p.readFile(rows); err != nil {
			return err
		}
	}
	for _, name := range files {
		if suppose.Files[filepath.Base(name)], err = p.readFile(name); err != nil {
			return err
		}
	}
	_, job, err := p.decode(ctx, rawJob, syncFlags{file: file})
	if err != nil {
		return err
	}
	return p.with(ctx, config.RoleStarter, func(b Backend) error {
		answer, err := b.WhatIf.WhatIf(ctx, job, suppose)
		if err != nil {
			return fmt.Errorf("what-if: %w", inFile(err, rows))
		}
		if asJSON {
			return p.printJSON(answer)
		}
		return p.printWhatIf(answer)
	})
}

// printWhatIf writes the changes like those of a run, then what else is to
// be said.
func (p *program) printWhatIf(w orgflow.WhatIf) error {
	for _, c := range w.Changes {
		if err := p.printChange(c, false); err != nil {
			return err
		}
	}
	if len(w.Changes) == 0 {
		p.say("Nothing would change.")
	}
	r := renderer{s: orgflow.Summary{Plan: w.Plan}, width: p.width, paint: palette{on: p.color}}
	r.plan()
	if len(w.Issues)+len(w.Notes) > 0 {
		r.line("")
	}
	for _, i := range w.Issues {
		m, what := look, "warning"
		if i.Fatal {
			m, what = bad, "held"
		}
		if i.Fatal && i.Stage == orgflow.StageFetch {
			what = "set aside at fetch"
		}
		r.point(m, fmt.Sprintf("%s row %d (id %s) %s: %s: %s", i.Service, i.Row, i.SourceID, what, field(i), i.Message))
	}
	for _, n := range w.Notes {
		r.point(none, n)
	}
	return p.print("%s", strings.TrimRight(r.b.String(), "\n"))
}

// field is the name an issue is about, on the side where it was met.
func field(i orgflow.RowIssue) string {
	if i.Stage == orgflow.StageSend && i.Target != "" {
		return i.Target
	}
	return i.Key
}
