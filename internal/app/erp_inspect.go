package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/cli"
	"orgflow/internal/erp"
)

// InspectForm reads a form's metadata and proposes how to load it. Where the
// company has a file for the form already, the tables are those of the file.
func (l *Loads) InspectForm(ctx context.Context, company int64, id string) (cli.Inspection, error) {
	if err := erp.ParseFormID(id); err != nil {
		return cli.Inspection{}, orgflow.Faultf(orgflow.CodeInvalidRecord, "--form %v", err)
	}
	company, err := l.app.Meta.ERPCompany(company)
	if err != nil {
		return cli.Inspection{}, err
	}
	client, err := l.ERP(company)
	if err != nil {
		return cli.Inspection{}, err
	}
	form, err := client.Form(ctx, id)
	if err != nil {
		return cli.Inspection{}, err
	}
	out := cli.Inspection{Name: form.Name, Config: erp.Propose(form), File: fmt.Sprintf("companies/%d/forms/%s.json", company, id), Notes: form.Notes}
	for _, e := range form.Entries {
		out.Entries = append(out.Entries, cli.InspectedEntry{ID: e.ID, Name: e.Name, Fields: len(e.Fields)})
	}
	used := out.Config
	if own, err := l.app.Meta.Form(company, id); err == nil {
		used, out.Configured = own, true
	} else if orgflow.AsFault(err).Code != orgflow.CodeNotFound {
		return cli.Inspection{}, err
	}
	out.Tables, out.Problems = erp.Tables(used, form)
	if out.Problems = append(out.Problems, erp.Advise(used)...); len(out.Tables) == 0 {
		return out, nil
	}
	refused, err := refusedFields(ctx, client, used, out.Tables[0])
	if err != nil || len(refused) == 0 {
		return out, err
	}
	return without(out, refused), nil
}

// refusedFields asks for one row of a table and returns the fields that the ERP does
// not answer for, although its metadata name them (Kingdee reference § 5,
// step 6).
func refusedFields(ctx context.Context, client connectors.ERP, cfg erp.Config, table erp.Table) (refused []string, err error) {
	until := time.Now().UTC()
	for range table.Columns {
		fields := slices.DeleteFunc(table.Fields(), func(f string) bool { return slices.Contains(refused, f) })
		_, err := client.Rows(ctx, connectors.ERPQuery{
			FormID: table.Form, Fields: fields, OrderBy: table.KeyFields(), In: cfg.Filter(), Limit: 1,
			DateField: cfg.DateField, From: until.AddDate(0, -1, 0), Until: until,
		})
		if !errors.Is(err, connectors.ErrNoField) {
			return refused, err
		}
		field := orgflow.AsFault(err).Field
		if !slices.Contains(fields, field) || slices.Contains(table.KeyFields(), field) || field == cfg.DateField {
			return refused, err
		}
		refused = append(refused, field)
	}
	return refused, nil
}

// without leaves fields out of the proposal, and says so of a configuration
// there is.
func without(out cli.Inspection, refused []string) cli.Inspection {
	for _, field := range refused {
		out.Problems = append(out.Problems, orgflow.Problem{
			Pointer: "/fields", Message: fmt.Sprintf("the ERP does not answer for field %s, although its metadata name it", field), Warning: !out.Configured,
		})
	}
	if out.Configured {
		return out
	}
	table := &out.Tables[0]
	table.Columns = slices.DeleteFunc(table.Columns, func(c erp.Column) bool { return slices.Contains(refused, c.Field) })
	out.Config.Fields = table.Fields()
	return out
}
