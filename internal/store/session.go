package store

import (
	"context"
	"fmt"
	"time"
)

// Session is somebody who is signed in. ID is the hash of the cookie's token;
// the token itself is nowhere but in the browser.
type Session struct {
	ID         string
	CompanyID  int64  // 0: of none in particular
	Origin     string // the consumer that vouched for them, or "local"
	UserID     string // at the origin
	Name       string
	Address    string // they signed in from
	CreatedAt  time.Time
	SeenAt     time.Time
	VerifiedAt time.Time // it was last seen that they belong to the organisation
	ExpiresAt  time.Time // whatever they do
}

type sessionRow struct {
	ID         string `db:"id"`
	CompanyID  int64  `db:"company_id"`
	Origin     string `db:"origin"`
	UserID     string `db:"user_id"`
	Name       string `db:"name"`
	Address    string `db:"address"`
	CreatedAt  stamp  `db:"created_at"`
	SeenAt     stamp  `db:"seen_at"`
	VerifiedAt stamp  `db:"verified_at"`
	ExpiresAt  stamp  `db:"expires_at"`
}

const sessionColumns = `id, company_id, origin, user_id, name, address, created_at, seen_at, verified_at, expires_at`

// CreateSession keeps a session. One whose ID is taken is refused.
func (s *Store) CreateSession(ctx context.Context, n Session) error {
	if err := required("/id", n.ID, "/origin", n.Origin, "/user_id", n.UserID); err != nil {
		return fmt.Errorf("create session: %w", err)
	}
	_, err := s.exec(ctx, "create session", `INSERT INTO api_session (`+sessionColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		n.ID, n.CompanyID, n.Origin, n.UserID, clean(n.Name), clean(n.Address), at(n.CreatedAt), at(n.SeenAt), at(n.VerifiedAt), at(n.ExpiresAt))
	return err
}

// GetSession returns a session, over or not, or ErrNotFound.
func (s *Store) GetSession(ctx context.Context, id string) (Session, error) {
	var r sessionRow
	err := s.get(ctx, "session", &r, `SELECT `+sessionColumns+` FROM api_session WHERE id = ?`, id)
	return Session{r.ID, r.CompanyID, r.Origin, r.UserID, r.Name, r.Address, r.CreatedAt.Time, r.SeenAt.Time, r.VerifiedAt.Time, r.ExpiresAt.Time}, err
}

// SeeSession notes when a session was last used and its bearer verified. One
// that has ended meanwhile stays ended.
func (s *Store) SeeSession(ctx context.Context, id string, seen, verified time.Time) error {
	_, err := s.exec(ctx, "see session", `UPDATE api_session SET seen_at = ?, verified_at = ? WHERE id = ?`, at(seen), at(verified), id)
	return err
}

// EndSession ends a session; one that is not there has ended already.
func (s *Store) EndSession(ctx context.Context, id string) error {
	_, err := s.exec(ctx, "end session", `DELETE FROM api_session WHERE id = ?`, id)
	return err
}

// EndSessionsOf ends all sessions of a person and returns how many there were.
func (s *Store) EndSessionsOf(ctx context.Context, company int64, origin, userID string) (int, error) {
	return s.exec(ctx, "end sessions", `DELETE FROM api_session WHERE company_id = ? AND origin = ? AND user_id = ?`, company, origin, userID)
}

// Attempt is a sign-in that was begun. ID and Browser are hashes.
type Attempt struct {
	ID        string
	Purpose   string
	CompanyID int64
	Browser   string
	ReturnTo  string
	ExpiresAt time.Time
}

type attemptRow struct {
	ID        string `db:"id"`
	Purpose   string `db:"purpose"`
	CompanyID int64  `db:"company_id"`
	Browser   string `db:"browser"`
	ReturnTo  string `db:"return_to"`
	ExpiresAt stamp  `db:"expires_at"`
}

// SaveAttempt keeps an attempt until it is taken.
func (s *Store) SaveAttempt(ctx context.Context, a Attempt) error {
	if err := required("/id", a.ID); err != nil {
		return fmt.Errorf("save sign-in attempt: %w", err)
	}
	_, err := s.exec(ctx, "save sign-in attempt",
		`INSERT INTO signin_attempt (id, purpose, company_id, browser, return_to, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
		a.ID, a.Purpose, a.CompanyID, a.Browser, clean(a.ReturnTo), at(a.ExpiresAt))
	return err
}

// TakeAttempt removes an attempt and returns it: of any number of callers one
// gets it, the others ErrNotFound. Whether it is over is the caller's to see.
func (s *Store) TakeAttempt(ctx context.Context, id, purpose string) (Attempt, error) {
	var r attemptRow
	err := s.inTx(ctx, "take sign-in attempt", func(t *tx) error {
		r = attemptRow{}
		return t.get(ctx, &r, `DELETE FROM signin_attempt WHERE id = ? AND purpose = ?
			RETURNING id, purpose, company_id, browser, return_to, expires_at`, id, purpose)
	})
	return Attempt{r.ID, r.Purpose, r.CompanyID, r.Browser, r.ReturnTo, r.ExpiresAt.Time}, err
}

// ForgetSignIns removes sessions and attempts that ended before a time.
func (s *Store) ForgetSignIns(ctx context.Context, before time.Time) error {
	return s.inTx(ctx, "forget old sign-ins", func(t *tx) error {
		for _, table := range []string{"api_session", "signin_attempt"} {
			if _, err := t.exec(ctx, `DELETE FROM `+table+` WHERE expires_at < ?`, at(before)); err != nil {
				return err
			}
		}
		return nil
	})
}
