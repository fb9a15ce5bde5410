package simctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Change is one changed entity. A nil Value is a removal.
type Change struct {
	Kind  string `json:"t"`
	ID    string `json:"id,omitempty"`
	Value any    `json:"v"`
}

// Entry is a Change as read back from a journal.
type Entry struct {
	Kind  string          `json:"t"`
	ID    string          `json:"id"`
	Value json.RawMessage `json:"v"`
}

// Gone reports whether the entry is a removal.
func (e Entry) Gone() bool { return len(e.Value) == 0 || string(e.Value) == "null" }

// Values reads the values of entries, by kind of change.
type Values map[string]func(json.RawMessage) (any, error)

// As reads a value as a T.
func As[T any](raw json.RawMessage) (any, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

// Change is the change that an entry tells of.
func (v Values) Change(e Entry) (Change, error) {
	c := Change{Kind: e.Kind, ID: e.ID}
	if e.Gone() {
		return c, nil
	}
	read, known := v[e.Kind]
	if !known {
		return c, fmt.Errorf("unknown kind of change %q", e.Kind)
	}
	var err error
	if c.Value, err = read(e.Value); err != nil {
		return c, fmt.Errorf("change of %s: %w", e.Kind, err)
	}
	return c, nil
}

// Replay applies the change that an entry tells of, under the simulator's
// lock.
func (v Values) Replay(e Entry, mu sync.Locker, apply func(Change)) error {
	c, err := v.Change(e)
	if err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	apply(c)
	return nil
}

// Journal is an append-only file with one line per effect: the JSON list of
// all entities the effect changed, so that an effect is there whole or not
// at all. Each line is handed to the kernel in one write before the HTTP
// answer goes out: it survives the death of the process at any moment (not
// of the machine; nothing is synced). A torn last line is cut off when the
// journal is opened.
type Journal struct {
	mu     sync.Mutex
	file   *os.File
	size   int64
	broken error // a failed write that could not be taken back
}

// OpenJournal replays the journal at path, compacts it to what dump returns
// and opens it for appending.
func OpenJournal(path string, replay func(Entry) error, dump func() []Change) (*Journal, error) {
	if err := replayFile(path, replay); err != nil {
		return nil, err
	}
	line, err := json.Marshal(dump())
	if err != nil {
		return nil, fmt.Errorf("compact %s: %w", filepath.Base(path), err)
	}
	tmp := path + ".tmp"
	file, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("compact the journal: %w", err)
	}
	n, err := file.Write(append(line, '\n'))
	if err == nil {
		err = file.Sync() // once per start: the old file is about to go
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("compact the journal: %w", err), file.Close())
	}
	return &Journal{file: file, size: int64(n)}, nil
}

// replayFile applies every whole line. What follows the last line feed and
// is not JSON was torn by a crash and never answered; a bad line before that
// is damage and an error.
func replayFile(path string, replay func(Entry) error) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	for n := 1; len(data) > 0; n++ {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		data = rest
		var entries []Entry
		if err := json.Unmarshal(line, &entries); err != nil {
			if !whole {
				return nil
			}
			return fmt.Errorf("journal %s, line %d is damaged: %w; move the file away to start empty", path, n, err)
		}
		for _, e := range entries {
			if err := replay(e); err != nil {
				return fmt.Errorf("journal %s, line %d: %w", path, n, err)
			}
		}
	}
	return nil
}

// Append writes the changes of one effect as one line. After an error
// nothing of it is in the file.
func (j *Journal) Append(changes []Change) error {
	line, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	line = append(line, '\n')
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if _, err := j.file.WriteAt(line, j.size); err != nil {
		if cut := j.file.Truncate(j.size); cut != nil {
			j.broken = fmt.Errorf("journal: %w", errors.Join(err, cut))
			return j.broken
		}
		return fmt.Errorf("journal: %w", err)
	}
	j.size += int64(len(line))
	return nil
}

// Close closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = errors.New("journal: closed")
	return j.file.Close()
}
