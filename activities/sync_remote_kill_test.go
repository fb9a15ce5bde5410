package activities

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow/connectors"
	"orgflow/internal/store"
)

// mortalWindow is a worker's connection to a consumer that shows itself.
type mortalWindow struct {
	*window
	*reaper
}

func (m mortalWindow) ReadOrg(ctx context.Context, id string) (org connectors.RemoteOrg, err error) {
	err = m.step("ReadOrg", func() (err error) { org, err = m.window.ReadOrg(ctx, id); return })
	return
}

func (m mortalWindow) ReadMembers(ctx context.Context, org, cursor string) (page connectors.RemotePage, err error) {
	err = m.step("ReadMembers", func() (err error) { page, err = m.window.ReadMembers(ctx, org, cursor); return })
	return
}

func (m mortal) BeginRemote(ctx context.Context, run, root string, known ...string) error {
	return m.step("BeginRemote", func() error { return m.Store.BeginRemote(ctx, run, root, known...) })
}

func (m mortal) SaveRemotePage(ctx context.Context, run string, s store.RemoteStep) error {
	return m.step("SaveRemotePage", func() error { return m.Store.SaveRemotePage(ctx, run, s) })
}

func (m mortal) FinishRemote(ctx context.Context, run, cause string) error {
	return m.step("FinishRemote", func() error { return m.Store.FinishRemote(ctx, run, cause) })
}

func TestAReadThatIsKilledAnywhereGoesOnWhereItWas(t *testing.T) {
	try := func(t *testing.T, r *reaper) {
		w, v := newWorld(t), view(5)
		run := w.look(v)
		next := func() { w.sync = w.worker(mortal{w.db, r}, mortalWindow{v, r}) }
		next()
		got, err := w.readRemote(task{}, run)
		killed := r.restart()
		if !killed && err != nil {
			t.Fatal(err)
		}
		if killed {
			next()
			if got, err = w.readRemote(task{attempt: 2}, run); err != nil {
				t.Fatal(err)
			}
		}
		if !got.Complete || got.Departments != 4 || got.Persons != 12 {
			t.Errorf("got %+v", got)
		}
		if diff := cmp.Diff(v.all(), w.heldRemote(run)); diff != "" {
			t.Error(diff)
		}
		if n := len(repeated(v.asked)); n > remoteInFlight {
			t.Errorf("%d calls were repeated, more than were in flight", n)
		}
	}
	var alive reaper
	try(t, &alive)
	points := alive.seen
	if len(points) < 20 {
		t.Fatalf("only %d points: %v", len(points), points)
	}
	eachDeath(t, deaths(points, max(killEvery/4, 1)), try)
}
