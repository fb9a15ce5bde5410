package erp

import (
	"slices"
	"strings"

	"orgflow"
)

// tableBuilder gathers the columns of one table.
type tableBuilder struct {
	*builder
	table   Table
	pointer string // to blame for fields the form file does not name
	lookups []string
}

// key makes a field of the form the table's key.
func (t *tableBuilder) key(id, pointer string, fields []orgflow.ERPField) {
	if id == "" {
		t.refuse(pointer, "the ERP names no key for form %s; name the field that tells its rows apart", t.form.ID)
		return
	}
	before := len(t.table.Columns)
	if _, ok := find(fields, id); !ok && id == t.form.Key {
		// Metadata may leave the key out of the list of fields.
		t.addField(orgflow.ERPField{ID: id, Type: orgflow.ERPInteger}, pointer)
	} else {
		t.must(id, pointer, fields)
	}
	if len(t.table.Columns) > before {
		t.table.Key = []string{t.table.Columns[before].Name}
	}
}

// must adds the column of a field that somebody named: a field, or a property
// of what a lookup refers to.
func (t *tableBuilder) must(id, pointer string, fields []orgflow.ERPField) {
	if slices.ContainsFunc(t.table.Columns, func(c Column) bool { return c.Field == id }) {
		return
	}
	if err := ParseField(id); err != nil {
		t.refuse(pointer, "%v", err)
		return
	}
	head, property, dotted := strings.Cut(id, ".")
	f, ok := find(fields, head)
	switch {
	case !ok && id == t.form.Key:
		t.addField(orgflow.ERPField{ID: id, Type: orgflow.ERPInteger}, pointer)
	case !ok:
		t.refuse(pointer, "form %s has no field %q%s", t.form.ID, head, meant(fields, head))
	case dotted && f.Lookup == "":
		t.refuse(pointer, "field %s refers to nothing, so that it has no property %s", head, property)
	case dotted:
		t.looksUp(head)
		t.addField(orgflow.ERPField{ID: id, Type: orgflow.ERPText}, pointer)
	default:
		t.addField(f, pointer)
	}
}

// dated refuses a date field that holds no dates, or days where moments are
// meant: of two readings of a row the one of the later day is not the newer.
func (t *tableBuilder) dated() {
	for _, c := range t.table.Columns {
		switch {
		case c.Field != t.cfg.DateField || c.Type == orgflow.ERPTime:
		case c.Type != orgflow.ERPDate:
			t.refuse("/date_field", "field %s is %s, it has to be timestamp or date", c.Field, c.Type)
		case t.cfg.DateKind == DateModified:
			t.refuse("/date_kind", "has to be business: field %s holds days, which do not say when a row was saved", c.Field)
		}
	}
}

// filter refuses organisations that no query could be narrowed to.
func (t *tableBuilder) filter() {
	if t.cfg.Organisations == nil {
		return
	}
	id := t.cfg.Organisations.Field
	head, _, dotted := strings.Cut(id, ".")
	f, ok := find(t.form.Fields, head)
	switch {
	case ParseField(id) != nil:
		t.refuse("/organisations/field", "%v", ParseField(id))
	case !ok:
		t.refuse("/organisations/field", "form %s has no field %q%s", t.form.ID, head, meant(t.form.Fields, head))
	case dotted && f.Lookup == "":
		t.refuse("/organisations/field", "field %s refers to nothing, so that it has no properties", head)
	}
}

// common adds what every table has where the form has it.
func (t *tableBuilder) common() {
	for _, id := range always {
		if _, ok := find(t.form.Fields, id); ok {
			t.must(id, t.pointer, t.form.Fields)
		}
	}
}

// all adds every field, lookups with number and name while there are few
// enough of them (Kingdee reference § 4.1 and § 5, step 2).
func (t *tableBuilder) all(fields []orgflow.ERPField) {
	left := 0
	for _, f := range fields {
		if ParseField(f.ID) != nil || strings.Contains(f.ID, ".") {
			t.warn(t.pointer, "field %q is left out: its name fits no query", f.ID)
			continue
		}
		t.must(f.ID, t.pointer, fields)
		if f.Lookup == "" {
			continue
		}
		if len(t.lookups) >= MaxLookups {
			left++
			continue
		}
		for _, property := range lookupProperties {
			t.must(f.ID+"."+property, t.pointer, fields)
		}
	}
	if left > 0 {
		t.warn(t.pointer, "%d of the lookups have their id only: queries of more than %d become very slow; name the fields you need", left, MaxLookups)
	}
}

func (t *tableBuilder) looksUp(field string) {
	if !slices.Contains(t.lookups, field) {
		t.lookups = append(t.lookups, field)
	}
}

// addField adds a column, and tells whether it could.
func (t *tableBuilder) addField(f orgflow.ERPField, pointer string) bool {
	c := Column{Name: ColumnName(f.ID), Field: f.ID, Type: f.Type, Lookup: f.Lookup != ""}
	if over, ok := t.cfg.Types[f.ID]; ok {
		t.typed = append(t.typed, f.ID)
		c.Type = over
	}
	if err := checkColumn(f.ID); err != nil {
		t.refuse(pointer, "%v", err)
		return false
	}
	for _, other := range t.table.Columns {
		if strings.EqualFold(other.Name, c.Name) {
			t.refuse(pointer, "%v", sameColumn(other.Field, f.ID))
			return false
		}
	}
	t.table.Columns = append(t.table.Columns, c)
	return true
}

func (t *tableBuilder) done() Table {
	if n := len(t.lookups); n > MaxLookups {
		t.warn(t.pointer, "%d lookups are read: queries of more than %d become very slow", n, MaxLookups)
	}
	return t.table
}

func find(fields []orgflow.ERPField, id string) (orgflow.ERPField, bool) {
	i := slices.IndexFunc(fields, func(f orgflow.ERPField) bool { return f.ID == id })
	if i < 0 {
		return orgflow.ERPField{}, false
	}
	return fields[i], true
}

// meant names the field that differs in case only: keys are case-sensitive
// and differ between deployments (Kingdee reference § 4.2).
func meant(fields []orgflow.ERPField, id string) string {
	for _, f := range fields {
		if strings.EqualFold(f.ID, id) {
			return "; it has " + f.ID + " (upper and lower case matter)"
		}
	}
	return ""
}
