package signing

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // vendors ask for it
	"crypto/sha1" //nolint:gosec // vendors ask for it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/url"
	"strings"
)

// digest returns the signature's text of a canonical string.
func (s *Scheme) digest(canonical, key string) (string, error) {
	name, keyed := strings.CutPrefix(s.Digest, "hmac_")
	newHash, err := hashOf(name)
	if err != nil {
		return "", err
	}
	h := newHash()
	if keyed {
		h = hmac.New(newHash, []byte(key))
	}
	h.Write([]byte(canonical)) // never fails
	text := output(s.Output, h.Sum(nil))
	if s.URLEncode {
		text = url.QueryEscape(text)
	}
	return text, nil
}

func hashOf(name string) (func() hash.Hash, error) {
	switch name {
	case "md5":
		return md5.New, nil
	case "sha1":
		return sha1.New, nil
	case "sha256":
		return sha256.New, nil
	case "sha512":
		return sha512.New, nil
	}
	return nil, fmt.Errorf("signing: unknown digest %q", name)
}

func output(form string, sum []byte) string {
	text := hex.EncodeToString(sum)
	switch form {
	case "HEX":
		return strings.ToUpper(text)
	case "base64":
		return base64.StdEncoding.EncodeToString(sum)
	case "base64_hex":
		return base64.StdEncoding.EncodeToString([]byte(text))
	}
	return text
}

// encode writes a value.
func encode(how, v string) string {
	switch how {
	case "query":
		return url.QueryEscape(v)
	case "percent":
		return percent(v)
	case "percent_lower":
		return lowerHex(percent(v))
	}
	return v
}

func percent(v string) string { return strings.ReplaceAll(url.QueryEscape(v), "+", "%20") }

// lowerHex writes the hex digits of escapes in lower case.
func lowerHex(v string) string {
	b := []byte(v)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
			i += 2
		}
	}
	return string(b)
}
