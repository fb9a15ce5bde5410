package temporalx

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// authority signs certificates and writes them as files.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("authority", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// issue writes NAME.crt and NAME.key for a server at 127.0.0.1 or a client.
func (a *authority) issue(file, name string) {
	a.t.Helper()
	_, _ = a.sign(file, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{"temporal.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

func (a *authority) sign(file string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if c.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		a.t.Fatal(err)
	}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{".crt": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(a.file(file+name), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// frontend is as much of a Temporal service as Dial asks, behind TLS.
type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer
	addr string

	mu     sync.Mutex
	keys   []string // Authorization headers
	client string   // common name of the last caller's certificate
}

func serveTLS(t *testing.T, a *authority, wanted tls.ClientAuthType) *frontend {
	t.Helper()
	a.issue("server", "server")
	pair, err := tls.LoadX509KeyPair(a.file("server.crt"), a.file("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &frontend{addr: listener.Addr().String()}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: wanted, ClientCAs: roots, MinVersion: tls.VersionTLS12,
	})))
	workflowservice.RegisterWorkflowServiceServer(server, f)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	t.Cleanup(server.Stop)
	return f
}

func (f *frontend) see(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	f.keys = append(f.keys, strings.Join(md.Get("authorization"), ","))
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(info.State.PeerCertificates) > 0 {
			f.client = info.State.PeerCertificates[0].Subject.CommonName
		}
	}
}

func (f *frontend) GetSystemInfo(ctx context.Context, _ *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	f.see(ctx)
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (f *frontend) DescribeNamespace(ctx context.Context, _ *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	f.see(ctx)
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

func dialTLS(t *testing.T, cfg Config) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cl, err := Dial(ctx, cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		cl.Close()
	}
	return err
}

func TestTLSChecksBothSides(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	service := serveTLS(t, ours, tls.RequireAndVerifyClientCert)
	ours.issue("client", "worker-1")
	theirs.issue("client", "stranger")
	known := TLS{Enabled: true, CAFile: ours.file("authority.crt"), CertFile: ours.file("client.crt"), KeyFile: ours.file("client.key")}
	for name, c := range map[string]struct {
		change func(*TLS)
		want   string // empty: connects
	}{
		"known to each other":     {func(*TLS) {}, ""},
		"a name in the server's":  {func(t *TLS) { t.ServerName = "temporal.test" }, ""},
		"another name":            {func(t *TLS) { t.ServerName = "temporal.example.com" }, "certificate is valid for temporal.test, not temporal.example.com"},
		"another authority":       {func(t *TLS) { t.CAFile = theirs.file("authority.crt") }, "certificate signed by unknown authority"},
		"the system's":            {func(t *TLS) { t.CAFile = "" }, "certificate signed by unknown authority"},
		"no client certificate":   {func(t *TLS) { t.CertFile, t.KeyFile = "", "" }, "cannot reach Temporal"},
		"a stranger's":            {func(t *TLS) { t.CertFile, t.KeyFile = theirs.file("client.crt"), theirs.file("client.key") }, "cannot reach Temporal"},
		"a key of another":        {func(t *TLS) { t.KeyFile = theirs.file("client.key") }, "check ORGFLOW_TEMPORAL_TLS_CERT_FILE"},
		"TLS spoken by one alone": {func(t *TLS) { *t = TLS{} }, "cannot reach Temporal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := known
			c.change(&settings)
			err := dialTLS(t, Config{Addr: service.addr, Namespace: "default", TLS: settings})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// Certificates and keys that are replaced count without a restart.
func TestCertificateAndAPIKeyAreReadWhenUsed(t *testing.T) {
	ours := newAuthority(t)
	service := serveTLS(t, ours, tls.RequireAndVerifyClientCert)
	ours.issue("client", "first")
	keys := []string{"first-key", "second-key", "third-key"}
	options, err := clientOptions(Config{
		Addr: service.addr, Namespace: "default",
		TLS: TLS{CAFile: ours.file("authority.crt"), CertFile: ours.file("client.crt"), KeyFile: ours.file("client.key")},
		APIKey: func() (string, error) {
			if len(keys) == 0 {
				return "", errors.New("refers to ${file:/gone}, which does not exist")
			}
			key := keys[0]
			keys = keys[1:]
			return key, nil
		},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	connect := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		cl, err := client.DialContext(ctx, options)
		if err == nil {
			cl.Close()
		}
		return err
	}
	for _, name := range []string{"first", "second"} {
		ours.issue("client", name)
		if err := connect(); err != nil {
			t.Fatal(err)
		}
		service.mu.Lock()
		if service.client != name {
			t.Errorf("called with the certificate of %q instead of %q", service.client, name)
		}
		service.mu.Unlock()
	}
	if got := strings.Join(service.keys, " "); got != "Bearer first-key Bearer second-key" {
		t.Errorf("keys sent: %s", got)
	}
	keys = nil
	if err := connect(); err == nil || !strings.Contains(err.Error(), "${file:/gone}") {
		t.Errorf("without its key: %v", err)
	}
}
