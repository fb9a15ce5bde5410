package meta_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/erp"
)

const formFile = "companies/129/forms/SAL_OUTSTOCK.json"

func TestAFormWithEverything(t *testing.T) {
	s := openWith(t, map[string]string{formFile: `{
		"form_id": "SAL_OUTSTOCK", "description": "deliveries", "date_field": "FDate", "date_kind": "business", "key": "FID",
		"fields": ["FBillNo", "FCustomerID.FNumber"], "page_size": 500, "evolve": true, "types": {"FDate": "date"},
		"organisations": {"field": "FStockOrgId.FNumber", "values": ["100", "101"]},
		"entries": [{"id": "FEntity", "fields": ["FRealQty"]}],
		"windows": {"create_years": 3, "update_months": 1, "window_days": 7, "overlap_minutes": 60}}`})
	got, err := s.Form(129, "SAL_OUTSTOCK")
	if err != nil {
		t.Fatal(err)
	}
	want := erp.Config{
		FormID: "SAL_OUTSTOCK", Description: "deliveries", DateField: "FDate", DateKind: erp.DateBusiness, Key: "FID",
		Fields: []string{"FBillNo", "FCustomerID.FNumber"}, PageSize: 500, Evolve: true, Types: map[string]orgflow.ERPType{"FDate": orgflow.ERPDate},
		Organisations: &erp.Organisations{Field: "FStockOrgId.FNumber", Values: []string{"100", "101"}},
		Entries:       []erp.Entry{{ID: "FEntity", Fields: []string{"FRealQty"}}},
		Windows:       erp.WindowSet{CreateYears: 3, UpdateMonths: 1, WindowDays: 7, OverlapMinutes: 60},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	forms, problems := s.Forms(129)
	if len(forms) != 2 || len(problems) > 0 || forms[0].CompanyID != 129 || forms[0].File.Name != "SAL_OUTSTOCK.json" || forms[0].File.SHA256 == "" {
		t.Errorf("forms = %+v, %v", forms, problems)
	}
}

func TestTheShippedForm(t *testing.T) {
	forms, problems := openWith(t, nil).Forms(129)
	if len(problems) > 0 || len(forms) != 1 {
		t.Fatalf("%v, %v", forms, problems)
	}
	want := erp.Config{FormID: "SAL_SaleOrder", Description: forms[0].Config.Description, DateField: "FModifyDate", Key: "FID"}.WithDefaults()
	if diff := cmp.Diff(want, forms[0].Config); diff != "" {
		t.Error(diff)
	}
}

// One broken file keeps nobody from loading the others; all its problems are
// told, with their places.
func TestABrokenForm(t *testing.T) {
	s := openWith(t, map[string]string{formFile: `{"form_id": "SAL_OUTSTOCK", "date_field": "F Date", "page_size": 0}`})
	forms, problems := s.Forms(129)
	if len(forms) != 1 || len(problems) != 2 || !strings.HasPrefix(problems[0].String(), formFile+":1:43: /date_field: ") {
		t.Errorf("%d forms, %v", len(forms), problems)
	}
	if _, err := s.Form(129, "SAL_SaleOrder"); err != nil {
		t.Error(err)
	}
	if _, err := s.Form(129, "SAL_OUTSTOCK"); orgflow.AsFault(err).Code != orgflow.CodeInvalidConfig {
		t.Error(err)
	}
}

// What a form's file lets be missed is a warning of the linter and nobody else's.
func TestAFormByDaysIsWarnedOf(t *testing.T) {
	s := openWith(t, map[string]string{formFile: `{"form_id": "SAL_OUTSTOCK", "date_field": "FDate",
 "date_kind": "business"}`})
	problems := s.Lint(129)
	if len(problems) != 1 || !problems[0].Warning || !strings.HasPrefix(problems[0].String(), formFile+":2:") || problems[0].Pointer != "/date_kind" {
		t.Error(problems)
	}
	if forms, problems := s.Forms(129); len(forms) != 2 || len(problems) > 0 {
		t.Errorf("%d forms, %v", len(forms), problems)
	}
}

func TestDecodeLoad(t *testing.T) {
	company := func(id int) string {
		return fmt.Sprintf(`{"company_id": %d, "erp": {"type": "kingdee", "base_url": "u"}}`, id)
	}
	alone := openWith(t, nil)
	many := openWith(t, map[string]string{
		"companies/7/company.json": company(7), "companies/7/forms/BD_Customer.json": `{"form_id": "BD_Customer", "date_field": "FModifyDate"}`,
		"companies/8/company.json":               `{"company_id": 8}`,
		"companies/129/forms/SAL_OUTSTOCK.json":  `{"form_id": "X"}`,
		"companies/129/forms/PRD_MO.json":        `{}`,
		"companies/129/forms/AR_receivable.json": `{"form_id": "AR_receivable", "date_field": "FDate"}`,
	})
	in, err := alone.DecodeLoad([]byte(`{"form_id": "SAL_SaleOrder", "kind": "create"}`))
	if want := (orgflow.LoadInput{CompanyID: 129, FormID: "SAL_SaleOrder", Kind: orgflow.LoadCreate}); err != nil || in != want {
		t.Errorf("%+v, %v", in, err)
	}
	in, err = many.DecodeLoad([]byte(`{"company_id": 7, "form_id": "BD_Customer", "kind": "update", "deep": true}`))
	if want := (orgflow.LoadInput{CompanyID: 7, FormID: "BD_Customer", Kind: orgflow.LoadUpdate, Deep: true}); err != nil || in != want {
		t.Errorf("%+v, %v", in, err)
	}
	const known = `forms configured for company 129: `
	for raw, want := range map[string]string{
		``: "is empty",
		`{"company_id": 129, "form_id": "SAL_SaleOrder\";DROP TABLE x;--", "kind": "create"}`: `/form_id: is not the id of a form: it has to match ^[A-Za-z][A-Za-z0-9_]{0,59}$, such as SAL_SaleOrder; ` + known + `"AR_receivable", "SAL_OUTSTOCK", "SAL_SaleOrder"`,
		`{"company_id": 129, "form_id": "../company", "kind": "create"}`:                      "/form_id: is not the id of a form",
		`{"company_id": 129, "form_id": "SAL_SaleOder", "kind": "create"}`:                    `did you mean "SAL_SaleOrder"?`,
		`{"company_id": 129, "form_id": "PRD_MO", "kind": "create"}`:                          "/form_id: form PRD_MO has no file companies/129/forms/PRD_MO.json; " + known,
		`{"company_id": 8, "form_id": "BD_Customer", "kind": "create"}`:                       `/company_id: company 8 has no connection to an ERP: companies/8/company.json has no key "erp"`,
		`{"company_id": 9, "form_id": "BD_Customer", "kind": "create"}`:                       "/company_id: company 9 has no configuration",
		`{"form_id": "BD_Customer", "kind": "create"}`:                                        "/company_id: is required: several companies have an ERP: 7, 129",
		`{"company_id": 7, "form_id": "BD_Customer", "kind": "create", "deep": true}`:         "/deep: goes with kind update only",
		`{"company_id": 7, "form_id": "BD_Customer", "kind": "delete"}`:                       `/kind: must be one of "create", "update"`,
	} {
		var invalid *orgflow.InvalidError
		if _, err := many.DecodeLoad([]byte(raw)); !errors.As(err, &invalid) || invalid.Code != orgflow.CodeInvalidJob || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v, want\n%s", raw, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "DROP") {
			t.Errorf("repeats what was given: %v", err)
		}
	}
	_, err = many.DecodeLoad([]byte(`{"company_id": 129, "form_id": "SAL_OUTSTOCK", "kind": "create"}`))
	if orgflow.AsFault(err).Code != orgflow.CodeInvalidConfig || !strings.Contains(err.Error(), formFile) {
		t.Errorf("a broken file: %v", err)
	}
}

// Whoever replaces the demo company's settings by some without an ERP is not
// bothered by its examples; forms of their own are of no use then.
func TestExamplesOfLoadsNeedAnERP(t *testing.T) {
	const company = `{"company_id": 129, "source": {"type": "hcm", "base_url": "u", "auth": {"token": "${HCM_TOKEN}"}}, "consumers": {"ding_talk": {"base_url": "u", "appkey": "${DINGTALK_APPKEY}", "appsecret": "${DINGTALK_APPSECRET}"}}}`
	files := map[string]string{"companies/129/company.json": company}
	s := openWith(t, files)
	if schedules, problems := s.Schedules(129); len(schedules) != 2 || len(problems) > 0 {
		t.Errorf("%d schedules, %v", len(schedules), problems)
	}
	if problems := s.Lint(129); len(problems) > 0 {
		t.Error(problems)
	}
	files[formFile] = `{"form_id": "SAL_OUTSTOCK", "date_field": "FModifyDate"}`
	files["companies/129/schedules/s.json"] = `{"id": "s", "cron": "@daily", "workflow": "DataSync", "job": {"company_id": 129, "form_id": "SAL_OUTSTOCK", "kind": "update"}}`
	problems := openWith(t, files).Lint(129)
	if len(problems) != 2 || !problems[0].Warning || !strings.Contains(problems[0].Message, `has no key "erp", so that the forms in companies/129/forms cannot be loaded`) ||
		problems[1].Warning || problems[1].Pointer != "/job/company_id" {
		t.Error(problems)
	}
}
