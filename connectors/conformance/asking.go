package conformance

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"testing"

	"orgflow"
)

// Asking is something done at a vendor of which one call gets an answer that
// somebody made up. C is the connector.
type Asking[C any] struct {
	Name string
	Path string // of the call: a path, or a method and a path
	// With are answers to other calls that differ from the samples.
	With map[string]string
	// Write: an answer that nobody can read must be an unknown outcome.
	Write bool
	Do    func(ctx context.Context, c C) (any, error)
	// May tells whether an answer may make it succeed.
	May func(a Answer) bool
	// Shows tells whether what a success returned is what the answer shows;
	// nil where it returns nothing of it.
	Shows func(got any, a Answer) bool
	// Gone tells whether an answer says that there is no such record; only
	// then may a read be CodeNotFound. nil: nobody looks.
	Gone func(a Answer) bool
	// Then is a call that may follow only where ThenIf holds: a create behind
	// an answer which says that the record is not there.
	Then   string
	ThenIf func(a Answer) bool
}

// Vendor is a connector with the documented answers of its vendor.
type Vendor[C any] struct {
	Name    string
	Connect func(t testing.TB, wire http.RoundTripper) C
	Samples []Sample
	Askings []Asking[C]
	// Refusal tells whether an answer that is not the vendor's JSON says all
	// the same that nothing was done; nil: none does.
	Refusal func(a Answer) bool
}

// Good are the first samples of each path that are successes.
func (v Vendor[C]) Good() map[string]string {
	out := map[string]string{}
	for _, s := range v.Samples {
		if _, first := out[s.Path]; !first && !s.Wrong {
			out[s.Path] = string(s.Body())
		}
	}
	return out
}

// Judge lets an answer come and says what must not be: a success that the
// answer is not, less than it shows, an error without a code, a write that
// counts as not done although nobody knows.
func (v Vendor[C]) Judge(t *testing.T, k Asking[C], a Answer) {
	t.Helper()
	wire := &Wire{Samples: v.Good(), Broken: k.Path, Given: a}
	maps.Copy(wire.Samples, k.With)
	got, err := k.Do(t.Context(), v.Connect(t, wire))
	complain := func(format string, args ...any) {
		t.Helper()
		head := []any{v.Name, k.Name, a.Status, a.Body, a.Cut}
		t.Errorf("%s: %s, answered %d %.300q (cut: %t): "+format, append(head, args...)...)
	}
	if wire.Asked(k.Path) == 0 {
		complain("was never asked, but %v", wire.Calls())
	}
	if k.ThenIf != nil && wire.Asked(k.Then) > 0 && !k.ThenIf(a) {
		complain("is followed by a call of %s", k.Then)
	}
	switch {
	case err != nil:
		if flaw := v.flaw(k, a, err); flaw != "" {
			complain("%s", flaw)
		}
	case a.Cut || !k.May(a):
		complain("is taken for success")
	case k.Shows != nil && !k.Shows(got, a):
		complain("shows %v", got)
	}
}

// flaw says what is wrong with an error; empty is nothing.
func (v Vendor[C]) flaw(k Asking[C], a Answer, err error) string {
	if flaw := Unsound(err); flaw != "" {
		return flaw
	}
	f := orgflow.AsFault(err)
	switch {
	case k.Write && v.unreadable(a) && f.Code != orgflow.CodeUnknownOutcome:
		return "the outcome is not unknown: " + err.Error()
	case k.Gone != nil && f.Code == orgflow.CodeNotFound && (a.Cut || !k.Gone(a)):
		return "it is taken for not there: " + err.Error()
	}
	return ""
}

// unreadable: nobody can say what became of the call.
func (v Vendor[C]) unreadable(a Answer) bool {
	if a.Cut {
		return true
	}
	return (a.Status < 300 || a.Status >= 500) && !Object(a.Body) && (v.Refusal == nil || !v.Refusal(a))
}

// statuses are tried with the documented success, and with a page.
var statuses = []int{204, 302, 400, 401, 403, 404, 408, 409, 429, 500, 502, 503}

// given are the answers that an asking of the vendor is tried with: the
// documented ones, the one of its own call under other statuses and cut off,
// and a page.
func (v Vendor[C]) given(k Asking[C]) []Answer {
	sample := []byte(v.Good()[k.Path])
	out := []Answer{{Status: http.StatusOK, Type: "application/json", Cut: true, Body: sample}, {Status: http.StatusOK, Type: "text/html", Body: []byte(Page)}}
	for _, status := range statuses {
		out = append(out, Answer{Status: status, Type: "application/json", Body: sample}, Answer{Status: status, Type: "text/html", Body: []byte(Page)})
	}
	for _, s := range v.Samples {
		out = append(out, Answer{Status: cmp.Or(s.Status, http.StatusOK), Body: s.Body()})
	}
	return out
}

// TestBrokenAnswers judges every way in which the answers of a vendor break.
func TestBrokenAnswers[C any](t *testing.T, vendors ...Vendor[C]) {
	for _, v := range vendors {
		good := v.Good()
		for _, k := range v.Askings {
			for _, a := range v.given(k) {
				v.Judge(t, k, a)
			}
			for _, body := range Mutations([]byte(good[k.Path])) {
				v.Judge(t, k, Answer{Status: http.StatusOK, Type: "application/json", Body: body})
			}
		}
	}
}

// FuzzAnswers fuzzes the answers to all askings of one or more vendors.
func FuzzAnswers[C any](f *testing.F, vendors ...Vendor[C]) {
	for v, vendor := range vendors {
		for i, k := range vendor.Askings {
			for _, a := range vendor.given(k)[:4] {
				f.Add(uint8(v), uint8(i), uint16(a.Status), a.Type, a.Cut, a.Body)
			}
			for _, s := range vendor.Samples {
				if s.Path == k.Path {
					f.Add(uint8(v), uint8(i), uint16(http.StatusOK), "", false, s.Body())
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, v, which uint8, status uint16, kind string, cut bool, body []byte) {
		vendor := vendors[int(v)%len(vendors)]
		a := Answer{Status: 200 + (int(status)+200)%400, Type: kind, Cut: cut, Body: body} // 200 to 599
		vendor.Judge(t, vendor.Askings[int(which)%len(vendor.Askings)], a)
	})
}

// TestLongAnswers judges answers of some megabytes, which are read like any
// other, or refused. head begins the vendor's JSON of a success with a text
// that is not closed.
func TestLongAnswers[C any](t *testing.T, head string, names []string, vendors ...Vendor[C]) {
	const size = 5 << 20
	for _, body := range [][]byte{
		Endless(head, `"}`, size), Endless(head, "", size), Endless("<html>", "", size), Endless("", "", size),
	} {
		for _, v := range vendors {
			for _, k := range v.Askings {
				if slices.Contains(names, k.Name) {
					v.Judge(t, k, Answer{Status: http.StatusOK, Body: body})
				}
			}
		}
	}
}
