package activities

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// aYearLater is team(3) after news: 1002 has another title and department,
// 1003 has left, 1004 and a department have come.
func aYearLater() ([]org, []person) {
	orgs, people := team(4)
	people[1].Title, people[1].Dept = "高级工程师", 13
	people[3].Dept = 13
	return append(orgs, org{ID: 13, Name: "平台", Parent: 11}), append(people[:2:2], people[3])
}

// A database that is older than what the consumer holds: the run after the
// restore finds what came since and doubles nobody.
func TestARestoredBackupDoublesNobody(t *testing.T) {
	for name, c := range map[string]struct {
		vendor vendor
		holds  func(any) holding
	}{
		"DingTalk": {dingTalkVendor("v2"), heldAtDingTalk},
		"WeCom":    {unlimited(), heldAtWeCom},
	} {
		for _, mode := range []string{"reconcile", "incremental"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				w := newSite(t, c.vendor)
				w.source.hold(team(3))
				w.completes("the first run")
				backup := filepath.Join(t.TempDir(), "backup.db")
				if err := w.db.Backup(context.Background(), backup); err != nil {
					t.Fatal(err)
				}
				w.source.hold(aYearLater())
				w.completes("a run after the backup")
				truth := c.holds(w.sim.State())

				restored := openSite(t, c.vendor, "sqlite://"+backup, raw(w.sim.State()))
				restored.number = 100 // Temporal is newer: its ids go on
				restored.source.hold(aYearLater())
				if mode == "reconcile" {
					if s := restored.reads(`{"mode": "reconcile", "delete_limit": {"percent": 100, "count": 1000}}`); s.Status != orgflow.StatusCompleted {
						t.Fatalf("%s: %+v %s", s.Status, s.Error, restored.troubles(s.ID))
					}
				}
				// After a reconcile this sends again what the old bindings do not
				// know to be there: the same values.
				restored.completes("the run after the restore")
				if d := cmp.Diff(truth, c.holds(restored.sim.State()), cmp.AllowUnexported(holding{})); d != "" {
					t.Errorf("the consumer is another (-before +after the restore):\n%s", d)
				}
				restored.quiet()
				if d := cmp.Diff(w.consumerIDs(), restored.consumerIDs()); d != "" {
					t.Errorf("bound otherwise than before (-before +after):\n%s", d)
				}
			})
		}
	}
}

func (w *site) consumerIDs() map[string]string {
	ids := map[string]string{}
	for record, b := range w.boundAt(w.vendor.code) {
		ids[record] = b.ConsumerID
	}
	return ids
}

// Who has left and is erased does not come back, and nobody else is touched:
// the next run has nothing to do.
func TestAfterAnErasureThereIsNothingToDo(t *testing.T) {
	w := newSite(t, dingTalkVendor("v2"))
	orgs, people := team(3)
	people[0].Manager = 1003 // who leaves
	w.source.hold(orgs, people)
	w.completes("the first run")
	ask := orgflow.EraseRequest{CompanyID: company, Ref: "E1003", By: "E9", Reason: "asked for"}
	if _, err := w.db.ErasePerson(context.Background(), ask); err == nil || !strings.Contains(err.Error(), "still at a consumer (ding_talk)") {
		t.Fatalf("somebody who is there: %v", err)
	}
	people[0].Manager = 0
	w.source.hold(orgs, people[:2])
	gone := w.completes("the run after they left")
	before := w.consumerIDs()
	done, err := w.db.ErasePerson(context.Background(), ask)
	if err != nil || done.Cleared["sync_change"] != 2 || done.Cleared["provisioning_log"] == 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	w.quiet()
	if d := cmp.Diff(before, w.consumerIDs()); d != "" {
		t.Error(d)
	}
	// An undo of the run that deleted them has nobody to bring back.
	if n, err := w.db.CountEffects(context.Background(), gone.ID); err != nil || n != 0 {
		t.Errorf("an undo would take back %d changes: %v", n, err)
	}
	if found, err := w.db.ExportPerson(context.Background(), company, "E1003", "E9", "cli op"); err == nil {
		t.Errorf("found: %v", found.Tables)
	}
}
