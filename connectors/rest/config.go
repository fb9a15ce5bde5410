package rest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/wire"
	"orgflow/internal/egress"
	"orgflow/internal/transport"
)

// Config is a declarative consumer's section of company.json, its references
// resolved. Keys it does not list steer the planner.
type Config struct {
	// BaseURL stands before every call's path.
	BaseURL string `json:"base_url"`
	// QPS is the rate budget in calls a second: absent the definition's, 0
	// unlimited. A limiter in Options replaces it.
	QPS *float64 `json:"qps"`
	// RootDepartmentID is the department under which everything is put;
	// absent it is the definition's.
	RootDepartmentID scalarText `json:"root_department_id"`
	// Settings are the values the definition refers to.
	Settings map[string]any `json:"settings"`
}

// scalarText is a text or a number, as text.
type scalarText string

// UnmarshalJSON reads either.
func (t *scalarText) UnmarshalJSON(raw []byte) error {
	v, err := wire.Decode(raw)
	if err != nil {
		return err
	}
	*t = scalarText(plain(v))
	return nil
}

// ParseConfig reads a connection.
func ParseConfig(raw []byte) (Config, error) {
	var c Config
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&c); err != nil {
		return c, orgflow.Faultf(orgflow.CodeInvalidConfig, "the connection has another type than a declarative consumer expects")
	}
	return c, nil
}

// String shows the configuration without its settings, which may be secrets.
func (c Config) String() string {
	return fmt.Sprintf("rest %s root %s", c.BaseURL, c.RootDepartmentID)
}

// GoString is String, so that no way of printing shows a secret.
func (c Config) GoString() string { return c.String() }

// LogValue is String for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Options are what a process gives its connectors. The zero value works.
type Options struct {
	// Name is the consumer's, for logs, metrics and messages.
	Name string
	// Transport, Allowed, Limiter, Logger, Metrics and Now are those of
	// transport.Options; the timeout is the definition's.
	Transport http.RoundTripper
	Allowed   egress.List
	Limiter   transport.Limiter
	Logger    *slog.Logger
	Metrics   transport.Observer
	Now       func() time.Time
	// Sleep waits between two looks at a task; nil waits for real.
	Sleep sleeper
}

func (o Options) link(d *Definition, qps float64) *transport.Link {
	v := transport.Vendor{Name: o.Name, QPS: qps, Timeout: time.Duration(d.TimeoutSeconds * float64(time.Second)), MaxBody: maxBody}
	return transport.NewLink(v, transport.Options{Transport: o.Transport, Allowed: o.Allowed, Limiter: o.Limiter, Logger: o.Logger, Metrics: o.Metrics, Now: o.Now})
}

const defaultQPS = 10

// Rate is the budget in calls a second; 0 is unlimited.
func (c Config) Rate(d *Definition) float64 {
	if c.QPS != nil {
		return *c.QPS
	}
	return cmp.Or(d.QPS, defaultQPS)
}

// check lists what is wrong with a connection, and returns its settings with
// defaults.
func (c Config) check(name string, d *Definition) (map[string]string, []orgflow.Problem) {
	var problems []orgflow.Problem
	at := "/consumers/" + name
	refuse := func(key, format string, args ...any) {
		problems = append(problems, orgflow.Problem{Pointer: at + key, Message: fmt.Sprintf(format, args...)})
	}
	if u, ok := connectors.BaseAddress(c.BaseURL); !ok || u.User != nil {
		refuse("/base_url", "must be an http or https address without a query")
	}
	if c.QPS != nil && *c.QPS < 0 {
		refuse("/qps", "must be 0 (unlimited) or more calls a second")
	}
	settings := c.settings(d, refuse)
	return settings, problems
}

// settings are the connection's values with the definition's defaults.
func (c Config) settings(d *Definition, refuse func(key, format string, args ...any)) map[string]string {
	settings := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(c.Settings)) {
		if _, known := d.Settings[key]; !known {
			refuse("/settings/"+key, "is not known to the definition; allowed are %s", strings.Join(slices.Sorted(maps.Keys(d.Settings)), ", "))
			continue
		}
		if _, isScalar := scalarOf(c.Settings[key]); !isScalar || c.Settings[key] == nil {
			refuse("/settings/"+key, "must be a text, a number, true or false")
			continue
		}
		settings[key] = plain(c.Settings[key])
	}
	for _, key := range slices.Sorted(maps.Keys(d.Settings)) {
		s := d.Settings[key]
		if settings[key] == "" && s.Default != nil {
			settings[key] = *s.Default
		}
		if settings[key] == "" && s.Required {
			refuse("/settings/"+key, "is required: %s", s.Description)
		}
	}
	return settings
}
