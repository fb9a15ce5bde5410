package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/store"
)

func definition(code, body string) store.NewDefinition {
	return store.NewDefinition{CompanyID: company, Code: code, Name: "招投标信息审批", Body: []byte(body), By: "admin"}
}

func TestVersionsOfADefinition(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for i, c := range []struct {
			body      string
			version   int
			published bool
		}{
			{`{"nodes": [1]}`, 1, true},
			{`{"nodes": [1]}`, 1, false}, // the answer was lost
			{`{"nodes": [2.0]}`, 2, true},
			{`{"nodes": [1]}`, 3, true}, // back to the first is a version, too
			{`{"nodes":[1]}`, 4, true},  // other bytes
		} {
			d, published, err := s.PublishDefinition(ctx, definition("ztbxx01", c.body))
			if err != nil || d.Version != c.version || published != c.published || string(d.Body) != c.body {
				t.Errorf("publication %d: %+v %v, %v; want version %d", i, d, published, err, c.version)
			}
		}
		other, _, err := s.PublishDefinition(ctx, definition("a", `{}`))
		must(t, err)
		for version, want := range map[int]string{0: `{"nodes":[1]}`, 2: `{"nodes": [2.0]}`} {
			if d, err := s.GetDefinition(ctx, company, "ztbxx01", version); err != nil || string(d.Body) != want || len(d.SHA256) != 64 {
				t.Errorf("version %d: %+v, %v", version, d, err)
			}
		}
		for _, missing := range []struct {
			company int64
			code    string
			version int
		}{{company, "ztbxx01", 5}, {company, "b", 0}, {7, "ztbxx01", 0}, {company, "\x00", 0}} {
			_, err := s.GetDefinition(ctx, missing.company, missing.code, missing.version)
			wantErr(t, fmt.Sprint(missing), err, store.ErrNotFound)
		}
		list, next, err := s.ListDefinitions(ctx, company, "", 1)
		other.Body = nil
		if d := cmp.Diff([]store.Definition{other}, list); d != "" || err != nil || next != "a" {
			t.Errorf("first page, next %q, %v: %s", next, err, d)
		}
		list, next, err = s.ListDefinitions(ctx, company, next, 1)
		if err != nil || next != "" || len(list) != 1 || list[0].Version != 4 || list[0].Body != nil {
			t.Errorf("second page %+v, next %q, %v", list, next, err)
		}
		versions, err := s.DefinitionVersions(ctx, company, "ztbxx01")
		if err != nil || len(versions) != 4 || versions[0].Version != 4 {
			t.Errorf("versions %+v, %v", versions, err)
		}
		var exported []string
		for d, err := range s.ExportDefinitions(ctx, company) {
			must(t, err)
			exported = append(exported, fmt.Sprint(d.Code, d.Version, string(d.Body)))
		}
		if d := cmp.Diff([]string{`a1{}`, `ztbxx014{"nodes":[1]}`}, exported); d != "" {
			t.Errorf("exported: %s", d)
		}
	})
}

// Publications at one moment have consecutive versions; those of the same
// bytes have one.
func TestPublicationsAtOneMoment(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			stores := twoStores(t, url(t))
			for r := range repetitions {
				var mu sync.Mutex
				var versions []int
				race(10, func(i int) {
					d, _, err := stores[i%2].PublishDefinition(context.Background(), definition(fmt.Sprint("c", r), fmt.Sprintf(`{"n":%d}`, i)))
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					}
					versions = append(versions, d.Version)
				})
				slices.Sort(versions)
				if d := cmp.Diff([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, versions); d != "" {
					t.Fatalf("versions: %s", d)
				}
			}
			race(10, func(i int) {
				d, _, err := stores[i%2].PublishDefinition(context.Background(), definition("same", `{}`))
				if err != nil || d.Version != 1 {
					t.Errorf("version %d, %v", d.Version, err)
				}
			})
		})
	}
}
