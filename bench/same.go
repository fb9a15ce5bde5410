package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	dtsim "orgflow/connectors/dingtalk/sim"
)

// same is an error that names the first thing in which two organisations
// differ. The ids of departments, which DingTalk makes, and the callers' own
// keys do not count: a department is where it is in the tree.
func same(one, other dtsim.State) error {
	left, right := described(one), described(other)
	for i := range max(len(left), len(right)) {
		switch {
		case i >= len(left):
			return fmt.Errorf("only the other has %s", right[i])
		case i >= len(right):
			return fmt.Errorf("only the one has %s", left[i])
		case left[i] != right[i]:
			return fmt.Errorf("%s and %s", left[i], right[i])
		}
	}
	return nil
}

// described is a line for each department and user, sorted.
func described(s dtsim.State) (lines []string) {
	byID := map[int64]dtsim.Department{}
	for _, d := range s.Departments {
		byID[d.ID] = d
	}
	path := func(id int64) string {
		var names []string
		for d, ok := byID[id]; ok && len(names) <= len(byID); d, ok = byID[d.ParentID] {
			names = append(names, d.Name)
		}
		slices.Reverse(names)
		return strings.Join(names, "/")
	}
	for _, d := range s.Departments {
		lines = append(lines, fmt.Sprintf("department %s: order %d, managers %q", path(d.ID), d.Order, slices.Sorted(slices.Values(d.Managers))))
	}
	for _, u := range s.Users {
		var in, more []string
		for _, id := range u.DeptIDs {
			in = append(in, path(id))
		}
		for _, key := range slices.Sorted(maps.Keys(u.Extension)) {
			more = append(more, key+"="+u.Extension[key])
		}
		lines = append(lines, fmt.Sprintf("user %s: %q", u.UserID, []string{
			u.Name, u.Mobile, u.JobNumber, u.Title, u.Email, u.Manager, fmt.Sprint(u.HiredDate, u.Active),
			strings.Join(slices.Sorted(slices.Values(in)), ", "), strings.Join(more, ", "),
		}))
	}
	slices.Sort(lines)
	return lines
}
