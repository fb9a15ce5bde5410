package sqlsource

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
)

// inMemory is how much of a snapshot is kept without a file.
const inMemory = 1 << 20

// spool is a snapshot's rows, one JSON object a line, in order.
type spool struct {
	rows   int
	size   int64
	digest string

	sum    hash.Hash
	head   bytes.Buffer
	writer *bufio.Writer // once there is a file

	mu   sync.Mutex // of reading and closing
	file *os.File
	gone bool
}

func newSpool() *spool { return &spool{sum: sha256.New()} }

// add appends a row. What does not fit into memory goes to a file whose name
// is removed at once: nobody can open it, and it is gone with the process.
func (s *spool) add(row json.RawMessage) error {
	s.rows++
	s.size += int64(len(row)) + 1
	s.sum.Write(row)
	s.sum.Write([]byte{'\n'})
	if s.writer == nil && s.size > inMemory {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if s.writer == nil {
		s.head.Write(row)
		s.head.WriteByte('\n')
		return nil
	}
	if _, err := s.writer.Write(row); err != nil {
		return fmt.Errorf("store a snapshot in a temporary file: %w", err)
	}
	return s.writer.WriteByte('\n')
}

func (s *spool) spill() error {
	f, err := os.CreateTemp("", "orgflow-snapshot-")
	if err != nil {
		return fmt.Errorf("make a temporary file for a snapshot: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return fmt.Errorf("hide a temporary file: %w", err)
	}
	s.file, s.writer = f, bufio.NewWriterSize(f, 256<<10)
	_, err = s.writer.Write(s.head.Bytes())
	s.head = bytes.Buffer{}
	return err
}

// seal ends the writing.
func (s *spool) seal() error {
	s.digest = hex.EncodeToString(s.sum.Sum(nil))
	if s.writer == nil {
		return nil
	}
	if err := s.writer.Flush(); err != nil {
		return fmt.Errorf("store a snapshot in a temporary file: %w", err)
	}
	s.writer = nil
	return nil
}

var errGone = errors.New("the snapshot was dropped")

// page returns up to n rows from an offset, and the offset behind them.
func (s *spool) page(offset int64, n int) (rows []json.RawMessage, next int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return nil, 0, errGone
	}
	var from io.ReaderAt = bytes.NewReader(s.head.Bytes())
	if s.file != nil {
		from = s.file
	}
	r := bufio.NewReaderSize(io.NewSectionReader(from, offset, s.size-offset), 64<<10)
	for next = offset; len(rows) < n && next < s.size; {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, 0, fmt.Errorf("read a snapshot's temporary file: %w", err)
		}
		next += int64(len(line))
		rows = append(rows, json.RawMessage(line[:len(line)-1]))
	}
	return rows, next, nil
}

// drop gives up the rows.
func (s *spool) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil && !s.gone {
		_ = s.file.Close() // it has no name: nothing remains
	}
	s.gone, s.head = true, bytes.Buffer{}
}
