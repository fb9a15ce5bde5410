package flowcall

import (
	"context"

	"orgflow/internal/store"
)

// turn is a flow's lock in this process: who waits for it, and one token.
type turn struct {
	waiting int
	free    chan struct{}
}

// takeTurn lets notifications about one flow through one at a time: the one
// that is first works on everything stored, and those behind it find that
// done. So a dozen of them at once are two updates, not twelve.
func (s *Service) takeTurn(ctx context.Context, key store.FlowKey) (release func(), err error) {
	s.mu.Lock()
	if s.turns == nil {
		s.turns = map[store.FlowKey]*turn{}
	}
	t := s.turns[key]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		s.turns[key] = t
	}
	t.waiting++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if t.waiting--; t.waiting == 0 {
			delete(s.turns, key)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ErrNoAnswer
	}
}
