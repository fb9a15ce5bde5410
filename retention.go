package orgflow

import "time"

// Retention says how many days rows are kept. 0 keeps them for ever. Which
// table follows which number stands in one list, store.Tables.
type Retention struct {
	Runs         int // after the end: runs with plan and changes, pulls, loads, absences
	Staged       int // after the end of their run: records as they were read from the source
	Log          int // after the attempt: what was sent for a record
	Audit        int // after the deed: who did what
	Messages     int // after they were settled: messages to people
	Organisation int // after they were replaced: earlier versions of the local organisation
	Flows        int // after the end: approval flows with their tasks, decisions and timeline
}

// DefaultRetention is what applies where the settings say nothing.
func DefaultRetention() Retention {
	return Retention{Runs: 400, Staged: 30, Log: 3 * 365, Audit: 3 * 365, Messages: 90, Organisation: 400}
}

// ShortestRetention is the least number of days that may be asked for: the
// delete limit looks back 7 days, a parked change waits that long, and a run
// can be undone as long as it is kept.
const ShortestRetention = 30

// ShortestStaged is the least number of days for staged records, which a run
// and its repetition need no longer than it waits for a decision.
const ShortestStaged = 8

// TableLife is how long the rows of a table are kept.
type TableLife struct {
	Table string `json:"table"`
	// Kept is "for ever", "400 days" or "with sync_run".
	Kept string `json:"kept"`
	// Since is what the days count from, or why rows are kept for ever.
	Since string `json:"since"`
	// Due counts the rows that may go now; those that go with a parent are
	// not counted.
	Due int `json:"due"`
}

// Pruned counts rows that were removed, by table.
type Pruned map[string]int

// Total adds all tables up.
func (p Pruned) Total() int {
	n := 0
	for _, rows := range p {
		n += rows
	}
	return n
}

// Days is a span of retention.
func Days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
