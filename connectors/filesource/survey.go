package filesource

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"orgflow"
)

// survey is what one pass over a file's bytes tells.
type survey struct {
	hash  string // sha-256
	head  string // the first bytes
	tail  byte   // the last byte
	bom   bool
	multi int   // valid UTF-8 sequences of more than one byte
	wrong int   // bytes that are no UTF-8
	at    int64 // offset of the first of them

	info fs.FileInfo // when the pass began
}

// settled is how old a change must be before size and time prove that a file
// is the same: clocks of file systems tick slowly.
const settled = 2 * time.Second

// survey reads the file once, or answers from memory when the file has not
// been touched since. A hash beside it (<file>.sha256, as sha256sum writes
// it) must agree.
func (s *Source) survey(ctx context.Context, f *opened) (survey, error) {
	s.mu.Lock()
	known, ok := s.surveys[f.name]
	s.mu.Unlock()
	if !ok || !os.SameFile(known.info, f.info) || known.info.Size() != f.info.Size() || !known.info.ModTime().Equal(f.info.ModTime()) {
		var err error
		begun := s.now()
		if known, err = scan(ctx, f); err != nil {
			return survey{}, err
		}
		if begun.Sub(f.info.ModTime()) > settled {
			s.mu.Lock()
			s.surveys[f.name] = known
			s.mu.Unlock()
		}
	}
	return known, f.verify(known)
}

func scan(ctx context.Context, f *opened) (survey, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return survey{}, f.unreadable(err)
	}
	v := survey{info: f.info}
	hash := sha256.New()
	var rest []byte // a sequence cut by the end of a block
	block := make([]byte, 256<<10)
	for read := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return survey{}, err
		}
		n, err := f.Read(block)
		hash.Write(block[:n])
		piece := append(rest, block[:n]...)
		if read == 0 {
			v.head = string(piece[:min(len(bom), len(piece))])
			v.bom = v.head == bom
		}
		if n > 0 {
			v.tail = block[n-1]
		}
		rest = v.utf8(piece, read-int64(len(rest)), err != nil)
		read += int64(n)
		if errors.Is(err, io.EOF) {
			v.hash = hex.EncodeToString(hash.Sum(nil))
			return v, nil
		}
		if err != nil {
			return survey{}, f.unreadable(err)
		}
	}
}

// utf8 counts sequences and returns a copy of what may go on in the next
// block. offset is where the piece begins in the file.
func (v *survey) utf8(piece []byte, offset int64, last bool) (rest []byte) {
	for i := 0; i < len(piece); {
		if piece[i] < utf8.RuneSelf {
			i++
			continue
		}
		if !last && !utf8.FullRune(piece[i:]) {
			return append([]byte(nil), piece[i:]...)
		}
		r, size := utf8.DecodeRune(piece[i:])
		if r == utf8.RuneError && size == 1 {
			if v.wrong == 0 {
				v.at = offset + int64(i)
			}
			v.wrong++
		} else {
			v.multi++
		}
		i += size
	}
	return nil
}

// verify compares the file with the hash its exporter left beside it.
func (f *opened) verify(v survey) error {
	side, err := f.root.Open(f.name + ".sha256")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unusable("/source/dir", "%s.sha256 cannot be read: %s", f.name, reason(err))
	}
	defer side.Close()
	line, err := bufio.NewReader(io.LimitReader(side, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return unusable("/source/dir", "%s.sha256 cannot be read: %s", f.name, reason(err))
	}
	words := strings.Fields(line)
	if len(words) == 0 || !strings.EqualFold(strings.TrimPrefix(words[0], bom), v.hash) {
		return orgflow.Faultf(orgflow.CodeUnavailable, "%s does not have the hash that stands in %s.sha256: it is being written, or was cut off", f.name, f.name)
	}
	return nil
}

func (f *opened) unreadable(err error) error {
	return orgflow.Faultf(orgflow.CodeUnavailable, "%s cannot be read: %s", f.name, reason(err))
}
