package transport

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
)

// A call whose connection took long leaves at the next free slot, not late.
func TestALateConnectionTakesAnotherTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShared(&ledger{}, 10)
		const dial = 30 * time.Millisecond
		began := time.Now()
		var at time.Duration
		vendor := Func(func(req *http.Request) (*http.Response, error) {
			if err := board(req, dial); err != nil {
				return nil, err
			}
			at = time.Since(began)
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		})
		mustCall(t, Chain(vendor, Rate(s)))
		if at != s.every {
			t.Errorf("the call left after %v, want the second slot, %v", at, s.every)
		}
	})
}

// A call that was held up after its last look at the clock is made up for,
// whether somebody waits for the next slot or not.
func TestALateCallIsMadeUpFor(t *testing.T) {
	for name, idle := range map[string]bool{"by who waits": false, "at once where nobody does": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{}
				s, other := NewShared(l, 10), NewShared(l, 10)
				mustWait(t, s)
				began := time.Now()
				if idle {
					s.Late()
					synctest.Wait()
					mustWait(t, other)
				} else {
					go func() {
						time.Sleep(time.Millisecond)
						s.Late()
					}()
					mustWait(t, s)
				}
				if took := time.Since(began); took != 2*s.every {
					t.Errorf("the next call goes after %v, want %v", took, 2*s.every)
				}
			})
		})
	}
}

// Without a second turn the request does not go, though it has its
// connection: net/http would write it whatever the context says.
func TestWithoutASecondTurnNothingIsSent(t *testing.T) {
	for name, over := range map[string]func(http.Handler) *httptest.Server{"HTTP/1": httptest.NewServer, "HTTP/2": http2Server} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			server := over(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
			defer server.Close()
			base := server.Client().Transport
			turns := 0
			late := Func(func(req *http.Request) (*http.Response, error) {
				time.Sleep(2 * boardPatience) // between turn and connection
				return base.RoundTrip(req)
			})
			chain := Chain(late, Rate(limiterFunc(func(context.Context) error {
				if turns++; turns > 1 {
					return &TooLate{In: time.Minute}
				}
				return nil
			})), Outcome())
			for range 3 { // with a new connection and, where it may be, a used one
				turns = 0
				_, err := send(t, t.Context(), chain, http.MethodPost, server.URL, &Call{Write: true})
				f := (*orgflow.Fault)(nil)
				if !errors.As(err, &f) || f.Code != orgflow.CodeThrottled || f.RetryAfter != time.Minute {
					t.Errorf("got %v, want to be told to come back in a minute", err)
				}
			}
			if n := calls.Load(); n != 0 {
				t.Errorf("%d requests arrived", n)
			}
			// The connection that was shut disturbs nobody.
			turns = -10
			if _, err := send(t, t.Context(), chain, http.MethodPost, server.URL, &Call{Write: true}); err != nil || calls.Load() != 1 {
				t.Errorf("the next call: %v, %d arrived", err, calls.Load())
			}
		})
	}
}

func http2Server(h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	return s
}
