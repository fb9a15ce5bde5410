package temporalx

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnUnreachableServiceIsOneClearLine(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := closed.Addr().String()
	_ = closed.Close()
	_, err = Dial(t.Context(), Config{Addr: addr, Namespace: "orgflow"}, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"cannot reach Temporal at " + addr, "start it or set ORGFLOW_TEMPORAL_ADDR"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}

func TestTLSMistakesNameTheSetting(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, tls := range map[string]TLS{
		"both ORGFLOW_TEMPORAL_TLS_CERT_FILE and ORGFLOW_TEMPORAL_TLS_KEY_FILE": {Enabled: true, CertFile: "cert.pem"},
		"check ORGFLOW_TEMPORAL_TLS_CERT_FILE":                                  {Enabled: true, CertFile: "missing", KeyFile: "missing"},
		"check ORGFLOW_TEMPORAL_TLS_CA_FILE":                                    {Enabled: true, CAFile: "missing"},
		"holds no PEM certificate":                                              {Enabled: true, CAFile: notPEM},
	} {
		_, err := Dial(t.Context(), Config{Addr: "127.0.0.1:1", TLS: tls}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", tls, err, want)
		}
	}
}

func TestAnAPIKeyTravelsEncryptedOnly(t *testing.T) {
	options, err := clientOptions(Config{Addr: "temporal.example:7233", APIKey: func() (string, error) { return "k", nil }}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if options.ConnectionOptions.TLS == nil || options.Credentials == nil {
		t.Errorf("TLS %v, credentials %v", options.ConnectionOptions.TLS, options.Credentials)
	}
	plain, err := clientOptions(Config{Addr: "127.0.0.1:7233"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if plain.ConnectionOptions.TLS != nil {
		t.Error("TLS without being asked for")
	}
}
