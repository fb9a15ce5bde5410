package activities_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"
)

// effort is what something took: seconds of time, seconds of processor time
// of this process and of the PostgreSQL server, and the most MB of objects on
// the heap and of memory that this process had.
type effort struct{ wall, own, server, mb, resident float64 }

// measured carries something out, with nothing left over from before.
func (w *shop) measured(f func()) effort {
	w.exec(`CHECKPOINT`)
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak of what is resident begins anew
	peak := heapPeak()
	postmaster := w.postmaster()
	own, server, began := processor(os.Getpid(), false), processor(postmaster, true), time.Now()
	f()
	e := effort{wall: time.Since(began).Seconds()}
	w.exec(`CHECKPOINT`) // what was left to write belongs to it, too
	e.own, e.server = processor(os.Getpid(), false)-own, processor(postmaster, true)-server
	e.mb, e.resident = peak(), residentPeak()
	return e
}

// heapPeak watches the objects on the heap and returns a function that ends
// that and says how many MB there were at most.
func heapPeak() func() float64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-done:
				peak <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() float64 {
		close(done)
		return float64(<-peak) / (1 << 20)
	}
}

// residentPeak is the most memory in MB that this process had of the machine's.
func residentPeak() float64 {
	raw, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.ParseFloat(fields[0], 64)
	return kb / 1024
}

// postmaster is the id of PostgreSQL's first process, or 0 where the server is
// not on this machine.
func (w *shop) postmaster() int {
	var backend int
	w.must(w.db.DB().Get(&backend, `SELECT pg_backend_pid()`))
	fields := procStat(backend)
	if fields == nil {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

// processor is the processor time in seconds that a process took, or, of a
// whole family, with its children, those included that have ended. It is 0
// where there is no /proc.
func processor(pid int, family bool) float64 {
	fields := procStat(pid)
	if fields == nil {
		return 0
	}
	ticks := func(fields []string) (n float64) {
		for _, f := range fields {
			v, _ := strconv.ParseFloat(f, 64)
			n += v
		}
		return n
	}
	const perSecond = 100 // Linux' USER_HZ, on every architecture Go runs on
	if !family {
		return ticks(fields[11:13]) / perSecond
	}
	sum := ticks(fields[11:15])
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields := procStat(child); fields != nil && fields[1] == strconv.Itoa(pid) {
			sum += ticks(fields[11:13])
		}
	}
	return sum / perSecond
}

// procStat are the fields of /proc/pid/stat behind the process' name: state,
// parent, and so on.
func procStat(pid int) []string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}
