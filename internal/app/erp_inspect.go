package app

import (
	"context"
	"fmt"

	"orgflow"
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
	out := cli.Inspection{Name: form.Name, Config: erp.Propose(form), File: fmt.Sprintf("companies/%d/forms/%s.json", company, id)}
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
	return out, nil
}
