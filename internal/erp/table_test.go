package erp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

func saleOrder() orgflow.ERPForm {
	return orgflow.ERPForm{
		ID: "SAL_SaleOrder", Name: "销售订单", Key: "FID",
		Fields: []orgflow.ERPField{
			{ID: "FBillNo", Type: orgflow.ERPText},
			{ID: "FDate", Type: orgflow.ERPTime},
			{ID: "FCustId", Type: orgflow.ERPInteger, Lookup: "BD_Customer"},
			{ID: "FDocumentStatus", Type: orgflow.ERPText},
			{ID: "FModifyDate", Type: orgflow.ERPTime},
			{ID: "FNote", Type: orgflow.ERPLongText},
		},
		Entries: []orgflow.ERPEntry{{ID: "FSaleOrderEntry", Key: "FEntryID", Fields: []orgflow.ERPField{
			{ID: "FEntryID", Type: orgflow.ERPInteger},
			{ID: "FMaterialId", Type: orgflow.ERPInteger, Lookup: "BD_MATERIAL"},
			{ID: "FQty", Type: orgflow.ERPDecimal},
		}}, {ID: "FFinance"}},
	}
}

func columns(t Table) string {
	var b strings.Builder
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "%s=%s:%s ", c.Name, c.Field, c.Type)
	}
	return strings.TrimSpace(b.String())
}

func TestTheColumnsOfTheMainTable(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"all fields of the head, lookups with number and name": {
			func(*Config) {},
			"FID=FID:integer FModifyDate=FModifyDate:timestamp FDocumentStatus=FDocumentStatus:text FBillNo=FBillNo:text FDate=FDate:timestamp " +
				"FCustId=FCustId:integer FCustId_FNumber=FCustId.FNumber:text FCustId_FName=FCustId.FName:text FNote=FNote:long_text",
		},
		"the fields named, and those every table has": {
			func(c *Config) { c.Fields = []string{"FNote", "FCustId.FNumber", "FNote"} },
			"FID=FID:integer FModifyDate=FModifyDate:timestamp FDocumentStatus=FDocumentStatus:text FNote=FNote:long_text FCustId_FNumber=FCustId.FNumber:text",
		},
		"another date": {
			func(c *Config) { c.Fields, c.DateField, c.DateKind = []string{"FBillNo"}, "FDate", DateBusiness },
			"FID=FID:integer FDate=FDate:timestamp FModifyDate=FModifyDate:timestamp FDocumentStatus=FDocumentStatus:text FBillNo=FBillNo:text",
		},
		"another key": {
			func(c *Config) { c.Fields, c.Key = []string{"FNote"}, "FBillNo" },
			"FBillNo=FBillNo:text FModifyDate=FModifyDate:timestamp FDocumentStatus=FDocumentStatus:text FNote=FNote:long_text",
		},
		"another type": {
			func(c *Config) {
				c.Fields, c.Types = []string{"FDate"}, map[string]orgflow.ERPType{"FDate": orgflow.ERPDate}
			},
			"FID=FID:integer FModifyDate=FModifyDate:timestamp FDocumentStatus=FDocumentStatus:text FDate=FDate:date",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := modified
			c.change(&cfg)
			tables, problems := Tables(cfg, saleOrder())
			if len(problems) > 0 || len(tables) != 1 {
				t.Fatalf("%d tables, %v", len(tables), problems)
			}
			got := tables[0]
			if diff := cmp.Diff(c.want, columns(got)); diff != "" {
				t.Error(diff)
			}
			if got.Name != "ERP_SAL_SaleOrder" || got.Form != "SAL_SaleOrder" || got.Entry != "" {
				t.Errorf("it is %+v", got)
			}
			if diff := cmp.Diff([]string{got.Columns[0].Name}, got.Key); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheTableOfAnEntry(t *testing.T) {
	cfg := modified
	cfg.Entries = []Entry{{ID: "FSaleOrderEntry"}}
	tables, problems := Tables(cfg, saleOrder())
	if len(problems) > 0 || len(tables) != 2 {
		t.Fatalf("%d tables, %v", len(tables), problems)
	}
	got := tables[1]
	want := "FSaleOrderEntry_FEntryID=FSaleOrderEntry_FEntryID:integer FID=FID:integer FModifyDate=FModifyDate:timestamp FDocumentStatus=FDocumentStatus:text " +
		"FMaterialId=FMaterialId:integer FMaterialId_FNumber=FMaterialId.FNumber:text FMaterialId_FName=FMaterialId.FName:text FQty=FQty:decimal"
	if diff := cmp.Diff(want, columns(got)); diff != "" {
		t.Error(diff)
	}
	if got.Name != "ERP_SAL_SaleOrder__FSaleOrderEntry" || strings.Join(got.KeyFields(), " ") != "FSaleOrderEntry_FEntryID" {
		t.Errorf("it is %+v", got)
	}

	cfg.Entries[0].Fields = []string{"FQty", "FBillNo"} // one of the bill's as well
	tables, problems = Tables(cfg, saleOrder())
	if len(problems) > 0 || !strings.HasSuffix(columns(tables[1]), " FQty=FQty:decimal FBillNo=FBillNo:text") {
		t.Errorf("%v, %v", tables, problems)
	}
}

// The key may be missing from the metadata's list of fields (Kingdee
// reference § 5: PkFieldName stands at the root).
func TestTheKeyOfTheMetadataNeedsNoField(t *testing.T) {
	form := saleOrder()
	form.Key = "FDEPTID"
	tables, problems := Tables(Config{FormID: "SAL_SaleOrder", DateField: "FModifyDate", Key: "FDEPTID", Fields: []string{"FBillNo"}}, form)
	if len(problems) > 0 || tables[0].Columns[0].Name != "FDEPTID" {
		t.Errorf("%v, %v", tables, problems)
	}
}

func TestWhatCannotBeATableIsRefused(t *testing.T) {
	long := "F" + strings.Repeat("x", 58)
	for name, c := range map[string]struct {
		cfg  func(*Config)
		form func(*orgflow.ERPForm)
		want string
	}{
		"a form id that is SQL":   {func(c *Config) { c.FormID = `SAL_SaleOrder";DROP TABLE x;--` }, nil, "/form_id: is not the id of a form"},
		"metadata of another":     {func(c *Config) { c.FormID = "SAL_OUTSTOCK" }, nil, `/form_id: the ERP's metadata are those of form "SAL_SaleOrder"`},
		"no key":                  {nil, func(f *orgflow.ERPForm) { f.Key = "" }, "/key: the ERP names no key"},
		"an unknown key":          {func(c *Config) { c.Key = "FNumber" }, nil, `/key: form SAL_SaleOrder has no field "FNumber"`},
		"an unknown date":         {func(c *Config) { c.DateField = "FAuditDate" }, nil, `/date_field: form SAL_SaleOrder has no field "FAuditDate"`},
		"a date that is none":     {func(c *Config) { c.DateField = "FNote" }, nil, "/date_field: field FNote is long_text"},
		"an unknown field":        {func(c *Config) { c.Fields = []string{"FBillNo", "FX"} }, nil, `/fields/1: form SAL_SaleOrder has no field "FX"`},
		"a field in another case": {func(c *Config) { c.Fields = []string{"FCUSTID"} }, nil, "it has FCustId (upper and lower case matter)"},
		"a field that is SQL":     {func(c *Config) { c.Fields = []string{`F"`} }, nil, "/fields/0: is not the key of a field"},
		"a property of no lookup": {func(c *Config) { c.Fields = []string{"FNote.FName"} }, nil, "field FNote refers to nothing"},
		"columns that collide": {
			func(c *Config) { c.Fields = []string{"FCustId.FName", "FCustId_FName"} },
			func(f *orgflow.ERPForm) { f.Fields = append(f.Fields, orgflow.ERPField{ID: "FCustId_FName"}) },
			"/fields/1: the columns of fields FCustId.FName and FCustId_FName would bear one name",
		},
		"columns that differ in case": {
			nil, func(f *orgflow.ERPForm) { f.Fields = append(f.Fields, orgflow.ERPField{ID: "FNOTE"}) },
			"the columns of fields FNote and FNOTE would bear one name",
		},
		"a column of our own": {
			nil, func(f *orgflow.ERPForm) { f.Fields = append(f.Fields, orgflow.ERPField{ID: "Orgflow_gone"}) },
			`begin with "orgflow_" are orgflow's own`,
		},
		"a column that is too long": {
			func(c *Config) { c.Fields = []string{long + ".FNumber"} },
			func(f *orgflow.ERPForm) {
				f.Fields = append(f.Fields, orgflow.ERPField{ID: long, Lookup: "BD_Customer"})
			},
			"a name of 67 bytes, at most 63",
		},
		"an unknown entry":       {func(c *Config) { c.Entries = []Entry{{ID: "FEntry"}} }, nil, `/entries/0/id: form SAL_SaleOrder has no entry "FEntry"; it has: FSaleOrderEntry, FFinance`},
		"an entry without a key": {func(c *Config) { c.Entries = []Entry{{ID: "FFinance"}} }, nil, "/entries/0/id: the ERP names no key for entry FFinance"},
		"an entry's field":       {func(c *Config) { c.Entries = []Entry{{ID: "FSaleOrderEntry", Fields: []string{"FX"}}} }, nil, "/entries/0/fields/0: "},
		"a table that is too long": {
			func(c *Config) { c.Entries = []Entry{{ID: long}} },
			func(f *orgflow.ERPForm) { f.Entries = []orgflow.ERPEntry{{ID: long, Key: "FEntryID"}} },
			"/entries/0/id: the table's name would have 78 bytes, at most 58",
		},
		"days that are no moments": {
			func(c *Config) {
				c.DateField, c.Types = "FDate", map[string]orgflow.ERPType{"FDate": orgflow.ERPDate}
			}, nil, "/date_kind: has to be business: field FDate holds days",
		},
		"a filter of nothing": {func(c *Config) { c.Organisations = &Organisations{Field: "FOrg.FNumber", Values: []string{"100"}} }, nil, `/organisations/field: form SAL_SaleOrder has no field "FOrg"`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, form := modified, saleOrder()
			if c.cfg != nil {
				c.cfg(&cfg)
			}
			if c.form != nil {
				c.form(&form)
			}
			tables, problems := Tables(cfg, form)
			if tables != nil || len(problems) == 0 || !strings.Contains(fmt.Sprint(problems), c.want) {
				t.Errorf("%v, %v; want %q", tables, problems, c.want)
			}
		})
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	_, problems := Tables(Config{FormID: "SAL_SaleOrder", DateField: "FA", Fields: []string{"FB"}, Entries: []Entry{{ID: "FC"}}}, saleOrder())
	if len(problems) != 3 {
		t.Errorf("%v", problems)
	}
}

// Without the moment a row was saved, a load does not catch up.
func TestAFormThatDoesNotSayWhenARowWasSaved(t *testing.T) {
	cfg, form := Config{FormID: "SAL_SaleOrder", DateField: "FDate", DateKind: DateBusiness}, saleOrder()
	if tables, problems := Tables(cfg, form); len(problems) > 0 || Modified(cfg, tables[0]) != FieldModified {
		t.Errorf("%v", problems)
	}
	form.Fields = slices.DeleteFunc(form.Fields, func(f orgflow.ERPField) bool { return f.ID == FieldModified })
	tables, problems := Tables(cfg, form)
	if len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Message, "has no FModifyDate") || Modified(cfg, tables[0]) != "" {
		t.Errorf("%v", problems)
	}
}

func TestOverridesThatOverrideNothingAreWarnedOf(t *testing.T) {
	cfg := modified
	cfg.Types = map[string]orgflow.ERPType{"FDate": orgflow.ERPDate, "FX": orgflow.ERPText, "FCustId.FNumber": orgflow.ERPLongText}
	tables, problems := Tables(cfg, saleOrder())
	if len(tables) != 1 || len(problems) != 1 || !problems[0].Warning || problems[0].Pointer != "/types/FX" {
		t.Errorf("%v, %v", tables, problems)
	}
}

// Queries of more than 30 base-data fields become very slow (Kingdee
// reference § 4.1).
func TestFewLookupsAreLookedUp(t *testing.T) {
	form := saleOrder()
	var named []string
	for i := range 40 {
		id := fmt.Sprintf("FBase%d", i)
		form.Fields = append(form.Fields, orgflow.ERPField{ID: id, Type: orgflow.ERPInteger, Lookup: "BD_X"})
		named = append(named, id+".FNumber")
	}
	tables, problems := Tables(modified, form)
	joined := 0
	for _, c := range tables[0].Columns {
		if strings.HasSuffix(c.Field, ".FNumber") {
			joined++
		}
	}
	if joined != MaxLookups || len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Message, "11 of the lookups have their id only") {
		t.Errorf("%d are looked up, %v", joined, problems)
	}
	cfg := modified
	cfg.Fields = named // somebody wants them
	tables, problems = Tables(cfg, form)
	if len(tables[0].Columns) != 43 || len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Message, "40 lookups are read") {
		t.Errorf("%d columns, %v", len(tables[0].Columns), problems)
	}
}

func TestFormIDs(t *testing.T) {
	for id, ok := range map[string]bool{
		"SAL_SaleOrder": true, "BD_Customer": true, "k5ab_X": true, "A": true,
		"A" + strings.Repeat("b", 53): true, "A" + strings.Repeat("b", 54): false, "A" + strings.Repeat("b", 59): false, "A" + strings.Repeat("b", 60): false,
		"": false, "1A": false, "_A": false, "SAL-SaleOrder": false, "SAL_SaleOrder ": false, "SAL_SaleOrder\n": false, "A__B": false, "A.B": false, "销售订单": false,
		`SAL_SaleOrder";DROP TABLE x;--`: false, "../SAL_SaleOrder": false, "SAL_SaleOrder'": false, "SAL_SaleOrder%00": false,
	} {
		err := ParseFormID(id)
		if (err == nil) != ok {
			t.Errorf("%q: %v", id, err)
		}
		if err != nil && strings.Contains(err.Error(), "DROP") {
			t.Errorf("repeats what was given: %v", err)
		}
	}
}

func TestAnUpdateWritesTheColumnsThereAre(t *testing.T) {
	table := Table{Columns: []Column{{Name: "FID", Field: "FID"}, {Name: "FBillNo", Field: "FBillNo"}, {Name: "FNew", Field: "FNew"}, {Name: "FNote", Field: "FNote"}}}
	use, missing := Evolve(table, []string{"remark", "fnote", "FNote", "fbillno", "FID", "orgflow_gone_at"})
	if diff := cmp.Diff([]Column{{Name: "FID", Field: "FID"}, {Name: "fbillno", Field: "FBillNo"}, {Name: "FNote", Field: "FNote"}}, use); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Column{{Name: "FNew", Field: "FNew"}}, missing); diff != "" {
		t.Error(diff)
	}
}

func TestAProposalIsAConfiguration(t *testing.T) {
	with := func(fields ...orgflow.ERPField) orgflow.ERPForm {
		return orgflow.ERPForm{ID: "X", Key: "FID", Fields: append([]orgflow.ERPField{{ID: "FID", Type: orgflow.ERPInteger}}, fields...)}
	}
	at := func(id string) orgflow.ERPField { return orgflow.ERPField{ID: id, Type: orgflow.ERPTime} }
	for name, c := range map[string]struct {
		form orgflow.ERPForm
		want Config
	}{
		"by the time of the last save": {saleOrder(), Config{FormID: "SAL_SaleOrder", Key: "FID", PageSize: 2000, DateField: "FModifyDate"}},
		"by the time of the first":     {with(at("FDate"), at("FCreateDate")), Config{FormID: "X", Key: "FID", PageSize: 2000, DateField: "FCreateDate"}},
		"by the bill's date":           {with(at("FOther"), at("FDate")), Config{FormID: "X", Key: "FID", PageSize: 2000, DateField: "FDate", DateKind: DateBusiness}},
		"by any date":                  {with(at("FOther")), Config{FormID: "X", Key: "FID", PageSize: 2000, DateField: "FOther", DateKind: DateBusiness}},
		"by none":                      {with(), Config{FormID: "X", Key: "FID", PageSize: 2000, DateKind: DateBusiness}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Propose(c.form)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if tables, problems := Tables(got, c.form); (tables != nil) != (got.DateField != "") {
				t.Error(problems)
			}
		})
	}
}
