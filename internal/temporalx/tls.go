package temporalx

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS describes an encrypted connection.
type TLS struct {
	// Enabled turns TLS on with the system's authorities.
	Enabled bool
	// CertFile and KeyFile hold the client certificate, both or neither. They
	// are read again for every connection.
	CertFile, KeyFile string
	// CAFile replaces the system's authorities.
	CAFile string
	// ServerName overrides the name expected in the server's certificate.
	ServerName string
}

// config reads the files once, so that a program does not start with ones
// that it cannot use.
func (t TLS) config() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("a client certificate needs both ORGFLOW_TEMPORAL_TLS_CERT_FILE and ORGFLOW_TEMPORAL_TLS_KEY_FILE")
	}
	if t.CertFile != "" {
		if _, err := t.certificate(); err != nil {
			return nil, err
		}
		// Certificates are short-lived where a sidecar renews them.
		out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.certificate() }
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the Temporal certificate authority: %w: check ORGFLOW_TEMPORAL_TLS_CA_FILE", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s (ORGFLOW_TEMPORAL_TLS_CA_FILE) holds no PEM certificate", t.CAFile)
		}
	}
	return out, nil
}

func (t TLS) certificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("load the Temporal client certificate: %w: check ORGFLOW_TEMPORAL_TLS_CERT_FILE and ORGFLOW_TEMPORAL_TLS_KEY_FILE", err)
	}
	return &pair, nil
}
