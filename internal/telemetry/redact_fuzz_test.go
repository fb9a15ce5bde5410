package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"orgflow/internal/config"
)

// carriers are what a secret that nobody has told the redactor is in, as
// texts of libraries and vendors show it; %s is the secret.
var carriers = []string{
	`Get "https://oapi.dingtalk.com/topapi/v2/user/get?access_token=%s&id=1": EOF`,
	`Get "https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=c&corpsecret=%s": dial tcp: lookup`,
	`https://hr.example.com/api?ts=1&sign=%s`, `signature=%s`, `redirect=https%%3A%%2F%%2Fh%%2F%%3Faccess_token%%3D%s`,
	`POST /x HTTP/1.1\r\nAuthorization: Bearer %s`, `Authorization: Basic %s`, "x-acs-dingtalk-access-token: %s", "X-API-Key: %s",
	"Cookie: kdservice-sessionid=%s; path=/", "Set-Cookie: __Host-orgflow-session=%s", "kdservice-sessionid: %s",
	`{"errcode":40014,"access_token":"%s"}`, `{"appKey":"k","appSecret": "%s"}`, `{"client_secret":"%s","grant_type":"client_credentials"}`,
	`{"a":"{\"access_token\":\"%s\",\"b\":1}"}`, `map[string]string{"password":"%s"}`,
	"postgres://orgflow:%s@db:5432/orgflow", "host=db password=%s sslmode=off", "Bearer %s",
}

// personal are what numbers of people stand in.
var personal = []string{
	"mobile %s existed", `{"errmsg":"手机号%s已存在"}`, `{"mobile":"%s"}`, `{"mobile":%s}`, "+86-%s", "86 %s", "number: %s.", "(%s)", "mobile=%s&x=1", "[%s]", "工号1，手机 %s",
}

// ways are how a text gets into a line.
var ways = []func(*slog.Logger, string){
	func(l *slog.Logger, s string) { l.Info(s) },
	func(l *slog.Logger, s string) { l.Info("m", "text", s) },
	func(l *slog.Logger, s string) { l.Warn("m", "error", errors.New(s)) },
	func(l *slog.Logger, s string) {
		l.Warn("m", "error", fmt.Errorf("run x: %w", fmt.Errorf("page 2: %w", errors.New(s))))
	},
	func(l *slog.Logger, s string) { l.Info("m", "bytes", []byte(s)) },
	func(l *slog.Logger, s string) { l.Info("m", slog.Group("g", slog.Any("v", map[string]any{"k": s}))) },
	func(l *slog.Logger, s string) { l.With("v", s).WithGroup("g").Info("m", "x", 1) },
	func(l *slog.Logger, s string) { l.Info("m", "v", struct{ Text string }{s}) },
	func(l *slog.Logger, s string) { l.Info("m", "v", json.RawMessage(s)) },
}

// FuzzNoSecretIsLogged: whatever stands around a secret, by whatever way it
// gets into a line, in either format.
func FuzzNoSecretIsLogged(f *testing.F) {
	for i := range carriers {
		f.Add(uint8(i), uint8(i%len(ways)), "request failed: ", " (try again)", uint64(i)*7919, i%2 == 0)
	}
	for i := range personal {
		f.Add(uint8(len(carriers)+i), uint8(i%len(ways)), "", "", uint64(i)*104729, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, carrier, way uint8, before, after string, seed uint64, asText bool) {
		secret, n := fmt.Sprintf("Zk%x-q_%xY", seed, seed^0xabcdef), int(carrier)%(len(carriers)+len(personal))
		shape := slices.Concat(carriers, personal)[n]
		if n >= len(carriers) {
			secret = fmt.Sprintf("100%08d", seed%1e8)
		}
		if touches(before, after, secret) {
			return
		}
		format := config.LogJSON
		if asText {
			format = config.LogText
		}
		var b bytes.Buffer
		ways[int(way)%len(ways)](NewLogger(&b, format, slog.LevelDebug, NewRedactor()), before+fmt.Sprintf(shape, secret)+after)
		if strings.Contains(b.String(), secret) || strings.Contains(b.String(), url.QueryEscape(secret)) {
			t.Errorf("%q in %q is shown: %s", secret, shape, b.String())
		}
	})
}

// touches tells whether what stands around makes another text of it: letters
// that join the name or the number, an open quote, a URL that begins or ends
// elsewhere.
func touches(before, after, secret string) bool {
	if strings.Contains(before+after, secret) {
		return true
	}
	last, first := before[max(0, len(before)-1):], after[:min(1, len(after))]
	joins := func(s string) bool {
		return s != "" && (s[0] >= 0x80 || strings.ContainsAny(s, `0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-.=:&?%\"'@/`))
	}
	return joins(last) || joins(first)
}

// TestKnownSecretsAreMaskedInEveryShape: those of the settings, whatever is
// around them.
func TestKnownSecretsAreMaskedInEveryShape(t *testing.T) {
	for i, way := range ways {
		var b bytes.Buffer
		way(NewLogger(&b, config.LogJSON, slog.LevelDebug, NewRedactor(secret)), "x"+secret+"y")
		if strings.Contains(b.String(), secret) {
			t.Errorf("way %d: %s", i, &b)
		}
	}
}

// TestWhatIsNoSecretStaysReadable: a log in which everything is masked helps
// nobody.
func TestWhatIsNoSecretStaysReadable(t *testing.T) {
	r := NewRedactor()
	for _, text := range []string{
		"sync-129-ding_talk-20261121T0100Z-7f3a9c", "dept_id=416146037", "1700000000123", "userid 10012345678901", "E10012345678", "10012345678-abc"[:3],
		"the secret is missing: set ORGFLOW_PAYLOAD_KEY", "token renewals: 3", "mobile_change: report", "unauthorized: 17003", "sha256:9f86d081884c7d65",
		"GET /api/v1/flows/n1 took 12.5ms", `{"signal":"x","design":"y"}`, "http://127.0.0.1:8080/sync/x?state=failed", "2026-11-22T15:04:05Z", "trace_id 13812345678abcdef",
	} {
		if got := r.Text(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
