package erp

import (
	"fmt"
	"regexp"
	"strings"
)

// FormPattern is what the id of a form, and that of an entry, looks like.
// It is checked before the id comes near a file name, a query or SQL.
const FormPattern = `^[A-Za-z][A-Za-z0-9_]{0,59}$`

// FieldPattern is what a field is called in queries: a key, perhaps with
// properties of what it refers to: FCustId.FNumber.
const FieldPattern = `^[A-Za-z][A-Za-z0-9_]{0,59}(\.[A-Za-z][A-Za-z0-9_]{0,59}){0,3}$`

// MaxName is the length in bytes that PostgreSQL keeps of a name.
const MaxName = 63

// maxTable is the length in bytes that leaves room for the names of the
// tables that stand in for one while it is replaced: <name>__new, <name>__old.
const maxTable = MaxName - len("__new")

// ReservedPrefix begins the names of columns that orgflow itself adds to a
// table; no field may begin with it.
const ReservedPrefix = "orgflow_"

var (
	formPattern  = regexp.MustCompile(FormPattern)
	fieldPattern = regexp.MustCompile(FieldPattern)
)

// ParseFormID returns nil if the text can be a form's id: it fits FormPattern
// and the table's name fits both databases. The error says what is allowed
// and does not repeat what was given.
func ParseFormID(id string) error {
	// $ of a Go expression without (?m) matches at the end of the text only.
	if !formPattern.MatchString(id) {
		return fmt.Errorf("is not the id of a form: it has to match %s, such as SAL_SaleOrder", FormPattern)
	}
	if strings.Contains(id, "__") {
		return fmt.Errorf(`is not the id of a form orgflow can load: "__" parts form and entry in table names`)
	}
	if n := len(TableName(id, "")); n > maxTable {
		return fmt.Errorf("is too long: its table's name would have %d bytes, at most %d are allowed", n, maxTable)
	}
	return nil
}

// ParseField returns nil if the text can be a field's name in a query.
func ParseField(id string) error {
	if !fieldPattern.MatchString(id) {
		return fmt.Errorf("is not the key of a field: it has to match %s, such as FBillNo or FCustId.FNumber", FieldPattern)
	}
	return nil
}

// TableName is the name of a form's local table, of an entry's where entry is
// not empty: ERP_SAL_SaleOrder, ERP_SAL_SaleOrder__FSaleOrderEntry. Tables
// refuses names longer than MaxName.
func TableName(form, entry string) string {
	if entry == "" {
		return "ERP_" + form
	}
	return "ERP_" + form + "__" + entry
}

// ColumnName is the name of a field's column: the field's key, with "_" in
// the place of each dot. FCustId.FNumber is FCustId_FNumber. Two fields whose
// columns would bear one name, upper and lower case alike, are refused by
// Tables, so that the rule is unambiguous within a table.
func ColumnName(field string) string { return strings.ReplaceAll(field, ".", "_") }

// checkEntry returns nil if an entry of the form can have a table.
func checkEntry(form, entry string) error {
	if !formPattern.MatchString(entry) {
		return fmt.Errorf("is not the key of an entry: it has to match %s", FormPattern)
	}
	if n := len(TableName(form, entry)); n > maxTable {
		return fmt.Errorf("the table's name would have %d bytes, at most %d are allowed", n, maxTable)
	}
	if strings.EqualFold(entry, "new") || strings.EqualFold(entry, "old") {
		return fmt.Errorf("cannot be the name of an entry's table: tables that are being replaced end in it")
	}
	return nil
}
