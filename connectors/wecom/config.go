package wecom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"

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
	var problems []orgflow.Problem
	dec := json.NewDecoder(bytes.NewReader(raw))
	var keys map[string]json.RawMessage
	if err := dec.Decode(&keys); err != nil || keys == nil {
		return cfg, invalid(problem("", "must be a JSON object"))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return cfg, invalid(problem("", "must be one JSON object and nothing behind it"))
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		if p, ok := cfg.set(name, keys[name]); !ok {
			problems = append(problems, p)
		}
	}
	if _, err := cfg.withDefaults(); err != nil {
		if list, ok := errors.AsType[*orgflow.InvalidError](err); ok {
			for _, p := range list.Problems { // one finding per key
				if !slices.ContainsFunc(problems, func(q orgflow.Problem) bool { return q.Pointer == p.Pointer }) {
					problems = append(problems, p)
				}
			}
		}
	}
	if len(problems) > 0 {
		return cfg, invalid(problems...)
	}
	return cfg, nil
}

// set takes over one key.
func (c *Config) set(name string, raw json.RawMessage) (orgflow.Problem, bool) {
	targets := map[string]struct {
		into any
		want string
	}{
		"base_url": {&c.BaseURL, "a text"}, "corpid": {&c.CorpID, "a text"}, "corpsecret": {&c.CorpSecret, "a text"},
		"root_department_id": {&c.RootDepartmentID, "a whole number"}, "qps": {&c.QPS, "a number"},
		"parallel": {&c.Parallel, "a whole number"}, "to_invite": {&c.ToInvite, "true or false"}, "import_above": {&c.ImportAbove, "a whole number"},
		"agent_id": {&c.AgentID, "a number or text"}, "agent_secret": {&c.AgentSecret, "a text"}, "root": {&c.Root, "a text"}, "no_department": {&c.NoDepartment, "a text"},
	}
	t, known := targets[name]
	if !known {
		return problem(name, "is not known here; allowed are "+strings.Join(slices.Sorted(maps.Keys(targets)), ", ")), false
	}
	if json.Unmarshal(raw, t.into) != nil {
		return problem(name, "must be "+t.want), false
	}
	return orgflow.Problem{}, true
}

func problem(key, message string) orgflow.Problem {
	return orgflow.Problem{Pointer: strings.TrimSuffix("/consumers/we_com/"+key, "/"), Message: message}
}

func invalid(problems ...orgflow.Problem) error {
	return &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
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

// withDefaults returns the configuration complete, or all that is wrong
// with it as *orgflow.InvalidError.
func (c Config) withDefaults() (Config, error) {
	if c.RootDepartmentID == 0 {
		c.RootDepartmentID = defaultRoot
	}
	if c.QPS == nil {
		c.QPS = new(float64(DefaultQPS))
	}
	if c.Parallel == 0 {
		c.Parallel = defaultParallel
	}
	if problems := c.problems(); len(problems) > 0 {
		return c, invalid(problems...)
	}
	return c, nil
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
