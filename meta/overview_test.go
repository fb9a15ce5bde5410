package meta

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orgflow"
)

func TestVeil(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a secret":                 {`{"appsecret": "s3cr3t"}`, `{"appsecret": "***"}`},
		"by other spelling":        {`{"App-Secret": "s3cr3t", "corpSecret": "x", "access_token": 12345}`, `{"App-Secret": "***","corpSecret": "***","access_token": "***"}`},
		"a reference":              {`{"token": "${HCM_TOKEN}"}`, `{"token": "${HCM_TOKEN}"}`},
		"a reference's default":    {`{"token": "${HCM_TOKEN:-s3cr3t}"}`, `{"token": "${HCM_TOKEN}"}`},
		"a reference among others": {`{"token": "s3cr3t${X}"}`, `{"token": "***"}`},
		"in settings":              {`{"settings": {"pin": "1234", "deep": {"x": ["y"]}, "tenant": "${T}"}}`, `{"settings": {"pin": "***","deep": {"x": ["***"]},"tenant": "${T}"}}`},
		"a placeholder":            {`{"auth": {"value": "{settings.token}", "mode": "bearer"}}`, `{"auth": {"value": "{settings.token}","mode": "bearer"}}`},
		"a password in a URL":      {`{"base_url": "https://me:s3cr3t@host/x"}`, `{"base_url": "https://***@host/x"}`},
		"a token in a URL":         {`{"url": "https://host/x?access_token=s3cr3t&page={page}&size=5"}`, `{"url": "https://host/x?access_token=***&page={page}&size=5"}`},
		"a mapping":                {`{"fields": [{"key": "mobile", "map": "mobile", "required": true, "n": 1.0}]}`, `{"fields": [{"key": "mobile","map": "mobile","required": true,"n": 1.0}]}`},
		"nothing":                  {`{"appsecret": "", "token": null, "list": [], "o": {}}`, `{"appsecret": "","token": null,"list": [],"o": {}}`},
		"the keys' order and HTML": {`{"z": "<a>", "a": 1}`, `{"z": "<a>","a": 1}`},
	} {
		got, err := Veil([]byte(c.in))
		lines := strings.Split(got, "\n")
		for i := range lines {
			lines[i] = strings.TrimLeft(lines[i], " ")
		}
		if flat := strings.Join(lines, ""); err != nil || flat != c.want {
			t.Errorf("%s: %s, want %s, %v", name, flat, c.want, err)
		}
	}
	for _, broken := range []string{"", "{", `{"a": 1} {"b": 2}`, `{"a" 1}`, "nope"} {
		if got, err := Veil([]byte(broken)); err == nil {
			t.Errorf("%q: %s", broken, got)
		}
	}
}

func FuzzVeil(f *testing.F) {
	f.Add([]byte(`{"token": "s3cr3t-marker", "x": ["s3cr3t-marker", {"password": ["s3cr3t-marker"]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if text, err := Veil(raw); err == nil {
			again, err := Veil([]byte(text))
			if err != nil || again != text {
				t.Errorf("veiled twice: %q, then %q, %v", text, again, err)
			}
		}
	})
}

func TestOverviewSaysWhichFileCounts(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("companies/129/HcmDingSyncService.person_new.json", `{}`)
	put("HcmDingSyncService.person_new.json", `{"fields": []}`)
	put("companies/129/schedules/mine.json", `{"id": "mine"}`)
	s, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range s.Overview(129) {
		for _, o := range name.Origins {
			if name.Name == "HcmDingSyncService.person_new.json" || name.Name == "schedules/mine.json" || name.Name == "services.json" {
				got = append(got, strings.Join([]string{o.Layer, o.Path, state(o)}, " "))
			}
		}
	}
	want := strings.Join([]string{
		"overlay companies/129/HcmDingSyncService.person_new.json absent",
		"shipped companies/129/HcmDingSyncService.person_new.json hidden",
		"overlay HcmDingSyncService.person_new.json used",
		"shipped HcmDingSyncService.person_new.json hidden",
		"overlay companies/129/schedules/mine.json used",
		"shipped services.json used",
	}, "\n")
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	// What counts here is what a run reads.
	f, ok, err := s.find(129, "HcmDingSyncService.person_new.json")
	if err != nil || !ok || f.path != "HcmDingSyncService.person_new.json" || f.layer != LayerOverlay {
		t.Errorf("a run reads %s of %s, %v %v", f.path, f.layer, ok, err)
	}
	if _, err := s.Content(129, "companies/129/../129/company.json", LayerShipped); orgflow.AsFault(err).Code != orgflow.CodeNotFound {
		t.Errorf("a path that is not listed: %v", err)
	}
	put("companies/129/schedules/mine.json", `{"token": "s3cr3t"`)
	var invalid *orgflow.InvalidError
	if text, err := s.Content(129, "companies/129/schedules/mine.json", LayerOverlay); !errors.As(err, &invalid) || text != "" {
		t.Errorf("a broken file: %q %v", text, err)
	}
}

func state(o FileOrigin) string {
	switch {
	case o.Used:
		return "used"
	case o.Absent:
		return "absent"
	}
	return "hidden"
}
