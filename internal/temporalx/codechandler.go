package temporalx

import (
	"net/http"

	"go.temporal.io/sdk/converter"
)

// CodecHandler returns the remote codec of the Temporal Web UI: POST …/decode
// and …/encode (Temporal reference § 11). Whoever reaches it can read
// payloads; mount it behind the login of the API, with a limit for bodies.
func (k *PayloadKeys) CodecHandler() http.Handler {
	return converter.NewPayloadCodecHTTPHandler(codec{k})
}
