package kdsim

import "sync"

// cache keeps the rows of recent queries, so that the pages of a window are
// not looked for one by one.
type cache struct {
	mu     sync.Mutex
	recent map[string][]row
}

const cached = 12

func (c *cache) get(key string) ([]row, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows, ok := c.recent[key]
	return rows, ok
}

func (c *cache) put(key string, rows []row) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil {
		c.recent = map[string][]row{}
	}
	for old := range c.recent { // any: which one is no matter
		if len(c.recent) < cached {
			break
		}
		delete(c.recent, old)
	}
	c.recent[key] = rows
}
