package config

import (
	"cmp"
	"strconv"

	"orgflow"
)

// Temporal says how to reach the Temporal server; for standalone, where the
// embedded one listens.
type Temporal struct {
	Addr      string
	Namespace string
	TaskQueue string
	APIKey    SecretText
	TLS       TLS
	// UIAddr is where standalone serves the Web UI.
	UIAddr string
	// UIURL is where browsers find the Web UI, without a slash at its end;
	// empty when it is not known.
	UIURL string
}

// TLS secures the connection to Temporal.
type TLS struct {
	Enabled    bool
	CertFile   string // client certificate, PEM; with KeyFile
	KeyFile    string
	CAFile     string // authorities to trust instead of the system's, PEM
	ServerName string // name expected in the server's certificate
}

func (p *problems) temporal(e environment) Temporal {
	t := Temporal{
		Addr:      p.addr("ORGFLOW_TEMPORAL_ADDR", cmp.Or(e.TemporalAddr, DefaultTemporalAddr)),
		Namespace: cmp.Or(e.TemporalNamespace, DefaultNamespace),
		TaskQueue: cmp.Or(e.TemporalTaskQueue, orgflow.DefaultTaskQueue),
		UIAddr:    p.addr("ORGFLOW_TEMPORAL_UI_ADDR", cmp.Or(e.TemporalUIAddr, DefaultUIAddr)),
		UIURL:     p.webUI("ORGFLOW_TEMPORAL_UI_URL", e.TemporalUIURL),
		TLS: TLS{
			CertFile:   p.file("ORGFLOW_TEMPORAL_TLS_CERT_FILE", e.TLSCertFile),
			KeyFile:    p.file("ORGFLOW_TEMPORAL_TLS_KEY_FILE", e.TLSKeyFile),
			CAFile:     p.file("ORGFLOW_TEMPORAL_TLS_CA_FILE", e.TLSCAFile),
			ServerName: e.TLSServerName,
		},
	}
	t.APIKey, _ = p.secret("ORGFLOW_TEMPORAL_API_KEY", e.TemporalAPIKey)
	t.TLS.Enabled = p.tlsEnabled(e)
	if (e.TLSCertFile == "") != (e.TLSKeyFile == "") {
		p.add("ORGFLOW_TEMPORAL_TLS_CERT_FILE", "a client certificate needs both ORGFLOW_TEMPORAL_TLS_CERT_FILE and ORGFLOW_TEMPORAL_TLS_KEY_FILE")
	}
	return t
}

// tlsEnabled is what the variable says; unset, TLS is on when any other TLS
// variable or an API key is set, so that neither is ever sent in the clear.
func (p *problems) tlsEnabled(e environment) bool {
	const variable = "ORGFLOW_TEMPORAL_TLS_ENABLED"
	wanted := e.TLSCertFile+e.TLSKeyFile+e.TLSCAFile+e.TLSServerName+e.TemporalAPIKey != ""
	if e.TLSEnabled == "" {
		return wanted
	}
	enabled, err := strconv.ParseBool(e.TLSEnabled)
	if err != nil {
		p.add(variable, "%q is not true or false", e.TLSEnabled)
		return wanted
	}
	if !enabled && e.TemporalAPIKey != "" {
		p.add(variable, "must not be false together with ORGFLOW_TEMPORAL_API_KEY: the key would be sent in the clear")
	}
	return enabled
}
