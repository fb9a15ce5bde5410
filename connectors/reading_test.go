package connectors_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orgflow/connectors"
)

// shelf stands for the table that stores a read: it knows what is new.
type shelf map[int]bool

func (s shelf) put(ids []int) (fresh int) {
	for _, id := range ids {
		if !s[id] {
			s[id] = true
			fresh++
		}
	}
	return fresh
}

func pageOf(ids []int, next string, declared int) connectors.Page {
	p := connectors.Page{Next: next, Declared: declared}
	for _, id := range ids {
		p.Rows = append(p.Rows, json.RawMessage(strconv.Itoa(id)))
	}
	return p
}

func TestReadingProof(t *testing.T) {
	type page struct {
		ids      []int
		next     string
		declared int
	}
	for name, c := range map[string]struct {
		pages    []page
		asked    int // pages until Add says stop
		complete bool
		cause    string
	}{
		"nothing read":                     {nil, 0, false, "nothing was read"},
		"one page, count reached":          {[]page{{[]int{1, 2}, "", 2}}, 1, true, ""},
		"no rows, none declared":           {[]page{{nil, "", 0}}, 1, true, ""},
		"no rows, no number":               {[]page{{nil, "", -1}}, 1, true, ""},
		"no number, source ended":          {[]page{{[]int{1, 2}, "2", -1}, {[]int{3}, "", -1}}, 2, true, ""},
		"no number, empty last page":       {[]page{{[]int{1, 2}, "2", -1}, {nil, "", -1}}, 2, true, ""},
		"paging ignored":                   {[]page{{[]int{1, 2}, "2", 4}, {[]int{1, 2}, "3", 4}, {[]int{3}, "", 4}}, 2, false, "page 2 brought no record"},
		"paging ignored, count by numbers": {[]page{{[]int{1, 2}, "2", 4}, {[]int{1, 2}, "", 4}}, 2, false, "page 2 brought no record"},
		"an empty page that goes on":       {[]page{{nil, "2", -1}}, 1, false, "page 1 brought no record"},
		"count not reached":                {[]page{{[]int{1, 2}, "", 3}}, 1, false, "2 distinct of 2 rows read, 3 declared"},
		"overlap with count reached":       {[]page{{[]int{1, 2}, "2", 3}, {[]int{2, 3}, "", 3}}, 2, true, ""},
		"overlap hides a missing row":      {[]page{{[]int{1, 2}, "2", 4}, {[]int{2, 3}, "", 4}}, 2, false, "3 distinct of 4 rows read, 4 declared"},
		"count shrank while reading":       {[]page{{[]int{1, 2}, "2", 4}, {[]int{4}, "", 3}}, 2, false, "4 declared"},
		"count grew while reading":         {[]page{{[]int{1, 2}, "2", 3}, {[]int{3, 4}, "", 4}}, 2, true, ""},
		"stopped in the middle":            {[]page{{[]int{1, 2}, "2", 4}}, 1, false, "before the source's end"},
	} {
		t.Run(name, func(t *testing.T) {
			var r connectors.Reading
			s := shelf{}
			asked := 0
			for _, p := range c.pages {
				asked++
				if !r.Add(pageOf(p.ids, p.next, p.declared), s.put(p.ids)) {
					break
				}
			}
			complete, cause := r.Proof()
			if asked != c.asked || complete != c.complete || !strings.Contains(cause, c.cause) || (cause == "") != complete {
				t.Errorf("after %d pages: complete %v, cause %q", asked, complete, cause)
			}
		})
	}
}

// A read interrupted anywhere, any number of times, ends with the same proof
// as one that ran through, although saved positions lag behind the store.
func TestReadingSurvivesRestarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 4).Draw(t, "page size")
		total := rapid.IntRange(0, 20).Draw(t, "rows")
		declared := rapid.SampledFrom([]int{-1, total, total + 1}).Draw(t, "declared")
		pages := [][]int{}
		for from := 0; from <= total; from += size {
			var ids []int
			for id := from; id < min(from+size, total); id++ {
				ids = append(ids, id)
			}
			pages = append(pages, ids)
		}
		saved, at := []byte(`{}`), 0
		s := shelf{}
		var r connectors.Reading
		for crashes := rapid.IntRange(0, 5).Draw(t, "crashes"); ; crashes-- {
			r = connectors.Reading{}
			if err := json.Unmarshal(saved, &r); err != nil {
				t.Fatal(err)
			}
			r.Resume(len(s))
			i, stop := at, -1
			if crashes > 0 {
				stop = rapid.IntRange(at, len(pages)).Draw(t, "crash before page")
			}
			for more := true; more && i < len(pages) && i != stop; i++ {
				next := strconv.Itoa(i + 1)
				if i == len(pages)-1 {
					next = ""
				}
				more = r.Add(pageOf(pages[i], next, declared), s.put(pages[i]))
				if i+1 != len(pages) && rapid.Bool().Draw(t, "heartbeat arrives") {
					saved, _ = json.Marshal(r)
					at = i + 1
				}
			}
			if i == len(pages) {
				break
			}
		}
		complete, cause := r.Proof()
		if want := declared <= total; complete != want || r.Distinct != total {
			t.Fatalf("complete %v (%s), want %v; distinct %d of %d", complete, cause, want, r.Distinct, total)
		}
	})
}

func TestReadingIsSmall(t *testing.T) {
	r := connectors.Reading{Pages: 1e6, Read: 1e9, Distinct: 1e9, Declared: 1e9, Ended: true, Repeated: true, Again: 1e9}
	raw, err := json.Marshal(r)
	if err != nil || len(raw) > 200 {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
}
