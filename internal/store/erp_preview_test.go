package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// bills is a local table with a column whose name somebody made up to do harm.
func bills() store.LoadTable {
	return store.LoadTable{
		Name: "ERP_SAL_Bill", Key: "FID", Date: "FModifyDate", Modified: "FModifyDate",
		Columns: []store.LoadColumn{
			{Name: `F"; DROP TABLE erp_run; --`, Type: orgflow.ERPText}, {Name: "FModifyDate", Type: orgflow.ERPTime},
			{Name: "FID", Type: orgflow.ERPInteger}, {Name: "FPaid", Type: orgflow.ERPBoolean},
		},
	}
}

// loaded fills the table with a create, as loads do.
func loaded(t *testing.T, s *store.Store, rows [][]any) store.Load {
	t.Helper()
	ctx := context.Background()
	load, ok, err := s.CreateLoad(ctx, store.NewLoad{FirstRunID: "run-1", WorkflowID: "erp-129-SAL_Bill", Input: orgflow.LoadInput{CompanyID: 129, FormID: "SAL_Bill", Kind: orgflow.LoadCreate}})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	window := store.LoadWindow{Seq: 1, From: from, Until: from.AddDate(0, 1, 0)}
	if err := s.OpenLoad(ctx, load.ID, store.OpenedLoad{Plan: []byte(`{}`), Tables: []store.LoadTable{bills()}, Windows: []store.LoadWindow{window}}); err != nil {
		t.Fatal(err)
	}
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = fmt.Sprint(rows[i][2])
	}
	if _, err := s.SavePage(ctx, store.LoadPage{LoadID: load.ID, Kind: orgflow.LoadCreate, Table: bills(), Window: window, Read: len(rows), Rows: rows, Keys: keys, Done: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.SwapLoad(ctx, load.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FinishLoad(ctx, load.ID, orgflow.StatusCompleted, nil); err != nil {
		t.Fatal(err)
	}
	return load
}

func TestATableIsLookedIntoPageByPage(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := time.Date(2026, 11, 2, 8, 30, 0, 0, time.UTC)
		loaded(t, s, [][]any{{nil, at, int64(9), true}, {"<script>", at, int64(-1), false}, {strings.Repeat("长", 161), nil, int64(10), nil}, {"", at, int64(100), true}})
		if _, err := s.DB().ExecContext(ctx, `UPDATE "ERP_SAL_Bill" SET "orgflow_gone_at" = '2026-11-03 04:05:06+00' WHERE "FID" = 10`); err != nil {
			t.Fatal(err)
		}
		if s.DB().DriverName() == "sqlite" { // writes its times without a zone
			if _, err := s.DB().ExecContext(ctx, `UPDATE "ERP_SAL_Bill" SET "orgflow_gone_at" = '2026-11-03 04:05:06.000000' WHERE "FID" = 10`); err != nil {
				t.Fatal(err)
			}
		}
		var keys []string
		cells := map[string]store.PreviewRow{}
		for cursor := ""; ; {
			p, err := s.PreviewTable(ctx, "ERP_SAL_Bill", cursor, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Columns) != 4 || !p.Columns[0].Key || p.Columns[0].Name != "FID" || p.Columns[0].Type == "" || p.Columns[1].Name != bills().Columns[0].Name || p.More != 0 {
				t.Fatalf("columns %+v", p.Columns)
			}
			for _, r := range p.Rows {
				keys = append(keys, r.Cells[0].Text)
				cells[r.Cells[0].Text] = r
			}
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff([]string{"-1", "9", "10", "100"}, keys); diff != "" {
			t.Errorf("the order of the key, each row once: %s", diff)
		}
		gone := cells["10"]
		if !gone.Gone || !gone.GoneAt.Equal(time.Date(2026, 11, 3, 4, 5, 6, 0, time.UTC)) || cells["9"].Gone {
			t.Errorf("gone: %+v", gone)
		}
		if text := gone.Cells[1]; !text.Cut || text.Text != strings.Repeat("长", 160) {
			t.Errorf("a long text is %+v", text)
		}
		if c := cells["9"].Cells[1]; !c.Null {
			t.Errorf("null is %+v", c)
		}
		if c := cells["100"].Cells[1]; c.Null || c.Text != "" {
			t.Errorf("an empty text is %+v", c)
		}
		if got := cells["-1"].Cells; got[1].Text != "<script>" || got[2].Text != "2026-11-02 08:30:00" {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhatCannotBeLookedInto(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		loaded(t, s, [][]any{{"a", nil, int64(1), true}})
		for _, name := range []string{"ERP_SAL_None", `ERP_SAL_Bill"; DROP TABLE erp_run; --`, "ERP_\x00", ""} {
			if _, err := s.PreviewTable(ctx, name, "", 10); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%q: %v", name, err)
			}
		}
		for _, cursor := range []string{"x", "1' OR 1=1", "99999999999999999999999", "\x00"} {
			p, err := s.PreviewTable(ctx, "ERP_SAL_Bill", cursor, 10)
			if len(p.Rows) > 0 || err != nil && !errors.Is(err, store.ErrBadCursor) {
				t.Errorf("cursor %q: %+v %v", cursor, p.Rows, err)
			}
		}
		if owner, err := s.FormOwner(ctx, "SAL_Bill"); owner != 129 || err != nil {
			t.Errorf("the owner is %d, %v", owner, err)
		}
		for _, form := range []string{"sal_bill", "SAL_Bil", "\x00"} {
			if _, err := s.FormOwner(ctx, form); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("form %q: %v", form, err)
			}
		}
	})
}

// A table of many columns is shown in part, its key first; one whose key
// people took away has one page.
func TestAPreviewIsBounded(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		var columns []string
		for i := range 70 {
			columns = append(columns, fmt.Sprintf("c%d text", i))
		}
		for _, q := range []string{
			`CREATE TABLE "ERP_Wide" ("what?" text, ` + strings.Join(columns, ", ") + `, "K" text PRIMARY KEY)`,
			`INSERT INTO "ERP_Wide" (c0, "K") VALUES ('a', 'x'), ('b', 'y')`,
			`CREATE TABLE "ERP_Keyless" (a text, b text)`, `INSERT INTO "ERP_Keyless" VALUES ('1', '2'), ('3', '4')`,
		} {
			if _, err := s.DB().ExecContext(ctx, q); err != nil {
				t.Fatal(err)
			}
		}
		p, err := s.PreviewTable(ctx, "ERP_Wide", "", 1)
		if err != nil || len(p.Columns) != 60 || p.More != 12 || p.Columns[0].Name != "K" || p.Next != "x" || len(p.Rows) != 1 || p.Rows[0].Gone {
			t.Errorf("%d columns, %d more, next %q, %v", len(p.Columns), p.More, p.Next, err)
		}
		if p, err := s.PreviewTable(ctx, "ERP_Keyless", "", 1); err != nil || p.Next != "" || len(p.Rows) != 1 {
			t.Errorf("%+v %v", p, err)
		}
	})
}
