package dtsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"orgflow/connectors/simctl"
)

// Settings are the switches of PUT /_sim/dingtalk/options.
type Settings struct {
	// V1: the application was granted contact v1 while that was possible; without it v1 answers 60011 (§ 0 no. 1).
	V1           bool   `json:"v1"`
	QPS          int    `json:"qps"`           // accepted calls in any second per app and path; 0 is no limit (§ 11)
	QPSPerApp    int    `json:"qps_per_app"`   // the same over all paths of an app; 0 is off
	ThrottleMode string `json:"throttle_mode"` // "window" (any one second) or "bucket" (a token bucket of one second's size)
	// MonthlyQuota is how many calls of counted APIs (attendance) a calendar
	// month has, then 90020; 0 is no limit (§ 11).
	MonthlyQuota int `json:"monthly_quota"`
	// InventAttendance shows invented results of attendance of every user who
	// has none.
	InventAttendance bool `json:"invent_attendance"`

	TokenSeconds int    `json:"token_seconds"`
	LatencyMS    int    `json:"latency_ms"`
	Apps         []App  `json:"apps"`
	CorpID       string `json:"corp_id"` // accepted by the unified token call; empty accepts any

	ExpiredCode       int  `json:"expired_code"`        // 40014 or 42001 (§ 13)
	DeleteMissingCode int  `json:"delete_missing_code"` // 60121 or 33012 (§ 13)
	DuplicateDeptCode int  `json:"duplicate_dept_code"` // 60008 or 60021 (§ 5.4)
	DeptDeleteCascade bool `json:"dept_delete_cascade"` // deleting takes empty sub-departments along (§ 13)
	// UserConflictReturnsUserID adds the holder's userid to 60104 (§ 5.2).
	UserConflictReturnsUserID bool `json:"user_conflict_returns_userid"`
	// AbsentExtensionClears reads § 4.7 the harsh way: an update in mode 0 without extension clears it.
	AbsentExtensionClears bool `json:"absent_extension_clears"`
	HRPositions           bool `json:"hr_positions"`  // changing title or departments answers 12150
	OrgMailboxes          bool `json:"org_mailboxes"` // org_email takes effect (§ 4.6)

	// ProtectedMobiles are numbers, or regular expressions for whole
	// numbers, whose owners must accept an invitation (40103).
	ProtectedMobiles []string `json:"protected_mobiles"`
	// RejoinPending says whose re-invitation within 24 hours of a same-day
	// leave answers 40103: "invited" people's or "all" (§ 5.3 leaves it open).
	RejoinPending string `json:"rejoin_pending"`
	// What § 5.3 leaves open about invitations. InviteDays is how many days
	// one lives; 0 is for ever. RepeatedInviteCode answers a create while one
	// is open: 40103 invites again, 60104 refuses. InviteKeepsUserID: who
	// accepts gets the userid asked for, else one of DingTalk's making.
	InviteDays         int  `json:"invite_days"`
	RepeatedInviteCode int  `json:"repeated_invite_code"`
	InviteKeepsUserID  bool `json:"invite_keeps_userid"`
	// RegisteredMobiles belong to other DingTalk accounts: an update to one answers 40021.
	RegisteredMobiles []string `json:"registered_mobiles"`
	// DeclaredExtAttrs are the custom attributes the console knows; empty allows all.
	DeclaredExtAttrs []string `json:"declared_ext_attrs"`
	MemberCap        int      `json:"member_cap"`      // people in the organisation; 0 is no cap
	MemberCapCode    int      `json:"member_cap_code"` // 40024, 40020 or -1 (§ 0 no. 9)

	ScopeDepartments   []int64  `json:"scope_departments"`   // the app's 授权范围; empty is everything
	MissingPermissions []string `json:"missing_permissions"` // codes of § 2.6
	DeniedIP           bool     `json:"denied_ip"`           // 60020
	IPBan              string   `json:"ip_ban"`              // "", "html" or "json" (§ 10.3)
	PlatformThrottle   bool     `json:"platform_throttle"`   // 90002 with its release time

	// SchoolDepartment shows the pseudo department -7 below the root (§ 5.4).
	SchoolDepartment bool `json:"school_department"`
	// Work notifications (§ 7). MessagesPerDay is how many of an application
	// one person gets, MessageSeconds how long sending takes, MessageBlocked
	// are people whom executive protection keeps messages from, ManyReceivers
	// ("accept" or "refuse") what § 13 leaves open of more than 100 userids.
	MessagesPerDay int      `json:"messages_per_day"`
	MessageSeconds int      `json:"message_seconds"`
	MessageBlocked []string `json:"message_blocked"`
	ManyReceivers  string   `json:"many_receivers"`

	Events EventPush `json:"events"` // contact events (§ 9)

	RedirectURIs  []string `json:"redirect_uris"`  // registered redirect addresses; empty takes any (§ 8.1)
	ConsentNeeded bool     `json:"consent_needed"` // users/me refuses who signed in without prompt=consent (§ 8.1)
	InAppUser     string   `json:"in_app_user"`    // whose DingTalk /jsapi.js stands for; empty: it gives no code (§ 8.4)
}

// App is an application whose credentials are accepted.
type App struct {
	AppKey    string `json:"appkey"`
	AppSecret string `json:"appsecret"`
	AgentID   int64  `json:"agent_id,omitempty"` // of its messages; 0 accepts any
}

// DefaultSettings are in force at the start and after a reset.
func DefaultSettings() Settings {
	return Settings{
		V1: true, QPS: 20, ThrottleMode: "window", TokenSeconds: 7200,
		Apps:        []App{{AppKey: "dingsim-app", AppSecret: "dingsim-secret", AgentID: 1_000_001}},
		ExpiredCode: 40014, DeleteMissingCode: 60121, DuplicateDeptCode: 60008,
		RejoinPending: "invited", RepeatedInviteCode: 40103, InviteKeepsUserID: true, MemberCapCode: 40024,
		MessagesPerDay: 500, ManyReceivers: "accept",
		Events: defaultPush(), ConsentNeeded: true,
	}
}

// compiled are settings in the form in which calls look at them; immutable.
type compiled struct {
	Settings
	secrets    map[string]string
	protected  []*regexp.Regexp
	registered map[string]bool
	declared   map[string]bool
	missing    map[string]bool
	scope      map[int64]bool // nil is everything
}

// Options implements simctl.Simulator.
func (s *Sim) Options() any { return s.settings.Load().Settings }

// SetOptions implements simctl.Simulator: named switches change, the others stay.
func (s *Sim) SetOptions(raw json.RawMessage) error {
	next := s.settings.Load().clone()
	if err := simctl.DecodeStrict(raw, &next); err != nil {
		return err
	}
	return s.install(next)
}

// clone returns settings that share no memory: decoding into a list reuses its elements.
func (c *compiled) clone() Settings {
	n := c.Settings
	n.Apps = slices.Clone(n.Apps)
	n.ProtectedMobiles = slices.Clone(n.ProtectedMobiles)
	n.RegisteredMobiles = slices.Clone(n.RegisteredMobiles)
	n.DeclaredExtAttrs = slices.Clone(n.DeclaredExtAttrs)
	n.ScopeDepartments = slices.Clone(n.ScopeDepartments)
	n.MessageBlocked = slices.Clone(n.MessageBlocked)
	n.MissingPermissions = slices.Clone(n.MissingPermissions)
	n.RedirectURIs = slices.Clone(n.RedirectURIs)
	n.Events.RetryMS = slices.Clone(n.Events.RetryMS)
	return n
}

func (s *Sim) install(n Settings) error {
	c, err := compile(n)
	if err != nil {
		return err
	}
	s.settings.Store(c)
	s.desk.SetLatency(time.Duration(n.LatencyMS) * time.Millisecond)
	return nil
}

func compile(n Settings) (*compiled, error) {
	if err := n.check(); err != nil {
		return nil, err
	}
	c := &compiled{Settings: n, secrets: map[string]string{}, registered: map[string]bool{}, declared: map[string]bool{}, missing: map[string]bool{}}
	for _, a := range n.Apps {
		c.secrets[a.AppKey] = a.AppSecret
	}
	for _, p := range n.ProtectedMobiles {
		if mobilePattern.MatchString(p) {
			p = regexp.QuoteMeta(normalMobile(p))
		}
		re, err := regexp.Compile("^(?:" + p + ")$")
		if err != nil {
			return nil, fmt.Errorf("protected_mobiles: %w", err)
		}
		c.protected = append(c.protected, re)
	}
	for _, m := range n.RegisteredMobiles {
		c.registered[normalMobile(m)] = true
	}
	for _, a := range n.DeclaredExtAttrs {
		c.declared[a] = true
	}
	for _, p := range n.MissingPermissions {
		c.missing[p] = true
	}
	if len(n.ScopeDepartments) > 0 && !slices.Contains(n.ScopeDepartments, rootID) {
		c.scope = map[int64]bool{}
		for _, id := range n.ScopeDepartments {
			c.scope[id] = true
		}
	}
	return c, nil
}

func (n Settings) check() error {
	for _, v := range []struct {
		name  string
		value int
	}{{"qps", n.QPS}, {"qps_per_app", n.QPSPerApp}, {"latency_ms", n.LatencyMS}, {"member_cap", n.MemberCap}, {"invite_days", n.InviteDays}, {"messages_per_day", n.MessagesPerDay}, {"message_seconds", n.MessageSeconds}, {"monthly_quota", n.MonthlyQuota}} {
		if v.value < 0 {
			return fmt.Errorf("%s is %d: it must not be negative", v.name, v.value)
		}
	}
	if n.TokenSeconds < 1 {
		return fmt.Errorf("token_seconds is %d: at least 1 is needed", n.TokenSeconds)
	}
	if err := cmp.Or(
		simctl.OneOf("expired_code", n.ExpiredCode, 40014, 42001),
		simctl.OneOf("delete_missing_code", n.DeleteMissingCode, 60121, 33012),
		simctl.OneOf("duplicate_dept_code", n.DuplicateDeptCode, 60008, 60021),
		simctl.OneOf("member_cap_code", n.MemberCapCode, 40024, 40020, -1),
		simctl.OneOf("repeated_invite_code", n.RepeatedInviteCode, 40103, 60104),
		simctl.OneOf("ip_ban", n.IPBan, "", "html", "json"),
		simctl.OneOf("throttle_mode", n.ThrottleMode, "window", "bucket"),
		simctl.OneOf("rejoin_pending", n.RejoinPending, "invited", "all"),
		simctl.OneOf("many_receivers", n.ManyReceivers, "accept", "refuse"),
	); err != nil {
		return err
	}
	if n.Events.URL != "" && n.Events.OwnerKey == "" && len(n.Apps) == 0 {
		return fmt.Errorf("events.owner_key is missing, and there is no application whose key could be used")
	}
	return n.Events.check()
}

// isProtected reports whether a normal mobile number needs its owner's consent.
func (c *compiled) isProtected(mobile string) bool {
	for _, re := range c.protected {
		if re.MatchString(mobile) {
			return true
		}
	}
	return false
}
