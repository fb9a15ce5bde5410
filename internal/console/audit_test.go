package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

// writtenBy says of each form that does something where it is written down:
// by the page (Console.did) or by whom the page asks, as for the API. The
// tests of the pages show the former, TestSteeringIsWrittenDownOnce of package
// app the latter.
var writtenBy = map[string]string{
	"/org/pulls": "page", "/sync/new": "page", "/flows/{no}/decide": "page", "/flows/{no}/{verb}": "page", "/erp/loads": "page",
	"/org/pulls/{id}/approve": "asked", "/org/pulls/{id}/reject": "asked", "/org/pulls/{id}/cancel": "asked",
	"/sync/{id}/cancel": "asked", "/sync/{id}/pause": "asked", "/sync/{id}/resume": "asked", "/sync/{id}/approve": "asked", "/sync/{id}/reject": "asked",
	"/sync/{id}/retry": "asked", "/sync/{id}/undo": "asked", "/erp/loads/{id}/cancel": "asked",
	"/schedules/{id}/pause": "asked", "/schedules/{id}/resume": "asked", "/schedules/{id}/trigger": "asked",
	"/sync/what-if": "reads", "/meta/preview": "reads",
}

// TestARefusedActIsWrittenDownOnce walks all forms as somebody who may only
// read: each that does something is refused with one row that names the act.
// A new form is in no list until somebody says where it is written down.
func TestARefusedActIsWrittenDownOnce(t *testing.T) {
	w := newOpsWorld(t, true)
	reader := w.signIn("E9")
	left := map[string]bool{}
	for path := range writtenBy {
		left[path] = true
	}
	err := chi.Walk(w.routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if method != http.MethodPost {
			return nil
		}
		by, listed := writtenBy[route]
		delete(left, route)
		if !listed {
			t.Errorf("%s is in no list", route)
		}
		if by == "reads" {
			return nil
		}
		path := strings.NewReplacer("{id}", "x", "{no}", "n1", "{verb}", "jump").Replace(route)
		if status, _, _ := w.form(path, nil, w.server.URL, reader); status != http.StatusForbidden {
			t.Errorf("%s: %d", path, status)
		}
		rows, _, err := w.app.Store.AuditLog(t.Context(), "POST "+path, "", 10)
		if err != nil {
			return err
		}
		if len(rows) != 1 || rows[0].Who != "E9" || rows[0].Action != "refused" || rows[0].From != "127.0.0.1" || rows[0].CompanyID != 129 {
			t.Errorf("%s: %+v", path, rows)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path := range left {
		t.Errorf("%s does not exist", path)
	}
}
