package filesource

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"orgflow/connectors/rowset"
)

// jsonRows reads a list of objects, alone or as {"rows": [...]}.
type jsonRows struct {
	f       *opened
	limit   *rowLimit
	dec     *json.Decoder
	base    int64 // the file's offset of the decoder's offset 0
	wrapped bool
	count   int // rows since the decoder was made
	raw     json.RawMessage
}

func openJSON(f *opened, v survey) (*jsonRows, error) {
	if v.wrong > 0 {
		return nil, f.broken("is no UTF-8 text: byte %d is wrong; JSON is UTF-8", v.at+1)
	}
	r := &jsonRows{f: f}
	start := int64(0)
	if v.bom {
		start = int64(len(bom))
	}
	if err := r.decode(start, ""); err != nil {
		return nil, err
	}
	return r, r.open()
}

// open reads up to the first row and notes whether the list is wrapped.
func (r *jsonRows) open() error {
	first, err := r.token()
	if err != nil {
		return err
	}
	if first == json.Delim('{') {
		r.wrapped = true
		key, err := r.token()
		if err != nil {
			return err
		}
		if key != "rows" {
			return r.f.broken(`must be a list of objects, or {"rows": [...]} with nothing else`)
		}
		if first, err = r.token(); err != nil {
			return err
		}
	}
	if first != json.Delim('[') {
		return r.f.broken(`must be a list of objects, or {"rows": [...]} with nothing else`)
	}
	return nil
}

// decode starts a decoder at an offset, behind a prefix it shall see first.
func (r *jsonRows) decode(offset int64, prefix string) error {
	if _, err := r.f.Seek(offset, io.SeekStart); err != nil {
		return r.f.unreadable(err)
	}
	r.limit = &rowLimit{r: r.f.File}
	r.dec = json.NewDecoder(io.MultiReader(strings.NewReader(prefix), r.limit))
	r.base, r.count = offset-int64(len(prefix)), 0
	return nil
}

// From implements rows: the decoder is told that its list begins here. What
// stands between two rows, a comma, is left out.
func (r *jsonRows) From(offset int64) error {
	buf := make([]byte, 4096)
	for {
		n, err := r.f.ReadAt(buf, offset)
		blank := len(buf[:n]) - len(bytes.TrimLeft(buf[:n], " \t\r\n,"))
		offset += int64(blank)
		if blank < n || err != nil {
			break // a row, the list's end, or a failure that decoding meets again
		}
	}
	prefix := "["
	if r.wrapped {
		prefix = `{"rows":[`
	}
	if err := r.decode(offset, prefix); err != nil {
		return err
	}
	return r.open()
}

func (r *jsonRows) token() (json.Token, error) {
	token, err := r.dec.Token()
	return token, r.wrong(err)
}

// Next implements rows.
func (r *jsonRows) Next() (map[string]any, error) {
	r.limit.reset()
	if !r.dec.More() {
		return nil, r.end()
	}
	r.count++
	r.raw = r.raw[:0]
	if err := r.dec.Decode(&r.raw); err != nil {
		return nil, r.wrong(err)
	}
	row, err := rowset.Decode(r.raw)
	if err != nil {
		return nil, r.f.broken("row %d (before byte %d) %v", r.count, r.Offset(), err)
	}
	return row, nil
}

// Raw implements rows: numbers and order are the file's.
func (r *jsonRows) Raw() (json.RawMessage, error) {
	var line bytes.Buffer
	err := json.Compact(&line, r.raw)
	return line.Bytes(), err
}

// end checks that list and file are closed properly: one that was cut off
// between two rows is no shorter list.
func (r *jsonRows) end() error {
	if _, err := r.token(); err != nil {
		return err
	}
	if r.wrapped {
		token, err := r.token()
		if err != nil {
			return err
		}
		if token != json.Delim('}') {
			return r.f.broken(`has another key beside "rows"`)
		}
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return r.f.broken("something follows the list's end at byte %d", r.Offset())
	}
	return io.EOF
}

// wrong explains a decoder's error without repeating what it read.
func (r *jsonRows) wrong(err error) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errLongRow):
		return r.f.broken("a row is longer than %d MiB", maxRow>>20)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.f.broken("the file is cut off: it ends inside the list")
	case errors.As(err, &syntax):
		return r.f.broken("is no JSON: %v, before byte %d", syntax, r.base+syntax.Offset+1)
	}
	return r.f.unreadable(err)
}

// Offset implements rows.
func (r *jsonRows) Offset() int64 { return r.base + r.dec.InputOffset() }

// Missing implements rows: JSON rows may have any key.
func (r *jsonRows) Missing(*rowset.Filter) (string, bool) { return "", false }
