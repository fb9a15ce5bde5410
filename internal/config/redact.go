package config

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
)

const mask = "xxxxx"

// Secret is key material that never prints.
type Secret []byte

// String returns a mask, or nothing when there is no secret.
func (s Secret) String() string {
	if len(s) == 0 {
		return ""
	}
	return mask
}

// GoString returns a mask for %#v.
func (s Secret) GoString() string { return s.String() }

// Format masks the secret under every verb, %x and %d included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.String()) }

// MarshalText masks the secret in JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Secret) encodings() []string {
	return []string{base64.StdEncoding.EncodeToString(s), base64.URLEncoding.EncodeToString(s)}
}

// SecretText is a secret that is text, a token for example. It never prints;
// convert it to string to use it.
type SecretText string

// String returns a mask, or nothing when there is no secret.
func (s SecretText) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString returns a mask for %#v.
func (s SecretText) GoString() string { return s.String() }

// Format masks the secret under every verb.
func (s SecretText) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.String()) }

// MarshalText masks the secret in JSON.
func (s SecretText) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

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
		slog.Bool("payload_encryption", len(c.PayloadKey) > 0),
		slog.String("meta_dir", c.MetaDir),
		slog.String("log_level", c.LogLevel.String()),
	}
	if c.Role == RoleStandalone {
		attrs = append(attrs, slog.String("data_dir", c.DataDir),
			slog.String("temporal_ui_addr", c.Temporal.UIAddr), slog.String("sim_addr", c.SimAddr))
	}
	if c.MetricsAddr != "" {
		attrs = append(attrs, slog.String("metrics_addr", c.MetricsAddr))
	}
	return attrs
}
