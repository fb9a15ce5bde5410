package transport

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"orgflow/internal/egress"
)

// NewBase returns the transport at the wire, tuned for many parallel calls
// to one or two hosts, which connects to whom the list allows. Idle
// connections are given up before the usual 60 seconds of a server, so that
// few writes meet a connection just closed.
//
// A proxy of the environment (HTTPS_PROXY) looks names up itself: there the
// list judges hosts by name only, and what a name leads to is the proxy's to
// judge.
func NewBase(allowed egress.List) *http.Transport {
	return newBase(allowed, &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}, http.ProxyFromEnvironment)
}

func newBase(allowed egress.List, dialer *net.Dialer, proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	w := wire{allowed: allowed, direct: egress.Dial(dialer, allowed.CheckAddr), toProxy: egress.Dial(dialer, egress.Never), proxy: proxy}
	return &http.Transport{
		Proxy:               w.way,
		DialContext:         w.dial,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 128,
		IdleConnTimeout:     50 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
}

type dial func(ctx context.Context, network, addr string) (net.Conn, error)

// wire judges requests on their way to a connection.
type wire struct {
	allowed         egress.List
	direct, toProxy dial
	proxy           func(*http.Request) (*url.URL, error)
	proxies         sync.Map // host:port of the proxies in use
}

// way is asked by net/http whether a proxy leads to where a request goes,
// before a connection is looked for; here also whether it may go at all. Over
// HTTP/2 it is not asked again while a connection to the same host is open.
func (w *wire) way(req *http.Request) (*url.URL, error) {
	if err := w.allowed.CheckURL(req.URL); err != nil {
		return nil, err
	}
	via, err := w.proxy(req)
	if via == nil || err != nil {
		return via, err
	}
	if err := w.allowed.CheckName(req.URL.Hostname()); err != nil {
		return nil, err
	}
	w.proxies.Store(hostPort(via), true)
	return via, nil
}

// dial connects to a vendor, or to the proxy that the machine's owner named,
// which needs no entry in the list.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if _, ok := w.proxies.Load(addr); ok {
		return w.toProxy(ctx, network, addr)
	}
	return w.direct(ctx, network, addr)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
