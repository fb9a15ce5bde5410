package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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

func (p *program) definitionsPublish() *cobra.Command {
	var company int64
	var by string
	dry, asJSON := false, false
	cmd := &cobra.Command{
		Use: "publish", Short: "Publish the drafts that differ from the newest version", Args: cobra.NoArgs,
		Long: "Check all drafts, companies/<id>/flows/*.json, and publish those that differ from\nthe newest version. Where one has a problem nothing is published. Running flows keep\n" +
			"the version they began with.",
		Example: "  starter flow definitions publish --company 129 --dry-run\n  starter flow definitions publish --company 129",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				done, err := b.FlowDefinitions.PublishDrafts(cmd.Context(), company, by, dry)
				if err != nil {
					return fmt.Errorf("publish flow definitions: %w", err)
				}
				if asJSON {
					return p.printJSON(done)
				}
				return p.printPublished(done, dry)
			})
		},
	}
	companyFlag(cmd, &company)
	cmd.Flags().StringVar(&by, "by", p.user, "who publishes")
	cmd.Flags().Lookup("by").DefValue = "you" // help must not depend on who reads it
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show what differs, publish nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) printPublished(list []api.Published, dry bool) error {
	different := 0
	for _, d := range list {
		action := "unchanged"
		switch {
		case d.Published && d.Version == 1:
			action = "create"
		case d.Published:
			action = "update"
		}
		if d.Published {
			different++
		}
		if err := p.print("%s %-9s  %s version %d", actionSigns[action], action, clean(d.FlowCode), d.Version); err != nil {
			return err
		}
	}
	switch {
	case different == 0:
		p.say("Nothing to publish: %s in step.", count(len(list), "draft"))
	case dry:
		p.say("%s to publish. Nothing was done (--dry-run).", count(different, "version"))
	default:
		p.say("%s published.", count(different, "version"))
	}
	return nil
}

func (p *program) definitionsExport() *cobra.Command {
	var company int64
	version, out := 0, ""
	cmd := &cobra.Command{
		Use: "export CODE", Short: "Write a version with its hash, to be imported elsewhere", Args: oneCode,
		Example: "  starter flow definitions export ztbxx01 --out ztbxx01.flow.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				raw, err := b.FlowDefinitions.ExportDefinition(cmd.Context(), company, args[0], version)
				if err != nil {
					return fmt.Errorf("export flow definition %s: %w", args[0], err)
				}
				if out == "" {
					return p.printJSON(raw)
				}
				if err := os.WriteFile(out, append(raw, '\n'), 0o644); err != nil { //nolint:gosec // a definition is no secret
					return fmt.Errorf("export flow definition %s: %w", args[0], err)
				}
				p.say("Written to %s.", out)
				return nil
			})
		},
	}
	companyFlag(cmd, &company)
	cmd.Flags().IntVar(&version, "version", 0, "which version; default: the newest")
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write; default: standard output")
	return cmd
}

func (p *program) definitionsImport() *cobra.Command {
	var company int64
	var by string
	force, publish, asJSON := false, false, false
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Make an export the draft of its code, or publish it", Args: oneFile,
		Long: "Read an export, whose hash must be right, or a plain definition, and write it into the\nmeta directory (ORGFLOW_META_DIR) as the draft of its code; publish publishes it.\n" +
			"With --publish it is checked and published at once, and no file is written.",
		Example: "  starter flow definitions import ztbxx01.flow.json --company 129",
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := p.readFile(args[0])
			if err != nil {
				return err
			}
			name := filepath.Base(args[0])
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				if publish {
					done, err := b.FlowDefinitions.PublishDefinition(cmd.Context(), api.Publication{CompanyID: company, Raw: raw, File: name, By: by})
					switch {
					case err != nil:
						return fmt.Errorf("import %s: %w", name, err)
					case asJSON:
						return p.printJSON(done)
					}
					return p.printPublished([]api.Published{done}, false)
				}
				d, err := b.FlowDefinitions.ImportDraft(cmd.Context(), company, name, raw, force)
				switch {
				case err != nil:
					return fmt.Errorf("import %s: %w", name, err)
				case asJSON:
					return p.printJSON(d)
				case d.Written:
					return p.print("Wrote draft %s.", clean(d.Path))
				}
				return p.print("Draft %s says the same already.", clean(d.Path))
			})
		},
	}
	companyFlag(cmd, &company)
	cmd.Flags().BoolVar(&force, "force", false, "replace a draft that says something else")
	cmd.Flags().BoolVar(&publish, "publish", false, "publish at once instead of writing a draft")
	cmd.Flags().StringVar(&by, "by", p.user, "who publishes")
	cmd.Flags().Lookup("by").DefValue = "you" // help must not depend on who reads it
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// oneFile wants exactly one file name.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return fmt.Errorf("%s needs exactly one file, or - for standard input; see %s --help", cmd.CommandPath(), cmd.CommandPath())
	}
	return nil
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
