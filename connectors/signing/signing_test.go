package signing_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orgflow"
	"orgflow/connectors/signing"
)

// Each file is a real system's recipe with a request whose signature was
// computed elsewhere (爱关怀 reference § C.2). The vectors of wechat_pay_md5,
// wechat_pay_hmac and callback are the vendors' own.
func TestRealSchemes(t *testing.T) {
	files, err := filepath.Glob("testdata/schemes/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := signing.Decode(raw)
			if err != nil || len(cfg.Vectors) == 0 {
				t.Fatalf("%d vectors, %v", len(cfg.Vectors), err)
			}
			if _, problems := cfg.Compile("/signing"); len(problems) > 0 {
				t.Error(problems)
			}
			cfg.Vectors[0].Signature += "0"
			if _, problems := cfg.Compile("/signing"); len(problems) != 1 || problems[0].Pointer != "/signing/vectors/0" {
				t.Errorf("a wrong signature goes unnoticed: %v", problems)
			}
		})
	}
}

var (
	at    = signing.Moment{Now: time.Unix(1700000000, 0), Nonce: "n1"}
	query = url.Values{"corpId": {"c1"}, "partnerId": {"p1"}, "taskId": {"t 1"}}
)

func signer(t *testing.T, c signing.Config) *signing.Signer {
	t.Helper()
	s, problems := c.Compile("/signing")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// The signatures were computed with another implementation.
func TestPresets(t *testing.T) {
	for preset, want := range map[string]string{
		"hmac_md5_sorted_query":           "a94d5f20b7bab1ef47c76f24736add5e",
		"hmac_sha1_sorted_query":          "d9bcb3f66c4bb7906d48352f45a608c3d06168ff",
		"hmac_sha256_sorted_query":        "42efcbb5938453a0da1e56a3091f7f903c7ee91c405dfc105d2f093629c33789",
		"hmac_md5_sorted_query_body":      "4ad64e622b12f192a0b73f1ed9dbad65",
		"hmac_sha1_sorted_query_body":     "98669c8114692421465a08fd87a774b50fc739d7",
		"hmac_sha256_sorted_query_body":   "cdc2e34d4c05d4f53253fc3234520dff72aaf41e795d0e1a6449f45cdbe5c665",
		"md5_sorted_query_with_secret":    "6625558e6d6866dacf679bc85c667d20",
		"sha1_sorted_query_with_secret":   "40021e1b2f2751faa086e75aa72841eabb3a1027",
		"sha256_sorted_query_with_secret": "27b84743691293551e86e0673db9c33af76b3f2c9a2ad6e1f848adab1c6c8684",
		"hmac_md5_partner_timestamp":      "14873d961af785a69b935a89365fe9c6",
		"hmac_sha1_partner_timestamp":     "2ab341d189d727509b87cb23751f5dec42e24694",
		"hmac_sha256_partner_timestamp":   "350ff06d8349f1a49ef74f4787ae0c0c9ebddda7aab21242e17f96029896779e",
	} {
		t.Run(preset, func(t *testing.T) {
			cfg := signing.Config{Preset: preset, Key: "k", TimestampParam: "timestamp"}
			if strings.Contains(preset, "partner") {
				cfg.NonceParam = "nonce"
			}
			got, err := signer(t, cfg).Sign(signing.Request{Query: query, Body: []byte(`{"type":"person"}`)}, at)
			if err != nil || got.Signature != want || got.Query.Get("sign") != want || got.Query.Get("timestamp") != "1700000000" {
				t.Errorf("%s signed as %s: %v, %v", got.Shown, got.Signature, got.Query, err)
			}
		})
	}
}

func TestNoneChangesNothing(t *testing.T) {
	for _, preset := range []string{"", "none"} {
		got, err := signer(t, signing.Config{Preset: preset}).Sign(signing.Request{Query: query}, at)
		if err != nil || got.Signature != "" || got.Query.Encode() != query.Encode() {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// What is signed is what is sent, byte by byte, and the caller's request
// stays as it was.
func TestTheBodyIsNeverWrittenAnew(t *testing.T) {
	const body = "{\"b\" : 1.50,\n\"a\":\"<&>\" }\n"
	s := signer(t, signing.Config{Key: "k", Scheme: &signing.Scheme{
		Parts: []signing.Part{{Value: "body"}}, Digest: "hmac_sha1",
		Place: []signing.Placement{{What: "nonce", In: "json", Name: "nonce"}, {What: "signature", In: "json", Name: "sign"}},
	}})
	in := signing.Request{Query: query, Body: []byte(body)}
	got, err := s.Sign(in, at)
	if err != nil {
		t.Fatal(err)
	}
	signed := "{\"b\" : 1.50,\n\"a\":\"<&>\" ,\"nonce\":\"n1\"}"
	if got.Shown != signed {
		t.Errorf("signed %s", got.Shown)
	}
	if want := signed[:len(signed)-1] + `,"sign":"` + got.Signature + `"}`; string(got.Bytes()) != want {
		t.Errorf("sent %s, want %s", got.Bytes(), want)
	}
	if string(in.Body) != body || len(in.Query) != 3 {
		t.Error("the caller's request was changed")
	}
}

func TestTheKeyIsNeverShown(t *testing.T) {
	cfg := signing.Config{Preset: "sha1_sorted_query_with_secret", Key: "top-secret-key"}
	got, err := signer(t, cfg).Sign(signing.Request{Query: query}, at)
	if err != nil || got.Shown != "appsecret=***&corpId=c1&partnerId=p1&taskId=t 1" {
		t.Errorf("%q, %v", got.Shown, err)
	}
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v %#v", cfg, cfg)} {
		if strings.Contains(text, "top-secret-key") {
			t.Error(text)
		}
	}
}

func TestEncodings(t *testing.T) {
	for how, want := range map[string]string{"": "v=a b/é", "none": "v=a b/é", "query": "v=a+b%2F%C3%A9", "percent": "v=a%20b%2F%C3%A9", "percent_lower": "v=a%20b%2f%c3%a9"} {
		s := signer(t, signing.Config{Key: "k", Scheme: &signing.Scheme{
			Parts: []signing.Part{{Pairs: &signing.Pairs{From: []string{"query"}, Encode: how}}}, Digest: "md5",
			Place: []signing.Placement{{What: "signature", In: "header", Name: "S"}},
		}})
		got, err := s.Sign(signing.Request{Query: url.Values{"v": {"a b/é"}}}, at)
		if err != nil || got.Shown != want {
			t.Errorf("%s: %q, %v", how, got.Shown, err)
		}
	}
}

func TestNoncesAndClocks(t *testing.T) {
	m := signing.Moment{Now: time.Unix(1700000000, 0)}
	copy(m.Random[:], "0123456789abcdef")
	for _, c := range []struct{ clock, nonce, time, once string }{
		{"", "", "1700000000", "30313233343536373839616263646566"},
		{"ms", "timestamp", "1700000000000", "1700000000000"},
		{"20060102150405", "uuid", "20231115061320", "30313233-3435-4637-b839-616263646566"},
	} {
		s := signer(t, signing.Config{Scheme: &signing.Scheme{
			Parts: []signing.Part{{Value: "timestamp"}}, Digest: "md5", Clock: c.clock, Nonce: c.nonce,
			Place: []signing.Placement{{What: "nonce", In: "header", Name: "N"}, {What: "signature", In: "header", Name: "S"}},
		}})
		got, err := s.Sign(signing.Request{}, m)
		if err != nil || got.Shown != c.time || got.Header["N"] != c.once {
			t.Errorf("%+v: %q %q, %v", c, got.Shown, got.Header["N"], err)
		}
	}
}

func TestProblems(t *testing.T) {
	for want, raw := range map[string]string{
		`/s/preset: unknown preset "hmac"`:     `{"preset": "hmac", "key": "k"}`,
		`/s/preset: stands beside scheme`:      `{"preset": "none", "scheme": {}}`,
		`/s/key: must be the signing key`:      `{"preset": "hmac_sha1_sorted_query"}`,
		`/s/timestamp_param: is required`:      `{"preset": "hmac_sha1_partner_timestamp", "key": "k"}`,
		`/s/clock: is "now"`:                   `{"scheme": {"parts": [{"value": "path"}], "digest": "md5", "clock": "now", "place": [{"what": "signature", "in": "query", "name": "s"}]}}`,
		`/s/parts: must list what is signed`:   `{"scheme": {"digest": "md5"}}`,
		`/s/place: must say where`:             `{"scheme": {"parts": [{"value": "path"}], "digest": "md5"}}`,
		`/s/digest: is "sm3"`:                  `{"scheme": {"digest": "sm3"}}`,
		`/s/parts/0: needs exactly one`:        `{"scheme": {"parts": [{}]}}`,
		`/s/parts/0/value: is "url"`:           `{"scheme": {"parts": [{"value": "url"}]}}`,
		`/s/parts/0/value: is "cookie"`:        `{"scheme": {"parts": [{"value": "cookie:a"}]}}`,
		`/s/parts/0/pairs/only: must list the`: `{"scheme": {"parts": [{"pairs": {"from": ["header"]}}]}}`,
		`/s/parts/0/pairs/order: is "random"`:  `{"scheme": {"parts": [{"pairs": {"from": ["query"], "order": "random"}}]}}`,
	} {
		cfg, err := signing.Decode([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		at := "/s"
		if cfg.Scheme != nil && cfg.Preset == "" {
			want = strings.Replace(want, "/s/", "/s/scheme/", 1)
		}
		_, problems := cfg.Compile(at)
		if !strings.Contains(lines(problems), want) {
			t.Errorf("%s gives %v, want %s", raw, problems, want)
		}
	}
	if _, err := signing.Decode([]byte(`{"preset": "none", "sekret": "x"}`)); err == nil {
		t.Error("an unknown key is taken")
	}
}

func lines(problems []orgflow.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

// No input changes what stands in the request already, and signing twice
// gives the same.
func TestSigningIsAFunction(t *testing.T) {
	text := rapid.StringN(0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		q := url.Values{}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			q.Add(text.Draw(t, "name"), text.Draw(t, "value"))
		}
		q.Del("sign")
		s, problems := signing.Config{Preset: "hmac_sha256_sorted_query_body", Key: text.Draw(t, "key") + "k"}.Compile("")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		r := signing.Request{Query: q, Body: []byte(text.Draw(t, "body"))}
		one, err := s.Sign(r, at)
		if err != nil {
			t.Fatal(err)
		}
		two, err := s.Sign(one.Request, at)
		if err != nil || one.Signature != two.Signature {
			t.Fatalf("%s then %s, %v", one.Signature, two.Signature, err)
		}
		one.Query.Del("sign")
		if one.Query.Encode() != q.Encode() || string(one.Bytes()) != string(r.Body) {
			t.Fatal("the request was changed")
		}
	})
}

func FuzzScheme(f *testing.F) {
	files, _ := filepath.Glob("testdata/schemes/*.json")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, []byte(`{"a":1,"b":{"c":null}}`))
	}
	f.Fuzz(func(t *testing.T, raw, body []byte) {
		var cfg signing.Config
		if json.Unmarshal(raw, &cfg) != nil {
			return
		}
		s, problems := cfg.Compile("/signing")
		if len(problems) > 0 {
			return
		}
		_, _ = s.Sign(signing.Request{Method: "POST", Path: "/p", Query: query, Body: body}, at) // must not panic
	})
}
