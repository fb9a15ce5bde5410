package store_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"orgflow/internal/store"
)

// BenchmarkLaunchFlow launches flows of one code, whose numbers follow each
// other, one by one and by 16 callers at a time.
func BenchmarkLaunchFlow(b *testing.B) {
	var rows atomic.Int64
	benchFlows(b, "flows/s", func(b *testing.B, s *store.Store) func() error {
		return func() error {
			n := newFlow(fmt.Sprint(rows.Add(1)))
			n.OneOpenPerData = true
			_, outcome, err := s.LaunchFlow(context.Background(), n)
			if err == nil && outcome != store.LaunchCreated {
				err = fmt.Errorf("answered %s", outcome)
			}
			return err
		}
	})
}

// BenchmarkCommitStep commits steps with two visits, two tasks, two events
// and a message; each caller has a flow of its own.
func BenchmarkCommitStep(b *testing.B) {
	var flows atomic.Int64
	benchFlows(b, "steps/s", func(b *testing.B, s *store.Store) func() error {
		k := flowNo(b, s, fmt.Sprint("F", flows.Add(1)))
		p := step(k)
		p.Rev = 0
		return func() error {
			p.Rev++
			p.Messages[0].DedupKey = fmt.Sprintf("%s:%d", k.No, p.Rev)
			_, err := s.CommitStep(context.Background(), p)
			return err
		}
	})
}

// benchFlows runs what each caller does, with one and with 16 callers.
func benchFlows(b *testing.B, unit string, caller func(*testing.B, *store.Store) func() error) {
	for name, url := range databases {
		s := openMigrated(b, url(b))
		b.Run(name+"/one", func(b *testing.B) {
			do := caller(b, s)
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit)
		})
		b.Run(name+"/sixteen", func(b *testing.B) {
			b.SetParallelism(max(1, 16/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) {
				do := caller(b, s)
				for pb.Next() {
					if err := do(); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), unit)
		})
	}
}
