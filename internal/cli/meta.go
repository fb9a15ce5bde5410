package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/config"
)

func (p *program) metaCommand() *cobra.Command {
	return group("meta", "Check mapping files",
		"  starter meta lint --company 129\n  starter meta preview --service person_new --consumer ding_talk --row row.json",
		p.metaLint(), p.metaPreview(), p.metaSign())
}

func (p *program) metaLint() *cobra.Command {
	var company int64
	asJSON := false
	cmd := &cobra.Command{
		Use: "lint", Short: "Check all meta files, templates and company files", Args: cobra.NoArgs,
		Long:    "Check all meta files, templates, company files and schedules. Touches no system.\nThe exit code is 1 when something is wrong; warnings alone leave it 0.",
		Example: "  starter meta lint\n  starter meta lint --company 129",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleOffline, func(b Backend) error { return p.lint(cmd.Context(), b.Meta, company, asJSON) })
		},
	}
	cmd.Flags().Int64Var(&company, "company", 0, "only what this company uses; 0 is every company")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) lint(ctx context.Context, m Meta, company int64, asJSON bool) error {
	found, err := m.Lint(ctx, company)
	if err != nil {
		return fmt.Errorf("lint: %w", err)
	}
	return p.reportLint(found, asJSON)
}

func (p *program) printProblems(found []orgflow.Problem) error {
	paint := palette{on: p.color}
	for _, problem := range found {
		m := bad
		if problem.Warning {
			m = look
		}
		if err := p.print("%s %s", paint.mark(m), clean(problem.String())); err != nil {
			return err
		}
	}
	return nil
}

func tally(found []orgflow.Problem) (errors, warnings int) {
	for _, problem := range found {
		if problem.Warning {
			warnings++
		} else {
			errors++
		}
	}
	return errors, warnings
}

func (p *program) metaPreview() *cobra.Command {
	var r PreviewRequest
	file, asJSON := "", false
	cmd := &cobra.Command{
		Use: "preview", Short: "Show one source row's way through the mapping files", Args: cobra.NoArgs,
		Long:    "Show what becomes of one source row: the standard record, then the consumer's\npayload. Touches no system. The exit code is 1 when the row would be refused.",
		Example: "  starter meta preview --service person_new --consumer ding_talk --row row.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := p.readFile(file)
			if err != nil {
				return err
			}
			if !json.Valid(bytes.TrimPrefix(raw, []byte("\ufeff"))) {
				return fmt.Errorf("%s is not JSON: one source row as an object is expected", file)
			}
			r.Row = bytes.TrimPrefix(raw, []byte("\ufeff"))
			return p.with(cmd.Context(), config.RoleOffline, func(b Backend) error { return p.preview(cmd.Context(), b.Meta, r, asJSON) })
		},
	}
	cmd.Flags().StringVar(&r.Service, "service", "", "service, org_new or person_new for example")
	cmd.Flags().StringVar(&r.Consumer, "consumer", "", "consumer, ding_talk for example")
	cmd.Flags().StringVar(&r.State, "state", "", "extra_property.state of the job, where it names a meta file")
	cmd.Flags().StringVar(&file, "row", "", "file with one source row as a JSON object; - reads standard input")
	cmd.Flags().Int64Var(&r.CompanyID, "company", 0, "company; default the only configured one")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	for _, name := range []string{"service", "consumer", "row"} {
		_ = cmd.MarkFlagRequired(name) // the flags exist
	}
	return cmd
}

func (p *program) preview(ctx context.Context, m Meta, r PreviewRequest, asJSON bool) error {
	result, err := m.Preview(ctx, r)
	if err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	if asJSON {
		err = p.printJSON(result.Detail)
	} else {
		err = p.print("%s", strings.TrimSuffix(result.Text, "\n"))
	}
	if err != nil {
		return err
	}
	if result.Refused {
		return exit{code: ExitFailed}
	}
	return nil
}
