// Package simtoken is how simulators give out access tokens that live for a
// while: one in force for each owner, durable like the rest of a simulator's
// state.
package simtoken

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"orgflow/connectors/simctl"
)

// Kinds of journalled changes.
const (
	kindToken = "token"
	kindNone  = "no_tokens"
)

// Token is an owner's token.
type Token struct {
	Owner   string    `json:"owner"` // an application, a secret
	Value   string    `json:"value"`
	Expires time.Time `json:"expires"`
	Issued  int       `json:"issued"` // tokens issued so far, to all owners
}

// Again is what becomes of a token that is in force when its owner asks for
// one.
type Again int

// What becomes of it.
const (
	Keep   Again = iota // it stays as it is
	Extend              // it stays, its life begun anew
	Rotate              // another one takes its place
)

// Store holds the tokens of a simulator. The zero value is empty; it is safe
// for many goroutines.
type Store struct {
	mu      sync.RWMutex
	byOwner map[string]Token
	owners  map[string]string // by value, also of tokens that are over
	issued  int
}

// Issue returns the owner's token, a new one where none is in force or again
// says so. value makes its text of its number and the time.
func (s *Store) Issue(d *simctl.Desk, owner string, life time.Duration, again Again, value func(n int, now time.Time) string) (Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := d.Now()
	k, ok := s.byOwner[owner]
	alive := ok && now.Before(k.Expires)
	if alive && again == Keep {
		return k, nil
	}
	issued := s.issued
	if !alive || again == Rotate {
		issued++
		k = Token{Owner: owner, Value: value(issued, now)}
	}
	k.Expires, k.Issued = now.Add(life), issued
	return k, s.commit(d, k)
}

// commit makes a token durable and puts it in force.
func (s *Store) commit(d *simctl.Desk, k Token) error {
	return d.Perform(func(simctl.Change) { s.put(k) }, k.change())
}

func (k Token) change() simctl.Change { return simctl.Change{Kind: kindToken, ID: k.Owner, Value: k} }

func (s *Store) put(k Token) {
	if s.byOwner == nil {
		s.byOwner, s.owners = map[string]Token{}, map[string]string{}
	}
	s.byOwner[k.Owner], s.owners[k.Value], s.issued = k, k.Owner, max(s.issued, k.Issued)
}

// Owner returns whose token this is. valid: it is in force; known tells one
// that is over from one never issued.
func (s *Store) Owner(value string, now time.Time) (owner string, valid, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	owner, known = s.owners[value]
	k := s.byOwner[owner]
	return owner, known && k.Value == value && now.Before(k.Expires), known
}

// Count is the number of tokens issued so far.
func (s *Store) Count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.issued
}

// Expire makes every token expired.
func (s *Store) Expire(d *simctl.Desk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.byOwner {
		k.Expires = time.Time{}
		if err := s.commit(d, k); err != nil {
			return err
		}
	}
	return nil
}

// Clear forgets all tokens.
func (s *Store) Clear(d *simctl.Desk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.Perform(func(simctl.Change) { s.empty() }, simctl.Change{Kind: kindNone})
}

func (s *Store) empty() { s.byOwner, s.owners, s.issued = nil, nil, 0 }

// Dump lists the changes that rebuild the store.
func (s *Store) Dump() []simctl.Change {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []simctl.Change
	for _, owner := range slices.Sorted(maps.Keys(s.byOwner)) {
		out = append(out, s.byOwner[owner].change())
	}
	return out
}

// Replay applies a journalled change; mine is false where it is not one of
// tokens.
func (s *Store) Replay(e simctl.Entry) (mine bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case kindNone:
		s.empty()
	case kindToken:
		var k Token
		if err := json.Unmarshal(e.Value, &k); err != nil {
			return true, fmt.Errorf("change of %s: %w", e.Kind, err)
		}
		s.put(k)
	default:
		return false, nil
	}
	return true, nil
}
