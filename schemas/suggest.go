package schemas

import (
	"strconv"
	"strings"
)

// Quoted joins names for a message: "a", "b".
func Quoted(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, ", ")
}

// DidYouMean returns `; did you mean "mode"?` when one of the allowed names
// is close to what was written, else nothing.
func DidYouMean(got string, allowed []string) string {
	best, distance := "", 1+min(3, len(got)/3)
	for _, name := range allowed {
		if d := editDistance(strings.ToLower(got), strings.ToLower(name), distance); d < distance {
			best, distance = name, d
		}
	}
	if best == "" || best == got {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours; it gives up at limit.
func editDistance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit {
		return limit
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(y)], limit)
}
