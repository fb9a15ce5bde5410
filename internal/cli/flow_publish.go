package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"orgflow/internal/api"
	"orgflow/internal/config"
)

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
	p.sayApplied(dry, different, "Nothing to publish: "+count(len(list), "draft")+" in step.", count(different, "version"), "publish", "published")
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
					if err != nil {
						return fmt.Errorf("import %s: %w", name, err)
					}
					return p.printOnePublished(done, asJSON)
				}
				d, err := b.FlowDefinitions.ImportDraft(cmd.Context(), company, name, raw, force)
				if err != nil {
					return fmt.Errorf("import %s: %w", name, err)
				}
				return p.printDraft(d, asJSON)
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

func (p *program) printOnePublished(d api.Published, asJSON bool) error {
	if asJSON {
		return p.printJSON(d)
	}
	return p.printPublished([]api.Published{d}, false)
}

func (p *program) printDraft(d Draft, asJSON bool) error {
	switch {
	case asJSON:
		return p.printJSON(d)
	case d.Written:
		return p.print("Wrote draft %s.", clean(d.Path))
	}
	return p.print("Draft %s says the same already.", clean(d.Path))
}

func oneFile(cmd *cobra.Command, args []string) error {
	return one("file, or - for standard input", cmd, args)
}
