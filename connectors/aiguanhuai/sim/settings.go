package aghsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"orgflow/connectors/signing"
	"orgflow/connectors/simctl"
)

// Settings are the switches of PUT /_sim/aiguanhuai/options.
type Settings struct {
	// Companies and Partners are the corpIds and partnerIds that are known;
	// no partners: none is asked for.
	Companies []string `json:"companies"`
	Partners  []string `json:"partners"`
	// Signing is how calls must be signed, like a connection's section.
	Signing signing.Config `json:"signing"`
	// TaskSeconds is the life of a task; SingleTask lets a new one end the
	// one before it (reference § A.3 no. 6).
	TaskSeconds int  `json:"task_seconds"`
	SingleTask  bool `json:"single_task"`
	// TaskParam is taskId, task_id or both (reference § A.3 no. 1).
	TaskParam string `json:"task_param"`
	// MaxRecords of a batch; MaxBytes of a body, answered with HTTP 413. 0 is
	// no limit.
	MaxRecords int `json:"max_records"`
	MaxBytes   int `json:"max_bytes"`
	// FullReplace: completing a task disables who is not in it (reference
	// § A.3 no. 5).
	FullReplace bool `json:"full_replace"`
	// StrictReferences refuses a parent or department that is neither held
	// nor in the task (reference § A.3 no. 7).
	StrictReferences bool `json:"strict_references"`
	// OrgSource is the only one accepted; 0 accepts any (reference § A.3 no. 3).
	OrgSource int `json:"org_source"`
	// Refuse lists ids whose records are malformed to this vendor (200008).
	Refuse    []string `json:"refuse"`
	LatencyMS int      `json:"latency_ms"`
}

// DefaultSettings are in force at the start and after a reset.
func DefaultSettings() Settings {
	return Settings{
		Companies: []string{"aghsim-corp"}, Partners: []string{"aghsim-partner"},
		TaskSeconds: 7200, SingleTask: true, TaskParam: "taskId", MaxRecords: 2000,
		FullReplace: true, StrictReferences: true, OrgSource: 11, Refuse: []string{},
	}
}

// Options implements simctl.Simulator.
func (s *Sim) Options() any { return s.settings.Load().Settings }

// SetOptions implements simctl.Simulator: named switches change, the others
// stay.
func (s *Sim) SetOptions(raw json.RawMessage) error {
	n := s.settings.Load().Settings
	// Decoding into a list reuses its elements: these must be our own.
	n.Companies, n.Partners, n.Refuse = slices.Clone(n.Companies), slices.Clone(n.Partners), slices.Clone(n.Refuse)
	var named map[string]json.RawMessage
	if json.Unmarshal(raw, &named) == nil && named["signing"] != nil {
		n.Signing = signing.Config{} // replaced whole
	}
	if err := simctl.DecodeStrict(raw, &n); err != nil {
		return err
	}
	return s.install(n)
}

func (s *Sim) install(n Settings) error {
	for _, v := range []struct {
		name  string
		value int
	}{{"max_records", n.MaxRecords}, {"max_bytes", n.MaxBytes}, {"latency_ms", n.LatencyMS}, {"org_source", n.OrgSource}} {
		if v.value < 0 {
			return fmt.Errorf("%s is %d: it must not be negative", v.name, v.value)
		}
	}
	if n.TaskSeconds < 1 {
		return fmt.Errorf("task_seconds is %d: at least 1 is needed", n.TaskSeconds)
	}
	if !slices.Contains([]string{"taskId", "task_id", "both"}, n.TaskParam) {
		return fmt.Errorf("task_param is %q: allowed are taskId, task_id and both", n.TaskParam)
	}
	signer, problems := n.Signing.Compile("signing")
	if len(problems) > 0 {
		return fmt.Errorf("%s", problems[0])
	}
	c := &compiled{Settings: n, signer: signer, refuse: map[string]bool{}}
	for _, id := range n.Refuse {
		c.refuse[id] = true
	}
	s.settings.Store(c)
	s.desk.SetLatency(time.Duration(n.LatencyMS) * time.Millisecond)
	return nil
}
