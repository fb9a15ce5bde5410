package simctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody bounds the body of a vendor call, in bytes.
const maxBody = 8 << 20

// Call is one vendor call, its body read.
type Call struct {
	Method string
	Path   string // relative to the simulator
	Query  url.Values
	Header http.Header
	Body   []byte
	At     time.Time // of its arrival

	// Key is the record the call is about; the handler may set it.
	Key string
	// Wrote is set by the handler when the call changed something.
	Wrote bool
	// Throttled is set by the handler when it refused the call for its rate.
	Throttled bool

	form   url.Values
	fields map[string]any // decoded on demand, for fault matching
}

var errBodyTooLarge = fmt.Errorf("the body exceeds %d bytes", maxBody)

func readCall(r *http.Request) (*Call, error) {
	c := &Call{Method: r.Method, Path: r.URL.Path, Header: r.Header}
	if r.URL.RawQuery != "" {
		c.Query = r.URL.Query()
	}
	if r.Body == nil || r.Body == http.NoBody {
		return c, nil
	}
	var buf bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= maxBody {
		buf.Grow(int(n) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if n > maxBody {
		return nil, errBodyTooLarge
	}
	c.Body = buf.Bytes()
	return c, nil
}

// IsForm reports whether the body is form-encoded.
func (c *Call) IsForm() bool {
	kind, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// Form returns the fields of a form-encoded body; they are empty for other bodies.
func (c *Call) Form() url.Values {
	if c.form == nil {
		c.form = url.Values{}
		if c.IsForm() {
			if v, err := url.ParseQuery(string(c.Body)); err == nil {
				c.form = v
			}
		}
	}
	return c.form
}

// Field returns a field of the body or, failing that, of the query, as text.
// A dotted path goes into objects; whole objects and lists are compact JSON.
func (c *Call) Field(path string) (string, bool) {
	if c.fields == nil {
		c.fields = map[string]any{}
		dec := json.NewDecoder(bytes.NewReader(c.Body))
		dec.UseNumber()
		var m map[string]any
		if err := dec.Decode(&m); err == nil && m != nil {
			c.fields = m
		}
	}
	if v, ok := lookup(c.fields, path); ok {
		return Plain(v), true
	}
	if f := c.Form(); f.Has(path) {
		return f.Get(path), true
	}
	if c.Query.Has(path) {
		return c.Query.Get(path), true
	}
	return "", false
}

func lookup(m map[string]any, path string) (any, bool) {
	if v, ok := m[path]; ok {
		return v, true
	}
	head, rest, found := strings.Cut(path, ".")
	if !found {
		return nil, false
	}
	sub, ok := m[head].(map[string]any)
	if !ok {
		return nil, false
	}
	return lookup(sub, rest)
}

// Plain renders a decoded JSON value the way it is compared: texts bare,
// everything else as JSON.
func Plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// DecodeStrict decodes control JSON: one value, no unknown keys.
func DecodeStrict(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		var typeErr *json.UnmarshalTypeError
		switch {
		case errors.As(err, &typeErr):
			field := typeErr.Field
			if field == "" {
				field = "the value"
			}
			return fmt.Errorf("%s: %s found, %s expected", field, typeErr.Value, typeErr.Type)
		case errors.Is(err, io.EOF):
			return errors.New("the body is empty: JSON is expected")
		}
		return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if dec.More() {
		return errors.New("more than one JSON value in the body")
	}
	return nil
}
