package filesource

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orgflow"
)

// A file that changes between two pages is a partial read, in the same
// process and in another one, whatever its time says.
func TestAFileThatChangesBetweenPagesIsNoticed(t *testing.T) {
	const before, after = "id,name\n1,a\n2,b\n3,c\n", "id,name\n1,a\n2,b\n4,d\n"
	for name, change := range map[string]func(t *testing.T, f folder){
		"replaced": func(t *testing.T, f folder) {
			f.write(t, "new", after)
			if err := os.Rename(filepath.Join(f.dir, "new"), filepath.Join(f.dir, "Employee.csv")); err != nil {
				t.Fatal(err)
			}
		},
		"overwritten": func(t *testing.T, f folder) { f.write(t, "Employee.csv", after) },
		"cut off":     func(t *testing.T, f folder) { f.write(t, "Employee.csv", before[:16]) },
		"removed": func(t *testing.T, f folder) {
			if err := os.Remove(filepath.Join(f.dir, "Employee.csv")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string]string{"Employee.csv": before})
			first, err := f.ReadPage(t.Context(), query(1, ""), "")
			if err != nil || first.Next == "" {
				t.Fatal(first, err)
			}
			change(t, f)
			for _, s := range []*Source{f.Source, newSource(t, f.dir)} {
				_, err = s.ReadPage(t.Context(), query(1, ""), first.Next)
				wantFault(t, err, orgflow.CodePartialRead, "")
			}
		})
	}
}

// Size and time prove that a file is the same only once its last change is
// so long ago that another one would have another time.
func TestARecentFileIsReadAgainForItsHash(t *testing.T) {
	f := newFolder(t, map[string]string{"Employee.csv": "id\n1\n2\n"})
	path := filepath.Join(f.dir, "Employee.csv")
	at := time.Now().Add(-time.Hour)
	touch := func() {
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	touch()
	f.now = func() time.Time { return at.Add(settled / 2) }
	first, err := f.ReadPage(t.Context(), query(1, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "Employee.csv", "id\n1\n3\n") // same size, same file
	touch()                                  // same time
	_, err = f.ReadPage(t.Context(), query(1, ""), first.Next)
	wantFault(t, err, orgflow.CodePartialRead, "was replaced while it was read, after 1 of 2 rows")
}

func TestAHashBesideTheFileMustAgree(t *testing.T) {
	const content = "id\n1\n2\n"
	f := newFolder(t, map[string]string{"Employee.csv": content, "Employee.csv.sha256": fmt.Sprintf("%X *Employee.csv\n", sha256.Sum256([]byte(content)))})
	if rows, _, err := readAll(t.Context(), f.dir, query(0, "")); err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	f.write(t, "Employee.csv", content[:len(content)-2]) // cut off between two lines
	_, err := f.ReadPage(t.Context(), query(0, ""), "")
	wantFault(t, err, orgflow.CodeUnavailable, "does not have the hash that stands in Employee.csv.sha256")
}

// hooked is a context that does something when it is asked for the n-th time
// whether it has ended.
type hooked struct {
	context.Context
	left int
	do   func()
}

func (h *hooked) Err() error {
	if h.left--; h.left == 0 {
		h.do()
	}
	return h.Context.Err()
}

// What is appended after the hash was taken must not become part of the read.
func TestAFileThatGrowsWhileItIsReadIsTriedAgain(t *testing.T) {
	f := newFolder(t, map[string]string{"Employee.csv": "id\n" + strings.Repeat("1\n", 2*checkEvery)})
	path := filepath.Join(f.dir, "Employee.csv")
	ctx := &hooked{Context: t.Context(), left: 3, do: func() { // the first two looks belong to the hash
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := file.WriteString("2\n"); err != nil {
			t.Error(err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}}
	_, err := f.ReadPage(ctx, query(10, ""), "")
	wantFault(t, err, orgflow.CodeUnavailable, "Employee.csv changed while it was read")
	if ctx.left > 0 {
		t.Error("the file was not touched")
	}
}
