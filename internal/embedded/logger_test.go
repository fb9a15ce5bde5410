package embedded

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

func TestTheServersLogIsQuiet(t *testing.T) {
	var out bytes.Buffer
	b := newBridge(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	child := log.With(b, tag.String("service", "history"))
	child.Debug("a detail")
	child.Info("a step")
	if out.Len() != 0 {
		t.Errorf("below warn: %s", out.String())
	}
	child.Warn("a warning", tag.String("shard", "1"))
	for _, want := range []string{"level=WARN", "a warning", "component=temporal", "service=history", "shard=1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s lacks %s", out.String(), want)
		}
	}
	out.Reset()
	b.silence()
	child.Error("a lost connection")
	if out.Len() != 0 {
		t.Errorf("while stopping: %s", out.String())
	}
}

func TestAFatalFailureEndsNeitherProcessNorSilence(t *testing.T) {
	s := &Server{logger: newBridge(slog.New(slog.DiscardHandler)), failed: make(chan error, 1), stopping: make(chan struct{})}
	go s.watch()
	ended := make(chan bool)
	go func() {
		returned := false
		defer func() { ended <- returned }()
		s.logger.Fatal("cannot serve", tag.Error(errors.New("port taken")))
		returned = true
	}()
	if <-ended {
		t.Error("Fatal returned to its caller")
	}
	if err := <-s.Failed(); !strings.Contains(err.Error(), "cannot serve: port taken") {
		t.Errorf("reported %v", err)
	}
	s.Stop()
}
