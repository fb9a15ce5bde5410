package temporalx

import (
	"net/http"
	"slices"
	"strings"

	"go.temporal.io/sdk/converter"
)

// maxCodecBody bounds a request of the Web UI: a page of history, each
// payload of which is at most 2 MiB (Temporal reference § 2).
const maxCodecBody = 64 << 20

// NewCodecHandler returns the codec endpoint of the Temporal Web UI: POST
// …/decode and …/encode (Temporal reference § 11). Browsers may call it from
// the given origins only ("http://127.0.0.1:8233"; a trailing slash is
// removed, it would fail without a message).
//
// Whoever reaches the endpoint can read payloads: mount it behind the same
// login as the API, or on loopback.
func NewCodecHandler(payloadKey string, origins ...string) (http.Handler, error) {
	codec, err := newCodec(payloadKey)
	if err != nil {
		return nil, err
	}
	allowed := make([]string, len(origins))
	for i, origin := range origins {
		allowed[i] = strings.TrimRight(origin, "/")
	}
	inner := http.MaxBytesHandler(converter.NewPayloadCodecHTTPHandler(codec), maxCodecBody)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" {
			if !slices.Contains(allowed, origin) {
				http.Error(w, "this origin may not use the codec", http.StatusForbidden)
				return
			}
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Methods", "POST, OPTIONS")
			w.Header().Set("Access-Control-Allow-Headers", "Content-Type, X-Namespace, Authorization, Authorization-Extras")
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		inner.ServeHTTP(w, r)
	}), nil
}
