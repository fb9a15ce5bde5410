package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"orgflow/internal/egress"
)

// problems gathers findings while the settings are parsed.
type problems struct{ list []Problem }

func (p *problems) add(variable, format string, args ...any) {
	p.list = append(p.list, Problem{Variable: variable, Message: fmt.Sprintf(format, args...)})
}

// addr checks host:port. The host may be empty (all interfaces).
func (p *problems) addr(variable, value string) string {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		p.add(variable, "%q is not host:port, for example 127.0.0.1:8080 or [::1]:8080", value)
		return value
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		p.add(variable, "port %q is not a number from 0 to 65535", port)
	}
	return value
}

func (p *problems) optionalAddr(variable, value string) string {
	if value == "" {
		return ""
	}
	return p.addr(variable, value)
}

// Loopback tells whether a listen address can be reached from this machine
// only. A host name counts as reachable from elsewhere, "localhost" excepted:
// what a name resolves to is not ours to promise.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// LocalHost tells whether the Host of a request, with or without a port, names
// this machine itself.
func LocalHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// rate reads requests a minute; 0 is no bound.
func (p *problems) rate(variable, value string, standard int) int {
	if value == "" {
		return standard
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		p.add(variable, "%q is not a whole number of requests a minute; 0 is no bound, the default %d", value, standard)
	}
	return n
}

func (p *problems) egress(variable, value string) egress.List {
	list, err := egress.Parse(value)
	if err != nil {
		p.add(variable, "%s", err)
	}
	return list
}

// access refuses an API that is open to the network without keys.
func (p *problems) access(c Config, keysGiven bool) {
	if keysGiven || Loopback(c.HTTPAddr) {
		return
	}
	p.add("ORGFLOW_API_KEYS", "required because ORGFLOW_HTTP_ADDR=%s is not a loopback address: "+
		"set keys (name:role:sha256hex,…; role read, operate, approve or admin) or listen on 127.0.0.1", c.HTTPAddr)
}

// exposed warns of listeners that have no protection of their own.
func (*problems) exposed(c Config) []string {
	if c.Role != RoleStandalone {
		return nil
	}
	var warnings []string
	for _, l := range []struct{ variable, addr, what string }{
		{"ORGFLOW_TEMPORAL_ADDR", c.Temporal.Addr, "the embedded Temporal server"},
		{"ORGFLOW_TEMPORAL_UI_ADDR", c.Temporal.UIAddr, "the Temporal Web UI"},
		{"ORGFLOW_SIM_ADDR", c.SimAddr, "the simulators"},
	} {
		if !Loopback(l.addr) {
			warnings = append(warnings, fmt.Sprintf("%s=%s can be reached from other machines: no password protects %s", l.variable, l.addr, l.what))
		}
	}
	return warnings
}

const (
	// defaultDrain is a little more than load balancers usually need to notice.
	defaultDrain = 5 * time.Second
	// mostDrain leaves the requests in flight their time, before a supervisor
	// of processes kills what has not stopped.
	mostDrain = time.Minute
)

// drain reads a duration. Unset, it is 0 on loopback, where people use the
// server themselves and nobody else could be asked instead.
func (p *problems) drain(variable, value, addr string) time.Duration {
	if value == "" {
		if Loopback(addr) {
			return 0
		}
		return defaultDrain
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 || d > mostDrain {
		p.add(variable, "%q is not a duration from 0s to %s, for example 5s", value, mostDrain)
		return 0
	}
	return d
}

func (p *problems) directory(variable, value string) string {
	if value == "" {
		return ""
	}
	info, err := os.Stat(value)
	switch {
	case err != nil:
		p.add(variable, "directory %s cannot be read: it must exist, or the variable be empty", value)
	case !info.IsDir():
		p.add(variable, "%s is a file; a directory is needed", value)
	}
	return value
}

func (p *problems) file(variable, value string) string {
	if value == "" {
		return ""
	}
	f, err := os.Open(value)
	if err != nil {
		p.add(variable, "file %s cannot be read: it must exist and be readable", value)
		return value
	}
	_ = f.Close() // opened for the check only
	return value
}

// webUI checks the address of a web page: a scheme and a host, no secret.
func (p *problems) webUI(variable, value string) string {
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		p.add(variable, "must be the address at which browsers find Temporal's Web UI, for example https://temporal.example.com")
		return ""
	}
	return strings.TrimRight(value, "/")
}

func (p *problems) logFormat(variable, value string) LogFormat {
	switch f := LogFormat(strings.ToLower(value)); f {
	case LogAuto, LogText, LogJSON:
		return f
	}
	p.add(variable, "%q is not text or json", value)
	return LogAuto
}

func (p *problems) logLevel(variable, value string) slog.Level {
	switch strings.ToLower(value) {
	case "debug":
		return slog.LevelDebug
	case "", "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	p.add(variable, "%q is not debug, info, warn or error", value)
	return slog.LevelInfo
}

// traces reads the standard variables of OpenTelemetry that decide whether and
// how traces are sent. OpenTelemetry itself would pass over a wrong address.
func (p *problems) traces(e environment) TraceProtocol {
	variable, endpoint := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", e.OTLPTracesEndpoint
	if endpoint == "" {
		variable, endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT", e.OTLPEndpoint
	}
	if endpoint == "" || strings.EqualFold(e.OTELDisabled, "true") {
		return TracesOff
	}
	if u, err := url.Parse(endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		p.add(variable, "must be the URL of a collector, such as http://127.0.0.1:4318")
	}
	if t := TraceProtocol(cmp.Or(e.OTLPTracesProtocol, e.OTLPProtocol, string(TracesHTTP))); t == TracesHTTP || t == TracesGRPC {
		return t
	}
	p.add("OTEL_EXPORTER_OTLP_PROTOCOL", "must be %s or %s", TracesHTTP, TracesGRPC)
	return TracesOff
}
