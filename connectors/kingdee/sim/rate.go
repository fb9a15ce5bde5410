package kdsim

import (
	"slices"
	"sync"
	"time"
)

// rate counts calls in the second that ends now.
type rate struct {
	mu    sync.Mutex
	times []time.Time
}

func (r *rate) allow(most int, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if most <= 0 {
		r.times = nil
		return true
	}
	r.times = slices.DeleteFunc(r.times, func(t time.Time) bool { return !now.Before(t.Add(time.Second)) })
	if len(r.times) >= most {
		return false
	}
	r.times = append(r.times, now)
	return true
}
