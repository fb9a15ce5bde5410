package signing

import "cmp"

// PresetNone signs nothing.
const PresetNone = "none"

// presets are the schemes with a name (爱关怀 reference § A.4). Which of them
// the vendor means is theirs to say; all are guesses but the ones of the
// sibling vendor (§ A.5).
func presets() map[string]func(Config) *Scheme {
	out := map[string]func(Config) *Scheme{}
	for _, hash := range []string{"md5", "sha1", "sha256"} {
		out["hmac_"+hash+"_sorted_query"] = func(c Config) *Scheme { return c.preset("hmac_"+hash, sortedQuery("")) }
		out["hmac_"+hash+"_sorted_query_body"] = func(c Config) *Scheme {
			return c.preset("hmac_"+hash, sortedQuery(""), Part{Value: "body"})
		}
		out[hash+"_sorted_query_with_secret"] = func(c Config) *Scheme {
			return c.preset(hash, sortedQuery(cmp.Or(c.KeyParam, "appsecret")))
		}
		out["hmac_"+hash+"_partner_timestamp"] = func(c Config) *Scheme {
			return c.preset("hmac_"+hash, partnerTimestamp(c))
		}
	}
	return out
}

// preset fills in what presets have in common: lower-case hex in a query
// parameter.
func (c Config) preset(digest string, parts ...Part) *Scheme {
	s := &Scheme{Parts: parts, Digest: digest, Clock: c.Clock}
	add := func(what, name string) {
		if name != "" {
			s.Place = append(s.Place, Placement{What: what, In: "query", Name: name})
		}
	}
	add("timestamp", c.TimestampParam)
	add("nonce", c.NonceParam)
	add(whatSignature, cmp.Or(c.Param, "sign"))
	return s
}

// sortedQuery is all query parameters but the signature, sorted by name,
// k=v joined with &, values not escaped; with the key as one more parameter
// values are trimmed (§ A.5).
func sortedQuery(keyAs string) Part {
	return Part{Pairs: &Pairs{From: []string{"query"}, KeyAs: keyAs, Trim: keyAs != ""}}
}

// partnerTimestamp is partnerId, time and nonce, one after the other.
func partnerTimestamp(c Config) Part {
	only := []string{"partnerId", c.TimestampParam}
	if c.NonceParam != "" {
		only = append(only, c.NonceParam)
	}
	return Part{Pairs: &Pairs{From: []string{"query"}, Only: only, Order: "declared", Form: "v"}}
}
