package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// lookEvery is how often the file of keys is looked at, at most.
const lookEvery = time.Second

// KeyRing is the set of accepted API keys where it may change while the
// program runs. It is safe for concurrent use.
type KeyRing struct {
	fixed Keys   // of the environment
	path  string // empty: nothing changes
	now   func() time.Time

	mu      sync.Mutex
	looked  time.Time
	stamp   fileStamp
	current Keys
	trouble error
}

// fileStamp tells whether a file is the one read before.
type fileStamp struct {
	modified time.Time
	size     int64
}

// newKeyRing reads the file once, so that the program does not start with one
// that it cannot use.
func newKeyRing(fixed Keys, path string, now func() time.Time) (*KeyRing, error) {
	k := &KeyRing{fixed: fixed, path: path, now: now, current: fixed}
	if path == "" {
		return k, nil
	}
	k.look()
	return k, k.trouble
}

// Keys returns the keys that are accepted now. A file that cannot be read or
// has a problem leaves the keys as they were; err says so, once per change.
// An empty file is one without keys.
func (k *KeyRing) Keys() (keys Keys, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	since := k.now().Sub(k.looked)
	if k.path == "" || since >= 0 && since < lookEvery { // a clock may be set back
		return k.current, nil
	}
	before := k.trouble
	k.look()
	if k.trouble != nil && before != nil && k.trouble.Error() == before.Error() {
		return k.current, nil
	}
	return k.current, k.trouble
}

// look reads the file if it has changed.
func (k *KeyRing) look() {
	k.looked = k.now()
	info, err := os.Stat(k.path)
	if err != nil {
		k.trouble = fmt.Errorf("file %s cannot be read: it must exist and be readable", k.path)
		return
	}
	stamp := fileStamp{info.ModTime(), info.Size()}
	if stamp == k.stamp {
		return
	}
	raw, err := os.ReadFile(k.path)
	if err != nil {
		k.trouble = fmt.Errorf("file %s cannot be read: it must exist and be readable", k.path)
		return
	}
	keys, problems := ParseKeys(keyEntries(string(raw)))
	for _, have := range k.fixed {
		if slices.ContainsFunc(keys, func(n Key) bool { return n.Name == have.Name || n.hash == have.hash }) {
			problems = append(problems, fmt.Sprintf("the key %q of ORGFLOW_API_KEYS, or its token, is in the file too", have.Name))
		}
	}
	k.stamp = stamp
	if len(problems) > 0 {
		k.trouble = errors.New(strings.Join(problems, "; "))
		return
	}
	k.current, k.trouble = append(slices.Clone(k.fixed), keys...), nil
}

// keyEntries makes a file's lines, without comments (#), one list.
func keyEntries(text string) string {
	var entries []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		entries = append(entries, strings.TrimSpace(line))
	}
	return strings.Join(entries, ",")
}

// keyRing reads both settings of keys.
func (p *problems) keyRing(e environment) (Keys, *KeyRing) {
	keys := p.keys("ORGFLOW_API_KEYS", e.APIKeys)
	ring, err := newKeyRing(keys, e.APIKeysFile, time.Now)
	if err != nil {
		p.add("ORGFLOW_API_KEYS_FILE", "%v", err)
		return keys, ring
	}
	if e.APIKeysFile != "" && len(ring.current) == 0 {
		p.add("ORGFLOW_API_KEYS_FILE", "holds no key: a line name:role:sha256hex is expected")
	}
	return ring.current, ring
}
