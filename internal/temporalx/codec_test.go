package temporalx

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

func key(fill byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, keyBytes))
}

func mustCodec(t testing.TB, fill byte) *codec {
	t.Helper()
	c, err := newCodec(key(fill))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatIsEncryptedComesBack(t *testing.T) {
	c := mustCodec(t, 1)
	rapid.Check(t, func(t *rapid.T) {
		in := &commonpb.Payload{
			Metadata: map[string][]byte{converter.MetadataEncoding: []byte("json/plain")},
			Data:     rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
		}
		sealed, err := c.Encode([]*commonpb.Payload{in})
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.Decode(sealed)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(in, out[0]) {
			t.Fatalf("%v became %v", in, out[0])
		}
		if len(in.Data) > 8 && bytes.Contains(sealed[0].Data, in.Data) {
			t.Fatal("the data stands in clear")
		}
	})
}

func TestTheSameTextIsEncryptedDifferentlyEachTime(t *testing.T) {
	c := mustCodec(t, 1)
	p := &commonpb.Payload{Data: []byte("x")}
	out, err := c.Encode([]*commonpb.Payload{p, p})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(out[0].Data, out[1].Data) {
		t.Error("a nonce was used twice")
	}
}

func TestDecodeRefusesWhatItCannotTrust(t *testing.T) {
	sealed, err := mustCodec(t, 1).Encode([]*commonpb.Payload{{Data: []byte("secret")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mustCodec(t, 2).Decode(sealed); err == nil || !strings.Contains(err.Error(), "ORGFLOW_PAYLOAD_KEY") {
		t.Errorf("another key: %v", err)
	}
	for name, damage := range map[string]func(*commonpb.Payload){
		"changed data": func(p *commonpb.Payload) { p.Data[len(p.Data)-1] ^= 1 },
		"cut data":     func(p *commonpb.Payload) { p.Data = p.Data[:4] },
	} {
		broken := proto.Clone(sealed[0]).(*commonpb.Payload)
		damage(broken)
		if _, err := mustCodec(t, 1).Decode([]*commonpb.Payload{broken}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	plain := []*commonpb.Payload{{Data: []byte("old")}}
	if out, err := mustCodec(t, 1).Decode(plain); err != nil || string(out[0].Data) != "old" {
		t.Errorf("a payload from before the key: %v, %v", out, err)
	}
}

func TestABadKeyIsExplainedAndNotShown(t *testing.T) {
	for _, bad := range []string{"not base64!", base64.StdEncoding.EncodeToString([]byte("short secret"))} {
		_, err := DataConverter(bad)
		if err == nil || !strings.Contains(err.Error(), "ORGFLOW_PAYLOAD_KEY") || strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTheCodecEndpointServesTheWebUIOnly(t *testing.T) {
	const ui = "http://127.0.0.1:8233"
	handler, err := NewCodecHandler(key(1), ui+"/")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := mustCodec(t, 1).Encode([]*commonpb.Payload{{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte("json/plain")}, Data: []byte(`"hello"`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: sealed})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		method, path, origin string
		status               int
		want, allow          string
	}{
		"the UI decodes":      {http.MethodPost, "/codec/decode", ui, http.StatusOK, base64.StdEncoding.EncodeToString([]byte(`"hello"`)), ui},
		"the browser asks":    {http.MethodOptions, "/codec/decode", ui, http.StatusNoContent, "", ui},
		"a script":            {http.MethodPost, "/codec/decode", "", http.StatusOK, "", ""},
		"another site":        {http.MethodPost, "/codec/decode", "http://evil.example", http.StatusForbidden, "", ""},
		"another site asks":   {http.MethodOptions, "/codec/decode", "http://evil.example", http.StatusForbidden, "", ""},
		"something else":      {http.MethodPost, "/codec/other", ui, http.StatusNotFound, "", ui},
		"a page in a browser": {http.MethodGet, "/codec/decode", ui, http.StatusNotFound, "", ui},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(c.method, c.path, bytes.NewReader(body))
			if c.origin != "" {
				request.Header.Set("Origin", c.origin)
			}
			response := httptest.NewRecorder()
			handler.ServeHTTP(response, request)
			if response.Code != c.status || !strings.Contains(response.Body.String(), c.want) {
				t.Errorf("status %d, body %s", response.Code, response.Body)
			}
			if got := response.Header().Get("Access-Control-Allow-Origin"); got != c.allow {
				t.Errorf("allowed origin %q, want %q", got, c.allow)
			}
		})
	}
}
