package cli

import (
	"context"
	"fmt"

	"strconv"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

// FlowDefinitions is what the API offers, and drafts in files.
type FlowDefinitions interface {
	api.FlowDefinitions
	// PublishDrafts publishes the drafts of a company that differ from the
	// newest version: all of them or, where one has a problem, none.
	PublishDrafts(ctx context.Context, company int64, by string, dryRun bool) ([]api.Published, error)
	// ImportDraft makes an export, or a definition, the draft of its code. A
	// draft that says something else is replaced with force only.
	ImportDraft(ctx context.Context, company int64, file string, raw []byte, force bool) (Draft, error)
}

// Draft is a definition in a file of the meta directory.
type Draft struct {
	FlowCode string `json:"flow_code"`
	SHA256   string `json:"sha256"`
	Path     string `json:"path"`    // relative to the meta directory
	Written  bool   `json:"written"` // false: the file said the same already
}

func (p *program) flowDefinitions() *cobra.Command {
	return group("definitions", "Definitions of approval flows: files, versions, publication",
		"  starter flow definitions lint --company 129\n  starter flow definitions publish --company 129 --dry-run",
		p.definitionsList(), p.definitionsShow(), p.definitionsPublish(), p.definitionsExport(), p.definitionsImport(), p.definitionsLint())
}

func (p *program) definitionsList() *cobra.Command {
	var company int64
	asJSON := false
	cmd := &cobra.Command{
		Use: "list", Short: "List the newest version of each published definition", Args: cobra.NoArgs,
		Example: "  starter flow definitions list --company 129",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				all := []api.DefinitionInfo{}
				for cursor := ""; ; {
					page, err := b.FlowDefinitions.ListDefinitions(cmd.Context(), company, cursor, api.MaxLimit)
					if err != nil {
						return fmt.Errorf("list flow definitions: %w", err)
					}
					all = append(all, page.Definitions...)
					if cursor = page.NextCursor; cursor == "" {
						return p.printDefinitions(all, asJSON)
					}
				}
			})
		},
	}
	companyFlag(cmd, &company)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) printDefinitions(list []api.DefinitionInfo, asJSON bool) error {
	if asJSON {
		return p.printJSON(list)
	}
	if len(list) == 0 {
		p.say("No definitions are published.")
		return nil
	}
	t := table{header: []string{"CODE", "VERSION", "NAME", "SHA-256", "PUBLISHED", "BY"}, right: []int{1}}
	for _, d := range list {
		t.add(d.FlowCode, strconv.Itoa(d.Version), d.Name, d.SHA256[:min(8, len(d.SHA256))], minute(&d.PublishedAt), d.PublishedBy)
	}
	return t.write(p.Out)
}

func (p *program) definitionsShow() *cobra.Command {
	var company int64
	version, versions := 0, false
	cmd := &cobra.Command{
		Use: "show CODE", Short: "Print a published definition, or list its versions", Args: oneCode,
		Example: "  starter flow definitions show ztbxx01 --version 2\n  starter flow definitions show ztbxx01 --versions",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				if versions {
					list, err := b.FlowDefinitions.DefinitionVersions(cmd.Context(), company, args[0])
					if err != nil {
						return fmt.Errorf("flow definition %s: %w", args[0], err)
					}
					return p.printDefinitions(list, false)
				}
				d, err := b.FlowDefinitions.GetDefinition(cmd.Context(), company, args[0], version)
				if err != nil {
					return fmt.Errorf("flow definition %s: %w", args[0], err)
				}
				return p.printJSON(d.Raw)
			})
		},
	}
	companyFlag(cmd, &company)
	cmd.Flags().IntVar(&version, "version", 0, "which version; default: the newest")
	cmd.Flags().BoolVar(&versions, "versions", false, "list the versions, newest first")
	return cmd
}

func (p *program) definitionsLint() *cobra.Command {
	var company int64
	asJSON := false
	cmd := &cobra.Command{
		Use: "lint", Short: "Check drafts, message templates and calendar", Args: cobra.NoArgs,
		Long:    "Check companies/<id>/flows/*.json, flow-templates.json and calendar.json. Touches no\nsystem. The exit code is 1 when something is wrong.",
		Example: "  starter flow definitions lint --company 129",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleOffline, func(b Backend) error {
				found, err := b.Meta.LintFlows(cmd.Context(), company)
				if err != nil {
					return fmt.Errorf("lint: %w", err)
				}
				return p.reportLint(found, asJSON)
			})
		},
	}
	cmd.Flags().Int64Var(&company, "company", 0, "only this company; 0 is every company")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// reportLint prints findings and fails when one is no mere warning.
func (p *program) reportLint(found []orgflow.Problem, asJSON bool) error {
	if asJSON {
		if found == nil {
			found = []orgflow.Problem{}
		}
		if err := p.printJSON(found); err != nil {
			return err
		}
	} else if err := p.printProblems(found); err != nil {
		return err
	}
	errors, warnings := tally(found)
	if !asJSON {
		if errors+warnings == 0 {
			p.say("All files are in order.")
		} else {
			p.say("%s, %s.", count(errors, "error"), count(warnings, "warning"))
		}
	}
	if errors > 0 {
		return exit{code: ExitFailed}
	}
	return nil
}
