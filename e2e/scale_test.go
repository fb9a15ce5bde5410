package e2e

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

// The way it runs in production: Temporal elsewhere, PostgreSQL, two workers
// and two starters that may come and go. Stopped in order, at any moment,
// nothing is lost and nothing done twice; TestStorm kills them.
func TestScaledOut(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.workerStopsInOrder()
	c.starterStopsInOrder()
	c.secondSignal()
	c.serves(0)
	c.calm(2)
}

// workerStopsInOrder stops a worker with SIGTERM in the middle of a sync and
// of flows that are launched: no call is lost, repeated or in doubt, and
// nobody waits for a time-out.
func (c *cluster) workerStopsInOrder() {
	c.t.Helper()
	c.promoted("职级二")
	run := c.via(1).begin(demoJob)
	c.updated(90)
	const launches = 12
	for i := range launches {
		c.row(fmt.Sprint("stopped", i), object{"amount": 1})
	}
	stopped, began := c.workers[0], time.Now()
	stopped.signal(syscall.SIGTERM)
	ids := []string{run}
	for _, a := range c.together(launches, func(i int) (answered, error) {
		return c.via(i).flowWorld().tryFlow("launch", "flowCode", "plain", "dataId", fmt.Sprint("stopped", i), "userCode", "E1001")
	}) {
		c.runs(a)
		ids = append(ids, a.Data.No)
	}
	if code := stopped.exit(40 * time.Second); code != 0 {
		c.t.Errorf("the worker ended with %d", code)
	}
	c.t.Logf("the worker ended after %s", time.Since(began).Round(10*time.Millisecond))
	c.via(0).completed(c.via(0).await(run, time.Minute))
	c.inStep()
	c.eachUpdatedOnce(300)
	for _, e := range c.requests("dingtalk").Log {
		if e.Path == "/topapi/v2/user/get" {
			c.t.Errorf("%s was read back: the stopped worker has left it in doubt", e.Key)
		}
	}
	c.nothingTimedOut(ids...)
}

// starterStopsInOrder stops a starter while a launch is on its way: it says
// that it is not ready, then takes nobody in, and the launch is answered.
func (c *cluster) starterStopsInOrder() {
	c.t.Helper()
	c.starters[0].kill()
	c.serves(0, "ORGFLOW_HTTP_DRAIN=2s")
	leaving := c.via(0).flowWorld()
	leaving.row("draining", object{"amount": 1})
	hold, err := c.db.BeginTx(c.t.Context(), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = hold.Rollback() }() // it has been, unless the test failed
	if _, err := hold.Exec(`LOCK TABLE flow_serial IN ACCESS EXCLUSIVE MODE`); err != nil {
		c.t.Fatal(err)
	}
	type outcome struct {
		answered
		error
	}
	launched := make(chan outcome, 1)
	go func() {
		a, err := leaving.tryFlow("launch", "flowCode", "plain", "dataId", "draining", "userCode", "E1001")
		launched <- outcome{a, err}
	}()
	eventually(c.t, time.Minute, 10*time.Millisecond, "the launch waits", func() error {
		var waits bool
		if err := c.db.QueryRow(`SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'flow_serial'::regclass)`).Scan(&waits); err != nil || waits {
			return err
		}
		return errNotYet
	})
	c.starters[0].signal(syscall.SIGTERM)
	c.unready(0)
	eventually(c.t, time.Minute, 10*time.Millisecond, "nobody is taken in", func() error {
		conn, err := net.Dial("tcp", c.https[0])
		if err != nil {
			return nil //nolint:nilerr // that is what is waited for
		}
		_ = conn.Close()
		return errNotYet
	})
	if err := hold.Rollback(); err != nil {
		c.t.Fatal(err)
	}
	a := <-launched
	if a.error != nil {
		c.t.Fatalf("the launch in flight was not answered: %v", a.error)
	}
	c.runs(a.answered)
	if code := c.starters[0].exit(40 * time.Second); code != 0 {
		c.t.Errorf("the starter ended with %d", code)
	}
}

// unready wants a starter's /readyz to answer 503.
func (c *cluster) unready(i int) {
	c.t.Helper()
	eventually(c.t, time.Minute, 5*time.Millisecond, "not ready", func() error {
		status, body, err := call("GET", "http://"+c.https[i]+"/readyz", "")
		if err != nil || status != 503 {
			return fmt.Errorf("%d %s %v", status, body, err)
		}
		return nil
	})
}

// secondSignal ends a starter that would go on for a minute.
func (c *cluster) secondSignal() {
	c.t.Helper()
	c.serves(0, "ORGFLOW_HTTP_DRAIN=1m")
	c.starters[0].signal(syscall.SIGTERM)
	c.unready(0)
	c.starters[0].signal(syscall.SIGTERM)
	if code := c.starters[0].exit(20 * time.Second); code == 0 {
		c.t.Error("a second signal let the starter end in order")
	}
}
