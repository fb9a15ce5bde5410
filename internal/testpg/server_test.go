//go:build linux

package testpg

import (
	"os"
	"strings"
	"testing"
)

// What was committed is there after a crash, at the same address; a full disk
// is one, and it ends when the ballast goes.
func TestAServerOfItsOwnComesBack(t *testing.T) {
	s := NewServer(t, 256<<20)
	db := open(t, s.URL(t))
	if _, err := db.Exec(`CREATE TABLE mark (n int, filler text); INSERT INTO mark VALUES (1, '')`); err != nil {
		t.Fatal(err)
	}
	s.Crash()
	if !s.Ended() || db.Ping() == nil {
		t.Error("the server survived its crash")
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow(`SELECT n FROM mark`).Scan(&n); err != nil || n != 1 {
		t.Fatalf("after the crash: %d %v", n, err)
	}
	if !s.Disk() {
		t.Skip("no file system may be mounted here")
	}
	ballast, err := s.Fill()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO mark SELECT i, repeat('x', 1000) FROM generate_series(1, 100000) i`); err == nil || !strings.Contains(err.Error(), "No space left") {
		t.Errorf("on a full disk: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(`SELECT count(*) FROM mark`).Scan(&n); err != nil || n != 1 {
		t.Errorf("after the disk was full: %d %v", n, err)
	}
}
