package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

// race runs n functions that begin at one moment and waits for them.
func race(n int, f func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// twoStores are two processes on one database.
func twoStores(t testing.TB, url string) []*store.Store {
	t.Helper()
	stores := []*store.Store{openMigrated(t, url), openMigrated(t, url)}
	for _, s := range stores {
		s.SetDatabaseClock(november)
	}
	return stores
}

// 100 launches at one moment have the numbers 0001…0100. When every fifth is
// rolled back after it has taken its number, the others have 0001…0080.
func TestNumbersOfParallelLaunchesLeaveNothingOut(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			stores := twoStores(t, url(t))
			rounds := repetitions
			if name == "postgres" {
				rounds = min(rounds, 20) // of a thousand round trips each
			}
			for r := range rounds {
				code := fmt.Sprintf("code%d", r)
				for _, failing := range []int{0, 5} {
					if failing > 0 && r%5 > 0 {
						continue
					}
					numbers := launchTogether(t, stores, fmt.Sprintf("%s_%d", code, failing), 100, failing)
					for i, no := range numbers {
						if want := fmt.Sprintf("%s_%d_202611_%04d", code, failing, i+1); no != want {
							t.Fatalf("the %dth number is %s, want %s", i+1, no, want)
						}
					}
					if want := 100 - failing*4; len(numbers) != want {
						t.Fatalf("%d flows, want %d", len(numbers), want)
					}
				}
			}
		})
	}
}

// launchTogether returns the numbers in order. Every failing-th launch loses
// its context between number and flow.
func launchTogether(t *testing.T, stores []*store.Store, code string, n, failing int) []string {
	var mu sync.Mutex
	var numbers []string
	race(n, func(i int) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		f := newFlow(fmt.Sprint(i))
		number := numbersOf(code)
		f.Code, f.Numbering = code, number
		fails := failing > 0 && i%failing == 0
		if fails {
			f.Numbering = monthly(func(month string, seq int64) string {
				cancel()
				return number(month, seq)
			})
		}
		flow, outcome, err := stores[i%len(stores)].LaunchFlow(ctx, f)
		switch {
		case fails && !errors.Is(err, context.Canceled):
			t.Errorf("a launch without context: %q, %v", outcome, err)
		case !fails && (err != nil || outcome != store.LaunchCreated):
			t.Errorf("launch %d: %q, %v", i, outcome, err)
		case !fails:
			mu.Lock()
			defer mu.Unlock()
			numbers = append(numbers, flow.No)
		}
	})
	slices.Sort(numbers)
	return numbers
}

// Twenty clicks on one form row that may have one flow make one flow, and the
// others cost no number.
func TestOneFlowPerRowHoweverOftenItIsLaunched(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			stores := twoStores(t, url(t))
			for r := range repetitions {
				var mu sync.Mutex
				seen := map[string]int{}
				race(20, func(i int) {
					n := newFlow(fmt.Sprint("row", r))
					n.OneOpenPerData = true
					f, outcome, err := stores[i%2].LaunchFlow(context.Background(), n)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					seen[string(outcome)+" "+f.No]++
				})
				no := fmt.Sprintf("ztbxx01_202611_%04d", r+1)
				if len(seen) != 2 || seen["created "+no] != 1 || seen["existing "+no] != 19 {
					t.Fatalf("repetition %d: %v", r, seen)
				}
			}
		})
	}
}

// Of twenty launches of different rows with one number, one has it.
func TestOneNumberForOneRow(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			stores := twoStores(t, url(t))
			for r := range repetitions {
				var mu sync.Mutex
				seen := map[store.LaunchOutcome]int{}
				race(20, func(i int) {
					n := newFlow(fmt.Sprintf("row%d-%d", r, i))
					n.No = fmt.Sprint("own", r)
					_, outcome, err := stores[i%2].LaunchFlow(context.Background(), n)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					seen[outcome]++
				})
				if seen[store.LaunchCreated] != 1 || seen[store.LaunchNumberTaken] != 19 {
					t.Fatalf("repetition %d: %v", r, seen)
				}
			}
		})
	}
}

func TestLaunchAnswers(t *testing.T) {
	flow := func(no, code, data string, one bool) store.NewFlow {
		n := newFlow(data)
		n.No, n.Code, n.OneOpenPerData = no, code, one
		return n
	}
	cases := []struct {
		name   string
		launch store.NewFlow
		want   store.LaunchOutcome
		no     string
	}{
		{"the same again", flow("A1", "ztbxx01", "5", true), store.LaunchExisting, "A1"},
		{"the same row without a number", flow("", "ztbxx01", "5", true), store.LaunchExisting, "A1"},
		{"another row with the number", flow("A1", "ztbxx01", "6", true), store.LaunchNumberTaken, "A1"},
		{"another code with the number", flow("A1", "other", "5", true), store.LaunchNumberTaken, "A1"},
		{"the same row with another number", flow("A2", "ztbxx01", "5", true), store.LaunchDataTaken, "A1"},
		{"the row for another code", flow("A3", "other", "5", true), store.LaunchCreated, "A3"},
		{"the same row where several are allowed", flow("A4", "ztbxx01", "5", false), store.LaunchCreated, "A4"},
		{"the number in another company", func() store.NewFlow { n := flow("A1", "ztbxx01", "5", true); n.CompanyID = 7; return n }(), store.LaunchCreated, "A1"},
	}
	forEachDB(t, func(t *testing.T, s *store.Store) {
		first := launch(t, s, flow("A1", "ztbxx01", "5", true))
		if first.State != orgflow.FlowStarting || first.Round != 1 || first.Rev != 0 || first.Initiator.Dept != "人力中心" {
			t.Errorf("a new flow is %+v", first)
		}
		for _, c := range cases {
			got, outcome, err := s.LaunchFlow(context.Background(), c.launch)
			if err != nil || outcome != c.want || got.No != c.no {
				t.Errorf("%s: %q %q, %v; want %q %q", c.name, outcome, got.No, err, c.want, c.no)
			}
		}
		for _, bad := range []store.NewFlow{flow("B", "", "5", false), flow("B", "c", "", false), flow("B\x00", "c", "5", false), {CompanyID: company, Code: "c", DataID: "5", StateDoc: []byte("{}")}} {
			if _, outcome, err := s.LaunchFlow(context.Background(), bad); err == nil {
				t.Errorf("%+v: %q, want an error", bad, outcome)
			}
		}
	})
}

func TestNumbersOfCallersArePassedOver(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		s.SetDatabaseClock(november)
		flowNo(t, s, "ztbxx01_202611_0002")
		for i := 5; i <= 130; i++ { // more than one transaction passes over
			flowNo(t, s, fmt.Sprintf("ztbxx01_202611_%04d", i))
		}
		for i, want := range []string{"0001", "0003", "0004", "0131", "0132"} {
			if got := launch(t, s, newFlow(fmt.Sprint(i))); got.No != "ztbxx01_202611_"+want {
				t.Errorf("launch %d has the number %s, want …%s", i, got.No, want)
			}
		}
		n := newFlow("x")
		n.Numbering = monthly(func(string, int64) string { return "ztbxx01_202611_0002" })
		if _, outcome, err := s.LaunchFlow(context.Background(), n); err == nil {
			t.Errorf("a pattern that makes one number only: %q, want an error", outcome)
		}
	})
}

func TestNumbersWidenAndBeginAgain(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		want := func(numbers ...string) {
			t.Helper()
			for _, no := range numbers {
				if got := launch(t, s, newFlow(no)); got.No != no {
					t.Errorf("number %s, want %s", got.No, no)
				}
			}
		}
		end := time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC) // midnight in Shanghai
		s.SetDatabaseClock(end.Add(-time.Millisecond))
		want("ztbxx01_202611_0001")
		if _, err := s.DB().Exec(`UPDATE flow_serial SET last = 9998`); err != nil {
			t.Fatal(err)
		}
		want("ztbxx01_202611_9999", "ztbxx01_202611_10000", "ztbxx01_202611_10001")
		s.SetDatabaseClock(end)
		want("ztbxx01_202612_0001", "ztbxx01_202612_0002")
	})
}

func TestFlowsThatDoNotStartAreFound(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		s.SetDatabaseClock(november)
		one, two, three := flowNo(t, s, "1"), flowNo(t, s, "2"), flowNo(t, s, "3")
		commit(t, s, step(two))
		p := step(three)
		p.State, p.ClosedAt = orgflow.FlowApproved, noon
		commit(t, s, p)
		starting := func(d time.Duration, behind store.FlowKey) (numbers []string) {
			t.Helper()
			flows, err := s.StartingFlows(ctx, d, behind, 10)
			must(t, err)
			for _, f := range flows {
				numbers = append(numbers, f.No)
			}
			return numbers
		}
		if got := starting(time.Minute, store.FlowKey{}); got != nil {
			t.Errorf("of now: %v", got)
		}
		s.SetDatabaseClock(november.Add(2 * time.Minute))
		if got := starting(time.Minute, store.FlowKey{}); !slices.Equal(got, []string{"1"}) {
			t.Errorf("after two minutes: %v, want flow 1", got)
		}
		if got := starting(time.Minute, one); got != nil {
			t.Errorf("behind flow 1: %v", got)
		}
		for k, want := range map[store.FlowKey]orgflow.FlowState{one: orgflow.FlowStarting, two: orgflow.FlowRunning, three: orgflow.FlowApproved} {
			if f, err := s.LoadFlow(ctx, k); err != nil || f.State != want {
				t.Errorf("flow %s is %s, %v; want %s", k.No, f.State, err, want)
			}
		}
	})
}
