package app

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"orgflow/internal/config"
	"orgflow/meta"
)

// Secrets that are replaced while the program runs are masked in the log as
// soon as they are used, and the old ones go on to be; by many goroutines.
func TestRotatedSecretsAreMasked(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "${file:" + path + "}"
	}
	key := func(letter string) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
	}
	t.Setenv("ORGFLOW_DATABASE_URL", "postgres://u:"+write("db", "db-one-hush")+"@h/db")
	t.Setenv("ORGFLOW_TEMPORAL_API_KEY", write("temporal", "temporal-one-hush"))
	t.Setenv("ORGFLOW_PAYLOAD_KEY", write("payload", key("a")))
	cfg, err := config.Load(config.RoleServer)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := Logger(cfg, &out)
	a, err := newApp(cfg, log, nil)
	if err != nil {
		t.Fatal(err)
	}
	write("meta/companies/7/company.json", `{"company_id": 7, "name": "${COMPANY}", "consumers": {"ding_talk": {"appkey": "${APP}", "appsecret": "`+write("app", "app-one-hush")+
		`", "base_url": "http://sim"}}, "notify": {"webhook": {"url": "https://ops.invalid", "secret": "${OPS_SECRET}"}}}`)
	env := map[string]string{"COMPANY": "Example Ltd", "APP": "application-7", "OPS_SECRET": "ops-hush"}
	files, err := meta.Open(filepath.Join(dir, "meta"), func(n string) (string, bool) { v, ok := env[n]; return v, ok }, a.files()...)
	if err != nil {
		t.Fatal(err)
	}
	use := func() {
		company, err := files.Company(7)
		if err == nil {
			err = company.Connection("ding_talk", new(map[string]any))
		}
		if err == nil {
			_, err = company.Webhook()
		}
		_, errURL := a.databaseURL()
		_, errKey := a.temporalKey()
		_, errKeys := a.payloadKeys()
		for _, err := range []error{err, errURL, errKey, errKeys} {
			if err != nil {
				t.Error(err)
			}
		}
	}
	use()
	for name, content := range map[string]string{"db": "db-two-hush", "temporal": "temporal-two-hush", "payload": key("b") + "," + key("a"), "app": "app-two-hush"} {
		write(name, content)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			use()
			log.Info("it says db-one-hush db-two-hush temporal-one-hush temporal-two-hush app-one-hush app-two-hush ops-hush " + key("a") + " " + key("b"))
		})
	}
	all.Wait()
	log.Info("it says", "of", "application-7")
	said := out.String()
	for _, secret := range []string{"hush", key("a"), key("b")} {
		if strings.Contains(said, secret) {
			t.Errorf("%s stands in the log: %s", secret, said)
		}
	}
	if !strings.Contains(said, "application-7") {
		t.Errorf("what is no secret is masked: %s", said)
	}
	if shown := a.veil.Text(fmt.Sprint("db-two-hush app-two-hush ", key("b"))); strings.Contains(shown, "hush") || strings.Contains(shown, key("b")) {
		t.Errorf("the doctor would say %s", shown)
	}
}
