package hcm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

const secret = "tok-0123456789"

// gateway answers what its function says and remembers what it was asked.
type gateway struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []call
	answer func(n int, c call) (int, string)
}

type call struct {
	url    string
	header http.Header
	body   string
}

func newGateway(t *testing.T, answer func(n int, c call) (int, string)) *gateway {
	t.Helper()
	g := &gateway{answer: answer}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c := call{url: r.URL.String(), header: r.Header.Clone(), body: string(body)}
		g.mu.Lock()
		g.asked = append(g.asked, c)
		n := len(g.asked)
		g.mu.Unlock()
		status, text := g.answer(n, c)
		if status >= 300 && status < 400 {
			w.Header().Set("Location", "/login")
		}
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "7")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(g.Close)
	return g
}

func always(status int, text string) func(int, call) (int, string) {
	return func(int, call) (int, string) { return status, text }
}

func (g *gateway) calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.asked)
}

func (g *gateway) source(t *testing.T, cfg Config, opts ...Option) *Source {
	t.Helper()
	cfg.BaseURL = g.URL + "/hcm"
	if cfg.Auth.Token == "" {
		cfg.Auth.Token = secret
	}
	noWait := WithSleep(func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
	s, err := New(cfg, append([]Option{noWait}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func employees(from, to int) string {
	rows := make([]string, 0, to-from)
	for id := from; id < to; id++ {
		rows = append(rows, fmt.Sprintf(`{"id":%d}`, id))
	}
	return strings.Join(rows, ",")
}

func TestRequestIsTheReferences(t *testing.T) {
	g := newGateway(t, always(200, `{"result":{"list":[],"count":0}}`))
	off, filter := false, "张"
	_, err := g.source(t, Config{}).ReadPage(t.Context(), connectors.Query{
		Model: "Employee", Fields: []connectors.Column{{Key: "dept", Field: []string{"department", "name"}}},
		FilterDict: map[string]json.RawMessage{"job_info.position_status_id": json.RawMessage(`[2,9007199254740993]`)},
		FilterStr:  &filter, OnlyList: &off, PageSize: 20, Sorts: json.RawMessage(`[{"key":"number","type":"asc"}]`),
		ExtraProperty: map[string]json.RawMessage{"state": json.RawMessage(`"abcd"`), "fields": json.RawMessage(`"theirs"`)},
	}, "3")
	if err != nil {
		t.Fatal(err)
	}
	got := g.asked[0]
	if got.url != "/hcm/api/hcm.model.list?model=Employee" {
		t.Errorf("asked %s", got.url)
	}
	want := `{"model":"Employee","filter_dict":{"job_info.position_status_id":[2,9007199254740993]},"filter_str":"张","page_index":3,"page_size":20,` +
		`"extra_property":{"fields":[{"key":"dept","field":["department","name"]}],"only_list":false,"sorts":[{"key":"number","type":"asc"}],"state":"abcd"}}`
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestRequestDefaults(t *testing.T) {
	g := newGateway(t, always(200, `{"data":{"list":[]}}`))
	s := g.source(t, Config{SendState: "inside"})
	if _, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee", API: "private.people"}, ""); err != nil {
		t.Fatal(err)
	}
	if got := g.asked[0].url; got != "/hcm/api/private.people?model=Employee&pure_result=1" {
		t.Errorf("asked %s", got)
	}
	want := `{"model":"Employee","filter_dict":{},"filter_str":null,"page_index":1,"page_size":500,` +
		`"extra_property":{"fields":[],"only_list":true,"sorts":[{"key":"id","type":"asc"}],"state":"inside"}}`
	if diff := cmp.Diff(want, g.asked[0].body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	extra := map[string]json.RawMessage{"sorts": json.RawMessage(`[]`), "only_list": json.RawMessage(`false`), "state": json.RawMessage(`"x"`)}
	if _, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee", ExtraProperty: extra}, ""); err != nil {
		t.Fatal(err)
	}
	if body := g.asked[1].body; !strings.Contains(body, `"only_list":false,"sorts":[],"state":"x"`) {
		t.Errorf("the job's own keys do not win: %s", body)
	}
}

func TestAuthModes(t *testing.T) {
	for mode, want := range map[Mode]map[string]string{
		"":          {"Authorization": "Bearer " + secret, "Hcminner": ""},
		BearerInner: {"Authorization": "Bearer " + secret, "Hcminner": "1"},
		Cookie:      {"Cookie": "token=" + secret, "Authorization": ""},
		Header:      {"X-Hcm": secret},
		OuterToken:  {"Outertoken": secret},
		NoAuth:      {"Authorization": "", "Cookie": ""},
	} {
		t.Run(string(mode), func(t *testing.T) {
			g := newGateway(t, always(200, `{"result":{"list":[]}}`))
			s := g.source(t, Config{Auth: Auth{Mode: mode, Header: "x-hcm"}})
			if _, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, ""); err != nil {
				t.Fatal(err)
			}
			for name, value := range want {
				if got := g.asked[0].header.Get(name); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
		})
	}
}

func TestAnswerShapes(t *testing.T) {
	for name, c := range map[string]struct {
		body     string
		rows     int
		declared int
	}{
		"list and count":          {`{"result":{"list":[{"id":1}],"count":9},"srv_begin":1,"log_index":2}`, 1, 9},
		"total before count":      {`{"result":{"total":7,"count":9,"list":[{"id":1}]}}`, 1, 7},
		"count before the list":   {`{"result":{"count":"9","list":[{"id":1}]}}`, 1, 9},
		"no count":                {`{"result":{"list":[{"id":1}]}}`, 1, -1},
		"null count":              {`{"result":{"list":[{"id":1}],"count":null}}`, 1, -1},
		"a count of 0 beside row": {`{"result":{"list":[{"id":1}],"count":0}}`, 1, -1},
		"result.data":             {`{"result":{"data":[{"id":1}],"total":4}}`, 1, 4},
		"data.list":               {`{"data":{"list":[{"id":1},{"id":2}],"count":2}}`, 2, 2},
		"data as array":           {`{"data":[{"id":1}],"total":3}`, 1, 3},
		"count beside result":     {`{"result":{"list":[{"id":1}]},"count":5}`, 1, 5},
		"bare list":               {`{"list":[{"id":1}],"count":1}`, 1, 1},
		"bare array":              {"\xef\xbb\xbf" + `[{"id":1}]`, 1, -1},
		"errcode 0 is success":    {`{"errcode":0,"success":true,"error_code":1700000000000,"result":{"list":[],"count":0}}`, 0, 0},
		"null list, counted":      {`{"result":{"list":null,"count":0}}`, 0, 0},
		"warning beside rows":     {`{"errcode":51005,"errmsg":"slow","result":{"list":[{"id":1}],"count":1}}`, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, always(200, c.body))
			page, err := g.source(t, Config{}).ReadPage(t.Context(), connectors.Query{Model: "Employee"}, "")
			if err != nil || len(page.Rows) != c.rows || page.Declared != c.declared || page.Calls != 1 {
				t.Errorf("page %+v, %v", page, err)
			}
		})
	}
}

func TestPagingEnds(t *testing.T) {
	for name, c := range map[string]struct {
		cursor, body, next string
	}{
		"full page, no count":          {"", `{"result":{"list":[` + employees(0, 2) + `]}}`, "2"},
		"full page, more declared":     {"2", `{"result":{"list":[` + employees(0, 2) + `],"count":5}}`, "3"},
		"short page":                   {"3", `{"result":{"list":[` + employees(0, 1) + `],"count":5}}`, ""},
		"empty page":                   {"4", `{"result":{"list":[]}}`, ""},
		"count reached on a full page": {"2", `{"result":{"list":[` + employees(0, 2) + `],"count":4}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, always(200, c.body))
			page, err := g.source(t, Config{PageSize: 2}).ReadPage(t.Context(), connectors.Query{Model: "Employee"}, c.cursor)
			if err != nil || page.Next != c.next {
				t.Errorf("next %q, want %q (%v)", page.Next, c.next, err)
			}
		})
	}
}

// read walks all pages as a fetch does.
func read(t *testing.T, s *Source) (connectors.Reading, error) {
	t.Helper()
	var r connectors.Reading
	known := map[string]bool{}
	for cursor, more := "", true; more; {
		page, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, cursor)
		if err != nil {
			return r, err
		}
		fresh := 0
		for _, row := range page.Rows {
			if !known[string(row)] {
				known[string(row)] = true
				fresh++
			}
		}
		more, cursor = r.Add(page, fresh), page.Next
	}
	return r, nil
}

func TestWholeReads(t *testing.T) {
	paged := func(total, count int, ignore bool) func(int, call) (int, string) {
		return func(_ int, c call) (int, string) {
			var ask struct {
				Index int `json:"page_index"`
				Size  int `json:"page_size"`
			}
			_ = json.Unmarshal([]byte(c.body), &ask)
			if ignore {
				ask.Index = 1
			}
			from := min((ask.Index-1)*ask.Size, total)
			text := `{"result":{"list":[` + employees(from, min(from+ask.Size, total)) + `]`
			if count >= 0 {
				text += fmt.Sprintf(`,"count":%d`, count)
			}
			return 200, text + `}}`
		}
	}
	for name, c := range map[string]struct {
		total, count int
		ignore       bool
		calls        int
		complete     bool
	}{
		"honest":                      {7, 7, false, 3, true},
		"honest, a multiple":          {6, 6, false, 2, true},
		"no count":                    {7, -1, false, 3, true},
		"no count, a multiple":        {6, -1, false, 3, true},
		"nothing":                     {0, 0, false, 1, true},
		"paging ignored":              {6, 6, true, 2, false},
		"paging ignored, no count":    {6, -1, true, 2, false},
		"rows behind the count hide":  {7, 9, false, 3, false},
		"paging ignored, all on page": {3, 3, true, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, paged(c.total, c.count, c.ignore))
			r, err := read(t, g.source(t, Config{PageSize: 3}))
			if err != nil {
				t.Fatal(err)
			}
			if complete, cause := r.Proof(); complete != c.complete || g.calls() != c.calls {
				t.Errorf("complete %v after %d calls: %s", complete, g.calls(), cause)
			}
		})
	}
}

func TestHardStop(t *testing.T) {
	g := newGateway(t, func(n int, _ call) (int, string) {
		return 200, `{"result":{"list":[` + employees(n, n+1) + `]}}`
	})
	_, err := read(t, g.source(t, Config{PageSize: 1, MaxPages: 4}))
	if f := orgflow.AsFault(err); f.Code != orgflow.CodePartialRead || g.calls() != 4 {
		t.Errorf("%v after %d calls", err, g.calls())
	}
}

func TestBadInputMakesNoCall(t *testing.T) {
	g := newGateway(t, always(200, `{}`))
	s := g.source(t, Config{})
	for _, c := range []struct {
		q      connectors.Query
		cursor string
	}{
		{connectors.Query{Model: ""}, ""},
		{connectors.Query{Model: "a/../b"}, ""},
		{connectors.Query{Model: "Employee", API: "x?y"}, ""},
		{connectors.Query{Model: "Employee"}, "0"},
		{connectors.Query{Model: "Employee"}, "two"},
		{connectors.Query{Model: "Employee", Sorts: json.RawMessage(`[`)}, ""},
	} {
		var f *orgflow.Fault
		if _, err := s.ReadPage(t.Context(), c.q, c.cursor); !errors.As(err, &f) {
			t.Errorf("%+v %q: %v", c.q, c.cursor, err)
		}
	}
	if g.calls() != 0 {
		t.Errorf("%d calls", g.calls())
	}
}
