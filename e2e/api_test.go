package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// eachAPI runs a test over both contact interfaces of DingTalk.
func eachAPI(t *testing.T, test func(t *testing.T, api string)) {
	for _, api := range []string{"v2", "v1"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			test(t, api)
		})
	}
}

// wire is the path on the wire of a call named by its path of v2.
func (w *world) wire(path string) string {
	if w.api == "v1" {
		return strings.TrimPrefix(path, "/topapi/v2")
	}
	return path
}

// named gives the calls of v1 that write the names of v2's, so that one test
// reads the logs of both.
func (w *world) named(r requests) requests {
	if w.api != "v1" {
		return r
	}
	for i, e := range r.Log {
		if isWrite(e.Path) && !strings.HasPrefix(e.Path, "/topapi/") {
			r.Log[i].Path = "/topapi/v2" + e.Path
		}
	}
	return r
}

// A push whose answers get lost and whose token ends on the way, somebody's
// new number, and a quiet run after each: the same over either interface,
// and only calls of that interface are made.
func TestEitherInterface(t *testing.T) {
	t.Parallel()
	eachAPI(t, func(t *testing.T, api string) {
		w := newFastWorldOf(t, api)
		w.serve()
		w.unlimited()
		rows := demo(t)
		w.load(rows)
		w.faults(
			object{"path": w.wire(userCreate), "after_commit": true, "drop_connection": true, "every": 50, "times": 4},
			object{"path": w.wire(deptCreate), "after_commit": true, "http_status": 504, "every": 9, "times": 3},
			object{"path": w.wire(userCreate), "errcode": 40014, "every": 71, "times": 2},
			object{"path": w.wire(deptUpdate), "body": "<html>busy</html>", "http_status": 502, "after_commit": true, "times": 1},
		)
		w.completed(w.sync(demoJob))
		w.inStep()
		w.onlyCalls()
		w.quiet()

		somebody := rows.Employee[len(rows.Employee)-1]
		somebody["mobile"] = "10099999009"
		w.load(rows)
		w.forget()
		w.faults(object{"path": w.wire(userDelete), "after_commit": true, "drop_connection": true, "times": 1})
		began := time.Now()
		w.completed(w.sync(recreateJob))
		t.Logf("a new number took %s", time.Since(began).Round(100*time.Millisecond))
		log := w.requests("dingtalk")
		if d := cmp.Diff(map[string]int{userDelete: 1, userCreate: 1}, log.writesByPath()); d != "" {
			t.Errorf("a new number (-want +got):\n%s", d)
		}
		w.inStep()
		w.onlyCalls()
		w.quiet()
	})
}

const recreateJob = `{"services":["org_new","person_new"],"consumer":"ding_talk","company_id":129,"params":{"mobile_change":"recreate"}}`

// quiet runs the job once more and wants nothing written.
func (w *world) quiet() {
	w.t.Helper()
	w.forget()
	w.completed(w.sync(demoJob))
	if r := w.requests("dingtalk"); r.Writes != 0 {
		w.t.Errorf("a quiet run wrote %v", r.writesByPath())
	}
}

// onlyCalls wants no call of the interface that is not the configured one.
func (w *world) onlyCalls() {
	w.t.Helper()
	for path := range w.requests("dingtalk").Paths {
		old := strings.HasPrefix(path, "/user/") || strings.HasPrefix(path, "/department/") || path == "/gettoken"
		if neutral := path == "/auth/scopes"; !neutral && old != (w.api == "v1") {
			w.t.Errorf("%s called %s", w.api, path)
		}
	}
}
