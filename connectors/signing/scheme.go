package signing

import (
	"fmt"
	"slices"
	"strings"

	"orgflow"
)

// Scheme is the recipe of a signature. Its canonical string is the parts,
// joined by Join, each with the inputs of one request filled in.
type Scheme struct {
	Parts []Part `json:"parts"`
	// Join stands between two parts; default nothing.
	Join string `json:"join,omitempty"`
	// Digest is md5, sha1, sha256, sha512, or hmac_ and one of these, keyed
	// with the key.
	Digest string `json:"digest"`
	// Output is hex (default), HEX, base64, or base64_hex: base64 of the
	// lower-case hex text (Kingdee).
	Output string `json:"output,omitempty"`
	// URLEncode escapes the signature's text before it is placed.
	URLEncode bool `json:"url_encode,omitempty"`
	// Clock writes the timestamp: s (default), ms, or a Go layout such as
	// "20060102150405", in Zone (default Asia/Shanghai).
	Clock string `json:"clock,omitempty"`
	Zone  string `json:"zone,omitempty"`
	// Nonce is random (default, 32 hex digits), uuid, or timestamp.
	Nonce string `json:"nonce,omitempty"`
	// Place says where signature, timestamp, nonce and id go. All but the
	// signature are placed before the canonical string is made.
	Place []Placement `json:"place"`
}

// Part is a piece of the canonical string: exactly one of its first three.
type Part struct {
	// Value is one input: method, path, body, timestamp, nonce, id, key, or
	// query:, form:, json: or header: and a name.
	Value string `json:"value,omitempty"`
	// Text stands as it is, "&key=" for example.
	Text *string `json:"text,omitempty"`
	// Pairs are names and values.
	Pairs *Pairs `json:"pairs,omitempty"`
	// Encode is how Value is written, see Pairs.Encode.
	Encode string `json:"encode,omitempty"`
}

// Pairs are named inputs of a request.
type Pairs struct {
	// From lists where they are taken from: query, form, json (the fields of
	// a JSON body; objects and lists as they were written) and header. The
	// parameter that carries the signature is never among them.
	From []string `json:"from"`
	// Only lists the names that count, Except those that do not. Of headers
	// only listed ones ever count.
	Only   []string `json:"only,omitempty"`
	Except []string `json:"except,omitempty"`
	// SkipEmpty leaves pairs without a value out.
	SkipEmpty bool `json:"skip_empty,omitempty"`
	// KeyAs and IDAs add key and id under these names.
	KeyAs string `json:"key_as,omitempty"`
	IDAs  string `json:"id_as,omitempty"`
	// Trim cuts white space off both ends of values.
	Trim bool `json:"trim,omitempty"`
	// Order is name (default) or value, both in byte order, or declared: the
	// order of Only.
	Order string `json:"order,omitempty"`
	// Form is k=v (default), kv, k:v or v (values only).
	Form string `json:"form,omitempty"`
	// Join stands between pairs; default & for k=v and nothing for others.
	Join *string `json:"join,omitempty"`
	// Encode is how values are written: none (default), query (as in a
	// query string, space as +), percent (space as %20, upper-case hex) or
	// percent_lower.
	Encode string `json:"encode,omitempty"`
	// LowerNames writes names in lower case (headers).
	LowerNames bool `json:"lower_names,omitempty"`
}

// Placement sends a value: What is signature, timestamp, nonce or id, In is
// query, header, form or json.
type Placement struct {
	What string `json:"what"`
	In   string `json:"in"`
	Name string `json:"name"`
}

// Words a scheme may use.
var (
	digests    = []string{"md5", "sha1", "sha256", "sha512", "hmac_md5", "hmac_sha1", "hmac_sha256", "hmac_sha512"}
	outputs    = []string{"hex", "HEX", "base64", "base64_hex"}
	nonces     = []string{"random", "uuid", "timestamp"}
	encodings  = []string{"none", "query", "percent", "percent_lower"}
	orders     = []string{"name", "value", "declared"}
	forms      = []string{"k=v", "kv", "k:v", "v"}
	froms      = []string{"query", "form", "json", "header"}
	whats      = []string{"signature", "timestamp", "nonce", "id"}
	places     = []string{"query", "header", "form", "json"}
	plainInput = []string{"method", "path", "body", "timestamp", "nonce", "id", "key"}
)

// check lists the problems of a document, each with its place.
type check struct {
	at       string
	problems []orgflow.Problem
}

func (c *check) refuse(pointer, format string, args ...any) {
	c.problems = append(c.problems, orgflow.Problem{Pointer: c.at + pointer, Message: fmt.Sprintf(format, args...)})
}

// word refuses a value that is none of the allowed ones; empty is a default.
func (c *check) word(pointer, value string, allowed []string) {
	if value != "" && !slices.Contains(allowed, value) {
		c.refuse(pointer, "is %q, allowed are %s", value, strings.Join(allowed, ", "))
	}
}

func (c *check) scheme(s *Scheme) {
	if len(s.Parts) == 0 {
		c.refuse("/parts", "must list what is signed")
	}
	for i, p := range s.Parts {
		c.part(fmt.Sprintf("/parts/%d", i), p)
	}
	if s.Digest == "" {
		c.refuse("/digest", "is required, allowed are %s", strings.Join(digests, ", "))
	}
	c.word("/digest", s.Digest, digests)
	c.word("/output", s.Output, outputs)
	c.word("/nonce", s.Nonce, nonces)
	if _, err := zone(s.Zone); err != nil {
		c.refuse("/zone", "must be an IANA time zone such as Asia/Shanghai")
	}
	c.clock(s.Clock)
	signed := false
	for i, p := range s.Place {
		at := fmt.Sprintf("/place/%d", i)
		if p.What == "" || p.In == "" || p.Name == "" {
			c.refuse(at, "needs what, in and name")
		}
		c.word(at+"/what", p.What, whats)
		c.word(at+"/in", p.In, places)
		signed = signed || p.What == whatSignature
	}
	if !signed {
		c.refuse("/place", `must say where the signature goes: {"what": "signature", "in": "query", "name": "sign"}`)
	}
}

func (c *check) part(at string, p Part) {
	given := 0
	for _, is := range []bool{p.Value != "", p.Text != nil, p.Pairs != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		c.refuse(at, "needs exactly one of value, text and pairs")
	}
	c.word(at+"/encode", p.Encode, encodings)
	if from, name, named := strings.Cut(p.Value, ":"); named {
		c.word(at+"/value", from, froms)
		if name == "" {
			c.refuse(at+"/value", "names no %s", from)
		}
	} else if p.Value != "" && !slices.Contains(plainInput, p.Value) {
		c.refuse(at+"/value", "is %q, allowed are %s and query:, form:, json: or header: with a name", p.Value, strings.Join(plainInput, ", "))
	}
	if p.Pairs != nil {
		c.pairs(at+"/pairs", p.Pairs)
	}
}

func (c *check) pairs(at string, p *Pairs) {
	if len(p.From) == 0 {
		c.refuse(at+"/from", "must list one or more of %s", strings.Join(froms, ", "))
	}
	for i, from := range p.From {
		c.word(fmt.Sprintf("%s/from/%d", at, i), from, froms)
		if from == "header" && len(p.Only) == 0 {
			c.refuse(at+"/only", "must list the headers that are signed")
		}
	}
	c.word(at+"/order", p.Order, orders)
	if p.Order == "declared" && len(p.Only) == 0 {
		c.refuse(at+"/only", "must list the names in the order that is declared")
	}
	c.word(at+"/form", p.Form, forms)
	c.word(at+"/encode", p.Encode, encodings)
}
