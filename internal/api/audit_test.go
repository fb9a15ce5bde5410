package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// writesItself are the routes whose port writes the act down: runs, pulls,
// loads and schedules do, for the command line too. app's
// TestSteeringIsWrittenDownOnce shows it of each.
var writesItself = []string{
	"POST /api/v1/sync-runs/{id}/cancel", "POST /api/v1/sync-runs/{id}/pause", "POST /api/v1/sync-runs/{id}/resume",
	"POST /api/v1/sync-runs/{id}/approve", "POST /api/v1/sync-runs/{id}/reject", "POST /api/v1/sync-runs/{id}/retry", "POST /api/v1/sync-runs/{id}/undo",
	"POST /api/v1/org/pulls/{id}/cancel", "POST /api/v1/org/pulls/{id}/approve", "POST /api/v1/org/pulls/{id}/reject",
	"POST /api/v1/erp-runs/{id}/cancel",
	"POST /api/v1/schedules/{id}/pause", "POST /api/v1/schedules/{id}/resume", "POST /api/v1/schedules/{id}/trigger", "POST /api/v1/schedules/{id}/backfill",
}

// changesNothing are routes that need a role for acting and do nothing: to
// encrypt is what Temporal's Web UI does before it acts.
var changesNothing = []string{"POST /codec/encode"}

// TestEveryActIsWrittenDownOnce walks all routes: one that needs more than to
// read leaves exactly one row when it is done and one when the role does not
// suffice, with who, what and from where. A new route meets this by itself.
func TestEveryActIsWrittenDownOnce(t *testing.T) {
	d := newWorld().deps()
	var rows []string
	d.Audit = func(_ context.Context, who, action, subject, origin string) error {
		rows = append(rows, strings.Join([]string{who, action, subject, origin}, "|"))
		return nil
	}
	d.Keys, d.Addr = keys(t), "0.0.0.0:8080"
	s := newServer(d)
	h := s.chain()
	for _, route := range routesOf(t, s) {
		method, path, body := exampleOf(route)
		res := call(h, method, path, body, "X-API-Key: read-token")
		refused := res.Code == http.StatusForbidden
		act := refused && !slices.Contains(changesNothing, route)
		if asked, _, _ := strings.Cut(path, "?"); refused && !slices.Equal(rows, []string{"read-key|refused|" + method + " " + asked + "|read-key 192.0.2.1"}) {
			t.Errorf("%s refused: %q", route, rows)
		}
		if !refused && len(rows) != 0 {
			t.Errorf("%s only reads: %q", route, rows)
		}
		rows = nil
		if res := call(h, method, path, body, "X-API-Key: admin-token"); res.Code >= 400 {
			t.Errorf("%s: %d %s", route, res.Code, res.Body)
		}
		fields := strings.Split(strings.Join(rows, ""), "|")
		switch done := len(rows) == 1 && fields[0] == "admin-key" && fields[1] != "" && fields[2] != "" && fields[3] == "admin-key 192.0.2.1"; {
		case !act && len(rows) != 0:
			t.Errorf("%s only reads: %q", route, rows)
		case slices.Contains(writesItself, route) && len(rows) != 0:
			t.Errorf("%s is written down by what it asks, and again: %q", route, rows)
		case act && !slices.Contains(writesItself, route) && !done:
			t.Errorf("%s: %q, want one row", route, rows)
		}
		rows = nil
	}
	for _, route := range writesItself {
		if !slices.Contains(routesOf(t, s), route) {
			t.Errorf("%s does not exist", route)
		}
	}
}

// TestStrangersLeaveNoRow: whoever is not known must not fill the audit log.
func TestStrangersLeaveNoRow(t *testing.T) {
	d := newWorld().deps()
	d.Audit = func(_ context.Context, who, action, _, _ string) error {
		t.Errorf("%s %s", who, action)
		return nil
	}
	d.Keys = keys(t)
	for _, header := range []string{"Accept: */*", "X-API-Key: guess", "Cookie: orgflow-session=guess"} {
		if res := call(New(d), "POST", "/api/v1/sync-runs", job, header); res.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", header, res.Code)
		}
		d.Meter = nil
	}
}
