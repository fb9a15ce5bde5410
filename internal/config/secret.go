package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"orgflow/internal/secretfile"
)

// SecretText is a secret setting, a token for example. Its text may refer to
// files, ${file:/run/secrets/x}. It never prints; Read it to use it.
type SecretText struct{ text string }

// Set tells whether there is one.
func (s SecretText) Set() bool { return s.text != "" }

// Read returns the secret. Files are read now, so that they can be replaced
// while the program runs; errors name the reference only.
func (s SecretText) Read() (string, error) {
	value, err := secretfile.Expand(s.text)
	value = strings.TrimSpace(value)
	if err == nil && value == "" && s.Set() {
		err = errors.New("refers to a file of white space only")
	}
	return value, err
}

// String returns a mask, or nothing when there is no secret.
func (s SecretText) String() string {
	if !s.Set() {
		return ""
	}
	return mask
}

// GoString returns a mask for %#v.
func (s SecretText) GoString() string { return s.String() }

// Format masks the secret under every verb.
func (s SecretText) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.String()) }

// MarshalText masks the secret in JSON.
func (s SecretText) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// secret reads a setting once, so that the program does not start with a
// reference that leads nowhere.
func (p *problems) secret(variable, text string) (s SecretText, value string) {
	s = SecretText{text}
	value, err := s.Read()
	if err != nil {
		p.add(variable, "%v", err)
	}
	return s, value
}

// PayloadKeys is ORGFLOW_PAYLOAD_KEY: keys that encrypt Temporal payloads.
type PayloadKeys struct{ SecretText }

// keyBytes is the length of a payload key.
const keyBytes = 32

const howToMakeOne = "make one with: openssl rand -base64 32"

// Read returns the keys, 32 bytes each, files read now: the first encrypts,
// all decrypt. Without a setting there are none.
func (k PayloadKeys) Read() ([][]byte, error) {
	text, err := k.SecretText.Read()
	if err != nil || text == "" {
		return nil, err
	}
	var keys [][]byte
	for _, entry := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		key, ok := payloadKey(entry)
		switch {
		case !ok && len(keys) == 0:
			return nil, fmt.Errorf("must be %d bytes in base64 (44 characters), or several such keys with commas between them; %s", keyBytes, howToMakeOne)
		case !ok:
			return nil, fmt.Errorf("key %d is not %d bytes in base64 (44 characters); %s", len(keys)+1, keyBytes, howToMakeOne)
		case slices.ContainsFunc(keys, func(k []byte) bool { return string(k) == string(key) }):
			return nil, fmt.Errorf("key %d is there twice", len(keys)+1)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no key; " + howToMakeOne)
	}
	return keys, nil
}

// payloadKey decodes 32 bytes of base64, standard or URL alphabet.
func payloadKey(entry string) ([]byte, bool) {
	text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(entry, "="))
	key, err := base64.RawStdEncoding.DecodeString(text)
	return key, err == nil && len(key) == keyBytes
}

func (p *problems) payloadKeys(variable, text string) PayloadKeys {
	keys := PayloadKeys{SecretText{text}}
	if _, err := keys.Read(); err != nil {
		p.add(variable, "%v", err)
	}
	return keys
}

// Secrets returns every secret value of the settings as it is now, for a log
// redactor.
func (c Config) Secrets() []string {
	apiKey, _ := c.Temporal.APIKey.Read() // one that cannot be read now is not logged either
	list := []string{apiKey, c.Database.password()}
	keys, _ := c.PayloadKeys.Read()
	list = append(list, KeyTexts(keys)...)
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// KeyTexts are payload keys as texts may show them.
func KeyTexts(keys [][]byte) []string {
	list := make([]string, 0, 2*len(keys))
	for _, key := range keys {
		list = append(list, base64.StdEncoding.EncodeToString(key), base64.URLEncoding.EncodeToString(key))
	}
	return list
}
