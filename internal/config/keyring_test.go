package config

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func entry(name, role, token string) string {
	sum := sha256.Sum256([]byte(token))
	return name + ":" + role + ":" + hex.EncodeToString(sum[:])
}

// A key is added, changed and taken away without a restart; a file in the
// making takes no key away.
func TestKeysChangeWithTheirFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	write := func(lines ...string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		if err := os.Chtimes(path, now, now); err != nil {
			t.Fatal(err)
		}
	}
	fixed, _ := ParseKeys(entry("fixed", "admin", "fixed-token"))
	write("# keys of the boards", entry("board", "operate", "one"), "")
	ring, err := newKeyRing(fixed, path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	check := func(what, complains string, tokens ...string) {
		t.Helper()
		keys, err := ring.Keys()
		if (err != nil) != (complains != "") || err != nil && !strings.Contains(err.Error(), complains) {
			t.Errorf("%s: %v, want %q", what, err, complains)
		}
		for _, token := range []string{"fixed-token", "one", "two", "three"} {
			_, found := keys.Find(token)
			if want := strings.Contains(" "+strings.Join(tokens, " ")+" ", " "+token+" "); found != want {
				t.Errorf("%s: %s is accepted: %v", what, token, found)
			}
		}
	}
	check("at the start", "", "fixed-token", "one")
	write(entry("board", "operate", "one"), entry("board2", "read", "two")+" # the new one")
	check("both", "", "fixed-token", "one", "two")
	write(entry("board2", "read", "two"))
	check("rotated", "", "fixed-token", "two")
	write("board2:read:half-a-ha")
	check("half written", "64 hex digits", "fixed-token", "two")
	now = now.Add(time.Second)
	check("said once", "", "fixed-token", "two")
	write(entry("fixed", "read", "three"))
	check("the name of another key", "in the file too", "fixed-token", "two")
	write(entry("board3", "read", "three"))
	check("mended", "", "fixed-token", "three")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	check("gone", "cannot be read", "fixed-token", "three")
	write("# none")
	check("empty", "", "fixed-token")
}

func TestAFileOfKeysIsKeysToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(entry("board", "operate", "one")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ORGFLOW_HTTP_ADDR", "0.0.0.0:8080")
	t.Setenv("ORGFLOW_DATABASE_URL", "postgres://u:p@h/d")
	t.Setenv("ORGFLOW_API_KEYS_FILE", path)
	c, err := Load(RoleServer)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.APIKeys.Find("one"); !ok {
		t.Errorf("%v", c.APIKeys)
	}
	for content, want := range map[string]string{"": "holds no key", "x": "not name:role:sha256hex"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(RoleServer); err == nil || !strings.Contains(err.Error(), "ORGFLOW_API_KEYS_FILE") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
	}
}
