package filesource

import (
	"encoding/json"
	"errors"
	"io"

	"orgflow/connectors/rowset"
)

// rows is a file taken apart. It is at the first row when opened.
type rows interface {
	// Next returns a row; io.EOF after the last, when the file's end has
	// been checked.
	Next() (map[string]any, error)
	// Raw is the row of the last Next as JSON.
	Raw() (json.RawMessage, error)
	// Offset is where the next row begins, for From.
	Offset() int64
	From(offset int64) error
	// Missing names a key of the filter that no row can have.
	Missing(f *rowset.Filter) (key string, missing bool)
}

// maxRow bounds a row, so that an unclosed quote does not read a whole file
// into memory.
const maxRow = 8 << 20

var errLongRow = errors.New("row too long")

// rowLimit fails a read that goes on for too long without a row's end.
type rowLimit struct {
	r    io.Reader
	read int
}

func (l *rowLimit) reset() { l.read = 0 }

func (l *rowLimit) Read(p []byte) (int, error) {
	if l.read > maxRow {
		return 0, errLongRow
	}
	n, err := l.r.Read(p)
	l.read += n
	return n, err
}
