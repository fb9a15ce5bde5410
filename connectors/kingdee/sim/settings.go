package kdsim

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"orgflow/connectors/simctl"
)

// Settings are the switches of PUT /_sim/kingdee/options.
type Settings struct {
	AcctID string `json:"acct_id"`
	Users  []User `json:"users"`
	Apps   []App  `json:"apps"`
	// OrgNumbers are organisations that may be switched to; empty allows any.
	OrgNumbers []string `json:"org_numbers"`
	// SignDigest of LoginBySign: "sha256", or "sha1" for older servers (§ 2).
	SignDigest string `json:"sign_digest"`
	// WrongAcct is what a wrong account set is told: "message" (数据中心无法获取到),
	// or "lost", the misleading words of a lost session.
	WrongAcct      string `json:"wrong_acct"`
	SessionSeconds int    `json:"session_seconds"` // sliding
	// OneSession: a login ends the user's other sessions.
	OneSession  bool `json:"one_session"`
	LockAfter   int  `json:"lock_after"` // wrong passwords; 0 is never
	LockSeconds int  `json:"lock_seconds"`

	// LostShape is how a lost session is told: "service" (as § 3.2 says for
	// each), "nested" [[{}]], "list" [{}], "object" {} or "empty".
	LostShape string `json:"lost_shape"`
	// MaxRows is the most rows of a page (§ 4.1); a larger Limit gets as many.
	MaxRows int `json:"max_rows"`
	// TopRow is what TopRowCount means: "end", an absolute end row, or
	// "count", a number of rows.
	TopRow string `json:"top_row"`
	// Stable: without OrderString rows come in a fixed order all the same.
	Stable bool `json:"stable_without_order"`
	// BillQuery: the newer service is there.
	BillQuery bool `json:"bill_query"`
	// ConflictEvery lets each n-th save meet a conflict (MsgCode 13).
	ConflictEvery int `json:"conflict_every"`

	QPS         int `json:"qps"`           // calls a second, else MsgCode 14; 0 is no limit
	MaxInFlight int `json:"max_in_flight"` // calls at once, else MsgCode 14; 0 is no limit
	LatencyMS   int `json:"latency_ms"`
}

// User may log in with a password.
type User struct {
	Name     string `json:"username"`
	Password string `json:"password"`
	// NoWebAPI: not on the list of those who may call it.
	NoWebAPI bool `json:"no_webapi,omitempty"`
	// Result is the LoginResultType of a right password; 0 is 1.
	Result int `json:"result,omitempty"`
}

// App logs its users in without their passwords.
type App struct {
	ID     string   `json:"app_id"`
	Secret string   `json:"app_secret"`
	Users  []string `json:"users"`
}

// DefaultSettings are in force at the start and after a reset.
func DefaultSettings() Settings {
	return Settings{
		AcctID:     "kingdee-sim-account-set",
		Users:      []User{{Name: "orgflow", Password: "kingdee-sim-password"}},
		Apps:       []App{{ID: "219001_kingdeesim", Secret: "kingdee-sim-app-secret", Users: []string{"orgflow"}}},
		SignDigest: "sha256", WrongAcct: "message", SessionSeconds: 1200, LockAfter: 5, LockSeconds: 1800,
		LostShape: "service", MaxRows: 2000, TopRow: "end", BillQuery: true, OrgNumbers: []string{},
	}
}

// Options implements simctl.Simulator.
func (s *Sim) Options() any { return *s.settings.Load() }

// SetOptions implements simctl.Simulator: named switches change, the others stay.
func (s *Sim) SetOptions(raw json.RawMessage) error {
	n := *s.settings.Load()
	// Decoding into a list reuses its elements: these must be our own.
	n.Users, n.Apps, n.OrgNumbers = slices.Clone(n.Users), slices.Clone(n.Apps), slices.Clone(n.OrgNumbers)
	for i := range n.Apps {
		n.Apps[i].Users = slices.Clone(n.Apps[i].Users)
	}
	if err := simctl.DecodeStrict(raw, &n); err != nil {
		return err
	}
	if err := n.check(); err != nil {
		return err
	}
	s.settings.Store(&n)
	s.desk.SetLatency(time.Duration(n.LatencyMS) * time.Millisecond)
	return nil
}

func (n Settings) check() error {
	return cmp.Or(
		simctl.OneOf("sign_digest", n.SignDigest, "sha256", "sha1"),
		simctl.OneOf("wrong_acct", n.WrongAcct, "message", "lost"),
		simctl.OneOf("lost_shape", n.LostShape, "service", "nested", "list", "object", "empty"),
		simctl.OneOf("top_row", n.TopRow, "end", "count"),
		simctl.AtLeast("session_seconds", n.SessionSeconds, 1),
		simctl.AtLeast("lock_after", n.LockAfter, 0),
		simctl.AtLeast("lock_seconds", n.LockSeconds, 0),
		simctl.AtLeast("max_rows", n.MaxRows, 1),
		simctl.AtLeast("conflict_every", n.ConflictEvery, 0),
		simctl.AtLeast("qps", n.QPS, 0),
		simctl.AtLeast("max_in_flight", n.MaxInFlight, 0),
		simctl.AtLeast("latency_ms", n.LatencyMS, 0),
	)
}
