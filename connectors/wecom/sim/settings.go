package wcsim

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"orgflow/connectors/simctl"
)

// Settings are the switches of PUT /_sim/wecom/options.
type Settings struct {
	CorpID  string   `json:"corpid"`
	Secrets []Secret `json:"secrets"`

	QPS         int    `json:"qps"`           // accepted calls a second per API; 0 is no limit; not documented, for tests of pacing
	PerMinute   int    `json:"per_minute"`    // per API (§ 10); 0 is no limit
	PerHour     int    `json:"per_hour"`      // per API (§ 10); 0 is no limit
	MaxInFlight int    `json:"max_in_flight"` // more calls at once answer 45033; 0 is no limit (§ 10: no current number)
	Serial      bool   `json:"serial"`        // creations at once answer 6000 (§ 4)
	TokenMode   string `json:"token_mode"`    // "stable" inside validity or "rotate" on fetch (§ 2, § 12 no. 3)

	TokenSeconds int `json:"token_seconds"`
	ExpiredCode  int `json:"expired_code"` // 42001 or 40014, of a token that is over
	LatencyMS    int `json:"latency_ms"`

	DeniedIP bool `json:"denied_ip"` // 60020, for everything but gettoken
	// Details is what members' details the contacts-sync secret may read
	// (§ 3): "open", "trimmed" (since 2022-06) or "closed" (since 2022-08, 48009).
	Details string `json:"details"`
	// ExtAttrs are the custom attributes the console knows; empty allows all.
	ExtAttrs   []string `json:"ext_attrs"`
	AccountCap int      `json:"account_cap"` // 45024; 0 is no cap
	Creator    string   `json:"creator"`     // cannot be deleted (301005)
	ListIDPage int      `json:"list_id_page"`
	ListMax    int      `json:"list_max"` // more people in a department answer 45029; 0 is no limit
	// DepartmentResetsLeader reads § 4.2 the harsh way: departments sent
	// without is_leader_in_dept clear the flags, without order the orders.
	DepartmentResetsLeader bool `json:"department_resets_leader"`
	// JobSeconds is how long an import runs; its effects come at the end.
	JobSeconds int `json:"job_seconds"`
	// MessagesPerMinute and MessagesPerHour are how many messages of an
	// application a member gets (§ 7); Unlicensed are members without a licence.
	MessagesPerMinute int      `json:"messages_per_minute"`
	MessagesPerHour   int      `json:"messages_per_hour"`
	Unlicensed        []string `json:"unlicensed"`
}

// Secret is a credential of the enterprise.
type Secret struct {
	Secret string `json:"secret"`
	App    bool   `json:"app,omitempty"` // an application's, which may not write contacts (§ 3)
	// AgentID of the application; absent it is 1000002.
	AgentID int64 `json:"agent_id,omitempty"`
}

func (k Secret) agent() int64 { return cmp.Or(k.AgentID, 1_000_002) }

// DefaultSettings are in force at the start and after a reset.
func DefaultSettings() Settings {
	return Settings{
		CorpID:    "wwsim0000000000001",
		Secrets:   []Secret{{Secret: "wecomsim-contacts"}, {Secret: "wecomsim-app", App: true}},
		PerMinute: 10_000, PerHour: 150_000, Serial: true, TokenMode: "stable", TokenSeconds: 7200, ExpiredCode: 42001,
		Details: "open", ListIDPage: 10_000, MessagesPerMinute: 30, MessagesPerHour: 1000,
	}
}

// compiled are settings in the form in which calls look at them; immutable.
type compiled struct {
	Settings
	secrets  map[string]Secret
	declared map[string]bool
}

// Options implements simctl.Simulator.
func (s *Sim) Options() any { return s.settings.Load().Settings }

// SetOptions implements simctl.Simulator: named switches change, the others stay.
func (s *Sim) SetOptions(raw json.RawMessage) error {
	next := s.settings.Load().Settings
	next.Secrets, next.ExtAttrs, next.Unlicensed = slices.Clone(next.Secrets), slices.Clone(next.ExtAttrs), slices.Clone(next.Unlicensed)
	if err := simctl.DecodeStrict(raw, &next); err != nil {
		return err
	}
	return s.install(next)
}

func (s *Sim) install(n Settings) error {
	if err := n.check(); err != nil {
		return err
	}
	c := &compiled{Settings: n, secrets: map[string]Secret{}, declared: map[string]bool{}}
	for _, k := range n.Secrets {
		c.secrets[k.Secret] = k
	}
	for _, a := range n.ExtAttrs {
		c.declared[a] = true
	}
	s.settings.Store(c)
	s.desk.SetLatency(time.Duration(n.LatencyMS) * time.Millisecond)
	return nil
}

func (n Settings) check() error {
	return cmp.Or(
		simctl.AtLeast("qps", n.QPS, 0),
		simctl.AtLeast("per_minute", n.PerMinute, 0),
		simctl.AtLeast("per_hour", n.PerHour, 0),
		simctl.AtLeast("max_in_flight", n.MaxInFlight, 0),
		simctl.AtLeast("token_seconds", n.TokenSeconds, 1),
		simctl.AtLeast("latency_ms", n.LatencyMS, 0),
		simctl.AtLeast("account_cap", n.AccountCap, 0),
		simctl.AtLeast("list_id_page", n.ListIDPage, 1),
		simctl.AtLeast("list_max", n.ListMax, 0),
		simctl.AtLeast("job_seconds", n.JobSeconds, 0),
		simctl.AtLeast("messages_per_minute", n.MessagesPerMinute, 0),
		simctl.AtLeast("messages_per_hour", n.MessagesPerHour, 0),
		simctl.OneOf("expired_code", n.ExpiredCode, 40014, 42001),
		simctl.OneOf("token_mode", n.TokenMode, "stable", "rotate"),
		simctl.OneOf("details", n.Details, "open", "trimmed", "closed"),
	)
}
