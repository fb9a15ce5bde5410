package config

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func base64Key(fill byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, keyBytes))
}

func TestPayloadKeysAreOneOrSeveral(t *testing.T) {
	path := filepath.Join(t.TempDir(), "payload_keys")
	if err := os.WriteFile(path, []byte(base64Key(3)+"\n"+base64Key(1)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	urlForm := strings.TrimRight(base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, keyBytes)), "=")
	for value, want := range map[string]string{
		"":                                     "",
		base64Key(1):                           "\x01",
		urlForm:                                "\xff",
		base64Key(2) + "," + base64Key(1):      "\x02\x01",
		base64Key(2) + ", " + base64Key(1):     "\x02\x01",
		"${file:" + path + "}":                 "\x03\x01",
		base64Key(2) + ",${file:" + path + "}": "\x02\x03\x01",
	} {
		c := mustLoad(t, RoleStandalone, map[string]string{"ORGFLOW_PAYLOAD_KEY": value})
		keys, err := c.PayloadKeys.Read()
		var got string
		for _, key := range keys {
			got += string(key[:1])
		}
		if err != nil || got != want {
			t.Errorf("%s: keys %q, %v; want %q", value, got, err, want)
		}
	}
	short := base64.StdEncoding.EncodeToString([]byte(secretWord))
	for value, want := range map[string]string{
		short:                             "ORGFLOW_PAYLOAD_KEY: must be 32 bytes in base64 (44 characters)",
		secretWord + "!":                  "must be 32 bytes in base64",
		base64Key(1) + "," + short:        "key 2 is not 32 bytes in base64",
		base64Key(1) + "," + base64Key(1): "key 2 is there twice",
		",":                               "holds no key",
		"${file:" + path + "x}":           "refers to ${file:" + path + "x}, which does not exist",
	} {
		clean(t, map[string]string{"ORGFLOW_PAYLOAD_KEY": value})
		_, err := Load(RoleStandalone)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), short) || strings.Contains(err.Error(), secretWord) || strings.Contains(err.Error(), base64Key(1)) {
			t.Errorf("%q: %v, want %q", value, err, want)
		}
	}
}

// What a setting refers to is read when it is used.
func TestSecretsFollowTheirFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("password", "first-password\n")
	write("token", "first-token\r\n")
	c := mustLoad(t, RoleServer, map[string]string{
		"ORGFLOW_DATABASE_URL":     "postgres://u:${file:" + at("password") + "}@h/db",
		"ORGFLOW_TEMPORAL_API_KEY": "${file:" + at("token") + "}",
	})
	if c.Database.DSN != "postgres://u:first-password@h/db" || c.Database.Driver != Postgres || !c.Temporal.TLS.Enabled {
		t.Fatalf("%s, TLS %v", c.Database, c.Temporal.TLS.Enabled)
	}
	if shown := c.String() + c.Database.String(); strings.Contains(shown, "first-password") || !strings.Contains(strings.Join(c.Secrets(), " "), "first-password") {
		t.Errorf("shown as %s; the log hides %d secrets", shown, len(c.Secrets()))
	}
	write("password", "second-password")
	write("token", "second-token")
	if url, err := c.Database.Read(); err != nil || url != "postgres://u:second-password@h/db" {
		t.Errorf("the database's URL does not follow: %v", err)
	}
	if token, err := c.Temporal.APIKey.Read(); err != nil || token != "second-token" {
		t.Errorf("the API key does not follow: %v", err)
	}
	write("token", " \n")
	if _, err := c.Temporal.APIKey.Read(); err == nil {
		t.Error("white space is taken for a key")
	}
}

func TestAReferenceThatLeadsNowhereIsSaidAtTheStart(t *testing.T) {
	for _, name := range []string{"ORGFLOW_DATABASE_URL", "ORGFLOW_TEMPORAL_API_KEY", "ORGFLOW_PAYLOAD_KEY"} {
		clean(t, map[string]string{name: "${file:relative/path}"})
		_, err := Load(RoleStandalone)
		if want := name + ": refers to ${file:relative/path}; the path must be absolute"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s alone", err, want)
		}
	}
}

func TestTheAddressOfTheWebUI(t *testing.T) {
	for value, want := range map[string]string{
		"": "", "http://127.0.0.1:8233/": "http://127.0.0.1:8233", "https://temporal.example.com/ui": "https://temporal.example.com/ui",
	} {
		if c := mustLoad(t, RoleStandalone, map[string]string{"ORGFLOW_TEMPORAL_UI_URL": value}); c.Temporal.UIURL != want {
			t.Errorf("%q became %q", value, c.Temporal.UIURL)
		}
	}
	for _, value := range []string{"127.0.0.1:8233", "ftp://h", "http://", "https://u:" + secretWord + "@h", "https://h?x=1", "*"} {
		clean(t, map[string]string{"ORGFLOW_TEMPORAL_UI_URL": value})
		if _, err := Load(RoleStandalone); err == nil || !strings.Contains(err.Error(), "ORGFLOW_TEMPORAL_UI_URL") || strings.Contains(err.Error(), secretWord) {
			t.Errorf("%q: %v", value, err)
		}
	}
}
