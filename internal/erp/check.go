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
	return c.problems
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
