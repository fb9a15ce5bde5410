package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/meta"
)

// formERP is an ERP with one form, some of whose fields no query may name.
type formERP struct {
	form    orgflow.ERPForm
	refuses []string
	err     error
}

func (e formERP) Form(_ context.Context, id string) (orgflow.ERPForm, error) {
	form := e.form
	form.ID = id
	return form, e.err
}

func (e formERP) Rows(_ context.Context, q connectors.ERPQuery) (connectors.ERPPage, error) {
	for _, f := range q.Fields {
		if slices.Contains(e.refuses, f) {
			return connectors.ERPPage{Calls: 1}, &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Field: f, Message: "元数据中标识为" + f, Err: connectors.ErrNoField}
		}
	}
	if q.Limit != 1 || q.DateField == "" || len(q.OrderBy) == 0 {
		return connectors.ERPPage{}, errors.New("asked for more than a row, or without a window")
	}
	return connectors.ERPPage{Rows: [][]json.RawMessage{}, Calls: 1}, nil
}

// loadsOf has one company with an ERP; files lie over the shipped ones.
func loadsOf(t *testing.T, client connectors.ERP, files map[string]string) *Loads {
	t.Helper()
	dir := t.TempDir()
	files["companies/129/company.json"] = `{"company_id": 129, "erp": {"type": "kingdee", "base_url": "u"}}`
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := meta.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	registry := connectors.NewRegistry(nil, nil).ERPs(map[string]connectors.ERPFactory{
		"kingdee": func(connectors.Settings) (connectors.ERP, error) { return client, nil },
	})
	return (&App{Meta: m, Connectors: registry}).Loads()
}

func customers() orgflow.ERPForm {
	return orgflow.ERPForm{Name: "客户", Key: "FCUSTID", Fields: []orgflow.ERPField{
		{ID: "FCUSTID", Type: orgflow.ERPInteger}, {ID: "FNumber", Type: orgflow.ERPText}, {ID: "FGhost", Type: orgflow.ERPText}, {ID: "FModifyDate", Type: orgflow.ERPTime},
	}, Notes: []string{"FOld: left out"}}
}

func TestAFormIsProposed(t *testing.T) {
	l := loadsOf(t, formERP{form: customers()}, map[string]string{})
	got, err := l.InspectForm(context.Background(), 0, "BD_Customer")
	if err != nil || got.Configured || got.File != "companies/129/forms/BD_Customer.json" || len(got.Problems) > 0 || len(got.Notes) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"FCUSTID", "FModifyDate", "FNumber", "FGhost"}, got.Tables[0].Fields()); diff != "" || got.Config.Fields != nil || got.Config.Key != "FCUSTID" {
		t.Errorf("%+v %s", got.Config, diff)
	}
}

// Metadata name fields that no query may ask for; a proposal that a load
// would fail with is none.
func TestFieldsTheERPDoesNotAnswerForAreLeftOut(t *testing.T) {
	l := loadsOf(t, formERP{form: customers(), refuses: []string{"FGhost"}}, map[string]string{})
	got, err := l.InspectForm(context.Background(), 129, "BD_Customer")
	if err != nil || len(got.Problems) != 1 || !got.Problems[0].Warning || !strings.Contains(got.Problems[0].Message, "FGhost") {
		t.Fatalf("%+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"FCUSTID", "FModifyDate", "FNumber"}, got.Config.Fields); diff != "" || len(got.Tables[0].Columns) != 3 {
		t.Errorf("%+v %s", got.Tables, diff)
	}
	// A file that names it is the user's to correct.
	l = loadsOf(t, formERP{form: customers(), refuses: []string{"FGhost"}}, map[string]string{
		"companies/129/forms/BD_Customer.json": `{"form_id": "BD_Customer", "date_field": "FModifyDate", "fields": ["FGhost"]}`,
	})
	got, err = l.InspectForm(context.Background(), 129, "BD_Customer")
	if err != nil || !got.Configured || len(got.Problems) != 1 || got.Problems[0].Warning || len(got.Tables[0].Columns) != 3 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatCannotBeInspected(t *testing.T) {
	for name, c := range map[string]struct {
		client formERP
		form   string
		want   orgflow.Code
	}{
		"a form id that is SQL":   {formERP{form: customers()}, `A";DROP TABLE x;--`, orgflow.CodeInvalidRecord},
		"a form of no ERP":        {formERP{err: orgflow.Faultf(orgflow.CodeNotFound, "业务对象不存在")}, "BD_Custome", orgflow.CodeNotFound},
		"a key nobody may query":  {formERP{form: customers(), refuses: []string{"FCUSTID"}}, "BD_Customer", orgflow.CodeInvalidConfig},
		"a date nobody may query": {formERP{form: customers(), refuses: []string{"FModifyDate"}}, "BD_Customer", orgflow.CodeInvalidConfig},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadsOf(t, c.client, map[string]string{}).InspectForm(context.Background(), 0, c.form)
			if err == nil || orgflow.AsFault(err).Code != c.want || strings.Contains(err.Error(), "DROP") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTheIDOfALoadLeadsToItsWorkflow(t *testing.T) {
	id := orgflow.ERPRunID(orgflow.ERPWorkflowID(129, "SAL_SaleOrder"), "01a20285-0278-7a78-97e3-e5382be967b5")
	if id != "erp-129-SAL_SaleOrder~e5382be967b5" {
		t.Errorf("id %s", id)
	}
	workflow, ok := loadWorkflow(id)
	if company, form := startedFor(workflow); !ok || company != 129 || form != "SAL_SaleOrder" {
		t.Errorf("%s is of %d %s", workflow, company, form)
	}
	for _, other := range []string{"", "x", "~x"} {
		if workflow, ok := loadWorkflow(other); ok {
			t.Errorf("%q leads to %q", other, workflow)
		}
	}
	if company, form := startedFor("chosen-in-the-web-ui"); company != 0 || form != "" {
		t.Errorf("it is of %d %s", company, form)
	}
}
