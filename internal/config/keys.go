package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Access is what the holder of an API key may do. Each level includes those
// before it.
type Access int

// Levels of access; the zero value allows nothing.
const (
	AccessNone    Access = iota
	AccessRead           // look at runs, changes, schedules
	AccessOperate        // start and steer runs and schedules
	AccessApprove        // approve or reject parked plans
	AccessAdmin          // change definitions and schedules
)

var accessNames = [...]string{"none", "read", "operate", "approve", "admin"}

// String returns the level as it stands in ORGFLOW_API_KEYS.
func (a Access) String() string {
	if a < 0 || int(a) >= len(accessNames) {
		return fmt.Sprintf("access(%d)", int(a))
	}
	return accessNames[a]
}

// ParseAccess reads read, operate, approve or admin.
func ParseAccess(s string) (Access, error) {
	for a := AccessRead; a <= AccessAdmin; a++ {
		if s == a.String() {
			return a, nil
		}
	}
	return AccessNone, fmt.Errorf("role %q is not read, operate, approve or admin", s)
}

// Key is one accepted API key, known by the hash of its token only.
type Key struct {
	Name   string
	Access Access
	hash   [sha256.Size]byte
}

// String returns name and level.
func (k Key) String() string { return k.Name + ":" + k.Access.String() }

// GoString keeps %#v from printing the hash.
func (k Key) GoString() string { return k.String() }

// Keys is the set of accepted API keys.
type Keys []Key

// Find returns the key whose token is given. It takes the same time whichever
// key matches, or none.
func (ks Keys) Find(token string) (Key, bool) {
	sum := sha256.Sum256([]byte(token))
	found := -1
	for i := range ks {
		equal := subtle.ConstantTimeCompare(sum[:], ks[i].hash[:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 || token == "" {
		return Key{}, false
	}
	return ks[found], true
}

const maxKeyName = 64

var keyName = regexp.MustCompile(`^[A-Za-z0-9_.@-]+$`)

// ParseKeys reads "name:role:sha256hex,…"; the hash is that of the token,
// in hex. It returns every problem it finds, by position and name; a hash is
// never repeated in a message, for it may be a token pasted by mistake.
func ParseKeys(s string) (Keys, []string) {
	var keys Keys
	var problems []string
	names, hashes := map[string]bool{}, map[[sha256.Size]byte]bool{}
	for i, entry := range strings.Split(s, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue // a trailing comma or an empty line of a list
		}
		key, err := parseKey(entry)
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("entry %d: %v", i+1, err))
			continue
		case names[key.Name]:
			problems = append(problems, fmt.Sprintf("entry %d: the name %q is used twice", i+1, key.Name))
		case hashes[key.hash]:
			problems = append(problems, fmt.Sprintf("entry %d: %q has the same token as another key", i+1, key.Name))
		}
		names[key.Name], hashes[key.hash] = true, true
		keys = append(keys, key)
	}
	return keys, problems
}

func parseKey(entry string) (Key, error) {
	parts := strings.Split(entry, ":")
	if len(parts) != 3 {
		return Key{}, fmt.Errorf("is not name:role:sha256hex (%d parts instead of 3)", len(parts))
	}
	name := strings.TrimSpace(parts[0])
	if len(name) > maxKeyName || !keyName.MatchString(name) {
		return Key{}, fmt.Errorf("the name must be 1 to %d letters, digits or _.@-", maxKeyName)
	}
	access, err := ParseAccess(strings.TrimSpace(parts[1]))
	if err != nil {
		return Key{}, fmt.Errorf("%q: %w", name, err)
	}
	hash, err := hex.DecodeString(strings.TrimSpace(parts[2]))
	if err != nil || len(hash) != sha256.Size {
		return Key{}, fmt.Errorf("%q: the third part must be the SHA-256 of the token as 64 hex digits; make one with: printf %%s TOKEN | sha256sum", name)
	}
	return Key{Name: name, Access: access, hash: [sha256.Size]byte(hash)}, nil
}

func (p *problems) keys(variable, value string) Keys {
	if value == "" {
		return nil
	}
	keys, found := ParseKeys(value)
	for _, f := range found {
		p.add(variable, "%s", f)
	}
	if len(keys) == 0 && len(found) == 0 {
		p.add(variable, "holds no key: name:role:sha256hex,… is expected, or nothing")
	}
	return keys
}
