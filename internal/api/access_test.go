package api

import (
	"net/http"
	"strings"
	"testing"

	"orgflow/internal/config"
)

// exampleOf is a request of a route that is answered with a success.
func exampleOf(route string) (method, path, body string) {
	bodies := map[string]string{
		"POST /api/v1/flow-definitions":     "{}",
		"POST /api/v1/flows/{no}/decisions": `{"node_seq":10,"user_code":"E5","decision":"approve"}`,
		"PUT /api/v1/boards/tasks/{taskNo}": `{"status":"draft"}`,
		"PUT /api/v1/absences":              `{"user_code":"E5","agent":"E6","from":"2026-12-01T00:00:00Z","till":"2026-12-02T00:00:00Z"}`,
	}
	for _, verb := range []string{"repair", "withdraw", "retract", "jump"} {
		bodies["POST /api/v1/flows/{no}/"+verb] = `{"by":"E9"}`
	}
	fill := strings.NewReplacer("static/*", "static/style.css", "taskNotify", "taskNotify?taskNo=RW1", "getByDepartmentId", "getByDepartmentId?id=1", "getByUserId", "getByUserId?id=E1", "attendance/month", "attendance/month?user_id=E1", "absences/{id}", "absences/1", "units/{id}", "units/1", "{id}", "x", "{company}", "129", "{consumer}", "ding_talk", "{kind}", "person", "{source_id}", "1")
	method, path, _ = strings.Cut(fill.Replace(route), " ")
	body = bodies[route]
	if method == "PUT" && body == "" {
		body = "{}"
	}
	if method == "POST" && strings.HasSuffix(path, "sync-runs") {
		body = job
	}
	if method == "POST" && (strings.HasSuffix(path, "org/pulls") || strings.HasSuffix(path, "erp-runs")) {
		body = `{"company_id":129}`
	}
	if method == "POST" && strings.HasSuffix(path, "what-if") {
		body = `{"job":` + job + `,"rows":{}}`
	}
	if strings.HasSuffix(path, "backfill") {
		body = `{"from":"2026-11-18T00:00:00Z","to":"2026-11-19T00:00:00Z"}`
	}
	return method, path, body
}

// TestEveryRouteNeedsItsRole walks all routes with every key: the answer
// changes at the role that the table names and nowhere else.
func TestEveryRouteNeedsItsRole(t *testing.T) {
	needs := map[string]config.Access{
		"GET /healthz":                       config.AccessNone,
		"GET /readyz":                        config.AccessNone,
		"GET /":                              config.AccessNone,
		"GET /static/*":                      config.AccessNone,
		"GET /api/v1/me":                     config.AccessRead,
		"GET /api/v1/doctor":                 config.AccessAdmin,
		"GET /metrics":                       config.AccessRead,
		"POST /codec/decode":                 config.AccessRead,
		"POST /codec/encode":                 config.AccessOperate,
		"OPTIONS /codec/decode":              config.AccessNone, // a browser asks before it sends credentials
		"OPTIONS /codec/encode":              config.AccessNone,
		"GET /openapi.json":                  config.AccessRead,
		"GET /api/v1/sync-runs":              config.AccessRead,
		"GET /api/v1/sync-runs/{id}":         config.AccessRead,
		"GET /api/v1/sync-runs/{id}/changes": config.AccessRead,
		"GET /api/v1/records/{company}/{consumer}/{kind}/{source_id}/log": config.AccessRead,
		"POST /events/{company}/{consumer}":                               config.AccessNone, // the consumer proves itself
		"GET /api/v1/schedules":                                           config.AccessRead,
		"POST /api/v1/what-if":                                            config.AccessRead,
		"POST /api/v1/sync-runs":                                          config.AccessOperate,
		"POST /api/v1/sync-runs/{id}/cancel":                              config.AccessOperate,
		"POST /api/v1/sync-runs/{id}/pause":                               config.AccessOperate,
		"POST /api/v1/sync-runs/{id}/resume":                              config.AccessOperate,
		"POST /api/v1/sync-runs/{id}/retry":                               config.AccessOperate,
		"POST /api/v1/sync-runs/{id}/undo":                                config.AccessOperate,
		"POST /api/v1/sync-runs/{id}/approve":                             config.AccessApprove,
		"POST /api/v1/sync-runs/{id}/reject":                              config.AccessApprove,
		"POST /api/v1/schedules/{id}/backfill":                            config.AccessOperate,
		"POST /api/v1/schedules/{id}/pause":                               config.AccessOperate,
		"POST /api/v1/schedules/{id}/resume":                              config.AccessOperate,
		"POST /api/v1/schedules/{id}/trigger":                             config.AccessOperate,
		"POST /api/v1/schedules":                                          config.AccessAdmin,

		"GET /api/v1/erp-runs":                             config.AccessRead,
		"GET /api/v1/erp-runs/{id}":                        config.AccessRead,
		"POST /api/v1/erp-runs":                            config.AccessOperate,
		"POST /api/v1/erp-runs/{id}/cancel":                config.AccessOperate,
		"GET /dataSync/create":                             config.AccessOperate,
		"GET /dataSync/update":                             config.AccessOperate,
		"POST /dataSync/create":                            config.AccessOperate,
		"POST /dataSync/update":                            config.AccessOperate,
		"GET /api/v1/org/pulls":                            config.AccessRead,
		"GET /api/v1/org/pulls/{id}":                       config.AccessRead,
		"GET /api/v1/org/tree":                             config.AccessRead,
		"GET /api/v1/org/versions":                         config.AccessRead,
		"GET /api/v1/org/diff":                             config.AccessRead,
		"GET /api/v1/org/members":                          config.AccessRead,
		"GET /api/v1/org/units/{id}/members":               config.AccessRead,
		"POST /api/v1/org/pulls":                           config.AccessOperate,
		"POST /api/v1/org/pulls/{id}/cancel":               config.AccessOperate,
		"POST /api/v1/org/pulls/{id}/approve":              config.AccessApprove,
		"POST /api/v1/org/pulls/{id}/reject":               config.AccessApprove,
		"GET /api/v1/flow-definitions":                     config.AccessRead,
		"POST /api/v1/flow-definitions":                    config.AccessAdmin,
		"GET /api/v1/flow-definitions/{flowCode}":          config.AccessRead,
		"PUT /api/v1/flow-definitions/{flowCode}":          config.AccessAdmin,
		"GET /api/v1/flow-definitions/{flowCode}/versions": config.AccessRead,
		"GET /api/v1/flow-definitions/{flowCode}/export":   config.AccessRead,
		"GET /api/v1/flow-definitions/{flowCode}/stats":    config.AccessRead,
		"GET /api/v1/flows":                                config.AccessRead,
		"GET /api/v1/flows/{no}":                           config.AccessRead,
		"GET /api/v1/flows/{no}/timeline":                  config.AccessRead,
		"GET /api/v1/flows/{no}/messages":                  config.AccessRead,
		"GET /api/v1/flow-export":                          config.AccessRead,
		"GET /api/v1/flows/{no}/decisions":                 config.AccessRead,
		"POST /api/v1/flows/{no}/decisions":                config.AccessApprove,
		"GET /api/v1/boards/{board}/rows/{dataId}":         config.AccessRead,
		"PUT /api/v1/boards/{board}/rows/{dataId}":         config.AccessOperate,
		"GET /api/v1/boards/tasks/{taskNo}":                config.AccessRead,
		"PUT /api/v1/boards/tasks/{taskNo}":                config.AccessOperate,
		"GET /api/v1/absences":                             config.AccessRead,
		"PUT /api/v1/absences":                             config.AccessApprove,
		"DELETE /api/v1/absences/{id}":                     config.AccessApprove,
		"POST /api/v1/flows/{no}/repair":                   config.AccessOperate,
		"POST /api/v1/flows/{no}/withdraw":                 config.AccessOperate,
		"POST /api/v1/flows/{no}/retract":                  config.AccessOperate,
		"POST /api/v1/flows/{no}/jump":                     config.AccessOperate,
	}
	for _, path := range []string{"/flow/launch", "/flow/onAudit", "/flow/relaunch", "/flow/discard", "/flow/urgent", "/message/taskNotify"} {
		needs["GET "+path], needs["POST "+path] = config.AccessOperate, config.AccessOperate
	}
	needs["GET /api/v1/dingtalk/attendance/month"] = config.AccessRead
	for _, path := range []string{"/dingtalk/department/getTree", "/dingtalk/user/getByDepartmentId", "/dingtalk/attendance/getByUserId"} {
		needs["GET "+path], needs["POST "+path] = config.AccessRead, config.AccessRead
	}
	d := newWorld().deps()
	d.Keys, d.Addr = keys(t), "0.0.0.0:8080"
	s := newServer(d)
	h := s.chain()
	for _, route := range routesOf(t, s) {
		need, listed := needs[route]
		if !listed {
			t.Errorf("%s is in no table", route)
			continue
		}
		delete(needs, route)
		method, path, body := exampleOf(route)
		for has := config.AccessNone; has <= config.AccessAdmin; has++ {
			want := "ok"
			switch {
			case has >= need:
			case has == config.AccessNone:
				want = "unauthenticated"
			default:
				want = "permission_denied"
			}
			var headers []string
			if has > config.AccessNone {
				headers = []string{"X-API-Key: " + has.String() + "-token"}
			}
			res := call(h, method, path, body, headers...)
			got := "ok"
			if res.Code >= 400 {
				got = string(errorOf(t, res).Code)
			}
			if got != want {
				t.Errorf("%s with role %s: %d %s, want %s", route, has, res.Code, got, want)
			}
		}
	}
	for route := range needs {
		t.Errorf("%s does not exist", route)
	}
}

func TestKeysAreReadFromBothHeaders(t *testing.T) {
	d := newWorld().deps()
	d.Keys = keys(t)
	h := New(d)
	for header, status := range map[string]int{
		"Authorization: Bearer read-token":  200,
		"Authorization: bearer  read-token": 200,
		"X-API-Key: read-token":             200,
		"Authorization: Basic read-token":   401,
		"Authorization: read-token":         401,
		"Authorization: Bearer ":            401,
		"Authorization: Bearer x":           401,
		"X-API-Key: READ-TOKEN":             401,
		"Accept: */*":                       401,
	} {
		res := call(h, "GET", "/api/v1/sync-runs", "", header)
		if res.Code != status {
			t.Errorf("%s: %d, want %d", header, res.Code, status)
		}
		if status == 401 && res.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", header)
		}
		if strings.Contains(res.Body.String(), "read-token") {
			t.Errorf("the answer repeats the token: %s", res.Body)
		}
	}
}

func TestBeyondLoopbackNothingIsOpenEvenWithoutKeys(t *testing.T) {
	d := newWorld().deps()
	d.Addr = ":8080" // config refuses this; the API does not rely on it
	if res := call(New(d), "GET", "/api/v1/sync-runs", ""); res.Code != http.StatusUnauthorized {
		t.Errorf("%d", res.Code)
	}
}

func TestDNSRebindingIsRefused(t *testing.T) {
	d := newWorld().deps()
	open := New(d)
	d.Keys, d.Meter = keys(t), nil
	locked := New(d)
	for host, allowed := range map[string]bool{
		"localhost:8080": true, "127.0.0.1:8080": true, "[::1]:8080": true, "127.0.0.1": true, "LocalHost.": true,
		"evil.example.com:8080": false, "evil.example.com": false, "localhost.evil.com": false, "192.168.1.5:8080": false, "": false,
	} {
		res := call(open, "GET", "/api/v1/sync-runs", "", "Host: "+host)
		if (res.Code == 200) != allowed || (!allowed && errorOf(t, res).Code != "wrong_host") {
			t.Errorf("Host %q: %d %s", host, res.Code, res.Body)
		}
		if res := call(locked, "GET", "/api/v1/sync-runs", "", "Host: "+host, "X-API-Key: read-token"); res.Code != 200 {
			t.Errorf("Host %q with a key: %d", host, res.Code)
		}
	}
}

func TestForeignPagesChangeNothing(t *testing.T) {
	w := newWorld()
	h := New(w.deps())
	for header, allowed := range map[string]bool{
		"Origin: http://localhost:8080": true,
		"Sec-Fetch-Site: same-origin":   true,
		"Sec-Fetch-Site: none":          true,
		"Accept: */*":                   true,
		"Origin: https://evil.example":  false,
		"Origin: http://localhost:3000": false,
		"Origin: null":                  false,
		"Sec-Fetch-Site: cross-site":    false,
		"Sec-Fetch-Site: same-site":     false,
	} {
		before := w.starts
		res := call(h, "POST", "/api/v1/sync-runs", job, header)
		if (res.Code == http.StatusAccepted) != allowed || (!allowed && (errorOf(t, res).Code != "cross_origin" || w.starts != before)) {
			t.Errorf("%s: %d %s", header, res.Code, res.Body)
		}
		if res := call(h, "GET", "/api/v1/sync-runs", "", header); res.Code != 200 {
			t.Errorf("reading with %s: %d", header, res.Code)
		}
	}
}
