package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// toldCompany is the company whose operators are told that its secret is
// wrong.
const toldCompany = 399

// noticeReceiver takes notices and checks what everybody can check of them.
type noticeReceiver struct {
	url string

	mu     sync.Mutex
	bodies map[string]string // by their Idempotency-Key
}

func newNoticeReceiver(t *testing.T, secret string) *noticeReceiver {
	r := &noticeReceiver{bodies: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		raw, err := io.ReadAll(req.Body)
		if err != nil {
			t.Errorf("a notice: %v", err)
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(req.Header.Get("X-Orgflow-Timestamp") + "." + string(raw)))
		if got, want := req.Header.Get("X-Orgflow-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signed %q, want %q", got, want)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		key := req.Header.Get("Idempotency-Key")
		if before, known := r.bodies[key]; known && before != string(raw) {
			t.Errorf("a notice came as %q, then as %q", before, raw)
		}
		r.bodies[key] = string(raw)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *noticeReceiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, body := range r.bodies {
		list = append(list, body)
	}
	return list
}

// tellsOperators lets a run fail twice: operators are told once, by the
// channel that works; what reached nobody is shown.
func (w *world) tellsOperators(r *noticeReceiver) {
	w.t.Helper()
	job := w.file("job.json", pairing{company: toldCompany, consumer: "we_com"}.job(""))
	for range 2 {
		if got := w.starter("sync", "--file", job, "--wait"); got.code != 1 {
			w.t.Fatalf("exit code %d: %s%s", got.code, got.out, got.err)
		}
	}
	var board struct {
		Open []struct {
			Event, Cause, Ref string
			Untold            int
		}
		Lost []struct {
			UserCode string `json:"user_code"`
			Channel  string
			State    string
		}
	}
	eventually(w.t, time.Minute, 500*time.Millisecond, "operators are told", func() error {
		board.Open, board.Lost = nil, nil
		raw := w.starter("notices", "--company", fmt.Sprint(toldCompany), "--json").out
		if err := json.Unmarshal([]byte(raw), &board); err != nil {
			return fmt.Errorf("%s: %w", raw, err)
		}
		if len(r.got()) == 0 || len(board.Lost) == 0 || len(board.Open) == 0 || board.Open[0].Untold == 0 {
			return fmt.Errorf("%q; %+v", r.got(), board)
		}
		return nil
	})
	if len(board.Open) != 1 || board.Open[0].Event != "breaker" || board.Open[0].Untold != 1 {
		w.t.Errorf("what goes on: %+v", board.Open)
	}
	if len(board.Lost) != 1 || board.Lost[0].UserCode != "E404" || board.Lost[0].Channel != "we_com" || board.Lost[0].State != "dead" {
		w.t.Errorf("what reached nobody: %+v", board.Lost)
	}
	bodies := r.got()
	if len(bodies) != 1 {
		w.t.Fatalf("%d notices: %q", len(bodies), bodies)
	}
	for _, part := range []string{`"event":"breaker"`, `"telling":"first"`, `"count":1`, fmt.Sprintf(`"company_id":%d`, toldCompany), "credentials refused", "we_com"} {
		if !strings.Contains(bodies[0], part) {
			w.t.Errorf("%s does not say %s", bodies[0], part)
		}
	}
	if strings.Contains(bodies[0], "this-is-wrong-77") {
		w.t.Errorf("it shows the secret: %s", bodies[0])
	}
}
