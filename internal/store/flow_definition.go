package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"
)

// NewDefinition is what a version of a flow definition is published from.
// The caller has checked it.
type NewDefinition struct {
	CompanyID int64
	Code      string // flowCode
	Name      string
	Body      json.RawMessage // kept and hashed byte for byte; without a version, which is given here
	By        string
	First     bool // only where no version is published yet
}

// Definition is one version of a flow definition. It never changes.
type Definition struct {
	CompanyID   int64
	Code        string
	Version     int // 1, 2, … without gaps
	Name        string
	Body        json.RawMessage // nil in lists
	SHA256      string          // of Body, hexadecimal
	PublishedAt time.Time
	PublishedBy string
}

const definitionColumns = `company_id, code, version, name, body, sha256, published_at, published_by`

type definitionRow struct {
	CompanyID   int64  `db:"company_id"`
	Code        string `db:"code"`
	Version     int    `db:"version"`
	Name        string `db:"name"`
	Body        string `db:"body"`
	SHA256      string `db:"sha256"`
	PublishedAt stamp  `db:"published_at"`
	PublishedBy string `db:"published_by"`
}

func (r definitionRow) definition() Definition {
	d := Definition{
		CompanyID: r.CompanyID, Code: r.Code, Version: r.Version, Name: r.Name,
		SHA256: r.SHA256, PublishedAt: r.PublishedAt.Time, PublishedBy: r.PublishedBy,
	}
	if r.Body != "" {
		d.Body = json.RawMessage(r.Body)
	}
	return d
}

// PublishDefinition stores the next version of a code and returns it.
// Publishing the bytes of the newest version again, for instance because the
// first answer was lost, returns that version, and so does a First where any
// version is there: published is false.
func (s *Store) PublishDefinition(ctx context.Context, n NewDefinition) (d Definition, published bool, err error) {
	what := "publish flow definition " + n.Code
	if err := required("/flowCode", n.Code, "/body", string(n.Body), "/by", n.By); err != nil {
		return d, false, fmt.Errorf("%s: %w", what, err)
	}
	sum := sha256.Sum256(n.Body)
	hash := hex.EncodeToString(sum[:])
	err = s.inTx(ctx, what, func(t *tx) error {
		if err := t.turn(ctx, fmt.Sprintf("flow_definition %d %s", n.CompanyID, n.Code)); err != nil {
			return err
		}
		var row definitionRow
		published = false
		err := t.get(ctx, &row, `SELECT `+definitionColumns+` FROM flow_definition WHERE company_id = ? AND code = ? ORDER BY version DESC LIMIT 1`,
			n.CompanyID, n.Code)
		if err != nil && !noRows(err) {
			return err
		}
		if err == nil && (n.First || row.SHA256 == hash && row.Body == string(n.Body)) {
			d = row.definition()
			return nil
		}
		err = t.get(ctx, &row, `
			INSERT INTO flow_definition (`+definitionColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING `+definitionColumns,
			n.CompanyID, n.Code, row.Version+1, clean(n.Name), string(n.Body), hash, s.now(), clean(n.By))
		d, published = row.definition(), err == nil
		return err
	})
	return d, published, err
}

// GetDefinition returns a version of a code, the newest for version 0, or
// ErrNotFound.
func (s *Store) GetDefinition(ctx context.Context, company int64, code string, version int) (Definition, error) {
	what := fmt.Sprintf("version %d of flow definition %s", version, code)
	if version == 0 {
		what = "flow definition " + code
	}
	if !sound(code) {
		return Definition{}, fmt.Errorf("flow definition: %w", ErrNotFound)
	}
	var row definitionRow
	err := s.get(ctx, what, &row, `SELECT `+definitionColumns+` FROM flow_definition
		WHERE company_id = ? AND code = ? AND (version = ? OR ? = 0) ORDER BY version DESC LIMIT 1`, company, code, version, version)
	return row.definition(), err
}

// newestOf selects the newest version of each code of a company.
const newestOf = ` FROM flow_definition d WHERE company_id = ?
	AND version = (SELECT max(version) FROM flow_definition n WHERE n.company_id = d.company_id AND n.code = d.code)`

// ListDefinitions returns the newest version of each code of a company, by
// code and without bodies, and the cursor of the next page, empty on the
// last one.
func (s *Store) ListDefinitions(ctx context.Context, company int64, cursor string, limit int) ([]Definition, string, error) {
	if !sound(cursor) {
		return nil, "", fmt.Errorf("list flow definitions: %w", ErrBadCursor)
	}
	limit = pageSize(limit)
	var rows []definitionRow
	err := s.list(ctx, "list flow definitions", &rows,
		`SELECT `+withoutBody+newestOf+` AND code > ? ORDER BY code LIMIT ?`, company, cursor, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r definitionRow) string { return r.Code })
	return definitions(rows), next, nil
}

// DefinitionVersions returns all versions of a code, newest first and without
// bodies.
func (s *Store) DefinitionVersions(ctx context.Context, company int64, code string) ([]Definition, error) {
	if !sound(code) {
		return nil, nil
	}
	var rows []definitionRow
	err := s.list(ctx, "versions of flow definition "+code, &rows,
		`SELECT `+withoutBody+` FROM flow_definition WHERE company_id = ? AND code = ? ORDER BY version DESC`, company, code)
	return definitions(rows), err
}

var withoutBody = strings.Replace(definitionColumns, "body", "'' AS body", 1)

func definitions(rows []definitionRow) []Definition {
	out := make([]Definition, len(rows))
	for i, r := range rows {
		out[i] = r.definition()
	}
	return out
}

// ExportDefinitions streams the newest version of each code of a company with
// its body, by code. The stream ends with the first error.
func (s *Store) ExportDefinitions(ctx context.Context, company int64) iter.Seq2[Definition, error] {
	return func(yield func(Definition, error) bool) {
		for after := ""; ; {
			var rows []definitionRow
			err := s.list(ctx, "export flow definitions", &rows,
				`SELECT `+definitionColumns+newestOf+` AND code > ? ORDER BY code LIMIT 20`, company, after)
			if err != nil {
				yield(Definition{}, err)
				return
			}
			for _, r := range rows {
				if !yield(r.definition(), nil) {
					return
				}
				after = r.Code
			}
			if len(rows) == 0 {
				return
			}
		}
	}
}
