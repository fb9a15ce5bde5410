package hcmsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"orgflow/connectors/simctl"
)

// Settings are the switches of PUT /_sim/hcm/options.
type Settings struct {
	// AuthMode says how the token must come (§ 1.2): "any" of the known
	// ways, "bearer", "bearer_inner", "cookie", "header", "outer_token",
	// "client_credentials" (a bearer token from /oauth/token only) or "none".
	AuthMode     string   `json:"auth_mode"`
	Token        string   `json:"token"`         // the fixed token
	TokenSeconds int      `json:"token_seconds"` // life of tokens; 0 is for ever
	Clients      []Client `json:"clients"`       // of POST /oauth/token
	LatencyMS    int      `json:"latency_ms"`

	Shape         string `json:"shape"`          // "result.list", "result.data", "data.list", "data" (§ 1.6)
	CountKey      string `json:"count_key"`      // "count" or "total"
	CountLie      *int   `json:"count_lie"`      // declared in place of the true count; null is honest
	Paging        string `json:"paging"`         // "honest", "ignored", "no_count", "short_pages", "repeat_page"
	ProjectFields bool   `json:"project_fields"` // deliver only the asked fields

	ErrorStatus     int      `json:"error_status"` // HTTP status of errors, 200 or 4xx/5xx
	ErrorShape      string   `json:"error_shape"`  // "errcode" or "success" ({"success": false, "message"})
	HTMLError       bool     `json:"html_error"`   // every call answers the login page
	ForbiddenModels []string `json:"forbidden_models"`
	MetaAsText      bool     `json:"meta_as_text"` // hcm.company.meta.load answers JSON text in JSON
	// TreeModels are asked in turn for the tree of child_include.
	TreeModels []string `json:"tree_models"`
}

// Client may fetch tokens from POST /oauth/token.
type Client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// DefaultSettings are in force at the start and after a reset.
func DefaultSettings() Settings {
	return Settings{
		AuthMode: "any", Token: "hcm-sim-token", Clients: []Client{{ID: "hcm-client", Secret: "hcm-secret"}},
		Shape: "result.list", CountKey: "count", Paging: "honest", ErrorStatus: 200, ErrorShape: "errcode", ForbiddenModels: []string{},
		TreeModels: []string{"Organization", "OrgDepartment", "DepartmentHistory", "Department", "OrgUnit"},
	}
}

// Options implements simctl.Simulator.
func (s *Sim) Options() any { return *s.settings.Load() }

// SetOptions implements simctl.Simulator: named switches change, the others
// stay. The fixed token's life begins anew.
func (s *Sim) SetOptions(raw json.RawMessage) error {
	n := *s.settings.Load()
	// Decoding into a list reuses its elements: these must be our own.
	n.Clients, n.ForbiddenModels, n.TreeModels = slices.Clone(n.Clients), slices.Clone(n.ForbiddenModels), slices.Clone(n.TreeModels)
	if n.CountLie != nil {
		lie := *n.CountLie
		n.CountLie = &lie
	}
	if err := simctl.DecodeStrict(raw, &n); err != nil {
		return err
	}
	if err := n.check(); err != nil {
		return err
	}
	s.settings.Store(&n)
	s.desk.SetLatency(time.Duration(n.LatencyMS) * time.Millisecond)
	s.tokens.restart(s.desk.Now())
	return nil
}

func (n Settings) check() error {
	if err := cmp.Or(
		simctl.OneOf("auth_mode", n.AuthMode, "any", "bearer", "bearer_inner", "cookie", "header", "outer_token", "client_credentials", "none"),
		simctl.OneOf("shape", n.Shape, "result.list", "result.data", "data.list", "data"),
		simctl.OneOf("count_key", n.CountKey, "count", "total"),
		simctl.OneOf("paging", n.Paging, "honest", "ignored", "no_count", "short_pages", "repeat_page"),
		simctl.OneOf("error_shape", n.ErrorShape, "errcode", "success"),
	); err != nil {
		return err
	}
	switch {
	case n.TokenSeconds < 0 || n.LatencyMS < 0:
		return fmt.Errorf("token_seconds and latency_ms must not be negative")
	case n.ErrorStatus < 200 || n.ErrorStatus > 599:
		return fmt.Errorf("error_status is %d: allowed is 200..599", n.ErrorStatus)
	case n.Token == "" && n.AuthMode != "none" && n.AuthMode != "client_credentials":
		return fmt.Errorf("token must not be empty")
	}
	return nil
}
