package testpg

import (
	"bufio"
	"context"
	"database/sql"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// envChild makes this test binary play the process that is killed.
const envChild = "ORGFLOW_TESTPG_CHILD"

func TestMain(m *testing.M) { Main(m) }

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func names(t *testing.T, db *sql.DB) string {
	t.Helper()
	var list string
	if err := db.QueryRow(`SELECT string_agg(datname, ' ') FROM pg_database`).Scan(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEveryCallGivesAnEmptyDatabaseOfItsOwn(t *testing.T) {
	first, second := URL(t), URL(t)
	if first == second {
		t.Fatalf("both calls gave %s", first)
	}
	if _, err := open(t, first).Exec(`CREATE TABLE mark (n int)`); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, second).Exec(`CREATE TABLE mark (n int)`); err != nil {
		t.Fatalf("the second database is not empty: %v", err)
	}
}

func TestDatabasesAreDroppedWithTheTest(t *testing.T) {
	own := open(t, URL(t))
	var gone string
	t.Run("inner", func(t *testing.T) {
		address, err := url.Parse(URL(t))
		if err != nil {
			t.Fatal(err)
		}
		gone = strings.TrimPrefix(address.Path, "/")
		if _, err := own.Exec(`CREATE DATABASE ` + gone + `_temporal`); err != nil {
			t.Fatal(err)
		}
		left := open(t, address.String()) // an open connection must not keep it
		if err := left.Ping(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(names(t, own), gone) {
			t.Fatalf("%s does not exist while its test runs", gone)
		}
	})
	if list := names(t, own); strings.Contains(list, gone) {
		t.Errorf("%s is still among %s", gone, list)
	}
}

// TestChild is no test by itself: it is the process that
// TestAKilledTestLeavesNoServer kills.
func TestChild(t *testing.T) {
	if os.Getenv(envChild) == "" {
		t.Skip("runs as a child process only")
	}
	address, err := shared.url()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("url " + address + "\n"); err != nil {
		t.Fatal(err)
	}
	select {}
}

func TestAKilledTestLeavesNoServer(t *testing.T) {
	if os.Getenv(EnvURL) != "" {
		t.Skip("a given server is not ours to stop")
	}
	URL(t) // skips or fails when there is no PostgreSQL
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), envChild+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child gave no URL: %v", err)
	}
	db := open(t, strings.TrimSpace(strings.TrimPrefix(line, "url ")))
	if err := db.Ping(); err != nil {
		t.Fatalf("the child's server does not answer: %v", err)
	}
	var dir string
	if err := db.QueryRow(`SHOW data_directory`).Scan(&dir); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		_, statErr := os.Stat(dir)
		if db.PingContext(ctx) != nil && os.IsNotExist(statErr) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the server of the killed process still runs or left %s", dir)
		case <-ticker.C:
		}
	}
}
