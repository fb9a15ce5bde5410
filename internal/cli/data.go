package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/config"
)

// Data looks after what is stored.
type Data interface {
	// Lives tells how long the rows of every table are kept.
	Lives(ctx context.Context) ([]orgflow.TableLife, error)
	// Prune removes rows whose time is over; told hears how many so far.
	Prune(ctx context.Context, told func(orgflow.Pruned)) (orgflow.Pruned, error)
	// Export returns all that is stored about somebody, and writes down who
	// asked, from where. So does Erase.
	Export(ctx context.Context, company int64, person, by, origin string) (orgflow.PersonExport, error)
	Erase(ctx context.Context, r orgflow.EraseRequest) (orgflow.Erasure, error)
	// Backup copies a SQLite database into a new file.
	Backup(ctx context.Context, path string) error
}

func (p *program) dataCommand() *cobra.Command {
	return group("data", "Keep, remove, hand out and back up what is stored",
		"  starter data retention\n  starter data export --company 129 --person E1001 --out E1001.json\n  starter data backup --out orgflow-backup.db",
		p.dataRetention(), p.dataPrune(), p.dataExport(), p.dataErase(), p.dataBackup())
}

func (p *program) dataRetention() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "retention", Short: "Show how long the rows of each table are kept, and how many may go", Args: cobra.NoArgs,
		Long:    "Show how long the rows of each table are kept, by ORGFLOW_KEEP_RUNS and so on, and how many may go\nnow. It changes nothing; a worker removes them once a day.",
		Example: "  starter data retention",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error { return p.lives(cmd.Context(), b, asJSON) })
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) lives(ctx context.Context, b Backend, asJSON bool) error {
	lives, err := b.Data.Lives(ctx)
	if err != nil {
		return fmt.Errorf("look at the tables: %w", err)
	}
	if asJSON {
		return p.printJSON(lives)
	}
	t := table{header: []string{"TABLE", "DUE", "KEPT", "SINCE, OR WHY"}, right: []int{1}}
	for _, l := range lives {
		t.add(l.Table, number(l.Due), l.Kept, l.Since)
	}
	return t.write(p.Out)
}

func (p *program) dataPrune() *cobra.Command {
	dry, asJSON := false, false
	cmd := &cobra.Command{
		Use: "prune", Short: "Remove the rows whose time is over, as a worker does once a day", Args: cobra.NoArgs,
		Long:    "Remove the rows whose time is over, as a worker does once a day. It may be interrupted, repeated, and\nused while runs go on; what they need stays.",
		Example: "  starter data prune --dry-run\n  ORGFLOW_KEEP_FLOWS=3650 starter data prune",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				if dry {
					return p.lives(cmd.Context(), b, asJSON)
				}
				return p.prune(cmd.Context(), b, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show how many may go")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) prune(ctx context.Context, b Backend, asJSON bool) error {
	gone, err := b.Data.Prune(ctx, func(so orgflow.Pruned) {
		if p.terminal {
			_, _ = fmt.Fprintf(p.Err, "\r%s rows removed", number(so.Total())) // nobody is left to tell
		}
	})
	if p.terminal && gone.Total() > 0 {
		p.say("")
	}
	if err != nil {
		return fmt.Errorf("remove old rows, %s so far: %w", number(gone.Total()), err)
	}
	if asJSON {
		return p.printJSON(gone)
	}
	if gone.Total() == 0 {
		return p.print("No row's time is over.")
	}
	return p.counts("rows removed", gone)
}

// counts prints numbers by table, behind what they are of.
func (p *program) counts(of string, byTable map[string]int) error {
	for _, name := range slices.Sorted(maps.Keys(byTable)) {
		if err := p.print("%10s  %s (%s)", number(byTable[name]), name, of); err != nil {
			return err
		}
	}
	return nil
}

// personFlags name somebody.
func personFlags(cmd *cobra.Command, company *int64, person *string) {
	cmd.Flags().Int64Var(company, "company", 0, "the company's id")
	cmd.Flags().StringVar(person, "person", "", "user code, job number, userid or id at the source; user:ID and source:ID say which")
	for _, name := range []string{"company", "person"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
}

func (p *program) dataExport() *cobra.Command {
	var company int64
	var person, out, by string
	cmd := &cobra.Command{
		Use: "export", Short: "Write all that is stored about one person into a file", Args: cobra.NoArgs,
		Long: "Write all that is stored about one person into a new file: JSON, by table. Only you may read it. The\n" +
			"audit log tells who asked.",
		Example: "  starter data export --company 129 --person E1001 --out E1001.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				return p.export(cmd.Context(), b, company, person, by, out)
			})
		},
	}
	personFlags(cmd, &company, &person)
	cmd.Flags().StringVar(&out, "out", "", "the new file")
	cmd.Flags().StringVar(&by, "by", p.user, "who does this")
	cmd.Flags().Lookup("by").DefValue = "you"
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}

func (p *program) export(ctx context.Context, b Backend, company int64, person, by, out string) (err error) {
	f, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(out) // a part must not pass for the whole
		}
	}()
	export, err := b.Data.Export(ctx, company, person, by, p.origin())
	if err != nil {
		return fmt.Errorf("export %s: %w", strconv.Quote(person), err)
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(export); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	return p.print("%s about %s from %s in %s. It is personal data: hand it to nobody else.",
		count(export.Rows(), "row"), clean(person), count(len(export.Tables), "table"), out)
}

func (p *program) dataErase() *cobra.Command {
	var r orgflow.EraseRequest
	asJSON := false
	cmd := &cobra.Command{
		Use: "erase", Short: "Erase what is stored about one person", Args: cobra.NoArgs,
		Long: "Erase what is stored about one person who has left. What was done stays on record, without the person:\n" +
			"another name, which tells nothing, stands in place of their ids. It cannot be taken back.\n\n" +
			"It is refused while they are at the source or at a consumer, because the next sync would bring them\n" +
			"back; --force erases them all the same. An open flow of theirs has to end first.",
		Example: "  starter data erase --company 129 --person E1001 --reason \"request 17 of 2026-11-20\" --dry-run",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				r.Origin = p.origin()
				return p.erase(cmd.Context(), b, r, asJSON)
			})
		},
	}
	personFlags(cmd, &r.CompanyID, &r.Ref)
	steeringFlags(cmd, &r.By, &r.Reason, p.user)
	if err := cmd.MarkFlagRequired("reason"); err != nil {
		panic(err) // the flag is defined above
	}
	cmd.Flags().BoolVar(&r.Force, "force", false, "even while the person is at the source or at a consumer")
	cmd.Flags().BoolVar(&r.DryRun, "dry-run", false, "only show what would be done")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) erase(ctx context.Context, b Backend, r orgflow.EraseRequest, asJSON bool) error {
	done, err := b.Data.Erase(ctx, r)
	if err != nil {
		return fmt.Errorf("erase %s: %w", strconv.Quote(r.Ref), err)
	}
	if asJSON {
		return p.printJSON(done)
	}
	if done.Rows() == 0 {
		return p.print("Nothing is stored about %s.", clean(r.Ref))
	}
	head := fmt.Sprintf("Erased. The audit log knows it as %s.", done.Pseudonym)
	if done.DryRun {
		head = "Nothing was done. It would be:"
	}
	if err := p.print("%s", head); err != nil {
		return err
	}
	err = errors.Join(p.counts("removed", done.Removed), p.counts("kept without the person", done.Cleared), p.counts("rows of others, no longer naming the person", done.Mentions))
	for _, left := range done.Left {
		p.say("Left: %s", clean(left))
	}
	return err
}

func (p *program) dataBackup() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "backup", Short: "Copy a SQLite database into a new file, while it is in use", Args: cobra.NoArgs,
		Long:    "Copy a SQLite database, as it stands at one moment, into a new file. Runs go on meanwhile.\nPostgreSQL has pg_dump.",
		Example: "  ORGFLOW_DATABASE_URL=sqlite://.orgflow/orgflow.db starter data backup --out orgflow-backup.db",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				if err := b.Data.Backup(cmd.Context(), out); err != nil {
					return err
				}
				return p.print("Backed up to %s. Keep it like the database: it holds personal data.", out)
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the new file")
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is defined above
	}
	return cmd
}
