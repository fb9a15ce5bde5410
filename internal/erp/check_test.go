package erp

import (
	"fmt"
	"strings"
	"testing"

	"orgflow"
)

func TestWhatAConfigurationLetsBeMissedIsSaid(t *testing.T) {
	for field, c := range map[string]struct {
		kind DateKind
		want string
	}{
		"FModifyDate": {"", ""}, "F_ABC_MODIFIED": {DateModified, ""},
		"FCreateDate": {"", "/date_field: is taken for the moment a row was last saved"},
		"FDate":       {DateBusiness, "/date_kind: rows are found by the day that people enter"},
	} {
		got := Advise(Config{DateField: field, DateKind: c.kind})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !got[0].Warning || !strings.HasPrefix(got[0].Pointer+": "+got[0].Message, c.want)) {
			t.Errorf("%s: %v", field, got)
		}
	}
}

func TestAConfigurationIsCheckedWithoutTheERP(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		want []string // beginnings, in order
	}{
		"in order": {Config{FormID: "SAL_SaleOrder", Fields: []string{"FBillNo", "FCustId.FNumber"}, Entries: []Entry{{ID: "FSaleOrderEntry"}},
			Types: map[string]orgflow.ERPType{"FDate": orgflow.ERPDate}}, nil},
		"a form id too long": {Config{FormID: "A" + strings.Repeat("b", 59)}, []string{"/form_id: is too long"}},
		"fields": {Config{FormID: "A", Fields: []string{"F;", "FA", "fa", "FA.FB", "FA_FB", "orgflow_x"}}, []string{
			"/fields/0: is not the key of a field", "/fields/2: the columns of fields FA and fa would bear one name",
			"/fields/4: the columns of fields FA.FB and FA_FB would bear one name", `/fields/5: field orgflow_x: names that begin with "orgflow_"`,
		}},
		"entries": {Config{FormID: "A", Entries: []Entry{{ID: "FE"}, {ID: "Fe", Fields: []string{"."}}, {ID: "F" + strings.Repeat("e", 59)}, {ID: "Old"}}}, []string{
			"/entries/1/id: stands twice", "/entries/1/fields/0: is not the key", "/entries/2/id: the table's name would have 67 bytes", "/entries/3/id: cannot be the name",
		}},
		"windows": {Config{FormID: "A", Entries: []Entry{{ID: "FE"}, {ID: "FF"}}, Windows: WindowSet{CreateYears: 5, WindowDays: 1}}, []string{"/windows: a load of all tables would read up to 5493 windows"}},
		"types":   {Config{FormID: "A", Types: map[string]orgflow.ERPType{"F A": orgflow.ERPText}}, []string{"/types/F A: is not the key"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Check(c.cfg)
			if len(got) != len(c.want) {
				t.Fatalf("found %v", got)
			}
			for i, p := range got {
				if !strings.HasPrefix(fmt.Sprint(p), c.want[i]) {
					t.Errorf("%s, want %s", p, c.want[i])
				}
			}
		})
	}
}
