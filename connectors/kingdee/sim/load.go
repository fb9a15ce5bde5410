package kdsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// load reads the rows, and puts them in the place of generated ones.
func (f *form) load(rows []map[string]json.RawMessage) error {
	gone := map[int64]bool{}
	if g := f.def.Generate; g != nil {
		gen, err := newGenerator(f, *g)
		if err != nil {
			return err
		}
		f.gen = gen
		for _, id := range f.def.Deleted {
			if n, ok := gen.index(id); ok {
				gone[n] = true
			}
		}
	}
	for i, row := range rows {
		rec, err := f.record(row)
		if err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		id := rec.head[f.cols[f.key].at].text()
		if id == "" {
			return fmt.Errorf("row %d has no %s", i, f.key)
		}
		if _, twice := f.place[id]; twice {
			return fmt.Errorf("row %d: %s %s is there twice", i, f.key, id)
		}
		f.place[id] = 0
		f.recs = append(f.recs, rec)
		if f.gen != nil {
			if n, ok := f.gen.index(id); ok {
				gone[n] = true
			}
		}
	}
	if f.gen != nil {
		for i := range f.gen.Count {
			if !gone[int64(i)] {
				f.bills = append(f.bills, int32(i)) //nolint:gosec // counts are bounded
			}
		}
	}
	for i := range f.recs {
		f.place[f.recs[i].head[f.cols[f.key].at].text()] = int32(len(f.bills)) //nolint:gosec // as many as fit into a request
		f.bills = append(f.bills, ^int32(i))                                   //nolint:gosec // likewise
	}
	return nil
}

// record reads one row. Keys that are no fields are errors.
func (f *form) record(row map[string]json.RawMessage) (record, error) {
	rec := record{head: make([]cell, f.size[len(f.size)-1]), lines: make([][][]cell, len(f.def.Entries))}
	for _, key := range slices.Sorted(maps.Keys(row)) {
		if i := slices.IndexFunc(f.def.Entries, func(e Entry) bool { return e.Key == key }); i >= 0 {
			lines, err := f.lines(i, row[key])
			if err != nil {
				return rec, fmt.Errorf("%s: %w", key, err)
			}
			rec.lines[i] = lines
			continue
		}
		c, known := f.cols[key]
		if !known || c.entity != head {
			return rec, fmt.Errorf("%s is no field of the header", key)
		}
		v, err := parseCell(row[key], c.Type)
		if err != nil {
			return rec, fmt.Errorf("%s: %w", key, err)
		}
		rec.head[c.at] = v
	}
	return rec, nil
}

func (f *form) lines(entry int, raw json.RawMessage) ([][]cell, error) {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("a list of objects is expected")
	}
	e := f.def.Entries[entry]
	out := make([][]cell, len(list))
	for i, line := range list {
		out[i] = make([]cell, f.size[entry])
		for key, value := range line {
			if key == e.pk() {
				key = e.Key + "_" + key
			}
			c, known := f.cols[key]
			if !known || c.entity != entry {
				return nil, fmt.Errorf("line %d: %s is no field of the entry", i, key)
			}
			v, err := parseCell(value, c.Type)
			if err != nil {
				return nil, fmt.Errorf("line %d: %s: %w", i, key, err)
			}
			out[i][c.at] = v
		}
	}
	return out, nil
}
