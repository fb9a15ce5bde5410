package dingtalk

import (
	"slices"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// What the profile says cannot be emptied is what a clear refuses or drops,
// and nothing else.
func TestTheProfileKnowsWhatCannotBeEmptied(t *testing.T) {
	profile := (&Client{}).Profile()
	for _, table := range []struct {
		fieldTable
		said []string
	}{{departmentFields, profile.OrgUnclearable}, {personFields, profile.PersonUnclearable}} {
		for name := range table.fields {
			p, err := table.build(connectors.Effect{Op: orgflow.Update, Clear: []string{name}})
			if stays := err != nil || len(p.dropped) > 0; stays != slices.Contains(table.said, name) {
				t.Errorf("%s: %s stays %v, the profile says %v", table.record, name, stays, !stays)
			}
		}
	}
}
