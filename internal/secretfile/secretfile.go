// Package secretfile reads secrets that settings and meta files name,
// ${file:/run/secrets/x}, instead of holding them.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Max is the size up to which a file is taken for a secret, in bytes.
const Max = 64 << 10

const prefix = "${file:"

// reference finds ${file:/path}, and one that lacks its end.
var reference = regexp.MustCompile(`\$\{file:[^}]*\}?`)

var errUnclosed = errors.New("has a reference to a file that lacks its }; write ${file:/path}")

// IsReference tells whether a text names a file.
func IsReference(text string) bool { return strings.Contains(text, prefix) }

// Expand replaces every ${file:/path} in a text by what the file holds now;
// everything else stays as it is. Its errors are Read's.
func Expand(text string) (string, error) {
	var first error
	out := reference.ReplaceAllStringFunc(text, func(match string) string {
		path, closed := strings.CutSuffix(strings.TrimPrefix(match, prefix), "}")
		value, err := "", errUnclosed
		if closed {
			value, err = Read(path)
		}
		if first == nil {
			first = err
		}
		return value
	})
	if first != nil {
		return "", first
	}
	return out, nil
}

// Read returns what the file at an absolute path holds, without the line
// breaks at its end. A file that is missing, unreadable, empty, larger than
// Max or none at all (a directory, a pipe) is an error that names the
// reference, never the content.
func Read(path string) (string, error) {
	ref := prefix + path + "}"
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("refers to %s; the path must be absolute", ref)
	}
	raw, err := content(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("refers to %s, which does not exist", ref)
	case err != nil:
		return "", fmt.Errorf("refers to %s, which cannot be read: %w", ref, reason(err))
	case len(raw) > Max:
		return "", fmt.Errorf("refers to %s, which is larger than the %d bytes a secret may have", ref, Max)
	}
	value := strings.TrimRight(string(raw), "\r\n")
	if value == "" {
		return "", fmt.Errorf("refers to %s, which is empty", ref)
	}
	return value, nil
}

// content returns at most one byte more than Max.
func content(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("is a directory")
	case !info.Mode().IsRegular(): // opening a pipe would wait for its writer
		return nil, errors.New("is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, Max+1))
}

// reason is the cause of a file error without repeating the path.
func reason(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
