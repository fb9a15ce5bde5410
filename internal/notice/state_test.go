package notice_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow/internal/notice"
)

const window = time.Hour

var november = time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)

// A step of a story: what happens after so many minutes, and what is told.
type step struct {
	after time.Duration
	what  string // fails, well, passes
	want  notice.Telling
}

func TestWhatIsTold(t *testing.T) {
	var silence notice.Telling
	first := notice.Telling{Kind: notice.First, Count: 1}
	stories := map[string][]step{
		"once, and over":                {{0, "fails", first}, {time.Minute, "well", notice.Telling{Kind: notice.Clear, Over: true}}, {time.Minute, "well", silence}},
		"success alone":                 {{0, "well", silence}, {2 * window, "passes", silence}},
		"again and again":               {{0, "fails", first}, {10 * time.Minute, "fails", silence}, {10 * time.Minute, "fails", silence}, {39 * time.Minute, "passes", silence}, {time.Minute, "passes", notice.Telling{Kind: notice.Digest, Count: 2}}, {window, "passes", silence}},
		"every night":                   {{0, "fails", first}, {24 * time.Hour, "fails", first}, {24 * time.Hour, "fails", first}},
		"nobody looked for hours":       {{0, "fails", first}, {time.Minute, "fails", silence}, {5 * time.Hour, "fails", notice.Telling{Kind: notice.Digest, Count: 2}}},
		"over before the digest":        {{0, "fails", first}, {time.Minute, "fails", silence}, {time.Minute, "well", notice.Telling{Kind: notice.Clear, Count: 1, Over: true}}, {window, "passes", silence}},
		"on and off":                    {{0, "fails", first}, {time.Minute, "well", notice.Telling{Kind: notice.Clear, Over: true}}, {time.Minute, "fails", silence}, {time.Minute, "well", silence}, {window, "passes", notice.Telling{Kind: notice.Digest, Count: 1, Over: true}}, {time.Minute, "well", silence}},
		"on, off, and on at the window": {{0, "fails", first}, {time.Minute, "well", notice.Telling{Kind: notice.Clear, Over: true}}, {time.Minute, "fails", silence}, {window, "passes", first}, {time.Minute, "well", notice.Telling{Kind: notice.Clear, Over: true}}},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			var s notice.State
			now := november
			for i, step := range story {
				now = now.Add(step.after)
				var got notice.Telling
				s, got = happen(s, step.what, now)
				if d := cmp.Diff(step.want, got); d != "" {
					t.Errorf("step %d, %s: %s", i+1, step.what, d)
				}
			}
		})
	}
}

func happen(s notice.State, what string, now time.Time) (notice.State, notice.Telling) {
	switch what {
	case "fails":
		return s.Failed(now, window, 1)
	case "well":
		return s.Well()
	default:
		return s.Passed(now, window)
	}
}

// Whatever happens when: a failure nobody was told of lately is told at once,
// each failure is told within a window, once; never more than one telling of
// failures a window; and one all-clear after each telling that left people
// with a failure.
func TestNobodyIsLeftInTheDarkOrFlooded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s notice.State
		now := november
		failures, told := 0, 0
		var waiting []time.Time // failures nobody was told of
		var last time.Time      // telling of failures
		believed := false       // what people believe: it fails
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "minutes")) * time.Minute)
			if due := s.Due(); !due.IsZero() && due.Before(now) { // somebody looks in time
				was := now
				now = due
				var got notice.Telling
				s, got = s.Passed(now, window)
				check(t, got.Kind == notice.First || got.Kind == notice.Digest, "nothing was told at %s", now)
				told, waiting, believed, last = told+got.Count, nil, !got.Over, now
				now = was
			}
			what := rapid.SampledFrom([]string{"fails", "well", "passes"}).Draw(t, "what")
			fresh := what == "fails" && len(waiting) == 0 && (last.IsZero() || !now.Before(last.Add(window)))
			if what == "fails" {
				failures++
				waiting = append(waiting, now)
			}
			var got notice.Telling
			s, got = happen(s, what, now)
			check(t, !fresh || got.Kind == notice.First, "a first failure is told as %+v", got)
			switch got.Kind {
			case notice.First, notice.Digest:
				check(t, last.IsZero() || !now.Before(last.Add(window)), "told at %s and at %s", last, now)
				last, believed = now, !got.Over
			case notice.Clear:
				check(t, what == "well" && believed, "an all-clear nobody waits for")
				believed = false
			default:
				check(t, what != "well" || !believed, "no all-clear, although people believe that it fails")
			}
			if got.Kind != "" {
				told, waiting = told+got.Count, nil
			}
			check(t, len(waiting) == 0 || now.Sub(waiting[0]) <= window, "a failure was told to nobody for longer than a window")
			check(t, told+s.Missed == failures, "%d failures, %d told, %d to be told", failures, told, s.Missed)
		}
	})
}

func check(t *rapid.T, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		t.Fatalf(format, args...)
	}
}
