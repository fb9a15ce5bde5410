package planner

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"orgflow"
)

// BenchmarkBuild plans a first push (insert) and a push that finds nothing to
// do (unchanged), growing tenfold.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		orgs, people := organisation(n, n/10)
		first := input(orgs, people)
		plan, err := Build(first)
		if err != nil {
			b.Fatal(err)
		}
		again := after(b, first, plan)
		b.Run(fmt.Sprintf("insert/%d", n), func(b *testing.B) { measure(b, func() Input { return first }) })
		b.Run(fmt.Sprintf("unchanged/%d", n), func(b *testing.B) { measure(b, func() Input { return again }) })
	}
}

// BenchmarkCompany plans 20,000 people in 3,000 departments: all new, and a
// year's reorganisation. Wanted: below 5 s and 500 MB.
func BenchmarkCompany(b *testing.B) {
	orgs, people := organisation(20_000, 3000)
	first := input(orgs, people)
	plan, err := Build(first)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("insert", func(b *testing.B) { measure(b, func() Input { return first }) })
	again := after(b, first, plan)
	orgs, people = organisation(20_000, 3000)
	for i := 1; i+1 < len(orgs); i += 2 { // neighbours swap their names, every tenth moves to the top
		a, c := orgs[i].Payload.Fields, orgs[i+1].Payload.Fields
		a["name"], c["name"] = c["name"], a["name"]
		if i%20 == 1 {
			a["parent_id"], orgs[i].ParentID = orgflow.Ref(orgflow.Org, "1"), "1"
		}
	}
	for i := range people {
		if i%3 == 0 {
			people[i].Payload.Fields["depts"] = orgflow.Ref(orgflow.Org, fmt.Sprint(i%3000+1))
		}
	}
	again.Orgs.Records, again.People.Records = orgs, people
	b.Run("reorganised", func(b *testing.B) { measure(b, func() Input { return again }) })
}

// BenchmarkCycle detects a circle through 50,000 departments, and a chain as
// long that hangs from it. Wanted: below 1 s.
func BenchmarkCycle(b *testing.B) {
	const n = 50_000
	ring, chain := make([]Item, n), make([]Item, n)
	for i := range n {
		ring[i] = org(strconv.Itoa(i), strconv.Itoa((i+1)%n), "部门")
		chain[i] = org(strconv.Itoa(i), strconv.Itoa(max(1, i-1)), "部门")
	}
	chain[0], chain[1] = org("0", "1", "部门"), org("1", "0", "部门")
	b.Run("ring", func(b *testing.B) { measure(b, func() Input { return input(ring, nil) }) })
	b.Run("chain", func(b *testing.B) { measure(b, func() Input { return input(chain, nil) }) })
}

// BenchmarkStream plans people who are never held in memory together, one in
// a hundred changed. Wanted for 1,000,000: below 60 s and 2 GB.
func BenchmarkStream(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			orgs, _ := organisation(10, 1000)
			first := input(orgs, nil)
			plan, err := Build(first)
			if err != nil {
				b.Fatal(err)
			}
			in := after(b, first, plan)
			in.People.RecordSeq, in.People.BindingSeq = streamed(n)
			measure(b, func() Input { return in })
		})
	}
}

// streamed invents n people and their bindings, one at a time; every
// hundredth has another title than was accepted.
func streamed(n int) (iter.Seq2[Item, error], iter.Seq2[orgflow.Binding, error]) {
	one := func(i int) Item {
		id := fmt.Sprintf("%08d", i)
		return person(id, fmt.Sprint(i%1000+1), "title", "工程师", "email", id+"@example.com")
	}
	records := func(yield func(Item, error) bool) {
		for i := range n {
			it := one(i)
			if i%100 == 0 {
				it.Payload.Fields["title"] = "高级工程师"
			}
			if !yield(it, nil) {
				return
			}
		}
	}
	bindings := func(yield func(orgflow.Binding, error) bool) {
		for i := range n {
			it := one(i)
			raw, err := it.Payload.Encode()
			bd := orgflow.Binding{Kind: orgflow.Person, SourceID: it.SourceID, ConsumerID: "E" + it.SourceID,
				Scope: orgflow.DefaultScope, Payload: raw, State: orgflow.BindingActive}
			if !yield(bd, err) {
				return
			}
		}
	}
	return records, bindings
}

// measure reports time, allocations and the most memory in use.
func measure(b *testing.B, in func() Input) {
	b.ReportAllocs()
	for range b.N {
		runtime.GC()
		stop, peak := make(chan struct{}), make(chan uint64)
		go watch(stop, peak)
		plan, err := Build(in())
		close(stop)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(<-peak)/(1<<20), "peak-MB")
		b.ReportMetric(float64(len(plan.Changes)), "changes")
	}
}

// watch samples the heap until stopped.
func watch(stop <-chan struct{}, peak chan<- uint64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var most uint64
	var m runtime.MemStats
	for {
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
		select {
		case <-stop:
			peak <- most
			return
		case <-tick.C:
		}
	}
}

// organisation invents people and departments, ten below each.
func organisation(n, departments int) (orgs, people []Item) {
	orgs = []Item{org("1", "", "公司")}
	for i := 2; i <= departments; i++ {
		orgs = append(orgs, org(fmt.Sprint(i), fmt.Sprint(i/10+1), fmt.Sprintf("部门%d", i)))
	}
	for i := range n {
		people = append(people, person(fmt.Sprint(1000+i), fmt.Sprint(i%departments+1), "title", "工程师", "manager", leader(fmt.Sprint(1000+i/8))))
	}
	return orgs, people
}

// BenchmarkShuffle plans the way between two random trees of the same
// departments: no reorganisation is worse.
func BenchmarkShuffle(b *testing.B) {
	for _, n := range []int{300, 1000, 3000} {
		random := rand.New(rand.NewPCG(1, 1))
		tree := func() []Item {
			orgs, ids := []Item{root()}, random.Perm(n)
			for i, id := range ids {
				parent := "1"
				if i > 9 {
					parent = fmt.Sprint(ids[random.IntN(i)] + 2)
				}
				orgs = append(orgs, org(fmt.Sprint(id+2), parent, fmt.Sprintf("部门%d", random.IntN(10*n))))
			}
			return orgs
		}
		first := input(tree(), nil)
		plan, err := Build(first)
		if err != nil {
			b.Fatal(err)
		}
		again := after(b, first, plan)
		again.Orgs.Records = tree()
		b.Run(strconv.Itoa(n), func(b *testing.B) { measure(b, func() Input { return again }) })
	}
}
