package temporalx

import (
	"bytes"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

func key(fill byte) []byte { return bytes.Repeat([]byte{fill}, keyBytes) }

// keysOf has the keys made of each byte; the first encrypts.
func keysOf(t testing.TB, fills ...byte) *PayloadKeys {
	t.Helper()
	k, err := NewPayloadKeys(func() ([][]byte, error) {
		keys := make([][]byte, len(fills))
		for i, fill := range fills {
			keys[i] = key(fill)
		}
		return keys, nil
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustCodec(t testing.TB, fills ...byte) codec { return codec{keysOf(t, fills...)} }

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
	ids := keysOf(t, 1, 2, 3).IDs()
	for _, c := range []struct {
		keys []byte
		want string
	}{{[]byte{2, 3}, "it has " + ids[1] + ", " + ids[2]}, {nil, "it is not set"}} {
		_, err := mustCodec(t, c.keys...).Decode(sealed)
		unknown, ok := errors.AsType[*UnknownKeyError](err)
		if !ok || unknown.ID != ids[0] || !strings.Contains(err.Error(), "ORGFLOW_PAYLOAD_KEY") || !strings.Contains(err.Error(), ids[0]) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("without its key: %v", err)
		}
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

func TestAKeyOfAnotherLengthIsRefused(t *testing.T) {
	_, err := NewPayloadKeys(func() ([][]byte, error) { return [][]byte{key(1), []byte("short secret")}, nil }, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "ORGFLOW_PAYLOAD_KEY") || strings.Contains(err.Error(), "short secret") {
		t.Error(err)
	}
}

// earlier is "hello" as the version before there were several keys encrypted
// it with the key of 32 bytes 1.
const earlier = "F6MzOKpxRfkhgRfnr8Ex+Z6opxrR/M8h/b43UqNalhwzbLw6bgho8ssNQFDGlWePzN6H+TPw+pM5ttNftg=="

// The form of a payload is data in histories: one that was encrypted by an
// earlier version, with its only key, is read by whoever has that key.
func TestPayloadsOfEarlierVersionsStayReadable(t *testing.T) {
	data, err := base64.StdEncoding.DecodeString(earlier)
	if err != nil {
		t.Fatal(err)
	}
	p := &commonpb.Payload{Data: data, Metadata: map[string][]byte{
		"encoding": []byte("binary/encrypted"), "encryption-key-id": []byte("72cd6e8422c4"),
	}}
	for _, keys := range [][]byte{{1}, {2, 1}} {
		out, err := mustCodec(t, keys...).Decode([]*commonpb.Payload{p})
		if err != nil || string(out[0].GetData()) != `"hello"` {
			t.Errorf("with keys %v: %v, %v", keys, out, err)
		}
	}
}

func TestTheHandlerIsTemporalsRemoteCodec(t *testing.T) {
	server := httptest.NewServer(keysOf(t, 2, 1).CodecHandler())
	defer server.Close()
	remote := converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{Endpoint: server.URL + "/codec"})
	in := []*commonpb.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"hello"`)}}
	old, err := mustCodec(t, 1).Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := remote.Decode(old); err != nil || !proto.Equal(in[0], out[0]) {
		t.Errorf("decoded %v, %v", out, err)
	}
	sealed, err := remote.Encode(in)
	if err != nil || keyID(sealed[0]) != keysOf(t, 2).IDs()[0] {
		t.Errorf("encoded %v, %v", sealed, err)
	}
	other, err := mustCodec(t, 3).Encode(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Decode(other); err == nil || !strings.Contains(err.Error(), "Bad Request") || !strings.Contains(err.Error(), keysOf(t, 3).IDs()[0]) {
		t.Errorf("a key that is not there: %v", err)
	}
}
