package app

import (
	"testing"

	"orgflow/internal/store"
)

// TestATimelineEndsWithTheFlowsRevision, so that flow and timeline are of one
// moment though they are read one after the other.
func TestATimelineEndsWithTheFlowsRevision(t *testing.T) {
	page := []store.FlowEvent{{Rev: 1, N: 1}, {Rev: 1, N: 2}, {Rev: 2, N: 1}}
	for rev, want := range map[int64]struct {
		events int
		cursor string
	}{0: {0, "0.0"}, 1: {2, "1.2"}, 2: {3, "page end"}} {
		if events, cursor := upTo(rev, page, "page end"); len(events) != want.events || cursor != want.cursor {
			t.Errorf("revision %d: %d events, cursor %q; want %+v", rev, len(events), cursor, want)
		}
	}
}
