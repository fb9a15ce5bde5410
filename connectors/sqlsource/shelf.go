package sqlsource

import (
	"sync"
	"time"
)

const (
	// maxSpools bounds how many reads are kept at once; each has a file.
	maxSpools = 16
	// maxIdle is how long a snapshot waits for its next page. A later one is
	// served from a new snapshot, if that has the same rows.
	maxIdle = 10 * time.Minute
)

// shelf keeps the snapshots that are being read.
type shelf struct {
	mu     sync.Mutex
	spools map[string]*kept
}

type kept struct {
	*spool
	used  time.Time
	timer *time.Timer
}

// put keeps a snapshot under a name, and drops the one that was used longest ago
// when there are too many.
func (s *shelf) put(name string, sp *spool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.spools[name]; old != nil {
		s.remove(name, old)
	}
	for len(s.spools) >= maxSpools {
		oldest := ""
		for n, k := range s.spools {
			if oldest == "" || k.used.Before(s.spools[oldest].used) {
				oldest = n
			}
		}
		s.remove(oldest, s.spools[oldest])
	}
	k := &kept{spool: sp, used: time.Now()}
	k.timer = time.AfterFunc(maxIdle, func() { s.expire(name, k) })
	s.spools[name] = k
}

func (s *shelf) get(name string) *spool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.spools[name]
	if k == nil {
		return nil
	}
	k.used = time.Now()
	k.timer.Reset(maxIdle)
	return k.spool
}

// done drops a snapshot whose last page was read.
func (s *shelf) done(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.spools[name]; k != nil {
		s.remove(name, k)
	}
}

// clear drops everything.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, k := range s.spools {
		s.remove(name, k)
	}
}

func (s *shelf) expire(name string, k *kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spools[name] == k && time.Since(k.used) >= maxIdle {
		s.remove(name, k)
	}
}

func (s *shelf) remove(name string, k *kept) {
	k.timer.Stop()
	k.drop()
	delete(s.spools, name)
}
