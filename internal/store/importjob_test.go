package store_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func TestImportsAreOpenUntilTheyAreSettled(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		other := orgflow.Target{CompanyID: target.CompanyID + 1, Consumer: target.Consumer}
		for _, run := range []string{"r1", "r2"} {
			newRun(t, s, run)
		}
		want := func(of orgflow.Target, jobs ...store.ImportJob) {
			t.Helper()
			got, err := s.OpenImports(ctx, of)
			if d := cmp.Diff(append([]store.ImportJob{}, jobs...), got); d != "" || err != nil {
				t.Error(d, err)
			}
		}
		first, second := store.ImportJob{ID: "j1", Kind: "k", RunID: "r1"}, store.ImportJob{ID: "j2", Kind: "k", RunID: "r2"}
		for _, j := range []store.ImportJob{first, second} {
			if err := s.PutImport(ctx, target, j); err != nil {
				t.Fatal(err)
			}
		}
		want(target, first, second)
		want(other)
		if err := s.SettleImport(ctx, other, "j1"); err != nil {
			t.Fatal(err)
		}
		want(target, first, second)
		if err := s.SettleImport(ctx, target, "j1"); err != nil {
			t.Fatal(err)
		}
		want(target, second)
		again := store.ImportJob{ID: "j1", Kind: "k", RunID: "r2"} // counted anew
		if err := s.PutImport(ctx, target, again); err != nil {
			t.Fatal(err)
		}
		want(target, second, again)
		if err := s.PutImport(ctx, target, store.ImportJob{Kind: "k", RunID: "r2"}); err == nil {
			t.Error("a job without an id was stored")
		}
	})
}
