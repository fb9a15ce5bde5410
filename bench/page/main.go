// Command page is what the programs of orgflow are measured beside when they
// start: it opens the database that its argument names, and serves a page
// that asks the database for something at the address behind it.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"time"

	_ "modernc.org/sqlite"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("a SQLite file and an address are needed, not %q", args)
	}
	db, err := sql.Open("sqlite", args[0])
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.PingContext(context.Background()); err != nil {
		return err
	}
	server := &http.Server{Addr: args[1], ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var tables int
		if err := db.QueryRowContext(r.Context(), `SELECT count(*) FROM sqlite_master`).Scan(&tables); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%d tables\n", tables)
	})}
	return server.ListenAndServe()
}
