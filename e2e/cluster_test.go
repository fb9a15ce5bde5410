package e2e

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/history/v1"

	"orgflow/connectors/simctl"
	"orgflow/internal/testpg"
)

// cluster is an installation as in production: Temporal on PostgreSQL in a
// process of its own, two workers and two starters on PostgreSQL, and vendors
// that outlive them all.
type cluster struct {
	*flowWorld           // speaks to the second starter, which nobody kills
	host       *world    // Temporal's
	temporal   *process  // of host
	https      [2]string // host:port of the starters
	starters   [2]*process
	workers    []workerProcess
	detour     string         // host:port by which orgflow reaches the vendors, where it is not theirs
	desks      []*simctl.Desk // of the vendors of a storm's companies, to inject faults at
}

// vendorsAt is where orgflow reaches the vendors.
func (c *cluster) vendorsAt() string { return cmp.Or(c.detour, c.sims) }

// newCluster starts everything and gives company 129 its people: at the
// source, pushed to DingTalk, pulled from there.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{flowWorld: &flowWorld{world: newWorld(t), channels: 1}, host: newWorld(t)}
	c.host.env["ORGFLOW_DATABASE_URL"] = testpg.URL(t) // Temporal's databases stand beside it
	c.temporal = c.host.serve()

	w := c.world
	w.env["ORGFLOW_DATABASE_URL"] = testpg.URL(t)
	c.furnish()
	if got := run(t, w.environment(), "worker"); got.code != 1 || len(lines(got.err)) > 2 {
		t.Errorf("a worker on an empty database: %d %s", got.code, got.err)
	}
	c.migrates()
	c.serves(0)
	c.serves(1)
	c.workers = []workerProcess{w.worker(), w.worker()}
	for _, url := range []string{"http://" + c.https[0], "http://" + c.https[1], c.workers[0].metrics, c.workers[1].metrics} {
		healthy(t, url)
	}
	c.settles()
	return c
}

// furnish says where everything is, and gives the source its people.
func (c *cluster) furnish() {
	c.t.Helper()
	w, vendors := c.world, c.vendorsAt()
	c.https = [2]string{freeAddr(c.t), w.http}
	w.ui, w.temporal = c.host.ui, c.host.temporal
	w.env["ORGFLOW_TEMPORAL_TASK_QUEUE"] = "orgflow-e2e" // whom host's own worker does not serve
	w.put("companies/129/company.json", encode(c.t, object{
		"company_id": 129, "name": "e2e", "time_zone": "Asia/Shanghai", "roles": object{"flow_admin": []string{"E1002"}},
		"source": object{"type": "hcm", "base_url": "http://" + vendors + "/hcm", "page_size": 500, "auth": object{"mode": "bearer", "token": "${HCM_TOKEN}"}},
		"consumers": object{"ding_talk": object{
			"base_url": "http://" + vendors + "/dingtalk", "api_base_url": "http://" + vendors + "/dingtalk",
			"appkey": "${DINGTALK_APPKEY}", "appsecret": "${DINGTALK_APPSECRET}", "root_department_id": 1, "qps": 80,
		}},
		"erp": object{"type": "kingdee", "base_url": "http://" + vendors + "/kingdee/k3cloud/", "acct_id": "kingdee-sim-account-set", "username": "orgflow", "password": "${K3_PASSWORD}"},
	}))
	w.vendors()
	w.unlimited()
	w.load(demo(c.t))
}

// migrates prepares the database, twice.
func (c *cluster) migrates() {
	c.t.Helper()
	for _, what := range []string{"first", "second"} {
		if got := run(c.t, c.environment(), "starter", "migrate"); got.code != 0 {
			c.t.Fatalf("the %s starter migrate ended with %d: %s", what, got.code, got.err)
		}
	}
}

// settles pushes the people to DingTalk, pulls them from there and defines a
// flow.
func (c *cluster) settles() {
	c.t.Helper()
	c.db = c.opened(c.t)
	c.via(0).sync(demoJob)
	c.inStep()
	c.via(1).flowWorld().pulled()
	c.define("plain", []object{startAt(10), approve(10, "any", 20, "E1002", "E1003"), approve(20, "all", 99, "E1005"), endAt(99)}, nil)
}

// serves starts a starter.
func (c *cluster) serves(i int, env ...string) {
	c.t.Helper()
	c.starters[i] = start(c.t, c.environment(append(env, "ORGFLOW_HTTP_ADDR="+c.https[i])...), "starter", "serve")
	c.via(i).up(c.starters[i])
}

// via is the installation as it is reached through one of the starters, who
// take turns.
func (c *cluster) via(i int) *world {
	w := *c.world
	w.http = c.https[i%2]
	return &w
}

// flowWorld is a world one may ask for flows.
func (w *world) flowWorld() *flowWorld { return &flowWorld{world: w, channels: 1} }

// promoted gives everybody at the source another title, which is one update
// each, and empties DingTalk's log.
func (c *cluster) promoted(title string) {
	c.t.Helper()
	rows := c.source()
	for _, e := range rows.Employee {
		e["position"] = object{"name": title}
	}
	c.load(rows)
	c.forget()
}

// updated waits until so many people have their new title.
func (c *cluster) updated(n int) {
	c.t.Helper()
	eventually(c.t, time.Minute, 5*time.Millisecond, fmt.Sprint(n, " updates"), func() error {
		if got := c.requests("dingtalk").writesByPath()[userUpdate]; got < n {
			return fmt.Errorf("%d", got)
		}
		return nil
	})
}

// eachUpdatedOnce wants one accepted update for each of n people, and nothing
// else to have been written or refused.
func (c *cluster) eachUpdatedOnce(n int) {
	c.t.Helper()
	times, r := map[string]int{}, c.requests("dingtalk")
	for _, e := range r.Log {
		if !isWrite(e.Path) {
			continue
		}
		if e.Path != userUpdate || e.Outcome != "ok" {
			c.t.Errorf("%s of %s: %s", e.Path, e.Key, e.Outcome)
		}
		times[e.Key]++
	}
	for who, n := range times {
		if n != 1 {
			c.t.Errorf("%s was updated %d times", who, n)
		}
	}
	if len(times) != n {
		c.t.Errorf("%d people were updated, want %d; in all %v", len(times), n, r.Paths)
	}
}

// nothingTimedOut wants no activity and no workflow task of these workflows to
// have waited for a time-out: whoever stopped has said so.
func (c *cluster) nothingTimedOut(ids ...string) {
	c.t.Helper()
	cl := c.temporalClient()
	for _, id := range ids {
		activity := map[int64]string{}
		for _, e := range events(c.t, cl, id, "") {
			if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
				activity[e.GetEventId()] = a.GetActivityType().GetName()
			}
			if late := timedOut(e); late != "" {
				c.t.Errorf("%s: event %d, %s%s", id, e.GetEventId(), late, activity[e.GetActivityTaskStartedEventAttributes().GetScheduledEventId()])
			}
		}
	}
}

// timedOut says which time-out an event tells of, if any.
func timedOut(e *history.HistoryEvent) string {
	if late := e.GetActivityTaskStartedEventAttributes().GetLastFailure().GetTimeoutFailureInfo(); late != nil {
		return fmt.Sprintf("%s of an attempt of ", late.GetTimeoutType())
	}
	if name := e.GetEventType().String(); strings.HasSuffix(name, "TaskTimedOut") {
		return name
	}
	return ""
}
