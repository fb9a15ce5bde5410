package simctl

import (
	"sync"
	"time"
)

// logSize is how many calls the request log remembers.
const logSize = 20_000

// maxPaths bounds the paths counted apart; further ones count as otherPaths,
// so that a caller of random paths cannot fill the memory.
const maxPaths = 1_000

const otherPaths = "(other)"

// LogEntry is one call in the order in which calls ended. It carries no
// personal data: Key is a userid, a department id or a source identifier.
type LogEntry struct {
	Seq     int64     `json:"seq"`
	At      time.Time `json:"at"` // of its arrival, before its body was read
	Path    string    `json:"path"`
	Outcome string    `json:"outcome"`
	Key     string    `json:"key,omitempty"`
	// Fault says what an injected fault did to the answer. With a fault
	// after the commit, Outcome is what the simulator did all the same.
	Fault string `json:"fault,omitempty"`
}

// Requests is the request log as the control call answers it.
type Requests struct {
	Total int64                       `json:"total"`
	Paths map[string]map[string]int64 `json:"paths"`
	// Writes are calls that changed something.
	Writes int64 `json:"writes"`
	// Rejected are calls whose outcome was not ok, Throttled those among them refused for their rate.
	Rejected  int64 `json:"rejected"`
	Throttled int64 `json:"throttled"`
	// Faulted are calls an injected fault broke or delayed.
	Faulted int64 `json:"faulted"`
	// MaxRate is the highest number of calls in any one second, refused ones included.
	MaxRate       int            `json:"max_rate_per_second"`
	MaxRateByPath map[string]int `json:"max_rate_by_path"`
	Log           []LogEntry     `json:"log"`
}

// rate counts events in the second that ends with the latest one.
type rate struct {
	times []int64 // ring of unix nanoseconds
	head  int
	n     int
	max   int
}

func (r *rate) add(now int64) {
	for r.n > 0 && r.times[r.head] <= now-int64(time.Second) {
		r.head = (r.head + 1) % len(r.times)
		r.n--
	}
	if r.n == len(r.times) {
		grown := make([]int64, max(16, 2*r.n))
		for i := range r.n {
			grown[i] = r.times[(r.head+i)%len(r.times)]
		}
		r.times, r.head = grown, 0
	}
	r.times[(r.head+r.n)%len(r.times)] = now
	r.n++
	r.max = max(r.max, r.n)
}

type pathCount struct {
	outcomes map[string]int64
	rate     rate
}

// requestLog counts calls. Its memory is bounded.
type requestLog struct {
	mu                                 sync.Mutex
	seq                                int64
	paths                              map[string]*pathCount
	writes, rejected, throttled, fault int64
	rate                               rate
	ring                               []LogEntry
	next                               int
}

func (l *requestLog) path(p string) *pathCount {
	if c, ok := l.paths[p]; ok {
		return c
	}
	if l.paths == nil {
		l.paths = map[string]*pathCount{}
	}
	if len(l.paths) >= maxPaths {
		p = otherPaths
		if c, ok := l.paths[p]; ok {
			return c
		}
	}
	c := &pathCount{outcomes: map[string]int64{}}
	l.paths[p] = c
	return c
}

func (l *requestLog) arrive(path string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := now.UnixNano()
	l.rate.add(t)
	l.path(path).rate.add(t)
}

func (l *requestLog) done(e LogEntry, wrote, throttled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	e.Seq = l.seq
	l.path(e.Path).outcomes[e.Outcome]++
	if wrote {
		l.writes++
	}
	if e.Outcome != OK {
		l.rejected++
	}
	if throttled {
		l.throttled++
	}
	if e.Fault != "" {
		l.fault++
	}
	if len(l.ring) < logSize {
		l.ring = append(l.ring, e)
		return
	}
	l.ring[l.next] = e
	l.next = (l.next + 1) % logSize
}

func (l *requestLog) snapshot() Requests {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Requests{
		Total: l.seq, Paths: map[string]map[string]int64{}, Writes: l.writes, Rejected: l.rejected,
		Throttled: l.throttled, Faulted: l.fault, MaxRate: l.rate.max, MaxRateByPath: map[string]int{},
		Log: make([]LogEntry, 0, len(l.ring)),
	}
	for p, c := range l.paths {
		out := make(map[string]int64, len(c.outcomes))
		for k, n := range c.outcomes {
			out[k] = n
		}
		r.Paths[p], r.MaxRateByPath[p] = out, c.rate.max
	}
	r.Log = append(append(r.Log, l.ring[l.next:]...), l.ring[:l.next]...)
	return r
}

func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paths, l.ring, l.next, l.rate = nil, nil, 0, rate{}
	l.seq, l.writes, l.rejected, l.throttled, l.fault = 0, 0, 0, 0, 0
}
