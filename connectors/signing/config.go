package signing

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"orgflow"
)

// Config is the section "signing" of a connection: a preset's name, or a
// whole scheme. Its references to secrets are resolved.
type Config struct {
	// Preset names a scheme of this package; "none" signs nothing.
	Preset string `json:"preset,omitempty"`
	// Scheme is used instead of a preset.
	Scheme *Scheme `json:"scheme,omitempty"`
	// Key is the secret, ID the public name that goes with it, where the
	// scheme uses one.
	Key string `json:"key,omitempty"`
	ID  string `json:"id,omitempty"`
	// Param names the query parameter that carries a preset's signature,
	// default sign. TimestampParam and NonceParam name those for time and
	// nonce; empty sends none. They are signed like every parameter.
	Param          string `json:"param,omitempty"`
	TimestampParam string `json:"timestamp_param,omitempty"`
	NonceParam     string `json:"nonce_param,omitempty"`
	// KeyParam is the name under which a preset "…_with_secret" signs the
	// key, default appsecret; it is never sent.
	KeyParam string `json:"key_param,omitempty"`
	// Clock is how a preset writes the time, see Scheme.Clock.
	Clock string `json:"clock,omitempty"`
	// Vectors prove the recipe: each has to come out as it says.
	Vectors []Vector `json:"vectors,omitempty"`
}

// String shows the configuration without its key.
func (c Config) String() string {
	name := c.Preset
	if c.Scheme != nil {
		name = "scheme " + c.Scheme.Digest
	}
	return "signing " + cmp.Or(name, PresetNone)
}

// GoString is String, so that no way of printing shows the key.
func (c Config) GoString() string { return c.String() }

// LogValue is String for slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Vector is a request whose signature is known: from the vendor's document,
// or from their support.
type Vector struct {
	Method    string            `json:"method,omitempty"`
	Path      string            `json:"path,omitempty"`
	Query     map[string]string `json:"query,omitempty"`
	Header    map[string]string `json:"header,omitempty"`
	Form      map[string]string `json:"form,omitempty"`
	Body      string            `json:"body,omitempty"`
	Key       string            `json:"key"`
	ID        string            `json:"id,omitempty"`
	UnixMS    int64             `json:"unix_ms,omitempty"`
	Nonce     string            `json:"nonce,omitempty"`
	Signature string            `json:"signature"`
}

// Decode reads a section "signing"; an unknown key is an error.
func Decode(raw []byte) (Config, error) {
	var c Config
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("signing: %w", err)
	}
	return c, nil
}

// Compile returns the signer, or all that is wrong; at is the JSON pointer
// of the section in its file.
func (c Config) Compile(at string) (*Signer, []orgflow.Problem) {
	scheme, problems := c.recipe(at)
	if len(problems) > 0 {
		return nil, problems
	}
	if scheme != nil && c.Key == "" && scheme.usesKey() {
		return nil, []orgflow.Problem{{Pointer: at + "/key", Message: "must be the signing key, as ${NAME}"}}
	}
	for i, v := range c.Vectors {
		if got, err := v.sign(scheme); err != nil || got != v.Signature {
			message := fmt.Sprintf("gives the signature %s, not %s; the recipe is not the vendor's", got, v.Signature)
			if err != nil {
				message = err.Error()
			}
			problems = append(problems, orgflow.Problem{Pointer: fmt.Sprintf("%s/vectors/%d", at, i), Message: message})
		}
	}
	return &Signer{scheme: scheme, id: c.ID, key: c.Key}, problems
}

// recipe is the scheme that is meant; nil is none.
func (c Config) recipe(at string) (*Scheme, []orgflow.Problem) {
	ck := &check{at: at}
	switch {
	case c.Scheme != nil && c.Preset != "":
		ck.refuse("/preset", "stands beside scheme; give one of the two")
		return nil, ck.problems
	case c.Scheme != nil:
		ck.at += "/scheme"
		ck.scheme(c.Scheme)
		return c.Scheme, ck.problems
	case c.Preset == "" || c.Preset == PresetNone:
		return nil, nil
	}
	build, known := presets()[c.Preset]
	if !known {
		names := append(slices.Collect(maps.Keys(presets())), PresetNone)
		slices.Sort(names)
		ck.refuse("/preset", "unknown preset %q; known: %s", c.Preset, strings.Join(names, ", "))
		return nil, ck.problems
	}
	scheme := build(c)
	ck.scheme(scheme)
	if strings.Contains(c.Preset, "timestamp") && c.TimestampParam == "" {
		ck.refuse("/timestamp_param", "is required by preset %q: the name of the parameter that carries the time", c.Preset)
	}
	return scheme, ck.problems
}

// usesKey tells whether the scheme needs a key at all.
func (s *Scheme) usesKey() bool {
	if strings.HasPrefix(s.Digest, "hmac_") {
		return true
	}
	return slices.ContainsFunc(s.Parts, func(p Part) bool {
		return p.Value == "key" || p.Pairs != nil && p.Pairs.KeyAs != ""
	})
}

func (v Vector) sign(scheme *Scheme) (string, error) {
	s := &Signer{scheme: scheme, id: v.ID, key: v.Key}
	r := Request{Method: v.Method, Path: v.Path, Query: values(v.Query), Header: v.Header, Body: []byte(v.Body)}
	if v.Form != nil {
		r.Form = values(v.Form)
	}
	signed, err := s.Sign(r, Moment{Now: time.UnixMilli(v.UnixMS), Nonce: v.Nonce})
	return signed.Signature, err
}

func values(m map[string]string) url.Values {
	out := make(url.Values, len(m))
	for name, v := range m {
		out.Set(name, v)
	}
	return out
}
