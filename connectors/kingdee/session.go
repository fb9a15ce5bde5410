package kingdee

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"orgflow"
)

// Times of a session. The server ends one after 20 minutes without a call
// (Kingdee reference § 2), which is learnt from the first call after.
const (
	// coolDown is between two logins where the session of the first never
	// worked: a login there answers success, and every call is refused.
	coolDown = time.Minute
	// loginBurst logins may come within loginSpan, so that two programs that
	// throw each other out do not do so many times a second.
	loginBurst = 10
	loginSpan  = 5 * time.Minute
	// refusalHolds is how long a refused login is not tried again: about
	// five wrong ones lock the account for half an hour (§ 2).
	refusalHolds = 10 * time.Minute
	// loginPatience bounds a login with its wait for the rate budget, whoever
	// waits for it.
	loginPatience = 10 * time.Minute
)

// session is the one session of a client, shared by all callers. At most
// one login is under way; callers that need it wait for it.
type session struct {
	login func(context.Context) (id string, err error)
	now   func() time.Time
	count atomic.Int64

	mu      sync.Mutex
	current held
	losses  int         // in a row, without a call in between that worked
	logins  []time.Time // the last loginBurst
	refusal *orgflow.Fault
	until   time.Time // of the refusal
	flight  *flight
}

// held is a session in hand; the generation tells it from later ones.
type held struct {
	id         string
	generation int
}

type flight struct {
	done chan struct{}
	held held
	err  error
}

// get returns the session, logging in where there is none. started says
// that this very call began the login, which goes on for the others when
// the caller leaves.
func (s *session) get(ctx context.Context) (h held, started bool, err error) {
	if err := ctx.Err(); err != nil {
		return held{}, false, err
	}
	s.mu.Lock()
	if s.current.id != "" {
		defer s.mu.Unlock()
		return s.current, false, nil
	}
	f := s.flight
	if f == nil {
		if err := s.mayLogin(); err != nil {
			s.mu.Unlock()
			return held{}, false, err
		}
		f, started = &flight{done: make(chan struct{})}, true
		s.flight = f
		go s.renew(context.WithoutCancel(ctx), f)
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.held, started, f.err
	case <-ctx.Done():
		return held{}, started, ctx.Err()
	}
}

// mayLogin is the fault that stands against a login now, nil for none.
func (s *session) mayLogin() error {
	now := s.now()
	if s.refusal != nil && now.Before(s.until) {
		f := *s.refusal
		f.Message = "not tried again for a while, so that the account is not locked: " + f.Message
		return &f
	}
	if s.losses > 1 {
		if wait := s.latest().Add(coolDown).Sub(now); wait > 0 {
			return lostFault(wait)
		}
	}
	if len(s.logins) == loginBurst {
		if wait := s.logins[0].Add(loginSpan).Sub(now); wait > 0 {
			f := lostFault(wait)
			f.Advice = "sessions end again and again; see whether another program logs in as the same user, and give orgflow a user of its own"
			return f
		}
	}
	return nil
}

func (s *session) latest() time.Time {
	if len(s.logins) == 0 {
		return time.Time{}
	}
	return s.logins[len(s.logins)-1]
}

// renew logs in once and wakes everybody who waits on f.
func (s *session) renew(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, loginPatience)
	defer cancel()
	id, err := s.login(ctx)
	if err != nil && ctx.Err() != nil { // ours, not a waiting caller's
		err = &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "the login took too long", Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if err == nil {
		s.count.Add(1)
		if s.logins = append(s.logins, now); len(s.logins) > loginBurst {
			s.logins = s.logins[1:]
		}
		s.refusal = nil
		s.current = held{id: id, generation: s.current.generation + 1}
	} else if fault := (*orgflow.Fault)(nil); errors.As(err, &fault) && !fault.Transient() {
		s.refusal, s.until = fault, now.Add(refusalHolds)
	}
	f.held, f.err = s.current, err
	s.flight = nil
	close(f.done)
}

// worked notes that a call was answered in this session.
func (s *session) worked(h held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.generation == s.current.generation {
		s.losses = 0
	}
}

// lost gives the session up, if it is still the current one: who learns late
// that an old one ended does not harm its successor. One of a row of sessions
// that never worked is kept until the next login is allowed, for some servers
// take minutes until a new one can be used (Kingdee reference § 3.2).
func (s *session) lost(h held) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.generation != s.current.generation || s.current.id == "" {
		return nil
	}
	s.losses++
	if err := s.mayLogin(); err != nil {
		return err
	}
	s.current.id = ""
	return nil
}

// outcome is what a call tells of its session.
type outcome int

const (
	sessionUnknown outcome = iota
	sessionWorked
	sessionLost
)

// use makes a call in the session. If the server has lost it, the call is
// made once more in a new one; a call that was refused so was not executed.
// logins is how many this caller began.
func (s *session) use(ctx context.Context, call func(id string) (outcome, error)) (logins int, err error) {
	for again := false; ; again = true {
		h, started, err := s.get(ctx)
		if started {
			logins++
		}
		if err != nil {
			return logins, err
		}
		out, err := call(h.id)
		if out == sessionWorked {
			s.worked(h)
		}
		if out != sessionLost {
			return logins, err
		}
		if again {
			s.stillLost(h)
			return logins, lostFault(coolDown)
		}
		if err := s.lost(h); err != nil {
			return logins, err
		}
	}
}

// stillLost counts the loss of a new session, which is kept.
func (s *session) stillLost(h held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.generation == s.current.generation {
		s.losses++
	}
}

func lostFault(wait time.Duration) *orgflow.Fault {
	m := meanings[codeSession]
	f := m.Fault(codeSession, "the ERP has lost the session, and a new login would come too soon", false)
	f.RetryAfter = wait
	return f
}
