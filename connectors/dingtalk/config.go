package dingtalk

import (
	"fmt"
	"log/slog"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/transport"
)

// Config is the ding_talk section of company.json, its references resolved.
type Config struct {
	// BaseURL is the old family's address, https://oapi.dingtalk.com; a path
	// in it is kept in front of every call's.
	BaseURL string `json:"base_url"`
	// APIBaseURL is the new family's address, https://api.dingtalk.com.
	// Absent it is https://api.dingtalk.com for the public service, else
	// BaseURL.
	APIBaseURL string `json:"api_base_url"`
	// API is the contact interface: v2, the default, or the historic v1,
	// which only applications have that were granted it before 2021-10-21.
	API       string `json:"api"`
	CorpID    string `json:"corp_id"`
	AgentID   string `json:"agent_id"`
	AppKey    string `json:"appkey"`
	AppSecret string `json:"appsecret"`
	// ClientID and ClientSecret sign people in; absent they are AppKey and
	// AppSecret, which the developer console calls by these names now.
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	// CallbackURL is where DingTalk sends people back to who signed in:
	// https://…/signin/dingtalk/callback.
	CallbackURL string `json:"callback_url"`
	// ScriptURL is DingTalk's script for pages inside its client
	// (dingtalk.open.js); absent such pages go the way of browsers.
	ScriptURL string `json:"script_url"`
	// RootDepartmentID is the department under which everything is put;
	// absent it is 1, the organisation itself.
	RootDepartmentID int64 `json:"root_department_id"`
	// QPS is the rate budget in calls a second: absent 18, 0 unlimited. A
	// limiter in Options replaces it.
	QPS *float64 `json:"qps"`
	// Events is the event callback; absent there is none.
	Events *EventConfig `json:"events"`
}

const (
	defaultRoot = 1
	// DefaultQPS is the budget of a connection that names none.
	DefaultQPS = 18 // documented limit 20 a second (DingTalk reference § 11)
)

// String shows the configuration without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("dingtalk %s %s %s corp %s root %d", c.API, c.BaseURL, c.APIBaseURL, c.CorpID, c.RootDepartmentID)
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
	if c.API == "" {
		c.API = "v2"
	}
	if c.RootDepartmentID == 0 {
		c.RootDepartmentID = defaultRoot
	}
	if c.QPS == nil {
		c.QPS = new(float64(DefaultQPS))
	}
	if c.APIBaseURL == "" {
		c.APIBaseURL = c.BaseURL
		if strings.HasPrefix(c.BaseURL, "https://oapi.dingtalk.") {
			c.APIBaseURL = strings.Replace(c.BaseURL, "//oapi.", "//api.", 1)
		}
	}
	if problems := c.problems(); len(problems) > 0 {
		return c, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	return c, nil
}

// problems lists everything that is wrong with a complete configuration.
func (c Config) problems() []orgflow.Problem {
	var problems []orgflow.Problem
	refuse := func(key, message string) {
		problems = append(problems, orgflow.Problem{Pointer: "/consumers/ding_talk/" + key, Message: message})
	}
	for key, value := range map[string]string{"base_url": c.BaseURL, "api_base_url": c.APIBaseURL} {
		if _, ok := connectors.BaseAddress(value); !ok {
			refuse(key, "must be an http or https address without a query, like https://oapi.dingtalk.com")
		}
	}
	for key, value := range map[string]string{"callback_url": c.CallbackURL, "script_url": c.ScriptURL} {
		if _, ok := connectors.BaseAddress(value); value != "" && !ok {
			refuse(key, "must be an http or https address without a query")
		}
	}
	if (c.ClientID == "") != (c.ClientSecret == "") {
		refuse("client_secret", "client_id and client_secret belong together; leave both out to use appkey and appsecret")
	}
	if dialects[c.API] == nil {
		refuse("api", fmt.Sprintf(`%q is no contact interface; allowed are "v2" (current) and "v1" (historic)`, c.API))
	}
	if c.AppKey == "" {
		refuse("appkey", "must be the application's Client ID (AppKey)")
	}
	if c.AppSecret == "" {
		refuse("appsecret", "must be the application's Client Secret (AppSecret)")
	}
	if c.RootDepartmentID < 1 {
		refuse("root_department_id", "must be a department id of 1 or more")
	}
	if *c.QPS < 0 {
		refuse("qps", "must be 0 (unlimited) or more calls a second")
	}
	if c.Events != nil {
		c.Events.problems(c, refuse)
	}
	return problems
}
