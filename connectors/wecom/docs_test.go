package wecom

import (
	"os"
	"strings"
	"testing"
)

// The handbook's tables say what faults.go and fields.go do.
func TestTheHandbookIsTrue(t *testing.T) {
	raw, err := os.ReadFile("../../docs/wecom.md")
	if err != nil {
		t.Fatal(err)
	}
	handbook := string(raw)
	lines := strings.Split(handbook, "\n")
	for code, m := range meanings {
		found := false
		for _, line := range lines {
			if strings.HasPrefix(line, "| `") && strings.Contains(line, "`"+code+"`") {
				found = strings.Contains(line, "`"+string(m.Code)+"` | "+strings.ReplaceAll(m.Advice, "|", `\|`)+" |")
			}
		}
		if !found {
			t.Errorf("code %s is not there as %s with its advice", code, m.Code)
		}
	}
	for _, table := range []fieldTable{personFields, departmentFields} {
		for name := range table.fields {
			if !strings.Contains(handbook, "`"+name+"`") {
				t.Errorf("the %s's field %s is not there", table.record, name)
			}
		}
	}
}
