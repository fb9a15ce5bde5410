package aiguanhuai

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/signing"
	"orgflow/internal/transport"
)

// Config is the ai_guan_huai section of company.json, its references
// resolved. Keys it does not list steer the planner.
type Config struct {
	// BaseURL is what stands before /v3/oms.
	BaseURL string `json:"base_url"`
	CorpID  string `json:"corp_id"`
	// PartnerID is sent as partnerId; empty sends none.
	PartnerID string         `json:"partner_id"`
	Signing   signing.Config `json:"signing"`
	// Push is incremental (default) or full: how a job pushes that does not
	// say (its mode "full" always pushes whole).
	Push string `json:"push"`
	// QPS is the rate budget in calls a second: absent 5, 0 unlimited. A
	// limiter in Options replaces it.
	QPS *float64 `json:"qps"`
	// RootDepartmentID is the department under which everything is put;
	// absent it is the top, which the interface writes as an empty parentId.
	RootDepartmentID string `json:"root_department_id"`
	// BatchSize is the most records in a call, default and limit 2,000.
	BatchSize int `json:"batch_size"`
	// MaxBytes is the most bytes in a call's body, default 4 MiB.
	MaxBytes int `json:"max_bytes"`
	// OrgSource is what every person is sent with: absent 11, the document's
	// fixed value; its sample shows 1 (reference § A.3 no. 3).
	OrgSource *int `json:"org_source"`
	// TaskParam is the parameter that carries the task: taskId (default) or
	// task_id (reference § A.3 no. 1).
	TaskParam string `json:"task_param"`
}

const (
	// DefaultQPS is the budget of a connection that names none; the vendor
	// documents no limit.
	DefaultQPS = 5
	// maxRecords is the recommended size of a call (reference § A.2).
	maxRecords       = 2000
	defaultMaxBytes  = 4 << 20
	minMaxBytes      = 1 << 10
	defaultOrgSource = 11
	defaultTimeout   = time.Minute
)

// String shows the configuration without its key.
func (c Config) String() string {
	return fmt.Sprintf("aiguanhuai %s corp %s partner %s, %s", c.BaseURL, c.CorpID, c.PartnerID, c.Signing)
}

// GoString is String, so that no way of printing shows the key.
func (c Config) GoString() string { return c.String() }

// LogValue is String for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Options are what a process gives its connectors. The zero value works; a
// call may take a minute.
type Options = transport.Options

// withDefaults returns the configuration complete and its signer, or all
// that is wrong as *orgflow.InvalidError.
func (c Config) withDefaults() (Config, *signing.Signer, error) {
	c.Push = cmp.Or(c.Push, "incremental")
	c.BatchSize = cmp.Or(c.BatchSize, maxRecords)
	c.MaxBytes = cmp.Or(c.MaxBytes, defaultMaxBytes)
	c.TaskParam = cmp.Or(c.TaskParam, "taskId")
	if c.QPS == nil {
		c.QPS = new(float64(DefaultQPS))
	}
	if c.OrgSource == nil {
		c.OrgSource = new(defaultOrgSource)
	}
	signer, problems := c.Signing.Compile(pointer + "signing")
	if problems = append(c.problems(), problems...); len(problems) > 0 {
		return c, nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	return c, signer, nil
}

const pointer = "/consumers/ai_guan_huai/"

// problems lists everything that is wrong with a complete configuration but
// its signing.
func (c Config) problems() []orgflow.Problem {
	var problems []orgflow.Problem
	refuse := func(key, message string) {
		problems = append(problems, orgflow.Problem{Pointer: pointer + key, Message: message})
	}
	if _, ok := connectors.BaseAddress(c.BaseURL); !ok {
		refuse("base_url", "must be an http or https address without a query, to which /v3/oms is added")
	}
	if c.CorpID == "" {
		refuse("corp_id", "must be the enterprise's id (corpId), as 爱关怀 gave it out")
	}
	if c.Push != "incremental" && c.Push != "full" {
		refuse("push", fmt.Sprintf("is %q, allowed are incremental and full", c.Push))
	}
	if *c.QPS < 0 {
		refuse("qps", "must be 0 (unlimited) or more calls a second")
	}
	if c.BatchSize < 1 || c.BatchSize > maxRecords {
		refuse("batch_size", fmt.Sprintf("must be 1 to %d records a call", maxRecords))
	}
	if c.MaxBytes < minMaxBytes {
		refuse("max_bytes", fmt.Sprintf("must be %d or more bytes a call", minMaxBytes))
	}
	if *c.OrgSource < 0 {
		refuse("org_source", "must be 11, or the number 爱关怀 says")
	}
	if c.TaskParam != "taskId" && c.TaskParam != "task_id" {
		refuse("task_param", fmt.Sprintf("is %q, allowed are taskId and task_id", c.TaskParam))
	}
	return problems
}
