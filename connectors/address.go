package connectors

import "net/url"

// BaseAddress reads an address in front of which nothing and behind which
// paths are put: http or https, with a host and without a query. ok is false
// where it is none. Whether it may name a user is the caller's to say.
func BaseAddress(s string) (u *url.URL, ok bool) {
	u, err := url.Parse(s)
	return u, err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.RawQuery == ""
}
