package filesource

import (
	"context"
	"errors"
	"io"

	"orgflow/connectors"
	"orgflow/connectors/rowset"
)

// index says where the rows with a value stand, so that a lookup of each of
// many values does not go through the file each time.
type index struct {
	hash  string // of the file
	spots map[string]spot
}

// spot is where a value's first row begins, and how many rows have it.
type spot struct {
	offset int64
	rows   int
}

const (
	maxIndexes = 4
	maxSpots   = 200_000 // some 20 MB; a larger file is gone through instead
)

// lookUp answers a query for one row by the value of one key. It leaves to
// an ordinary read what several rows may answer and what is not indexed.
func (s *Source) lookUp(ctx context.Context, p *page, key string) (out connectors.Page, found bool, err error) {
	ix, err := s.index(ctx, p, key)
	if err != nil || ix.spots == nil {
		return connectors.Page{}, false, err
	}
	var at spot
	for _, text := range p.filter.Equal()[key] {
		if spot, ok := ix.spots[text]; ok {
			at.offset, at.rows = spot.offset, at.rows+spot.rows
		}
	}
	if at.rows > 1 {
		return connectors.Page{}, false, nil
	}
	out.Declared = at.rows
	if at.rows == 1 {
		if err := p.rows.From(at.offset); err != nil {
			return connectors.Page{}, false, err
		}
		if _, err := p.rows.Next(); err != nil {
			return connectors.Page{}, false, err
		}
		raw, err := p.rows.Raw()
		if err != nil {
			return connectors.Page{}, false, err
		}
		out.Rows = append(out.Rows, raw)
	}
	if !p.f.unchanged() {
		return connectors.Page{}, false, p.f.busy()
	}
	return out, true, nil
}

// index returns the index of the page's file, made now if need be.
func (s *Source) index(ctx context.Context, p *page, key string) (index, error) {
	name := p.f.name + " " + key
	s.mu.Lock()
	ix := s.indexes[name]
	s.mu.Unlock()
	if ix.hash == p.at.Hash {
		return ix, nil
	}
	ix, err := p.index(ctx, key)
	if err != nil {
		return index{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.indexes) >= maxIndexes {
		clear(s.indexes)
	}
	s.indexes[name] = ix
	return ix, nil
}

func (p *page) index(ctx context.Context, key string) (index, error) {
	ix := index{hash: p.at.Hash, spots: map[string]spot{}}
	for n := 1; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return index{}, ctx.Err()
		}
		offset := p.rows.Offset()
		row, err := p.rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return index{}, err
		}
		for _, text := range rowset.Texts(row, key) {
			at, ok := ix.spots[text]
			if !ok {
				at.offset = offset
			}
			at.rows++
			ix.spots[text] = at
		}
		if len(ix.spots) > maxSpots {
			return index{hash: ix.hash}, nil
		}
	}
	if !p.f.unchanged() {
		return index{}, p.f.busy()
	}
	return ix, nil
}
