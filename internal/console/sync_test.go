package console_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/console"
	"orgflow/internal/signin"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

// runs answers for those of the program.
type runs struct {
	api.Runs
	page api.RunPage
	err  error
}

func (r runs) ListRuns(context.Context, api.RunFilter) (api.RunPage, error) { return r.page, r.err }

func open(t *testing.T, runs api.Runs, everybody bool) http.Handler {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "orgflow.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	service := signin.New(signin.Deps{
		Store: db, Pages: web.New(), Logger: slog.New(slog.DiscardHandler), RequestID: func(context.Context) string { return "r-1" }, Now: time.Now, Open: everybody,
	})
	router := chi.NewRouter()
	console.New(console.Deps{SignIn: service, Runs: runs}).Routes(router)
	return router
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+path, http.NoBody)
	r.Header.Set("Accept-Language", "en")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRunsAreListed(t *testing.T) {
	h := open(t, runs{page: api.RunPage{
		Runs:       []orgflow.Summary{{ID: "sync-129-<b>", CompanyID: 129, Consumer: "ding_talk", Status: orgflow.StatusAwaitingApproval, StartedAt: time.Date(2026, 11, 22, 0, 30, 0, 0, time.UTC)}},
		NextCursor: "c2",
	}}, true)
	body := get(t, h, "/sync").Body.String()
	for _, want := range []string{"sync-129-&lt;b&gt;", "129 · ding_talk", "awaiting approval", "2026-11-22 08:30:00", "/sync?cursor=c2", `aria-current="page"`, `data-live="5"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q: %s", want, body)
		}
	}
	part := get(t, h, "/sync?live").Body.String()
	if strings.Contains(part, "<html") || !strings.Contains(part, "awaiting approval") {
		t.Errorf("what changes is %s", part)
	}
}

func TestRunsAreForThoseWhoMaySeeThem(t *testing.T) {
	if w := get(t, open(t, runs{}, false), "/sync"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/signin?to=%2Fsync" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestAPageTellsWhatWentWrong(t *testing.T) {
	w := get(t, open(t, runs{err: orgflow.Faultf(orgflow.CodeNotFound, "cursor <c9> is not of this list")}, true), "/sync?cursor=c9")
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "cursor &lt;c9&gt; is not of this list") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = get(t, open(t, runs{err: errors.New("password=hunter2")}, true), "/sync")
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
