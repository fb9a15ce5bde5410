package console

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orgflow/internal/api"
)

// A month has each of its days once, in order, weeks begin on Monday, and a
// start stands on its day in China and nowhere else.
func TestAMonthIsComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := time.Date(rapid.IntRange(1970, 2100).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")), 1, 0, 0, 0, 0, china)
		start := first.Add(time.Duration(rapid.Int64Range(-5*24*3600, 36*24*3600).Draw(t, "second")) * time.Second).UTC()
		now := first.AddDate(0, 0, rapid.IntRange(-3, 40).Draw(t, "today"))
		m := monthOf(first.Format("2006-01"), now.UTC(), []api.Schedule{{ID: "a", Next: []time.Time{start}}, {ID: "b", Paused: true, Next: []time.Time{start}}})
		expected, found, today := first, 0, 0
		for _, week := range m.Weeks {
			for i, day := range week {
				if day.Day == 0 {
					continue
				}
				if day.Date != expected.Format(time.DateOnly) || day.Day != expected.Day() || (int(expected.Weekday())+6)%7 != i || day.Weekday() != weekday(i+1) {
					t.Fatalf("day %+v in column %d, expected %s", day, i, expected)
				}
				expected = expected.AddDate(0, 0, 1)
				found += len(day.Starts)
				for _, s := range day.Starts {
					if s.ID != "a" || day.Date != start.In(china).Format(time.DateOnly) || !slices.Equal(s.Clocks, []string{start.In(china).Format("15:04")}) {
						t.Fatalf("%s on %s: %+v", start, day.Date, s)
					}
				}
				if day.Today {
					today++
				}
			}
		}
		inside := start.In(china).Format(monthLayout) == m.Name
		if !expected.Equal(first.AddDate(0, 1, 0)) || found == 1 != inside || found > 1 || today == 1 != (now.Format(monthLayout) == m.Name) {
			t.Fatalf("%s ends before %s with %d starts, %d todays", m.Name, expected, found, today)
		}
	})
}

func TestABusyDayNamesSomeOfItsStarts(t *testing.T) {
	at := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	var list []api.Schedule
	for id := range 9 {
		s := api.Schedule{ID: strconv.Itoa(id)}
		for i := range 11 {
			s.Next = append(s.Next, at.Add(time.Duration(i)*time.Minute))
		}
		list = append(list, s)
	}
	day := monthOf("2026-11", at, list).Weeks[3][6]
	if day.Day != 22 || len(day.Starts) != dayEntries || day.Further != 3 {
		t.Fatalf("%+v", day)
	}
	if first := day.Starts[0]; first.ID != "0" || len(first.Clocks) != dayClocks || first.Further != 3 || first.Clocks[0] != "09:00" || first.Clocks[7] != "09:07" {
		t.Errorf("%+v", first)
	}
}
