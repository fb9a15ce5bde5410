package erp

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// Check finds what is wrong with a configuration whatever the ERP's metadata
// say. Its schema has been checked; the problems point into the form file.
func Check(cfg Config) []orgflow.Problem {
	c := &checker{}
	if err := ParseFormID(cfg.FormID); err != nil {
		c.refuse("/form_id", "%v", err)
	}
	c.names("/fields", cfg.Fields)
	seen := map[string]bool{}
	for i, e := range cfg.Entries {
		pointer := fmt.Sprintf("/entries/%d", i)
		folded := strings.ToLower(e.ID)
		if seen[folded] {
			c.refuse(pointer+"/id", "stands twice, upper and lower case alike; every entry has one table")
		}
		seen[folded] = true
		if err := checkEntry(cfg.FormID, e.ID); err != nil {
			c.refuse(pointer+"/id", "%v", err)
		}
		c.names(pointer+"/fields", e.Fields)
	}
	for _, field := range slices.Sorted(maps.Keys(cfg.Types)) {
		if err := ParseField(field); err != nil {
			c.refuse("/types/"+field, "%v", err)
		}
	}
	if n := mostWindows(cfg.WithDefaults()); n > maxWindows {
		c.refuse("/windows", "a load of all tables would read up to %d windows, at most %d are allowed: set window_days higher", n, maxWindows)
	}
	return c.problems
}

// maxWindows bounds the windows of one load. Each is some six events in the
// history of a workflow, of which Temporal takes 50,000.
const maxWindows = 5000

// mostWindows is how many windows the longest load of a complete
// configuration has.
func mostWindows(cfg Config) int {
	days := max(366*cfg.Windows.CreateYears, 31*cfg.Windows.UpdateMonths)
	return (days/cfg.Windows.WindowDays + 1) * (1 + len(cfg.Entries))
}

// Advise warns of what a configuration lets be missed, as far as it can be
// known without the ERP's metadata.
func Advise(cfg Config) []orgflow.Problem {
	warning := orgflow.Problem{Warning: true}
	switch {
	case cfg.WithDefaults().DateKind == DateBusiness:
		warning.Pointer, warning.Message = "/date_kind", "rows are found by the day that people enter: a row changed after updates have ceased to read its day comes with a deep update; "+
			"on a form without "+FieldModified+" what is saved while a load runs comes with the next one"
	case !strings.Contains(strings.ToLower(cfg.DateField), "modif"):
		warning.Pointer, warning.Message = "/date_field", "is taken for the moment a row was last saved: changes that do not move it are not noticed; "+
			"name "+FieldModified+" where the form has it, and set date_kind to business for a day that people enter"
	default:
		return nil
	}
	return []orgflow.Problem{warning}
}

type checker struct{ problems []orgflow.Problem }

func (c *checker) refuse(pointer, format string, args ...any) {
	c.problems = append(c.problems, orgflow.Problem{Pointer: pointer, Message: fmt.Sprintf(format, args...)})
}

// names checks a list of fields: each can be a column, and no two would be
// the same one.
func (c *checker) names(pointer string, fields []string) {
	columns := map[string]string{} // name in small letters → field
	for i, field := range fields {
		at := fmt.Sprintf("%s/%d", pointer, i)
		if err := checkColumn(field); err != nil {
			c.refuse(at, "%v", err)
			continue
		}
		name := strings.ToLower(ColumnName(field))
		if other, taken := columns[name]; taken {
			c.refuse(at, "%v", sameColumn(other, field))
			continue
		}
		columns[name] = field
	}
}

// checkColumn returns nil if a field can have a column.
func checkColumn(field string) error {
	if err := ParseField(field); err != nil {
		return err
	}
	name := ColumnName(field)
	switch {
	case len(name) > MaxName:
		return fmt.Errorf("the column of field %s would have a name of %d bytes, at most %d are allowed", field, len(name), MaxName)
	case strings.HasPrefix(strings.ToLower(name), ReservedPrefix):
		return fmt.Errorf("field %s: names that begin with %q are orgflow's own", field, ReservedPrefix)
	}
	return nil
}

func sameColumn(one, other string) error {
	return fmt.Errorf("the columns of fields %s and %s would bear one name, %s (upper and lower case are alike, a dot becomes \"_\")", one, other, ColumnName(other))
}
