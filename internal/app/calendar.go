package app

import (
	"fmt"
	"strings"

	"orgflow/internal/temporalx"
	"orgflow/meta"
)

// calendar writes a file's calendar in cron's notation.
func calendar(c meta.Calendar) temporalx.Calendar {
	return temporalx.Calendar{
		Second: ranges(c.Second), Minute: ranges(c.Minute), Hour: ranges(c.Hour),
		DayOfMonth: ranges(c.DayOfMonth), Month: ranges(c.Month), Year: ranges(c.Year), DayOfWeek: ranges(c.DayOfWeek),
		Comment: c.Comment,
	}
}

func ranges(rs []meta.Range) string {
	parts := make([]string, len(rs))
	for i, r := range rs {
		end := max(r.End, r.Start)
		switch {
		case end == r.Start:
			parts[i] = fmt.Sprint(r.Start)
		case r.Step > 1:
			parts[i] = fmt.Sprintf("%d-%d/%d", r.Start, end, r.Step)
		default:
			parts[i] = fmt.Sprintf("%d-%d", r.Start, end)
		}
	}
	return strings.Join(parts, ",")
}
