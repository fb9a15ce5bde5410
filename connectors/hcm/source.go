package hcm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/transport"
)

// Source reads models through the gateway. It is safe for use by several
// goroutines, which share its token.
type Source struct {
	cfg    Config
	client *http.Client
	tokens *tokens
	sleep  Sleep
	log    *slog.Logger
	limit  *rate.Limiter // nil: none

	metrics transport.Observer // nil: none
}

var _ connectors.Source = (*Source)(nil)

// New checks the configuration and returns the source. It makes no call. A
// wrong configuration is an *orgflow.InvalidError that lists all problems.
func New(cfg Config, opts ...Option) (*Source, error) {
	cfg = cfg.withDefaults()
	s := &Source{cfg: cfg, client: plainClient(cfg), sleep: transport.Sleep, log: slog.New(slog.DiscardHandler)}
	s.tokens = &tokens{now: time.Now, life: time.Duration(cfg.Auth.TokenSeconds) * time.Second, timeout: cfg.Timeout, calls: 1}
	for _, opt := range opts {
		opt(s)
	}
	if problems := cfg.problems(s.tokens.fetch != nil); len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	if s.tokens.fetch == nil {
		s.tokens.fetch, s.tokens.calls = s.fixedToken, 0
		if cfg.Auth.Mode == ClientCredentials {
			s.tokens.fetch, s.tokens.calls = s.counted(s.fetchToken), 1
		}
	}
	if cfg.QPS > 0 {
		s.limit = rate.NewLimiter(rate.Limit(cfg.QPS), 1)
	}
	return s, nil
}

// plainClient is the client without redirects and cookies: a gateway that
// redirects sends us to its login page, and that is an answer by itself.
func plainClient(cfg Config) *http.Client {
	var client http.Client
	if cfg.HTTPClient != nil {
		client = *cfg.HTTPClient
	} else {
		client.Transport = transport.NewBase(cfg.Allowed)
	}
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// ReadPage reads one page. The cursor is the page's number as text, empty
// for the first; Next is empty when the page is empty, shorter than the
// page size, or the declared count is reached. That the whole was seen is
// for connectors.Reading to prove.
//
// Transient failures are tried three times in all; a refused token is
// renewed once. Errors are *orgflow.Fault or the context's.
func (s *Source) ReadPage(ctx context.Context, q connectors.Query, cursor string) (connectors.Page, error) {
	number, err := s.pageNumber(cursor)
	if err != nil {
		return connectors.Page{}, err
	}
	size := cmp.Or(q.PageSize, s.cfg.PageSize)
	req, err := s.listRequest(q, number, size)
	if err != nil {
		return connectors.Page{}, err
	}
	answer, calls, err := s.call(ctx, req)
	if err != nil {
		return connectors.Page{}, err
	}
	page := connectors.Page{Rows: answer.rows, Declared: answer.count, Calls: calls}
	if !lastPage(number, size, answer) {
		page.Next = strconv.Itoa(number + 1)
	}
	return page, nil
}

func (s *Source) pageNumber(cursor string) (int, error) {
	if cursor == "" {
		return 1, nil
	}
	number, err := strconv.Atoi(cursor)
	if err != nil || number < 1 {
		return 0, orgflow.Faultf(orgflow.CodeInternal, "cursor %q is no page number", cursor)
	}
	if number > s.cfg.MaxPages {
		f := orgflow.Faultf(orgflow.CodePartialRead, "the read was stopped after %d pages", s.cfg.MaxPages)
		f.Advice = "raise max_pages of the source, or page_size, or narrow filter_dict"
		return 0, f
	}
	return number, nil
}

// lastPage applies the end conditions of HCM reference § 1.6.
func lastPage(number, size int, a answer) bool {
	if len(a.rows) < size {
		return true
	}
	return a.count >= 0 && (number-1)*size+len(a.rows) >= a.count
}

// requestBody is the body of hcm.model.list (HCM reference § 1.3).
type requestBody struct {
	Model         string                     `json:"model"`
	FilterDict    map[string]json.RawMessage `json:"filter_dict"`
	FilterStr     *string                    `json:"filter_str"`
	PageIndex     int                        `json:"page_index"`
	PageSize      int                        `json:"page_size"`
	ExtraProperty map[string]json.RawMessage `json:"extra_property"`
}

const (
	defaultAPI   = "hcm.model.list"
	defaultSorts = `[{"key":"id","type":"asc"}]`
)

func (s *Source) listRequest(q connectors.Query, number, size int) (request, error) {
	api := cmp.Or(q.API, defaultAPI)
	if !plainName(api) || !plainName(q.Model) {
		return request{}, orgflow.Faultf(orgflow.CodeInvalidConfig, "api %q and model %q must consist of letters, digits, _ and dots", api, q.Model)
	}
	extra, err := s.extraProperty(q)
	if err != nil {
		return request{}, err
	}
	body, err := json.Marshal(requestBody{
		Model: q.Model, FilterDict: orEmpty(q.FilterDict), FilterStr: q.FilterStr,
		PageIndex: number, PageSize: size, ExtraProperty: extra,
	})
	if err != nil {
		return request{}, orgflow.Faultf(orgflow.CodeInvalidConfig, "the request for %s cannot be written as JSON: %v", q.Model, err)
	}
	return request{api: api, model: q.Model, body: body}, nil
}

// extraProperty passes the query's keys on unchanged and adds ours. Only
// fields are never the query's: they must fit the mapping.
func (s *Source) extraProperty(q connectors.Query) (map[string]json.RawMessage, error) {
	extra := make(map[string]json.RawMessage, len(q.ExtraProperty)+4)
	for key, value := range q.ExtraProperty {
		extra[key] = value
	}
	fields := q.Fields
	if fields == nil {
		fields = []connectors.Column{}
	}
	columns, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("columns of %s: %w", q.Model, err)
	}
	extra["fields"] = columns
	_, sorted := extra["sorts"]
	if q.Sorts != nil {
		extra["sorts"] = q.Sorts
	} else if !sorted {
		extra["sorts"] = json.RawMessage(defaultSorts)
	}
	_, listed := extra["only_list"]
	if q.OnlyList != nil {
		extra["only_list"] = json.RawMessage(strconv.FormatBool(*q.OnlyList))
	} else if !listed {
		extra["only_list"] = json.RawMessage("true")
	}
	if _, given := extra["state"]; !given && s.cfg.SendState != "" {
		state, err := json.Marshal(s.cfg.SendState)
		if err != nil {
			return nil, fmt.Errorf("state: %w", err)
		}
		extra["state"] = state
	}
	return extra, nil
}

func orEmpty(m map[string]json.RawMessage) map[string]json.RawMessage {
	if m == nil {
		return map[string]json.RawMessage{}
	}
	return m
}

// plainName keeps a name from becoming another path or parameter.
func plainName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-') {
			return false
		}
	}
	return s != ""
}
