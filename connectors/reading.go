package connectors

import "fmt"

// Reading accumulates what is known about one read of a source, page by
// page, and proves at its end whether everything was seen. Without that
// proof no delete may be planned.
//
// It holds counts only, never ids, so that a heartbeat can carry it for a
// read of any size. Who stores the rows knows which of them are new, and
// tells Add how many; after a restart Resume makes up for pages that were
// stored but whose Reading was lost. The zero value is a read not begun.
type Reading struct {
	Pages    int `json:"pages"`
	Read     int `json:"read"`     // rows received, repetitions included
	Distinct int `json:"distinct"` // different records among them
	// Declared is the highest number of rows the source said would match;
	// -1 when it never said. Meaningful once a page was added.
	Declared int  `json:"declared"`
	Ended    bool `json:"ended,omitempty"`    // the source had no more to give
	Repeated bool `json:"repeated,omitempty"` // a page brought no record that was not known
	// Again is how many records are stored ahead of this Reading: pages read
	// once more bring them without being repetitions.
	Again int `json:"again,omitempty"`
}

// Resume tells how many distinct records of this read are stored. Call it
// whenever a read goes on from a saved Reading: the pages between the saved
// position and the crash are read again, and their records count although
// the store has them already.
func (r *Reading) Resume(stored int) { r.Again = max(0, stored-r.Distinct) }

// Add counts a page of which fresh rows were not known before, and tells
// whether to ask for the next one. It is false at the source's end, and
// where a page brings nothing new: some gateways ignore paging and repeat
// page one for ever (HCM reference § 1.6).
func (r *Reading) Add(p Page, fresh int) (more bool) {
	fresh = min(max(fresh, 0), len(p.Rows))
	known := min(r.Again, len(p.Rows)-fresh)
	r.Again -= known
	if r.Pages == 0 {
		r.Declared = p.Declared
	}
	r.Pages++
	r.Read += len(p.Rows)
	r.Distinct += fresh + known
	// The count may shrink while pages move up and a row slips through
	// between two of them; the highest count is the one to reach.
	r.Declared = max(r.Declared, p.Declared)
	r.Ended = p.Next == ""
	if fresh+known == 0 && (len(p.Rows) > 0 || !r.Ended) {
		r.Repeated = true
	}
	return !r.Ended && !r.Repeated
}

// Proof tells whether the read was complete: the source ended by itself, no
// page was a mere repetition, and as many distinct records came as were
// declared, if a number was. cause says why it was not, in one sentence.
func (r *Reading) Proof() (complete bool, cause string) {
	switch {
	case r.Pages == 0:
		return false, "nothing was read"
	case r.Repeated:
		return false, fmt.Sprintf("page %d brought no record that was not on an earlier page; the source repeats pages (%s)", r.Pages, r.counts())
	case !r.Ended:
		return false, fmt.Sprintf("the read stopped before the source's end, after page %d (%s)", r.Pages, r.counts())
	case r.Distinct < r.Declared:
		return false, fmt.Sprintf("the source ended before the number of records it declared (%s); it changed meanwhile, or caps its pages below page_size", r.counts())
	}
	return true, ""
}

func (r *Reading) counts() string {
	declared := "no number declared"
	if r.Declared >= 0 {
		declared = fmt.Sprintf("%d declared", r.Declared)
	}
	return fmt.Sprintf("%d distinct of %d rows read, %s", r.Distinct, r.Read, declared)
}
