package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/store"
)

func TestAbsencesOfASpan(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
		put := func(user string, from, till int, flows ...string) store.Absence {
			t.Helper()
			a := store.Absence{UserCode: user, Agent: "E9", From: day(from), Till: day(till), Flows: flows}
			id, err := s.PutAbsence(ctx, company, a)
			must(t, err)
			a.ID = id
			return a
		}
		put("E1", 1, 2)
		one := put("E1", 1, 3, "ztbxx01") // in the place of the first
		two, gone := put("E2", 2, 5), put("E2", 3, 4)
		must(t, s.DeleteAbsence(ctx, 7, two.ID)) // not theirs
		must(t, s.DeleteAbsence(ctx, company, gone.ID))
		must(t, s.DeleteAbsence(ctx, company, gone.ID))
		cases := []struct {
			name       string
			users      []string
			from, till time.Time
			want       []store.Absence
		}{
			{"everybody", nil, day(0), day(9), []store.Absence{one, two}},
			{"one person", []string{"E2", "E3"}, day(0), day(9), []store.Absence{two}},
			{"the first instant", nil, day(1), day(1).Add(time.Microsecond), []store.Absence{one}},
			{"up to the first instant", nil, day(0), day(1), []store.Absence{}},
			{"the end", nil, day(5), day(6), []store.Absence{}},
		}
		for _, c := range cases {
			got, err := s.Absences(ctx, company, c.users, c.from, c.till)
			if d := cmp.Diff(c.want, got); d != "" || err != nil {
				t.Errorf("%s: %v, %s", c.name, err, d)
			}
		}
		for _, bad := range []store.Absence{{UserCode: "E1", Agent: "E9", From: day(1), Till: day(1)}, {Agent: "E9", From: day(1), Till: day(2)}, {UserCode: "E1", From: day(1), Till: day(2)}} {
			if _, err := s.PutAbsence(ctx, company, bad); err == nil {
				t.Errorf("%+v was stored", bad)
			}
		}
	})
}
