package kingdee

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/transport"
)

// Config is the erp section of company.json, its references resolved.
type Config struct {
	Type string `json:"type"`
	// BaseURL is the server's address, ending in /k3cloud/: without it the
	// server answers 403 with nothing (Kingdee reference § 1).
	BaseURL string `json:"base_url"`
	// AcctID is the account set (数据中心), Username who logs in.
	AcctID   string `json:"acct_id"`
	Username string `json:"username"`
	// Password logs in with ValidateUser; AppID and AppSecret instead with
	// LoginByAppSecret, or, where Sign is set, with LoginBySign, which keeps
	// the secret off the wire (§ 2).
	Password  string `json:"password"`
	AppID     string `json:"app_id"`
	AppSecret string `json:"app_secret"`
	Sign      bool   `json:"sign"`
	// SignDigest is sha256, or sha1 for servers before patch PT-146911.
	SignDigest string `json:"sign_digest"`
	// OrgNumber is the organisation to work in; empty is the user's own.
	OrgNumber string `json:"org_number"`
	// LCID is the language of texts: absent 2052, zh-CN.
	LCID int `json:"lcid"`
	// QPS is the rate budget in calls a second: absent or 0 unlimited, for
	// the vendor names no number. A limiter in Options replaces it.
	QPS *float64 `json:"qps"`
	// Concurrency is the number of calls under way at once: absent 4 (§ 4.1).
	Concurrency int `json:"concurrency"`
	// TimeoutSeconds bounds one call: absent 180 (§ 1: 60 to 300).
	TimeoutSeconds float64 `json:"timeout_seconds"`
	// MaxPageSize is the most rows one call may ask for: absent 2000, which
	// servers can be set to raise up to 10,000 (§ 4.1).
	MaxPageSize int `json:"max_page_size"`
}

// Defaults and bounds of Config.
const (
	// DefaultQPS, unlimited, is the budget of a connection that names none.
	DefaultQPS         = 0
	DefaultPageSize    = 2000
	LargestPageSize    = 10_000
	defaultLCID        = 2052
	defaultConcurrency = 4
	largestConcurrency = 32
	defaultTimeout     = 180 // seconds
	digestSHA256       = "sha256"
	digestSHA1         = "sha1"
)

// ParseConfig reads the section strictly: unknown keys and wrong types are
// problems, listed together with what New would find wrong.
func ParseConfig(raw []byte) (Config, error) {
	var cfg Config
	err := connectors.ReadSection(section, raw, map[string]any{
		"type": &cfg.Type, "base_url": &cfg.BaseURL, "acct_id": &cfg.AcctID, "username": &cfg.Username,
		"password": &cfg.Password, "app_id": &cfg.AppID, "app_secret": &cfg.AppSecret,
		"sign": &cfg.Sign, "sign_digest": &cfg.SignDigest, "org_number": &cfg.OrgNumber,
		"lcid": &cfg.LCID, "qps": &cfg.QPS, "concurrency": &cfg.Concurrency,
		"timeout_seconds": &cfg.TimeoutSeconds, "max_page_size": &cfg.MaxPageSize,
	}, func() []orgflow.Problem { return cfg.withDefaults().problems() })
	return cfg, err
}

// section is where the configuration stands in company.json.
const section = "/erp"

func problem(key, message string) orgflow.Problem {
	return orgflow.Problem{Pointer: section + "/" + key, Message: message}
}

// String shows the configuration without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("kingdee %s account set %s user %s", c.BaseURL, c.AcctID, c.Username)
}

// GoString is String, so that no way of printing shows a secret.
func (c Config) GoString() string { return c.String() }

// LogValue is String for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Options are what a process gives its connectors. The zero value works.
type Options = transport.Options

// withDefaults returns the configuration complete.
func (c Config) withDefaults() Config {
	c.SignDigest = cmp.Or(c.SignDigest, digestSHA256)
	c.LCID = cmp.Or(c.LCID, defaultLCID)
	c.Concurrency = cmp.Or(c.Concurrency, defaultConcurrency)
	c.TimeoutSeconds = cmp.Or(c.TimeoutSeconds, defaultTimeout)
	c.MaxPageSize = cmp.Or(c.MaxPageSize, DefaultPageSize)
	if c.QPS == nil {
		c.QPS = new(float64(DefaultQPS))
	}
	return c
}

// problems lists everything that is wrong with a complete configuration.
func (c Config) problems() []orgflow.Problem {
	problems := c.loginProblems()
	refuse := func(key, message string) { problems = append(problems, problem(key, message)) }
	u, ok := connectors.BaseAddress(c.BaseURL)
	switch {
	case !ok || u.User != nil || u.Fragment != "":
		refuse("base_url", "must be an http or https address without user and query, like https://erp.example.com/k3cloud/")
	case !strings.HasSuffix(strings.ToLower(strings.TrimRight(u.Path, "/")), "/k3cloud"):
		refuse("base_url", "must end in /k3cloud/; without it the server answers 403 to everything")
	}
	if c.LCID < 1 {
		refuse("lcid", "must be a language, 2052 (zh-CN), 1033 (en-US) or 3076 (zh-TW)")
	}
	if *c.QPS < 0 {
		refuse("qps", "must be 0 (unlimited) or more calls a second")
	}
	if c.Concurrency < 1 || c.Concurrency > largestConcurrency {
		refuse("concurrency", fmt.Sprintf("must be 1 to %d calls at once", largestConcurrency))
	}
	if c.TimeoutSeconds <= 0 || c.TimeoutSeconds > 3600 {
		refuse("timeout_seconds", "must be more than 0, and 3600 at most")
	}
	if c.MaxPageSize < 2 || // a call repeats a row of the one before
		c.MaxPageSize > LargestPageSize {
		refuse("max_page_size", fmt.Sprintf("must be 2 to %d rows; servers take %d unless they are set to take more", LargestPageSize, DefaultPageSize))
	}
	return problems
}

// loginProblems are those of who logs in, and how.
func (c Config) loginProblems() []orgflow.Problem {
	var problems []orgflow.Problem
	refuse := func(key, message string) { problems = append(problems, problem(key, message)) }
	if c.AcctID == "" {
		refuse("acct_id", "must be the id of the account set (数据中心)")
	}
	if c.Username == "" {
		refuse("username", "must be the user that logs in")
	}
	switch {
	case c.Password != "" && (c.AppID != "" || c.AppSecret != ""):
		refuse("password", "must not stand beside app_id and app_secret: one of the two logs in")
	case c.AppID != "" && c.AppSecret == "":
		refuse("app_secret", "is missing beside app_id; name it as ${NAME}")
	case c.AppID == "" && c.AppSecret != "":
		refuse("app_id", "is missing beside app_secret")
	case c.AppID == "" && c.Password == "":
		refuse("password", "is missing; name it as ${NAME}, or give app_id and app_secret")
	}
	if c.Sign && c.AppID == "" {
		refuse("sign", "needs app_id and app_secret")
	}
	if c.SignDigest != digestSHA256 && c.SignDigest != digestSHA1 {
		refuse("sign_digest", "must be sha256, or sha1 for servers before patch PT-146911")
	}
	return problems
}
