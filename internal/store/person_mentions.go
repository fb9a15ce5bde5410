package store

import (
	"context"
	"fmt"
	"strings"
)

// eraser replaces ids by their aliases, names and numbers by a word. A short
// number is an id only where something says of what.
func (p *somebody) eraser(w *words) *eraser {
	bare := map[string]string{}
	for word := range w.unique {
		bare[word] = erasedWord
	}
	for _, id := range p.ids() {
		if telling(id) {
			bare[id] = p.alias[id]
		}
	}
	for _, id := range p.Sources {
		bare["person:"+id] = "person:" + p.alias[id]
	}
	return newEraser(bare, w.names)
}

// mention is a row in which the person is named, and how it reads without.
type mention struct {
	key    []any
	before []string
	after  []string
}

func plainColumn(col string) (name string, isJSON bool) { return strings.CutSuffix(col, ":json") }

// mentioned returns the rows of others that name the person. Names count in
// the person's own affairs and beside one of their ids or numbers.
func (t *tx) mentioned(ctx context.Context, p *somebody, tr trace, e *eraser) (out []mention, err error) {
	if len(tr.mentions) == 0 {
		return nil, nil
	}
	query, args := t.mentionQuery(p, tr, e)
	rows, err := t.rows(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("look for mentions in %s: %w", tr.table, err)
	}
	for _, row := range rows {
		m := mention{key: row[:len(tr.key)]}
		// Ids alone first: where one stands, names beside it are the person's.
		own := row[len(row)-1] == int64(1)
		for _, v := range row[len(tr.key) : len(row)-1] {
			text, _ := v.(string)
			own = own || e.erase(text, false) != text
		}
		changed := false
		for _, v := range row[len(tr.key) : len(row)-1] {
			text, _ := v.(string)
			after := e.erase(text, own)
			changed = changed || after != text
			m.before, m.after = append(m.before, text), append(m.after, after)
		}
		if changed {
			out = append(out, m)
		}
	}
	return out, nil
}

// mentionQuery selects key, columns and whether the row is of the person's
// own affairs.
func (t *tx) mentionQuery(p *somebody, tr trace, e *eraser) (string, []any) {
	cols := make([]string, 0, len(tr.mentions))
	for _, col := range tr.mentions {
		name, _ := plainColumn(col)
		cols = append(cols, `coalesce(CAST(`+name+` AS text), '')`)
	}
	affairs := tr.affairs
	if affairs == "" {
		affairs = "1 = 0"
	}
	var args []any
	part := func(query string) string {
		text, more := t.expand(p, query)
		args = append(args, more...)
		return text
	}
	others := tr.company
	if tr.about != "" {
		others += ` AND NOT (` + tr.about + `)`
	}
	query := `SELECT ` + strings.Join(tr.key, ", ") + `, ` + strings.Join(cols, ", ") +
		`, CAST(CASE WHEN ` + part(affairs) + ` THEN 1 ELSE 0 END AS bigint) FROM ` + tr.table + ` WHERE ` + part(others) + ` AND (` + part(affairs)
	for _, word := range e.bare {
		for _, col := range cols {
			query += ` OR ` + t.s.dialect.contains(col)
			args = append(args, word)
		}
	}
	return query + `)`, args
}

// eraseMentions rewrites the rows of others that name the person, and counts
// them by table.
func (t *tx) eraseMentions(ctx context.Context, p *somebody, e *eraser, counts map[string]int) error {
	for _, tr := range traces {
		found, err := t.mentioned(ctx, p, tr, e)
		if err != nil {
			return err
		}
		for _, m := range found {
			if err := t.rewrite(ctx, tr, m); err != nil {
				return fmt.Errorf("rewrite a row of %s: %w", tr.table, err)
			}
			counts[tr.table]++
		}
	}
	return nil
}

func (t *tx) rewrite(ctx context.Context, tr trace, m mention) error {
	var set []string
	var args []any
	for i, col := range tr.mentions {
		if m.before[i] == m.after[i] {
			continue
		}
		name, isJSON := plainColumn(col)
		value := "?"
		if isJSON {
			value = t.s.dialect.asJSON
		}
		set, args = append(set, name+" = "+value), append(args, m.after[i])
	}
	_, err := t.exec(ctx, `UPDATE `+tr.table+` SET `+strings.Join(set, ", ")+` WHERE `+strings.Join(tr.key, " = ? AND ")+` = ?`, append(args, m.key...)...)
	return err
}
