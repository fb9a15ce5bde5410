package secretfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"orgflow/internal/secretfile"
)

const hush = "hush-content"

func TestASecretIsWhatItsFileHoldsNow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	for content, want := range map[string]string{
		"one": "one", "two\n": "two", "three\r\n": "three", "f o u r\n\n": "f o u r", "\nfive": "\nfive",
		strings.Repeat("x", secretfile.Max): strings.Repeat("x", secretfile.Max),
	} {
		write(t, path, content)
		got, err := secretfile.Expand("postgres://u:${file:" + path + "}@h/${db}")
		if err != nil || got != "postgres://u:"+want+"@h/${db}" {
			t.Errorf("%.20q became %.60q, %v", content, got, err)
		}
	}
}

func TestAFileThatIsNoSecretIsNamedAndNotShown(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("empty"), "\r\n\n")
	write(t, at("huge"), strings.Repeat(hush, secretfile.Max))
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("loop"), at("loop")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"run/secrets/x": "the path must be absolute",
		"":              "the path must be absolute",
		at("gone"):      "does not exist",
		at("empty"):     "is empty",
		at("huge"):      "larger than the 65536 bytes",
		at("pipe"):      "is not a regular file",
		at("loop"):      "cannot be read: too many levels",
		dir:             "is a directory",
	} {
		ref := "${file:" + path + "}"
		got, err := secretfile.Expand(hush + ref)
		if err == nil || got != "" || !strings.Contains(err.Error(), ref) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), hush) {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
	}
	if _, err := secretfile.Expand(hush + "${file:/x"); err == nil || strings.Contains(err.Error(), hush) {
		t.Errorf("a reference without its end: %v", err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
