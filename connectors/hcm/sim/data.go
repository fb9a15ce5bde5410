package hcmsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// dataset is what the gateway serves; immutable but for the models' caches.
type dataset struct {
	models map[string]*model
	metas  map[string]json.RawMessage
}

// model is a list of rows with recent selections, so that asking for page
// after page does not filter and sort ten thousand rows each time.
type model struct {
	rows []*row

	mu    sync.Mutex
	cache map[string][]*row
}

// row is a row as it was given and decoded.
type row struct {
	raw  json.RawMessage
	vals map[string]any
}

// cachedSelections bounds a model's cache.
const cachedSelections = 16

func load(in State) (*dataset, error) {
	d := &dataset{models: map[string]*model{}, metas: maps.Clone(in.Metas)}
	for name, rows := range in.Models {
		m := &model{rows: make([]*row, len(rows))}
		for i, raw := range rows {
			dec := json.NewDecoder(bytes.NewReader(raw))
			dec.UseNumber()
			r := &row{}
			if err := dec.Decode(&r.vals); err != nil || r.vals == nil {
				return nil, fmt.Errorf("models.%s[%d] is not a JSON object", name, i)
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, raw); err != nil {
				return nil, fmt.Errorf("models.%s[%d]: %w", name, i, err)
			}
			r.raw = compact.Bytes()
			m.rows[i] = r
		}
		d.models[name] = m
	}
	return d, nil
}

func (d *dataset) state() State {
	out := State{Models: map[string][]json.RawMessage{}, Metas: d.metas}
	for name, m := range d.models {
		rows := make([]json.RawMessage, len(m.rows))
		for i, r := range m.rows {
			rows[i] = r.raw
		}
		out.Models[name] = rows
	}
	return out
}

// selected returns the rows that a filter keeps, sorted; key names the selection.
func (m *model) selected(key string, keep func(*row) bool, less func(x, y *row) int) []*row {
	m.mu.Lock()
	defer m.mu.Unlock()
	if rows, ok := m.cache[key]; ok {
		return rows
	}
	rows := []*row{}
	for _, r := range m.rows {
		if keep(r) {
			rows = append(rows, r)
		}
	}
	if less != nil {
		slices.SortStableFunc(rows, less)
	}
	if m.cache == nil || len(m.cache) >= cachedSelections {
		m.cache = map[string][]*row{}
	}
	m.cache[key] = rows
	return rows
}

// values returns what stands at a path: nothing when it is absent or null,
// several through lists.
func values(v any, path []string) []any {
	if list, ok := v.([]any); ok {
		var out []any
		for _, e := range list {
			out = append(out, values(e, path)...)
		}
		return out
	}
	if len(path) == 0 {
		if v == nil {
			return nil
		}
		return []any{v}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	return values(m[path[0]], path[1:])
}
