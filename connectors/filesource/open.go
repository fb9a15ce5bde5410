package filesource

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"orgflow"
)

// opened is a model's file. Its name is shown in errors, its directory not.
type opened struct {
	*os.File
	root *os.Root
	name string
	csv  bool
	info fs.FileInfo // before anything was read
}

// open finds <model>.json or <model>.csv. Names cannot leave the directory:
// models are plain names, and os.Root refuses links that lead outside.
func (s *Source) open(model string) (*opened, error) {
	root, err := os.OpenRoot(s.cfg.Dir)
	if err != nil {
		return nil, unusable("/source/dir", "the directory cannot be opened: %s", reason(err))
	}
	f, err := find(root, model)
	if err != nil {
		_ = root.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

func (f *opened) close() {
	_ = f.Close() // only read from
	_ = f.root.Close()
}

func find(root *os.Root, model string) (*opened, error) {
	var found []fs.FileInfo
	for _, name := range []string{model + ".json", model + ".csv"} {
		info, err := root.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, unusable("/source/dir", "%s cannot be read: %s", name, reason(err))
		}
		// Opening a pipe would wait for its writer.
		if !info.Mode().IsRegular() {
			return nil, unusable("/source/dir", "%s is no regular file", name)
		}
		found = append(found, info)
	}
	switch len(found) {
	case 0:
		f := unusable("/source/dir", "there is neither %s.json nor %s.csv", model, model)
		f.Advice = "check source.dir in company.json, which every worker must see; an empty list ([] or a header alone) says that there are no records; a missing file says nothing"
		return nil, f
	case 2:
		return nil, unusable("/source/dir", "there are both %s.json and %s.csv; remove the one that is out of date", model, model)
	}
	name := found[0].Name()
	file, err := root.Open(name)
	if err != nil {
		return nil, unusable("/source/dir", "%s cannot be read: %s", name, reason(err))
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, unusable("/source/dir", "%s cannot be read: %s", name, reason(err))
	}
	return &opened{File: file, root: root, name: name, csv: name == model+".csv", info: info}, nil
}

// unchanged tells whether the file on disk still is the one that was opened.
func (f *opened) unchanged() bool {
	info, err := f.Stat()
	return err == nil && info.Size() == f.info.Size() && info.ModTime().Equal(f.info.ModTime())
}

// busy: somebody writes the file while it is read. The next attempt sees
// whether a page of another content was used already.
func (f *opened) busy() error {
	return orgflow.Faultf(orgflow.CodeUnavailable, "%s changed while it was read; write a new file beside it and rename it over the old one", f.name)
}

// broken is a file that cannot be read to its end; what is not read of it is
// unknown, not absent.
func (f *opened) broken(format string, args ...any) error {
	return orgflow.Faultf(orgflow.CodePartialRead, "%s: %s", f.name, fmt.Sprintf(format, args...))
}

func unusable(field, format string, args ...any) *orgflow.Fault {
	return &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Field: field, Message: fmt.Sprintf(format, args...)}
}

// reason is the cause of a file error without the path, which is the machine's.
func reason(err error) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}
