package signin

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"orgflow/internal/config"
)

// Cookies. The prefix makes a browser take the cookie from this host only,
// over TLS only, for all paths; on plain loopback there is no TLS.
const (
	securePrefix   = "__Host-"
	sessionCookie  = "orgflow-session"
	attemptCookie  = "orgflow-signin"
	maxReturn      = 512
	maxCookieValue = 128
)

// secure tells whether cookies of this request travel over TLS. Only a
// browser on this machine may do without.
func secure(r *http.Request) bool { return r.TLS != nil || !config.LocalHost(r.Host) }

func cookieName(r *http.Request, name string) string {
	if secure(r) {
		return securePrefix + name
	}
	return name
}

// cookieValue is the cookie's value, empty without one. Several of one name
// come from somewhere else than us, and none of them counts.
func cookieValue(r *http.Request, name string) string {
	found := r.CookiesNamed(cookieName(r, name))
	if len(found) != 1 || len(found[0].Value) > maxCookieValue {
		return ""
	}
	return found[0].Value
}

// setCookie sets a cookie for some seconds; a life below zero removes it.
func setCookie(w http.ResponseWriter, r *http.Request, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r, name), Value: value, Path: "/", MaxAge: seconds,
		Secure: secure(r), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Address is where a request came from. A proxy on this machine is believed
// about whom it heard last: what stands before that, the caller can have
// written. Nobody else is believed.
func Address(r *http.Request) string {
	peer := peerOf(r)
	if ip, err := netip.ParseAddr(peer); err != nil || !ip.Unmap().IsLoopback() {
		return peer
	}
	said := r.Header.Values("X-Forwarded-For")
	if len(said) == 0 {
		return peer
	}
	list := strings.Split(said[len(said)-1], ",")
	ip, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1]))
	if err != nil {
		return peer
	}
	return ip.Unmap().WithZone("").String()
}

// peerOf is the other end of the connection.
func peerOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// local tells whether a request comes from this machine and was passed on by
// nobody.
func local(r *http.Request) bool {
	ip, err := netip.ParseAddr(peerOf(r))
	if err != nil || !ip.Unmap().IsLoopback() || !config.LocalHost(r.Host) {
		return false
	}
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	return true
}

// SameOrigin tells whether a browser says that one of our own pages sent a
// request. One that says nothing does not prove it.
func SameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
}

// returnPath is a path of ours to go back to after signing in; anything else
// becomes nothing, so that nobody is led elsewhere.
func returnPath(p string) string {
	u, err := url.Parse(p)
	switch {
	case err != nil, len(p) > maxReturn, u.Scheme != "", u.Host != "", u.User != nil, u.Opaque != "":
		return ""
	case !strings.HasPrefix(p, "/"), strings.HasPrefix(p, "//"), strings.ContainsAny(p, "\\\r\n\t\x00"):
		return ""
	case strings.HasPrefix(u.Path, "/signin"), strings.HasPrefix(u.Path, "/signout"):
		return ""
	}
	return p
}
