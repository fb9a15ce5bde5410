package e2e

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// opened opens the installation's database for as long as a test.
func (w *world) opened(t *testing.T) *sql.DB {
	t.Helper()
	driver, dsn := "sqlite", "file:"+filepath.Join(w.data, "orgflow.db")+"?_pragma=busy_timeout(10000)"
	if url := w.env["ORGFLOW_DATABASE_URL"]; url != "" {
		driver, dsn = "postgres", url
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // it was only looked at
	return db
}

// messagesTo counts the messages about a flow to one person.
func (w *flowWorld) messagesTo(no, user string) int {
	w.t.Helper()
	var n int
	if err := w.db.QueryRow(fmt.Sprintf(`SELECT count(*) FROM outbox WHERE flow_no = '%s' AND to_user = '%s'`, no, user)).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// A process that is killed anywhere between the stored decision and the
// notification leaves one advance and one message, whoever asks again: the
// board, or nobody but the sweeper.
func TestAFlowSurvivesKill9(t *testing.T) {
	t.Parallel()
	for _, db := range []string{"sqlite", "postgres"} {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			w := newFlowWorld(t, db == "postgres", true)
			w.define("plain", []object{startAt(10), approve(10, "any", 20, "E2", "E3"), approve(20, "all", 99, "E5"), endAt(99)}, nil)
			var flows []string
			for i, after := range []time.Duration{0, 2 * time.Millisecond, 6 * time.Millisecond, 15 * time.Millisecond} {
				no := w.launched("plain", fmt.Sprintf("k%d", i))
				w.decide(no, 10, "E2", "approve")
				called := make(chan struct{})
				go func() {
					defer close(called)
					_, _ = w.tryFlow("onAudit", "flowRunningNumber", no) // whatever it answers, if anything
				}()
				timer := time.NewTimer(after)
				<-timer.C // the kill may fall anywhere; each place must do
				w.program.kill()
				<-called
				w.begins()
				w.advancedOnce(no, "E5", w.flow("onAudit", "flowRunningNumber", no))
				flows = append(flows, no)
			}
			no := w.launched("plain", "swept")
			w.decide(no, 10, "E2", "approve")
			w.program.kill()
			w.waitsLong(no)
			w.begins()
			w.advancedOnce(no, "E5", answered{Status: 200})
			w.lostLaunch()
			for _, no := range append(flows, no) {
				w.told(no, "E5", 1)
			}
			w.told("lost_0001", "E2", 1)
		})
	}
}

// advancedOnce wants one decision to have counted, and one task and one message
// on every channel for whoever is next.
func (w *flowWorld) advancedOnce(no, next string, a answered) {
	w.t.Helper()
	if a.Status != 200 && a.Status != 202 { // taken, and Temporal recovers from the kill
		w.t.Errorf("flow %s: %s", no, a)
	}
	eventually(w.t, time.Minute, 50*time.Millisecond, "the advance", func() error {
		if d := w.detail(no); !slices.Equal(d.Nodes, []int{20}) {
			return fmt.Errorf("%v", d.Nodes)
		}
		return nil
	})
	d := w.detail(no)
	if d.events("decided") != 1 || !slices.Equal(d.tasks(), []string{"10 E2 APPROVED", "10 E3 DONE_BY_OTHERS", "20 " + next + " ACTIVE"}) {
		w.t.Errorf("flow %s: %d decisions, %v", no, d.events("decided"), d.tasks())
	}
	if n := w.messagesTo(no, next); n != w.channels {
		w.t.Errorf("flow %s: %d messages to the next approver", no, n)
	}
}

// waitsLong moves the decisions on a flow back in time.
func (w *flowWorld) waitsLong(no string) {
	w.t.Helper()
	set := fmt.Sprint(time.Now().Add(-time.Minute).UnixMicro())
	if w.env["ORGFLOW_DATABASE_URL"] != "" {
		set = "now() - interval '1 minute'"
	}
	if _, err := w.db.Exec(fmt.Sprintf(`UPDATE flow_audit SET created_at = %s WHERE flow_no = '%s'`, set, no)); err != nil {
		w.t.Fatal(err)
	}
}

// lostLaunch is a flow that was stored by a process that died before it
// started the workflow: it has a number, and the sweeper starts it.
func (w *flowWorld) lostLaunch() {
	w.t.Helper()
	w.row("lost", object{"amount": 1})
	w.program.kill()
	started := fmt.Sprint(time.Now().Add(-time.Minute).UnixMicro())
	if w.env["ORGFLOW_DATABASE_URL"] != "" {
		started = "now() - interval '1 minute'"
	}
	_, err := w.db.Exec(`INSERT INTO flow_instance (company_id, no, code, version, data_id, title, initiator, initiator_name, initiator_dept, state, state_doc, started_at)
		VALUES (129, 'lost_0001', 'plain', 1, 'lost', '', 'E1', '员工1', '', 'STARTING', '{"schema":"flow/1","form":{}}', ` + started + `)`)
	if err != nil {
		w.t.Fatal(err)
	}
	w.begins()
	eventually(w.t, time.Minute, 100*time.Millisecond, "the lost launch", func() error {
		if d := w.detail("lost_0001"); d.State != "RUNNING" {
			return fmt.Errorf("%s", d.State)
		}
		return nil
	})
	if n := w.messagesTo("lost_0001", "E2"); n != w.channels {
		w.t.Errorf("%d messages to the first approver", n)
	}
}
