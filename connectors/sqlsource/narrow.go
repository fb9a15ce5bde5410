package sqlsource

import (
	"strconv"
	"strings"
)

// Conditions the database evaluates only save it work: every row that comes
// back still meets the filter in Go, so they must let through whatever that
// would accept, and may let through more.

// postgresNarrow compares integers and texts. Other types have several forms
// of one value (2 and 2.00) and are left to the filter, and so are texts that
// may be JSON lists, whose elements count.
func postgresNarrow(c column, values []string, place func(any) string) string {
	text := "CAST(" + quote(c.name) + " AS text)"
	switch c.class {
	case whole:
		return quote(c.name) + integers(values, place)
	case textual:
		return "(" + text + in(values, place) + " OR ltrim(" + text + `, E' \t\r\n') LIKE '[%')`
	default:
		return ""
	}
}

// sqliteNarrow leaves real numbers to the filter too: 2.0 is 2.
func sqliteNarrow(c column, values []string, place func(any) string) string {
	name := quote(c.name)
	return "(typeof(" + name + ") NOT IN ('integer', 'text') OR CAST(" + name + " AS text)" + in(values, place) +
		" OR ltrim(" + name + ", ' ' || char(9) || char(10) || char(13)) LIKE '[%')"
}

// integers lists the values that are integers, so that an index helps; what
// is none, or written in another way (07), equals no integer.
func integers(values []string, place func(any) string) string {
	places := []string{"NULL"} // equals nothing
	for _, v := range values {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && strconv.FormatInt(n, 10) == v {
			places = append(places, "CAST("+place(n)+" AS bigint)")
		}
	}
	return " IN (" + strings.Join(places, ", ") + ")"
}

func in(values []string, place func(any) string) string {
	places := make([]string, len(values))
	for i, v := range values {
		places[i] = place(v)
	}
	return " IN (" + strings.Join(places, ", ") + ")"
}
