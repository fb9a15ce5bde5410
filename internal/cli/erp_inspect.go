package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/erp"
)

// Loads is what the erp commands work with.
type Loads interface {
	api.Loads
	// InspectForm reads a form's metadata and proposes how to load it.
	InspectForm(ctx context.Context, company int64, form string) (Inspection, error)
}

// Inspection is what the ERP says of a form and what is made of it.
type Inspection struct {
	Name   string     `json:"name"`
	Config erp.Config `json:"config"` // proposed
	// File is where the configuration belongs; Configured says that the
	// company has one, which Tables are those of then.
	File       string           `json:"file"`
	Configured bool             `json:"configured"`
	Tables     []erp.Table      `json:"tables"`
	Entries    []InspectedEntry `json:"entries"` // child tables that may be loaded too
	// Notes say what of the metadata was left out or guessed.
	Notes    []string          `json:"notes"`
	Problems []orgflow.Problem `json:"problems"`
}

// InspectedEntry is a child table of a form.
type InspectedEntry struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Fields int    `json:"fields"`
}

func (p *program) erpInspect() *cobra.Command {
	var company int64
	form, asJSON := "", false
	cmd := &cobra.Command{
		Use: "inspect --form SAL_SaleOrder", Short: "Read a form's metadata and propose how to load it", Args: cobra.NoArgs,
		Long: "Read a form's metadata from the ERP, propose a configuration for it and show the\n" +
			"table it would make. Changes nothing. The exit code is 1 when the form cannot be\nloaded as it is configured.",
		Example: "  starter erp inspect --form SAL_SaleOrder\n  starter erp inspect --form BD_Customer --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				found, err := b.Loads.InspectForm(cmd.Context(), company, form)
				if err != nil {
					return fmt.Errorf("inspect form: %w", err)
				}
				return p.printInspection(found, asJSON)
			})
		},
	}
	cmd.Flags().Int64Var(&company, "company", 0, "company; default the only configured one")
	cmd.Flags().StringVar(&form, "form", "", "form of the ERP")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("form") // the flag exists
	return cmd
}

func (p *program) printInspection(found Inspection, asJSON bool) error {
	print := p.printInspected
	if asJSON {
		print = func(i Inspection) error { return p.printJSON(i) }
	}
	if err := print(found); err != nil {
		return err
	}
	if slices.ContainsFunc(found.Problems, func(p orgflow.Problem) bool { return !p.Warning }) {
		return exit{code: ExitFailed}
	}
	return nil
}

func (p *program) printInspected(found Inspection) error {
	proposal, err := json.MarshalIndent(found.Config, "", "  ")
	if err != nil {
		return fmt.Errorf("write the proposal: %w", err)
	}
	if err := p.print("%s  %s\n\n%s\n", found.Config.FormID, clean(found.Name), proposal); err != nil {
		return err
	}
	if found.Configured {
		p.say("%s exists; the tables are those it makes.", found.File)
	} else {
		p.say("To load the form, save this as %s in your meta directory.", found.File)
	}
	for _, t := range found.Tables {
		if err := p.printColumns(t); err != nil {
			return err
		}
	}
	if len(found.Entries) > 0 {
		var ids []string
		for _, e := range found.Entries {
			ids = append(ids, fmt.Sprintf("%s (%s, %s)", clean(e.ID), clean(e.Name), count(e.Fields, "field")))
		}
		if err := p.print("\nEntries that \"entries\" may name: %s", strings.Join(ids, ", ")); err != nil {
			return err
		}
	}
	if len(found.Notes) > 0 {
		if err := p.print("\nOf the metadata: %s", clean(strings.Join(found.Notes, "; "))); err != nil {
			return err
		}
	}
	return p.printProblems(found.Problems)
}

func (p *program) printColumns(t erp.Table) error {
	if err := p.print("\n%s, key %s", t.Name, strings.Join(t.Key, ", ")); err != nil {
		return err
	}
	columns := table{header: []string{"COLUMN", "FIELD", "TYPE"}}
	for _, c := range t.Columns {
		kind := string(c.Type)
		if c.Lookup {
			kind += ", id of a lookup"
		}
		columns.add(c.Name, c.Field, kind)
	}
	return columns.write(p.Out)
}
