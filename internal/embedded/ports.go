package embedded

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"orgflow/internal/freeport"
)

const loopback = "127.0.0.1"

// reservation holds a TCP port until the real owner takes it over. Neither
// the Temporal server nor its UI accepts an open listener, and the UI ends
// the process when its port is taken (Temporal reference § 12.4 no. 3). A
// port is therefore bound first, reported properly when busy, and released
// in the moment before its owner binds it.
type reservation struct {
	listener net.Listener
	addr     *net.TCPAddr
}

// reserve binds addr; what and setting name it in the error.
func reserve(addr, what, setting string) (*reservation, error) {
	listener, err := listen(addr)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("address %s (%s, %s) is in use: stop the other program or choose another address", addr, what, setting)
		}
		return nil, fmt.Errorf("address %s (%s, %s) cannot be used: %w", addr, what, setting, err)
	}
	tcp, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		_ = listener.Close()
		return nil, fmt.Errorf("address %s (%s, %s) is no TCP address", addr, what, setting)
	}
	return &reservation{listener: listener, addr: tcp}, nil
}

// innerFrom and innerTo bound the ports that we choose ourselves.
const innerFrom, innerTo = 10_000, 20_000

// listen opens addr. Port 0 is any, but none that could be lost between its
// release and the server's own listening.
func listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && port == "0" {
		return freeport.Listen(host, innerFrom, innerTo)
	}
	return net.Listen("tcp", addr)
}

// release frees the port; it may be called more than once, also on nil.
func (r *reservation) release() {
	if r != nil {
		_ = r.listener.Close()
	}
}

// dialAddr is the address clients on this machine use: a wildcard address
// becomes loopback.
func (r *reservation) dialAddr() string {
	host := r.addr.IP.String()
	if r.addr.IP.IsUnspecified() {
		host = loopback
	}
	return net.JoinHostPort(host, fmt.Sprint(r.addr.Port))
}

// ports are all sockets of one embedded service.
type ports struct {
	frontend *reservation
	ui       *reservation // nil without a Web UI

	http, history, matching, worker *reservation
}

func reservePorts(cfg Config) (*ports, error) {
	p := &ports{}
	var err error
	if p.frontend, err = reserve(cfg.Addr, "Temporal", "ORGFLOW_TEMPORAL_ADDR"); err != nil {
		return nil, err
	}
	if cfg.UIAddr != "" {
		if p.ui, err = reserve(cfg.UIAddr, "Temporal Web UI", "ORGFLOW_TEMPORAL_UI_ADDR"); err != nil {
			p.release()
			return nil, err
		}
	}
	inner := []struct {
		name string
		slot **reservation
	}{{"HTTP frontend", &p.http}, {"history", &p.history}, {"matching", &p.matching}, {"worker", &p.worker}}
	for _, in := range inner {
		// The HTTP frontend binds the address of the gRPC frontend.
		host := loopback
		if in.slot == &p.http {
			host = p.frontend.addr.IP.String()
		}
		if *in.slot, err = reserve(net.JoinHostPort(host, "0"), "Temporal "+in.name, "chosen by the system"); err != nil {
			p.release()
			return nil, err
		}
	}
	return p, nil
}

// releaseServer frees everything the Temporal server is about to bind.
func (p *ports) releaseServer() {
	for _, r := range []*reservation{p.frontend, p.http, p.history, p.matching, p.worker} {
		r.release()
	}
}

// release frees all ports.
func (p *ports) release() {
	p.releaseServer()
	p.ui.release()
}
