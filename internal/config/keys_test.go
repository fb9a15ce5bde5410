package config

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func TestKeysAreFoundByToken(t *testing.T) {
	keys, problems := ParseKeys("board:read:" + hashOf("t1") + ", ops:operate:" + strings.ToUpper(hashOf("t2")) + ",boss:admin:" + hashOf("t3") + ",")
	if len(problems) > 0 || len(keys) != 3 {
		t.Fatalf("keys %v, problems %v", keys, problems)
	}
	for token, want := range map[string]string{"t1": "board:read", "t2": "ops:operate", "t3": "boss:admin"} {
		if k, ok := keys.Find(token); !ok || k.String() != want {
			t.Errorf("Find(%q) = %v, %t, want %s", token, k, ok, want)
		}
	}
	for _, token := range []string{"", "t4", hashOf("t1"), "t1 "} {
		if k, ok := keys.Find(token); ok {
			t.Errorf("Find(%q) = %v, want none", token, k)
		}
	}
	if _, ok := (Keys{}).Find("t1"); ok {
		t.Error("no keys, yet one was found")
	}
}

func TestTheEmptyTokenIsNeverAccepted(t *testing.T) {
	keys, _ := ParseKeys("x:admin:" + hashOf(""))
	if _, ok := keys.Find(""); ok {
		t.Error("the hash of nothing opened the door")
	}
}

func TestBadKeysAreNamed(t *testing.T) {
	h := hashOf("t")
	for entry, want := range map[string]string{
		"a:read":                               "entry 1: is not name:role:sha256hex (2 parts instead of 3)",
		"a:read:" + h + ":x":                   "4 parts",
		"a:root:" + h:                          `entry 1: "a": role "root" is not read, operate, approve or admin`,
		"a:none:" + h:                          `role "none"`,
		":read:" + h:                           "the name must be",
		"a b:read:" + h:                        "the name must be",
		"a:read:t":                             "64 hex digits",
		"a:read:" + h[:62]:                     "64 hex digits",
		"a:read:" + h + ",a:x:y":               "entry 2",
		strings.Repeat("a:read:"+h+",", 2):     `entry 2: the name "a" is used twice`,
		"a:read:" + h + ",b:admin:" + h:        `entry 2: "b" has the same token`,
		strings.Repeat("n", 65) + ":read:" + h: "1 to 64",
	} {
		_, problems := ParseKeys(entry)
		if len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), want) {
			t.Errorf("%q: problems %q, want %q", entry, problems, want)
		}
	}
}

// FuzzParseKeys: whatever the text, a key that was accepted has a name and a
// level, opens for no token but its own, and no message repeats a third part.
func FuzzParseKeys(f *testing.F) {
	f.Add("a:read:"+hashOf("t"), "t")
	f.Add("a:admin:"+hashOf("t")+",b:none:zz", "x")
	f.Add(",,:::,a:b:c", "")
	f.Fuzz(func(t *testing.T, s, token string) {
		keys, problems := ParseKeys(s)
		for _, k := range keys {
			if k.Name == "" || k.Access < AccessRead || k.Access > AccessAdmin {
				t.Fatalf("accepted %#v", k)
			}
		}
		if _, ok := keys.Find(token); ok && !strings.Contains(strings.ToLower(s), hashOf(token)) {
			t.Fatalf("%q opened with %q", s, token)
		}
		for _, entry := range strings.Split(s, ",") {
			parts := strings.Split(entry, ":")
			if len(parts) == 3 && len(parts[2]) > 40 && strings.Contains(strings.Join(problems, "\n"), parts[2]) {
				t.Fatalf("a message repeats the hash: %q", problems)
			}
		}
	})
}
