package transport_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
	"orgflow/internal/transport"
)

// turns lets calls go when it is told to.
type turns struct {
	waiting chan struct{} // receives a token from every call that waits
	let     chan struct{}
}

func (l turns) Wait(ctx context.Context) error {
	l.waiting <- struct{}{}
	select {
	case <-l.let:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// An effect is called off while its first call waits for its turn; once that
// call was let go, the others of the same effect are made whatever happens.
func TestAnEffectIsCalledOffBeforeItsFirstCallOnly(t *testing.T) {
	for name, begun := range map[string]bool{"before": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			l := turns{waiting: make(chan struct{}, 1), let: make(chan struct{}, 1)}
			sent := 0
			chain := transport.Rate(l)(transport.Func(func(*http.Request) (*http.Response, error) {
				sent++
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
			}))
			stop, cancel := context.WithCancel(context.Background())
			defer cancel()
			ctx := orgflow.WithOperation(context.Background(), stop)
			do := func() error {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1/", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				res, err := chain.RoundTrip(req)
				if err == nil {
					_ = res.Body.Close()
				}
				return err
			}
			if begun {
				l.let <- struct{}{}
				if err := do(); err != nil {
					t.Fatal(err)
				}
				<-l.waiting
			}
			if off := orgflow.CalledOff(ctx); (off == nil) != begun {
				t.Errorf("it can be called off: %v", off != nil)
			}
			done := make(chan error)
			go func() { done <- do() }()
			<-l.waiting
			cancel()
			if begun {
				l.let <- struct{}{}
			}
			err := <-done
			f, called := errors.AsType[*orgflow.Fault](err)
			if begun && (err != nil || sent != 2) {
				t.Errorf("a later call of the effect: %v, %d sent", err, sent)
			}
			if !begun && (!called || f.Code != orgflow.CodeUnavailable || sent != 0) {
				t.Errorf("the first call: %v, %d sent", err, sent)
			}
		})
	}
}

// Who only looks waits for a turn as long as was said, and is told why there
// was none.
func TestPatienceBoundsTheWaitForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := turns{waiting: make(chan struct{}, 1), let: make(chan struct{})}
		chain := transport.Rate(l)(transport.Func(func(*http.Request) (*http.Response, error) {
			t.Error("a call was made without a turn")
			return nil, errors.New("made")
		}))
		req, err := http.NewRequestWithContext(transport.WithPatience(t.Context(), 3*time.Second), http.MethodGet, "http://127.0.0.1/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		res, err := chain.RoundTrip(req)
		if err == nil {
			_ = res.Body.Close()
		}
		if f := orgflow.AsFault(err); f.Code != orgflow.CodeThrottled || time.Since(began) != 3*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}
