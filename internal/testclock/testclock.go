// Package testclock gives tests a time that nobody waits for.
package testclock

import (
	"sync"
	"time"
)

// Clock stands still until it is told that time passes. It is safe for many
// goroutines.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// New returns a clock that stands at 2026-11-21 09:00 in China.
func New() *Clock { return At(time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)) }

// At returns a clock that stands at a time.
func At(t time.Time) *Clock { return &Clock{at: t} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Pass moves the clock on.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
