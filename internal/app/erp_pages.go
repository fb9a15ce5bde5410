package app

import (
	"context"
	"errors"
	"fmt"

	"orgflow"
	"orgflow/internal/console"
	"orgflow/internal/erp"
	"orgflow/internal/store"
)

// Forms implements console.Forms.
func (l *Loads) Forms(context.Context) (forms []console.Form, problems []orgflow.Problem) {
	for _, id := range l.app.Meta.Companies() {
		company, err := l.app.Meta.Company(id)
		if err != nil {
			problems = append(problems, problemsOf(err)...)
			continue
		}
		if !company.HasERP() {
			continue
		}
		found, broken := l.app.Meta.Forms(id)
		problems = append(problems, broken...)
		for _, f := range found {
			forms = append(forms, shownForm(id, company.Name, f.File.Name, f.Config))
		}
	}
	return forms, problems
}

// problemsOf are the findings of a file that cannot be used.
func problemsOf(err error) []orgflow.Problem {
	if invalid, ok := errors.AsType[*orgflow.InvalidError](err); ok {
		return invalid.Problems
	}
	return []orgflow.Problem{{Message: orgflow.AsFault(err).Message}}
}

// Form implements console.Forms.
func (l *Loads) Form(_ context.Context, id int64, form string) (console.Form, error) {
	company, err := l.app.Meta.Company(id)
	if err != nil {
		return console.Form{}, err
	}
	cfg, err := l.app.Meta.Form(id, form)
	if err != nil {
		return console.Form{}, err
	}
	return shownForm(id, company.Name, fmt.Sprintf("companies/%d/forms/%s.json", id, form), cfg), nil
}

func shownForm(company int64, name, file string, c erp.Config) console.Form {
	out := console.Form{
		CompanyID: company, Company: name, ID: c.FormID, Description: c.Description, File: file,
		DateField: c.DateField, DateKind: string(c.DateKind), Key: c.Key, Fields: len(c.Fields), PageSize: c.PageSize, Evolve: c.Evolve,
		CreateYears: c.Windows.CreateYears, UpdateMonths: c.Windows.UpdateMonths, WindowDays: c.Windows.WindowDays,
	}
	for _, e := range c.Entries {
		out.Entries = append(out.Entries, e.ID)
	}
	return out
}

// TableRows implements console.Forms. The name of a table is made from a
// configured form only, and the table must be the company's own.
func (l *Loads) TableRows(ctx context.Context, company int64, form, entry, cursor string, limit int) (console.TableRows, error) {
	cfg, err := l.app.Meta.Form(company, form)
	if err != nil {
		return console.TableRows{}, err
	}
	known := entry == ""
	for _, e := range cfg.Entries {
		known = known || e.ID == entry
	}
	if !known {
		return console.TableRows{}, orgflow.Faultf(orgflow.CodeNotFound, "the file of form %s names no such entry", form)
	}
	table := erp.TableName(cfg.FormID, entry)
	owner, err := l.app.Store.FormOwner(ctx, cfg.FormID)
	if err != nil && !isNotFound(err) {
		return console.TableRows{}, err
	}
	if owner != company { // nobody's, or another company's
		return console.TableRows{}, noTable(table, err)
	}
	got, err := l.app.Store.PreviewTable(ctx, table, cursor, limit)
	if isNotFound(err) {
		return console.TableRows{}, noTable(table, err)
	}
	if err != nil {
		return console.TableRows{}, badCursor(err)
	}
	return shownRows(table, got), nil
}

func noTable(table string, err error) error {
	return &orgflow.Fault{Code: orgflow.CodeNotFound, Message: fmt.Sprintf("there is no local table %s of this company", table), Advice: "a create makes it", Err: err}
}

func shownRows(table string, p store.Preview) console.TableRows {
	out := console.TableRows{Table: table, More: p.More, Next: p.Next}
	for _, c := range p.Columns {
		out.Columns = append(out.Columns, console.TableColumn(c))
	}
	for _, r := range p.Rows {
		row := console.TableRow{Gone: r.Gone, GoneAt: r.GoneAt, Cells: make([]console.TableCell, len(r.Cells))}
		for i, c := range r.Cells {
			row.Cells[i] = console.TableCell(c)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
