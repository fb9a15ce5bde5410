package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"orgflow/internal/config"
	"orgflow/internal/signin"
)

const (
	pathCodec = "/codec"
	// maxCodec bounds the body of a call of the codec, in bytes: a page of
	// history, some 4 MiB (Temporal reference § 2), in base64 and as JSON.
	maxCodec = 16 << 20
)

type webUIKey struct{}

// fromWebUI tells whether a page of Temporal's Web UI sent a request.
func fromWebUI(ctx context.Context) bool {
	from, _ := ctx.Value(webUIKey{}).(bool)
	return from
}

// codecRoutes lets Temporal's Web UI show encrypted payloads (Temporal
// reference § 11). To read them is to look at a run, to encrypt is what the
// Web UI does before it starts or signals one.
func (s *server) codecRoutes() {
	for _, route := range []struct {
		verb, summary string
		need          config.Access
	}{
		{"decode", "Decrypt payloads for Temporal's Web UI", config.AccessRead},
		{"encode", "Encrypt payloads for Temporal's Web UI", config.AccessOperate},
	} {
		path := pathCodec + "/" + route.verb
		s.router.Post(path, s.ofWebUI(s.authorize(route.need)(http.HandlerFunc(s.translate))).ServeHTTP)
		s.router.Options(path, s.ofWebUI(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		})).ServeHTTP)
		payloads := map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}
		s.huma.OpenAPI().AddOperation(&huma.Operation{
			OperationID: "codec-" + route.verb, Method: http.MethodPost, Path: path,
			Tags: []string{"operations"}, Summary: route.summary,
			Description: "Temporal's remote codec, {\"payloads\": [...]} in and out; of other origins only that of ORGFLOW_TEMPORAL_UI_URL may call it. 404 while ORGFLOW_PAYLOAD_KEY is not set, 400 for a payload whose key is not there.",
			Security:    []map[string][]string{{"bearer": {}}, {"key": {}}},
			Extensions:  map[string]any{"x-role": route.need.String()},
			RequestBody: &huma.RequestBody{Required: true, Content: payloads},
			Responses:   map[string]*huma.Response{"200": {Description: "The payloads, in the same order", Content: payloads}, "default": s.errorResponse()},
		})
	}
}

func (s *server) translate(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.Codec == nil:
		s.write(w, r, &Error{Code: codeNoRoute, Message: "payloads are not encrypted here; ORGFLOW_PAYLOAD_KEY is not set"})
	case r.ContentLength > maxCodec:
		s.write(w, r, &Error{Code: codeTooLarge, Message: "the body is larger than " + strconv.Itoa(maxCodec) + " bytes"})
	default:
		r.Body = http.MaxBytesReader(w, r.Body, maxCodec)
		s.Codec.ServeHTTP(w, r)
	}
}

// ofWebUI lets browsers call a route from our own pages and from Temporal's
// Web UI, credentials included, and from nowhere else. Programs send no origin.
func (s *server) ofWebUI(next http.Handler) http.Handler {
	webUI := originOf(s.Links.WebUI)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
		switch {
		case isOrigin(origin, webUI):
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace, Authorization, Authorization-Extras")
			h.Set("Access-Control-Max-Age", "600")
			r = r.WithContext(context.WithValue(r.Context(), webUIKey{}, true))
		case origin == "" && (site == "" || site == "none"), signin.SameOrigin(r):
		default:
			s.write(w, r, &Error{Code: codeCrossOrigin, Field: "Origin",
				Message: "this origin may not use the codec; ORGFLOW_TEMPORAL_UI_URL of the server names the Web UI that may"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// originOf is the origin of a page as browsers send it; empty for none.
func originOf(page string) string {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// isOrigin compares origins. This machine has several names.
func isOrigin(origin, want string) bool {
	if origin == "" || want == "" {
		return false
	}
	got, err := url.Parse(origin)
	if err != nil {
		return false
	}
	wanted, err := url.Parse(want)
	return origin == want || err == nil && got.Scheme == wanted.Scheme && got.Port() == wanted.Port() &&
		config.LocalHost(got.Host) && config.LocalHost(wanted.Host)
}
