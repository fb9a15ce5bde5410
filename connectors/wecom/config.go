package wecom

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/transport"
)

// Config is the we_com section of company.json, its references resolved.
type Config struct {
	// BaseURL is the API's address, https://qyapi.weixin.qq.com or that of a
	// private deployment; a path in it is kept in front of every call's.
	BaseURL string `json:"base_url"`
	// CorpID is the enterprise's id, CorpSecret the secret of its
	// contacts-sync assistant (通讯录同步): no other may write contacts.
	CorpID     string `json:"corpid"`
	CorpSecret string `json:"corpsecret"`
	// RootDepartmentID is the department under which everything is put;
	// absent it is 1, the enterprise itself.
	RootDepartmentID int64 `json:"root_department_id"`
	// QPS is the rate budget in calls a second: absent 30, 0 unlimited. A
	// limiter in Options replaces it.
	QPS *float64 `json:"qps"`
	// Parallel is the number of calls under way at once: absent 10.
	Parallel int `json:"parallel"`
	// ToInvite lets WeCom invite new people by SMS or e-mail, again every day
	// up to three working days. Absent nobody is.
	ToInvite bool `json:"to_invite"`
	// ImportAbove is how many inserts or updates of persons, of one wave, go
	// by single calls at most; more go as import jobs. 0 is never. It is
	// orgflow's own and read elsewhere.
	ImportAbove int `json:"import_above"`
	// AgentID and AgentSecret are those of the application that sends
	// messages; only messages need them.
	AgentID     json.RawMessage `json:"agent_id"`
	AgentSecret string          `json:"agent_secret"`
	// Root and NoDepartment are orgflow's own and read elsewhere.
	Root         string `json:"root"`
	NoDepartment string `json:"no_department"`
}

const (
	defaultRoot = 1
	// DefaultQPS is the budget of a connection that names none. The
	// documented limit is 10,000 a minute per API, half of which is 83 a
	// second (WeCom reference § 10).
	DefaultQPS      = 30
	defaultParallel = 10  // § 10: the recommended ceiling
	maxParallel     = 300 // § 10: the highest number that was ever documented
)

// ParseConfig reads the section strictly: unknown keys and wrong types are
// problems, listed together with what New would find wrong.
func ParseConfig(raw []byte) (Config, error) {
	var cfg Config
	err := connectors.ReadSection(section, raw, map[string]any{
		"base_url": &cfg.BaseURL, "corpid": &cfg.CorpID, "corpsecret": &cfg.CorpSecret,
		"root_department_id": &cfg.RootDepartmentID, "qps": &cfg.QPS,
		"parallel": &cfg.Parallel, "to_invite": &cfg.ToInvite, "import_above": &cfg.ImportAbove,
		"agent_id": &cfg.AgentID, "agent_secret": &cfg.AgentSecret, "root": &cfg.Root, "no_department": &cfg.NoDepartment,
	}, func() []orgflow.Problem { return cfg.withDefaults().problems() })
	return cfg, err
}

// section is where the configuration stands in company.json.
const section = "/consumers/we_com"

func problem(key, message string) orgflow.Problem {
	return orgflow.Problem{Pointer: section + "/" + key, Message: message}
}

// String shows the configuration without its secret.
func (c Config) String() string {
	return fmt.Sprintf("wecom %s corp %s root %d", c.BaseURL, c.CorpID, c.RootDepartmentID)
}

// GoString is String, so that no way of printing shows the secret.
func (c Config) GoString() string { return c.String() }

// LogValue is String for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Options are what a process gives its connectors. The zero value works.
type Options = transport.Options

// withDefaults returns the configuration complete.
func (c Config) withDefaults() Config {
	if c.RootDepartmentID == 0 {
		c.RootDepartmentID = defaultRoot
	}
	if c.QPS == nil {
		c.QPS = new(float64(DefaultQPS))
	}
	if c.Parallel == 0 {
		c.Parallel = defaultParallel
	}
	return c
}

// problems lists everything that is wrong with a complete configuration.
func (c Config) problems() []orgflow.Problem {
	var problems []orgflow.Problem
	refuse := func(key, message string) { problems = append(problems, problem(key, message)) }
	if u, ok := connectors.BaseAddress(c.BaseURL); !ok || u.User != nil {
		refuse("base_url", "must be an http or https address without a query, like https://qyapi.weixin.qq.com")
	}
	if c.CorpID == "" {
		refuse("corpid", "must be the enterprise's id (企业ID)")
	}
	if c.CorpSecret == "" {
		refuse("corpsecret", "must be the secret of the contacts-sync assistant (通讯录同步)")
	}
	if c.RootDepartmentID < 1 || c.RootDepartmentID > maxDepartmentID {
		refuse("root_department_id", "must be a department id of 1 or more")
	}
	if *c.QPS < 0 {
		refuse("qps", "must be 0 (unlimited) or more calls a second")
	}
	if c.ImportAbove < 0 {
		refuse("import_above", "must be 0 (never) or the number of changes above which a wave goes as import jobs")
	}
	if c.Parallel < 1 || c.Parallel > maxParallel {
		refuse("parallel", fmt.Sprintf("must be 1 to %d calls at once", maxParallel))
	}
	return problems
}
