package planner

import (
	"fmt"
	"testing"
)

// BenchmarkBuild plans a first push (insert) and a push that finds nothing to
// do (unchanged), growing tenfold.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		orgs, people := organisation(n)
		first := input(orgs, people)
		plan, err := Build(first)
		if err != nil {
			b.Fatal(err)
		}
		again := after(b, first, plan)
		b.Run(fmt.Sprintf("insert/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := Build(first); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("unchanged/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := Build(again); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// organisation invents n people in n/10 departments.
func organisation(n int) (orgs, people []Item) {
	orgs = []Item{org("1", "", "公司")}
	for i := 2; i <= n/10; i++ {
		orgs = append(orgs, org(fmt.Sprint(i), fmt.Sprint(i/10+1), fmt.Sprintf("部门%d", i)))
	}
	for i := range n {
		people = append(people, person(fmt.Sprint(1000+i), fmt.Sprint(i%(n/10)+1), "title", "工程师", "manager", leader(fmt.Sprint(1000+i/8))))
	}
	return orgs, people
}
