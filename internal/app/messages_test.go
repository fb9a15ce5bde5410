package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/store"
)

// bell notes which workflows are signalled or started.
type bell struct {
	client.Client
	rung []string
	stop context.CancelFunc // called by the first, if any
}

func (b *bell) SignalWithStartWorkflow(_ context.Context, id, signal string, _ any, o client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error) {
	b.rung = append(b.rung, fmt.Sprint(signal, " ", id, " ", workflow, args, " on ", o.TaskQueue))
	if b.stop != nil {
		b.stop()
	}
	return nil, nil
}

// outbox is an empty database.
func outbox(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "orgflow.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the directory goes anyway
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// Messages whose writer died before saying so are noticed by any worker.
func TestMessagesNobodyDealsWithAreNoticed(t *testing.T) {
	db := outbox(t)
	a := &App{Store: db, Config: config.Config{Temporal: config.Temporal{TaskQueue: "orgflow"}}, Log: slog.New(slog.DiscardHandler)}
	for _, channel := range []string{"ding_talk", "we_com"} {
		m := store.NewMessage{DedupKey: channel, Channel: channel, ToUser: "E1", Subject: "RW1", Body: `{"title":"t","text":"x"}`}
		if _, err := db.Enqueue(t.Context(), 129, []store.NewMessage{m}); err != nil {
			t.Fatal(err)
		}
	}
	b := &bell{}
	if err := a.remindOfMessages(t.Context(), b, overdue); err != nil || len(b.rung) > 0 {
		t.Errorf("of messages just written: %q, %v", b.rung, err)
	}
	if _, err := db.DB().ExecContext(t.Context(), `UPDATE outbox SET created_at = created_at - ?`, (overdue + time.Second).Microseconds()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	b.stop = stop
	a.WatchMessages(ctx, b) // until the bell stops it
	want := []string{"notify notify-129-ding_talk Notify[129/ding_talk] on orgflow", "notify notify-129-we_com Notify[129/we_com] on orgflow"}
	if d := cmp.Diff(want, b.rung); d != "" {
		t.Error(d)
	}
}

// What was stored in a process that watches the outbox is told at once.
func TestMessagesJustStoredAreToldAtOnce(t *testing.T) {
	db := outbox(t)
	a := &App{Store: db, Log: slog.New(slog.DiscardHandler), stored: make(chan struct{}, 1)}
	m := store.NewMessage{DedupKey: "k", Channel: "ding_talk", ToUser: "E1", Subject: "RW1", Body: `{"title":"t","text":"x"}`}
	if _, err := db.Enqueue(t.Context(), 129, []store.NewMessage{m}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), watchEvery/2) // before the next regular look
	defer stop()
	b := &bell{stop: stop}
	a.watching.Store(true)
	for range 2 { // neither waits
		a.messagesStored(ctx, orgflow.Target{CompanyID: 129, Consumer: "ding_talk"})
	}
	a.WatchMessages(ctx, b)
	if len(b.rung) != 1 {
		t.Errorf("told of %q", b.rung)
	}
}
