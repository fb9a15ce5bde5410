package planner

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"

	"orgflow"
)

// Pair is a source id with what the source and what the bindings have of it.
type Pair struct {
	Record     Item
	Binding    orgflow.Binding
	HasRecord  bool
	HasBinding bool
	// Copies counts further records with the same id, which are not shown.
	Copies int
}

// SourceID returns the id of the pair.
func (p *Pair) SourceID() string {
	if p.HasRecord {
		return p.Record.SourceID
	}
	return p.Binding.SourceID
}

// Unchanged tells whether the consumer accepted exactly this payload.
func (p *Pair) Unchanged() bool {
	if !p.HasRecord || !p.HasBinding || p.Record.Issue != "" || p.Copies > 0 || p.Binding.State == orgflow.BindingPending {
		return false
	}
	raw, err := p.Record.Payload.Encode()
	if err != nil {
		return false
	}
	return bytes.Equal(raw, p.Binding.Payload) || p.Binding.Hash != "" && orgflow.Hash(raw) == p.Binding.Hash
}

// Compare walks records and bindings side by side. Both have to be sorted by
// source id in byte order; it keeps one of each at a time, so that the
// number of records does not matter. The first error, or a source id out of
// order, ends the walk.
func Compare(records iter.Seq2[Item, error], bindings iter.Seq2[orgflow.Binding, error]) iter.Seq2[Pair, error] {
	return func(yield func(Pair, error) bool) {
		left := pull("records", records, func(it *Item) string { return it.SourceID })
		defer left.stop()
		right := pull("bindings", bindings, func(bd *orgflow.Binding) string { return bd.SourceID })
		defer right.stop()
		for {
			if err := cmp.Or(left.err, right.err); err != nil {
				yield(Pair{}, err)
				return
			}
			if !left.ok && !right.ok {
				return
			}
			var p Pair
			if left.ok && (!right.ok || left.id <= right.id) {
				p.Record, p.HasRecord = left.value, true
			}
			if right.ok && (!left.ok || right.id <= left.id) {
				p.Binding, p.HasBinding = right.value, true
			}
			if p.HasRecord {
				for left.advance(); left.ok && left.id == p.Record.SourceID; left.advance() {
					p.Copies++
				}
			}
			if p.HasBinding {
				right.advance()
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// cursor is one side of a comparison.
type cursor[T any] struct {
	what  string
	next  func() (T, error, bool)
	stop  func()
	key   func(*T) string
	value T
	id    string
	ok    bool
	err   error
}

func pull[T any](what string, seq iter.Seq2[T, error], key func(*T) string) *cursor[T] {
	c := &cursor[T]{what: what, key: key}
	c.next, c.stop = iter.Pull2(seq)
	c.advance()
	return c
}

func (c *cursor[T]) advance() {
	if c.err != nil {
		c.ok = false
		return
	}
	before, had := c.id, c.ok
	if c.value, c.err, c.ok = c.next(); c.err != nil {
		c.ok = false
	}
	if !c.ok {
		return
	}
	if c.id = c.key(&c.value); had && c.id < before {
		c.ok, c.err = false, fmt.Errorf("compare %s: source id %q comes after %q; they have to be sorted by source id in byte order", c.what, c.id, before)
	}
}
