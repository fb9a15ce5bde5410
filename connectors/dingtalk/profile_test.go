package dingtalk

import (
	"maps"
	"slices"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// What the profile says cannot be emptied is what a clear refuses or drops,
// and nothing else.
func TestTheProfileKnowsWhatCannotBeEmptied(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		c := newStub(t).client()
		profile := c.Profile()
		for _, table := range []struct {
			fieldTable
			said []string
		}{{c.departments, profile.OrgUnclearable}, {c.persons, profile.PersonUnclearable}} {
			for _, name := range slices.Concat(slices.Collect(maps.Keys(table.fields)), slices.Collect(maps.Keys(table.absent))) {
				p, err := table.build(connectors.Effect{Op: orgflow.Update, Clear: []string{name}})
				if stays := err != nil || len(p.dropped) > 0; stays != slices.Contains(table.said, name) {
					t.Errorf("%s: %s stays %v, the profile says %v", table.record, name, stays, !stays)
				}
			}
		}
	})
}
