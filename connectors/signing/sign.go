package signing

import (
	"cmp"
	"slices"
	"strings"
)

const whatSignature = "signature"

// masked stands for the key wherever a canonical string is shown.
const masked = "***"

// Signer signs requests by one scheme with one key. It is safe for many
// goroutines. The zero value signs nothing.
type Signer struct {
	scheme *Scheme // nil: no signature
	id     string
	key    string
}

// Signed is a request ready to be sent, and how it came about.
type Signed struct {
	Request
	// Shown is the canonical string with the key masked; empty without a
	// signature. It carries what the request carries, which may be personal.
	Shown     string
	Signature string
}

// Sign returns the request with timestamp, nonce, id and signature in place.
// An error means that the request has not the form the scheme is for.
func (s *Signer) Sign(r Request, at Moment) (Signed, error) {
	if s.scheme == nil {
		return Signed{Request: r}, nil
	}
	r = r.clone()
	in := inputs{Signer: s}
	var err error
	if in.timestamp, err = s.scheme.timestamp(at); err != nil {
		return Signed{}, err
	}
	in.nonce = s.scheme.nonce(at, in.timestamp)
	for _, p := range s.scheme.Place {
		if p.What == whatSignature {
			continue
		}
		if err := r.put(p, in.of(p.What)); err != nil {
			return Signed{}, err
		}
	}
	in.request = r
	canonical, err := in.canonical(s.key)
	if err != nil {
		return Signed{}, err
	}
	out := Signed{Request: r}
	if out.Shown, err = in.canonical(masked); err != nil {
		return Signed{}, err
	}
	if out.Signature, err = s.scheme.digest(canonical, s.key); err != nil {
		return Signed{}, err
	}
	for _, p := range s.scheme.Place {
		if p.What != whatSignature {
			continue
		}
		if err := out.put(p, out.Signature); err != nil {
			return Signed{}, err
		}
	}
	return out, nil
}

// inputs are what a canonical string is made of.
type inputs struct {
	*Signer
	request          Request
	timestamp, nonce string
}

func (in *inputs) of(what string) string {
	switch what {
	case "timestamp":
		return in.timestamp
	case "nonce":
		return in.nonce
	case "id":
		return in.id
	}
	return ""
}

// canonical writes the canonical string, with the key as given.
func (in *inputs) canonical(key string) (string, error) {
	parts := make([]string, 0, len(in.scheme.Parts))
	for _, p := range in.scheme.Parts {
		text, err := in.part(p, key)
		if err != nil {
			return "", err
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, in.scheme.Join), nil
}

func (in *inputs) part(p Part, key string) (string, error) {
	switch {
	case p.Text != nil:
		return *p.Text, nil
	case p.Pairs != nil:
		return in.pairs(p.Pairs, key)
	}
	text, err := in.value(p.Value, key)
	return encode(p.Encode, text), err
}

func (in *inputs) value(name, key string) (string, error) {
	switch name {
	case "method":
		return in.request.Method, nil
	case "path":
		return in.request.Path, nil
	case "body":
		return string(in.request.Bytes()), nil
	case "key":
		return key, nil
	}
	if from, field, named := strings.Cut(name, ":"); named {
		return in.request.named(from, field)
	}
	return in.of(name), nil
}

// pairs writes a set of names and values.
func (in *inputs) pairs(p *Pairs, key string) (string, error) {
	var list []pair
	for _, from := range p.From {
		got, err := in.request.pairsFrom(from)
		if err != nil {
			return "", err
		}
		for _, one := range got {
			if in.counts(p, from, one.name) {
				list = append(list, one)
			}
		}
	}
	if p.IDAs != "" {
		list = append(list, pair{p.IDAs, in.id})
	}
	signed := slices.Clone(list) // the order is that of the real key
	if p.KeyAs != "" {
		list, signed = append(list, pair{p.KeyAs, key}), append(signed, pair{p.KeyAs, in.key})
	}
	index := arrange(p, signed)
	out := make([]string, 0, len(list))
	for _, i := range index {
		one := list[i]
		if p.Trim {
			one.value = strings.TrimSpace(one.value)
		}
		if one.value == "" && p.SkipEmpty {
			continue
		}
		out = append(out, p.write(one))
	}
	return strings.Join(out, p.separator()), nil
}

// counts tells whether a named input is among those a scheme asks for.
func (in *inputs) counts(p *Pairs, from, name string) bool {
	same := func(other string) bool {
		return other == name || from == "header" && strings.EqualFold(other, name)
	}
	for _, place := range in.scheme.Place {
		if place.What == whatSignature && place.In == from && same(place.Name) {
			return false
		}
	}
	if slices.ContainsFunc(p.Except, same) {
		return false
	}
	return len(p.Only) == 0 || slices.ContainsFunc(p.Only, same)
}

// arrange returns the indexes of the pairs in the order of the scheme.
func arrange(p *Pairs, list []pair) []int {
	index := make([]int, len(list))
	for i := range index {
		index[i] = i
	}
	declared := func(name string) int {
		i := slices.IndexFunc(p.Only, func(n string) bool { return strings.EqualFold(n, name) })
		if i < 0 {
			return len(p.Only)
		}
		return i
	}
	slices.SortStableFunc(index, func(a, b int) int {
		switch p.Order {
		case "value":
			return cmp.Compare(list[a].value, list[b].value)
		case "declared":
			return cmp.Compare(declared(list[a].name), declared(list[b].name))
		}
		return cmp.Compare(p.name(list[a]), p.name(list[b]))
	})
	return index
}

func (p *Pairs) name(one pair) string {
	if p.LowerNames {
		return strings.ToLower(one.name)
	}
	return one.name
}

func (p *Pairs) write(one pair) string {
	value := encode(p.Encode, one.value)
	switch p.Form {
	case "kv":
		return p.name(one) + value
	case "k:v":
		return p.name(one) + ":" + value
	case "v":
		return value
	}
	return p.name(one) + "=" + value
}

func (p *Pairs) separator() string {
	switch {
	case p.Join != nil:
		return *p.Join
	case p.Form == "" || p.Form == "k=v":
		return "&"
	}
	return ""
}
