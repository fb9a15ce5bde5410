package store

import (
	"context"
	"fmt"
)

// Remember stores the answer to an API call under its idempotency key. The
// first value stays: stored is what the key has now, and fresh tells whether
// this call put it there.
func (s *Store) Remember(ctx context.Context, key, value string) (stored string, fresh bool, err error) {
	if err := required("/key", key); err != nil {
		return "", false, fmt.Errorf("remember idempotency key: %w", err)
	}
	if err := check("/value", value); err != nil {
		return "", false, fmt.Errorf("remember idempotency key: %w", err)
	}
	n, err := s.exec(ctx, "remember idempotency key",
		`INSERT INTO idempotency_key (id, value, created_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING`, key, value, s.now())
	if err != nil || n == 1 {
		return value, n == 1, err
	}
	err = s.get(ctx, "read idempotency key", &stored, `SELECT value FROM idempotency_key WHERE id = ?`, key)
	return stored, false, err
}
