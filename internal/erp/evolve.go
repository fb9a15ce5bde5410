package erp

import (
	"slices"
	"strings"

	"orgflow"
)

// Evolve says what an update may write: the columns the existing local table
// has, named as it names them, and those it lacks. A column is recognised in
// any case, because people also create tables without quoting names; a name
// that agrees letter by letter goes first. Columns that only the local table
// has are nobody's business and appear in neither list.
//
// A missing column of the key means that the table is not one to update.
func Evolve(table Table, existing []string) (use, missing []Column) {
	for _, c := range table.Columns {
		i := slices.Index(existing, c.Name)
		if i < 0 {
			i = slices.IndexFunc(existing, func(name string) bool { return strings.EqualFold(name, c.Name) })
		}
		if i < 0 {
			missing = append(missing, c)
			continue
		}
		c.Name = existing[i]
		use = append(use, c)
	}
	return use, missing
}

// Propose returns a configuration for a form: a date field to load by and the
// metadata's key; everything else by default. Without a date the form cannot
// be loaded by windows, and DateField is empty.
func Propose(form orgflow.ERPForm) Config {
	cfg := Config{FormID: form.ID, Key: form.Key, PageSize: DefaultPageSize}
	for _, id := range []string{FieldModified, "FCreateDate"} {
		if f, ok := find(form.Fields, id); ok && dated(f) {
			cfg.DateField = id
			return cfg
		}
	}
	cfg.DateKind = DateBusiness
	if f, ok := find(form.Fields, "FDate"); ok && dated(f) {
		cfg.DateField = f.ID
		return cfg
	}
	if i := slices.IndexFunc(form.Fields, dated); i >= 0 {
		cfg.DateField = form.Fields[i].ID
	}
	return cfg
}

func dated(f orgflow.ERPField) bool {
	return f.Type == orgflow.ERPTime || f.Type == orgflow.ERPDate
}
