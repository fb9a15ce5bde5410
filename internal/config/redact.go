package config

import (
	"fmt"
	"log/slog"
	"strings"
)

const mask = "xxxxx"

// MarshalText masks the password in JSON.
func (d Database) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Format masks the password under every verb.
func (d Database) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, d.String()) }

// LogValue returns the settings as log attributes without secrets.
func (c Config) LogValue() slog.Value { return slog.GroupValue(c.attrs()...) }

// String returns the settings on one line without secrets.
func (c Config) String() string {
	attrs := c.attrs()
	parts := make([]string, len(attrs))
	for i, a := range attrs {
		parts[i] = a.String()
	}
	return strings.Join(parts, " ")
}

// GoString keeps %#v from walking into the secrets.
func (c Config) GoString() string { return c.String() }

func (c Config) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("role", string(c.Role)),
		slog.String("http_addr", c.HTTPAddr),
		slog.Int("api_keys", len(c.APIKeys)),
		slog.String("database", c.Database.String()),
		slog.String("temporal_addr", c.Temporal.Addr),
		slog.String("temporal_namespace", c.Temporal.Namespace),
		slog.String("temporal_task_queue", c.Temporal.TaskQueue),
		slog.Bool("temporal_tls", c.Temporal.TLS.Enabled),
		slog.Bool("payload_encryption", c.PayloadKeys.Set()),
		slog.String("meta_dir", c.MetaDir),
		slog.String("log_level", c.LogLevel.String()),
	}
	if c.Role == RoleStandalone {
		attrs = append(attrs, slog.String("data_dir", c.DataDir),
			slog.String("temporal_ui_addr", c.Temporal.UIAddr), slog.String("sim_addr", c.SimAddr))
	}
	if c.Temporal.UIURL != "" {
		attrs = append(attrs, slog.String("temporal_ui_url", c.Temporal.UIURL))
	}
	if c.MetricsAddr != "" {
		attrs = append(attrs, slog.String("metrics_addr", c.MetricsAddr))
	}
	return attrs
}
