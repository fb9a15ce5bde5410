package erp

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// FieldModified says when a row was last saved, on forms that have it.
const FieldModified = "FModifyDate"

// MaxLookups is the number of base-data fields above which a query becomes
// very slow (Kingdee reference § 4.1).
const MaxLookups = 30

// always are the fields every table gets where its form has them (Kingdee
// reference § 5, step 5).
var always = []string{FieldModified, "FCreateDate", "FDocumentStatus", "FForbidStatus"}

// Properties of what a lookup refers to that its table shows.
var lookupProperties = []string{"FNumber", "FName"}

// Tables returns the tables of a form: the main one first, then those of the
// entries that the configuration names. The problems point into the form
// file; one that is no warning leaves nothing to work with.
func Tables(cfg Config, form orgflow.ERPForm) ([]Table, []orgflow.Problem) {
	b := &builder{cfg: cfg.WithDefaults(), form: form}
	if err := ParseFormID(cfg.FormID); err != nil {
		b.refuse("/form_id", "%v", err)
		return nil, b.problems
	}
	if cfg.FormID != form.ID {
		b.refuse("/form_id", "the ERP's metadata are those of form %q", form.ID)
		return nil, b.problems
	}
	tables := []Table{b.main()}
	for i, entry := range cfg.Entries {
		if t, ok := b.entry(i, entry); ok {
			tables = append(tables, t)
		}
	}
	if Modified(b.cfg, tables[0]) == "" {
		b.warn("/date_field", "form %s has no %s to say when a row was saved: what is saved while a load runs comes with the next one", form.ID, FieldModified)
	}
	b.unusedTypes()
	if slices.ContainsFunc(b.problems, func(p orgflow.Problem) bool { return !p.Warning }) {
		return nil, b.problems
	}
	return tables, b.problems
}

// builder makes the tables of one form and collects what is wrong.
type builder struct {
	cfg      Config
	form     orgflow.ERPForm
	typed    []string // fields whose type was overridden
	problems []orgflow.Problem
}

func (b *builder) refuse(pointer, format string, args ...any) {
	b.problems = append(b.problems, orgflow.Problem{Pointer: pointer, Message: fmt.Sprintf(format, args...)})
}

func (b *builder) warn(pointer, format string, args ...any) {
	b.problems = append(b.problems, orgflow.Problem{Pointer: pointer, Message: fmt.Sprintf(format, args...), Warning: true})
}

// key is the field that tells the main table's rows apart.
func (b *builder) key() string {
	if b.cfg.Key != "" {
		return b.cfg.Key
	}
	return b.form.Key
}

func (b *builder) main() Table {
	t := &tableBuilder{builder: b, pointer: "/fields", table: Table{Name: TableName(b.form.ID, ""), Form: b.form.ID}}
	t.key(b.key(), "/key", b.form.Fields)
	t.must(b.cfg.DateField, "/date_field", b.form.Fields)
	t.dated()
	t.filter()
	t.common()
	if len(b.cfg.Fields) == 0 {
		t.all(b.form.Fields)
	}
	for i, field := range b.cfg.Fields {
		t.must(field, fmt.Sprintf("/fields/%d", i), b.form.Fields)
	}
	return t.done()
}

// entry makes the table of a child. It carries the main table's key, to join
// by, and its dates, so that its rows lie in the windows of their bill.
func (b *builder) entry(i int, cfg Entry) (Table, bool) {
	pointer := fmt.Sprintf("/entries/%d", i)
	entry, ok := b.child(cfg.ID, pointer+"/id")
	if !ok {
		return Table{}, false
	}
	t := &tableBuilder{builder: b, pointer: pointer, table: Table{Name: TableName(b.form.ID, entry.ID), Form: b.form.ID, Entry: entry.ID}}
	if !t.addField(orgflow.ERPField{ID: entry.ID + "_" + entry.Key, Type: orgflow.ERPInteger}, pointer+"/id") {
		return Table{}, false
	}
	t.table.Key = []string{t.table.Columns[0].Name}
	t.must(b.key(), "/key", b.form.Fields)
	t.must(b.cfg.DateField, "/date_field", b.form.Fields)
	t.common()
	if len(cfg.Fields) == 0 {
		t.all(slices.DeleteFunc(slices.Clone(entry.Fields), func(f orgflow.ERPField) bool { return f.ID == entry.Key }))
	}
	both := append(slices.Clone(entry.Fields), b.form.Fields...)
	for j, field := range cfg.Fields {
		t.must(field, fmt.Sprintf("%s/fields/%d", pointer, j), both)
	}
	return t.done(), true
}

// child finds an entry that can be a table.
func (b *builder) child(id, pointer string) (orgflow.ERPEntry, bool) {
	at := slices.IndexFunc(b.form.Entries, func(e orgflow.ERPEntry) bool { return e.ID == id })
	if at < 0 {
		ids := make([]string, len(b.form.Entries))
		for i, e := range b.form.Entries {
			ids[i] = e.ID
		}
		b.refuse(pointer, "form %s has no entry %q; it has: %s", b.form.ID, id, listed(ids))
		return orgflow.ERPEntry{}, false
	}
	entry := b.form.Entries[at]
	switch err := checkEntry(b.form.ID, entry.ID); {
	case err != nil:
		b.refuse(pointer, "%v", err)
	case entry.Key == "":
		b.refuse(pointer, "the ERP names no key for entry %s, so that its rows cannot be told apart", entry.ID)
	default:
		return entry, true
	}
	return orgflow.ERPEntry{}, false
}

// unusedTypes warns of overrides that override nothing.
func (b *builder) unusedTypes() {
	for _, field := range slices.Sorted(maps.Keys(b.cfg.Types)) {
		if !slices.Contains(b.typed, field) {
			b.warn("/types/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(field), "no table has a field %q, so that this type is of no use", field)
		}
	}
}

func listed(ids []string) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(ids, ", ")
}
