package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"orgflow"
)

// ExportPerson returns all that is stored about somebody, as it stood at one
// moment. ref is a user code, an id at a consumer or at the source; "user:…"
// and "source:…" say which. ErrNotFound: nothing is stored about them. An
// entry of the audit log tells who asked.
func (s *Store) ExportPerson(ctx context.Context, company int64, ref, by, origin string) (orgflow.PersonExport, error) {
	out := orgflow.PersonExport{ExportedAt: s.now().Time, Tables: map[string][]map[string]any{}, NamedIn: map[string]int{}}
	err := s.snapshot(ctx, "export a person", func(t *tx) error {
		p, err := t.find(ctx, company, ref)
		if err != nil {
			return err
		}
		out.Person = p.DataSubject
		for _, tr := range traces {
			if tr.about == "" || tr.others {
				continue
			}
			query, args := t.expand(p, `SELECT * FROM `+tr.table+` WHERE `+tr.about)
			rows, err := t.maps(ctx, query, args...)
			if err != nil {
				return fmt.Errorf("read %s: %w", tr.table, err)
			}
			if len(rows) > 0 {
				out.Tables[tr.table] = append(out.Tables[tr.table], rows...)
			}
		}
		w, err := t.words(ctx, p)
		if err != nil {
			return err
		}
		p.rename(erasedPrefix)
		for _, tr := range traces {
			found, err := t.mentioned(ctx, p, tr, p.eraser(w))
			if err != nil {
				return err
			}
			if len(found) > 0 {
				out.NamedIn[tr.table] = len(found)
			}
		}
		return nil
	})
	if err == nil && out.Rows() == 0 {
		err = fmt.Errorf("a person %q of company %d: %w", ref, company, ErrNotFound)
	}
	if err != nil {
		return orgflow.PersonExport{}, err
	}
	// The log does not say whom it was about: an erasure would have to find it.
	return out, s.Audit(ctx, AuditEntry{CompanyID: company, Who: by, Action: "export_person", Subject: "person", From: origin, Detail: fmt.Sprintf("%d rows", out.Rows())})
}

// maps returns the rows of a query, column by column, as JSON has them.
func (t *tx) maps(ctx context.Context, query string, args ...any) (out []map[string]any, err error) {
	rows, err := t.QueryxContext(ctx, t.Rebind(query), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row := map[string]any{}
		if err := rows.MapScan(row); err != nil {
			return nil, err
		}
		for col, v := range row {
			row[col] = plain(col, v)
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// plain is a value as a reader understands it: JSON is not wrapped in texts,
// and SQLite's numbers of microseconds are times.
func plain(col string, v any) any {
	switch v := v.(type) {
	case []byte:
		return orgflow.RawOrText(string(v))
	case string:
		return orgflow.RawOrText(v)
	case int64:
		if col == "at" || strings.HasSuffix(col, "_at") || strings.HasSuffix(col, "_till") || col == "next_wake" {
			return time.UnixMicro(v).UTC()
		}
	case time.Time:
		return v.UTC()
	}
	return v
}

// words gathers what the person's own rows tell.
func (t *tx) words(ctx context.Context, p *somebody) (*words, error) {
	w := newWords()
	for _, tr := range traces {
		if len(tr.tells)+len(tr.names)+len(tr.numbers) == 0 {
			continue
		}
		query, args := t.expand(p, `SELECT * FROM `+tr.table+` WHERE `+tr.about)
		rows, err := t.maps(ctx, query, args...)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read %s", tr.table), err)
		}
		for _, row := range rows {
			for _, col := range tr.tells {
				w.read(fmt.Sprintf("%s", row[col]))
			}
			for _, col := range tr.names {
				if name, ok := row[col].(string); ok {
					w.addName(name)
				}
			}
			for _, col := range tr.numbers {
				if number, ok := row[col].(string); ok {
					w.addUnique(number)
				}
			}
		}
	}
	return w, nil
}
