package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/store"
)

// issue begins a session and ends the one this browser had, so that nothing
// known before the sign-in is worth anything after it. It is in the audit log
// before the browser gets its cookie.
func (s *Service) issue(w http.ResponseWriter, r *http.Request, n store.Session, code string) error {
	ctx := r.Context()
	if old := cookieValue(r, sessionCookie); old != "" {
		if err := s.Store.EndSession(ctx, hashOf(old)); err != nil {
			return err
		}
	}
	token, now := newSecret(), s.Now()
	n.ID, n.Address = hashOf(token), Address(r)
	n.CreatedAt, n.SeenAt, n.VerifiedAt, n.ExpiresAt = now, now, now, now.Add(absoluteLife)
	if err := s.Store.CreateSession(ctx, n); err != nil {
		return err
	}
	if err := s.audit(r, store.AuditEntry{CompanyID: n.CompanyID, Who: code, Action: "sign_in", Detail: n.Origin}); err != nil {
		return errors.Join(err, s.Store.EndSession(ctx, n.ID))
	}
	setCookie(w, r, sessionCookie, token, int(absoluteLife.Seconds()))
	setCookie(w, r, attemptCookie, "", -1)
	s.Logger.InfoContext(ctx, "signed in", "company", n.CompanyID, "user", code, "origin", n.Origin, "address", n.Address)
	return nil
}

type onceKey struct{}

// once holds what Who said of a request.
type once struct {
	known bool
	who   *Caller
	err   error
}

// Once makes Who look a request up once, whoever asks how often, where the
// request's context is made of the one it returns. A request is of one
// goroutine.
func Once(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, &once{})
}

// Who says who is signed in: nil where the request's cookie is nobody's, or
// nobody's any more. An error is that it could not be found out, which is not
// somebody either.
func (s *Service) Who(r *http.Request) (*Caller, error) {
	o, _ := r.Context().Value(onceKey{}).(*once)
	if o == nil {
		return s.who(r)
	}
	if !o.known {
		o.who, o.err = s.who(r)
		o.known = true
	}
	return o.who, o.err
}

func (s *Service) who(r *http.Request) (*Caller, error) {
	token := cookieValue(r, sessionCookie)
	if !plausible(token) {
		return nil, nil
	}
	ctx := r.Context()
	n, err := s.Store.GetSession(ctx, hashOf(token))
	if errors.Is(err, store.ErrNotFound) || err == nil && !matches(token, n.ID) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := s.Now()
	if !now.Before(n.ExpiresAt) || now.Sub(n.SeenAt) >= idleLife {
		return nil, s.end(r, n, "session_over", "")
	}
	if n.Origin == OriginLocal {
		if !local(r) {
			return nil, nil
		}
		return s.seen(ctx, n, Identity{Code: localAdmin, Access: config.AccessAdmin})
	}
	return s.member(r, n)
}

// member is Who for somebody DingTalk vouched for. Each request looks whether
// the local organisation still has them and what they may do now; now and
// then DingTalk is asked.
func (s *Service) member(r *http.Request, n store.Session) (*Caller, error) {
	ctx := r.Context()
	still, err := s.verify(ctx, &n)
	if err != nil {
		return nil, err
	}
	if !still {
		return nil, s.end(r, n, "session_ended", "not a member any more")
	}
	who, err := s.Companies.Identify(ctx, n.CompanyID, n.UserID)
	switch {
	case errors.Is(err, ErrAmbiguous):
		return nil, s.end(r, n, "session_ended", err.Error())
	case err != nil && orgflow.AsFault(err).Code == orgflow.CodeNotFound:
		return nil, s.end(r, n, "session_ended", "the company is not configured any more")
	case err != nil:
		return nil, err
	case !who.Here && who.AsOf.After(n.VerifiedAt):
		return nil, s.end(r, n, "session_ended", "not in the organisation any more")
	}
	return s.seen(ctx, n, who)
}

// verify asks DingTalk, where the last yes is old. While it gives no answer
// the last one holds for a while.
func (s *Service) verify(ctx context.Context, n *store.Session) (still bool, err error) {
	age := s.Now().Sub(n.VerifiedAt)
	if age < verifyEvery {
		return true, nil
	}
	_, err, _ = s.verified.Do(n.ID, func() (any, error) {
		door, err := s.Companies.Door(n.CompanyID)
		if err != nil {
			return nil, err
		}
		// Others may wait for this answer: it outlives the request.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verifyTime)
		defer cancel()
		return door.MemberByID(ctx, n.UserID)
	})
	switch fault := orgflow.AsFault(err); {
	case err == nil:
		n.VerifiedAt = s.Now()
		return true, nil
	case fault.Code == orgflow.CodeNotFound:
		return false, nil
	case age < verifiedAtMost:
		s.Logger.WarnContext(ctx, "membership not confirmed; the last confirmation holds for now", "user", n.UserID, "error", err)
		return true, nil
	default:
		return false, &orgflow.Fault{
			Code: orgflow.CodeUnavailable, Err: err,
			Message: "it cannot be confirmed that you are still a member: DingTalk gives no answer",
			Advice:  "try again later; on the machine itself starter admin-link lets an administrator in",
		}
	}
}

// seen notes that a session is in use and returns whose it is.
func (s *Service) seen(ctx context.Context, n store.Session, who Identity) (*Caller, error) {
	now := s.Now()
	if n.Origin == OriginLocal {
		n.VerifiedAt = now
	}
	if now.Sub(n.SeenAt) >= seenEvery || n.VerifiedAt.Equal(now) {
		if err := s.Store.SeeSession(ctx, n.ID, now, n.VerifiedAt); err != nil {
			return nil, err
		}
	}
	return &Caller{
		CompanyID: n.CompanyID, Origin: n.Origin, UserID: n.UserID, Code: who.Code, Name: n.Name,
		Access: who.Access, ExpiresAt: n.ExpiresAt, session: n.ID,
	}, nil
}

// end ends a session that is over and writes down why.
func (s *Service) end(r *http.Request, n store.Session, action, why string) error {
	if err := s.Store.EndSession(r.Context(), n.ID); err != nil {
		return err
	}
	return s.audit(r, store.AuditEntry{CompanyID: n.CompanyID, Who: n.UserID, Action: action, Detail: why})
}

// signOut ends the caller's session, or all they have.
func (s *Service) signOut(r *http.Request, c *Caller, everywhere bool) error {
	detail := ""
	if everywhere {
		n, err := s.Store.EndSessionsOf(r.Context(), c.CompanyID, c.Origin, c.UserID)
		if err != nil {
			return err
		}
		detail = fmt.Sprintf("%d sessions", n)
	} else if err := s.Store.EndSession(r.Context(), c.session); err != nil {
		return err
	}
	return s.audit(r, store.AuditEntry{CompanyID: c.CompanyID, Who: c.Code, Action: "sign_out", Detail: detail})
}

// AdminLink makes a link by which whoever has it becomes administrator: once,
// within ten minutes, on this machine. base is the server's address.
func (s *Service) AdminLink(ctx context.Context, base string) (string, error) {
	token := newSecret()
	err := s.Store.SaveAttempt(ctx, store.Attempt{ID: hashOf(token), Purpose: OriginLocal, ExpiresAt: s.Now().Add(attemptLife)})
	if err != nil {
		return "", err
	}
	return base + "/signin/local?token=" + token, nil
}

// forget removes what is long over; it is no matter when.
func (s *Service) forget(ctx context.Context) {
	if err := s.Store.ForgetSignIns(ctx, s.Now().Add(-time.Hour)); err != nil {
		s.Logger.WarnContext(ctx, "old sign-ins were not removed", "error", err)
	}
}
