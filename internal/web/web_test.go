package web

import (
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

func render(t *testing.T, target string, page Page, name string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	if err := New().Render(w, r, http.StatusOK, name, page); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTheLanguageIsTheOneAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		target, header, cookie string
		want                   Lang
	}{
		"nothing said":        {"/", "", "", Chinese},
		"Chinese browser":     {"/", "zh-CN,zh;q=0.9,en;q=0.8", "", Chinese},
		"Taiwanese browser":   {"/", "zh-TW", "", Chinese},
		"English browser":     {"/", "en-GB,en;q=0.9", "", English},
		"English over German": {"/", "de;q=0.9,en;q=0.8", "", English},
		"junk":                {"/", "\x01;q=x", "", Chinese},
		"remembered":          {"/", "zh-CN", "en", English},
		"switched":            {"/?lang=zh-CN", "en", "en", Chinese},
		"in short":            {"/?lang=zh", "en", "en", Chinese},
		"of a country":        {"/?lang=en-GB", "", "", English},
		"no language":         {"/?lang=!", "en", "", English},
		"unknown switch":      {"/?lang=fr", "en", "", English},
	} {
		w := render(t, c.target, Page{Title: "signin", Data: map[string]any{"Companies": nil}}, "signin", "Accept-Language", c.header, "Cookie", langCookie+"="+c.cookie)
		if got := w.Header().Get("Content-Language"); got != string(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if strings.Contains(w.Body.String(), "使用") != (c.want == Chinese) && strings.Contains(w.Body.String(), "程序") != (c.want == Chinese) {
			t.Errorf("%s: the page is in another language", name)
		}
	}
}

// Whoever switches the language stays where they are.
func TestTheSwitchKeepsWhatWasAskedFor(t *testing.T) {
	for target, want := range map[string]struct{ path, link string }{
		"/org?unit=7&q=a%26b":     {"", "/org?lang=zh-CN&amp;q=a%26b&amp;unit=7"},
		"/org?lang=en&q=x":        {"", "/org?lang=zh-CN&amp;q=x"},
		"/sync/a%2Fb?x=%22%3E%3C": {"", "/sync/a%2Fb?lang=zh-CN&amp;x=%22%3E%3C"},
		"/flows/1/decide?x=1":     {"/flows/1?user=E1", "/flows/1?lang=zh-CN&amp;user=E1"},
		"/signin/dingtalk?code=1": {"/signin", "/signin?lang=zh-CN"},
	} {
		body := render(t, target, Page{Title: "signout", Path: want.path}, "signout", "Accept-Language", "en").Body.String()
		if !strings.Contains(body, `<a href="`+want.link+`" lang="zh-CN"`) {
			t.Errorf("%s: no link to %s\n%s", target, want.link, body)
		}
	}
}

// The navigation says which page is shown, or whose section it belongs to.
func TestTheNavigationSaysWhereOneIs(t *testing.T) {
	for target, want := range map[string]string{
		"/org": `<a href="/org" aria-current="page">`, "/org?unit=1": `<a href="/org" aria-current="page">`, "/org/pulls": `<a href="/org" aria-current="true">`,
		"/signout": `<a href="/signout" aria-current="page">`, "/": `href="/" aria-current="page">`,
	} {
		page := Page{Title: "signout", User: &User{Name: "x", Role: "read"}}
		if strings.HasPrefix(target, "/org") {
			page.Section = "org"
		}
		body := render(t, target, page, "signout").Body.String()
		if !strings.Contains(body, want) || strings.Count(body, "aria-current") != 1 {
			t.Errorf("%s: %s is not the only current entry\n%s", target, want, body)
		}
	}
}

// Names come from DingTalk, where anybody may call themselves anything.
func TestNamesCannotBecomeScripts(t *testing.T) {
	evil := `<script>alert(1)</script>"'>`
	w := render(t, "/signout", Page{Title: "signout", User: &User{Name: evil, Code: evil, Role: "read"}}, "signout")
	if body := w.Body.String(); strings.Contains(body, "<script>alert") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("the name is in the page as it is: %s", body)
	}
}

func TestPagesMayLoadWhatIsOurs(t *testing.T) {
	csp := render(t, "/signout", Page{Title: "signout"}, "signout").Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy lacks %s: %s", want, csp)
		}
	}
	csp = render(t, "/x", Page{Title: "signout", Scripts: []string{"https://dd.example"}}, "signout").Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "script-src 'self' https://dd.example;") {
		t.Errorf("%s", csp)
	}
}

var textKey = regexp.MustCompile(`\{\{t "([a-z.]+)"`)

func TestEveryTextIsThereInBothLanguages(t *testing.T) {
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := templateFiles.ReadFile("templates/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range textKey.FindAllStringSubmatch(string(raw), -1) {
			if _, ok := texts[m[1]]; !ok {
				t.Errorf("%s uses the text %q, which is not there", f.Name(), m[1])
			}
		}
		if strings.Contains(string(raw), "//cdn") || strings.Contains(string(raw), "onclick") || strings.Contains(string(raw), "style=") {
			t.Errorf("%s holds what the policy forbids", f.Name())
		}
	}
	for key, pair := range texts {
		if pair[0] == "" || pair[1] == "" || strings.Count(pair[0], "%") != strings.Count(pair[1], "%") {
			t.Errorf("%s: %q", key, pair)
		}
	}
}

func TestTheSettingsPageShowsFaults(t *testing.T) {
	type row struct {
		Name, Value, From     string
		Secret, Set, Optional bool
	}
	type company struct {
		ID                            int64
		Name, Problem, Redirect, Home string
		Events                        string
		Rows                          []row
		Steps                         []connectors.Step
	}
	data := struct{ Companies []company }{[]company{{
		ID: 129, Name: "示例", Rows: []row{{Name: "Client Secret", Secret: true, Set: true}, {Name: "CorpId"}},
		Steps: []connectors.Step{{Name: "token"}, {Name: "scope", Needs: "qyapi_base", Fault: &orgflow.Fault{VendorCode: "60020", Message: "ip", Advice: "add the address"}}, {Name: "mobile", Skipped: true}},
	}}}
	body := render(t, "/settings", Page{Title: "settings", Data: data}, "settings", "Accept-Language", "en").Body.String()
	for _, want := range []string{"60020", "add the address", "qyapi_base", ">set<", ">missing<", "works", "not tried"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// WCAG AA asks for 4.5 : 1 between text and ground.
func TestContrastIsEnough(t *testing.T) {
	raw, err := os.ReadFile("static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	themes := strings.SplitN(string(raw), "@media (prefers-color-scheme: dark)", 2)
	if len(themes) != 2 {
		t.Fatal("no dark theme")
	}
	color := regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{3,6})`)
	for i, theme := range themes {
		palette := map[string]float64{}
		for _, m := range color.FindAllStringSubmatch(strings.SplitN(theme, "}", 2)[0], -1) {
			palette[m[1]] = luminance(t, m[2])
		}
		for _, pair := range [][2]string{
			{"ink", "ground"}, {"ink", "raised"}, {"soft", "ground"}, {"soft", "raised"}, {"link", "ground"}, {"link", "raised"},
			{"on-strong", "strong"}, {"good", "ground"}, {"bad", "ground"}, {"ink", "bad-ground"},
			{"ink", "good-ground"}, {"ink", "busy-ground"},
		} {
			a, b := palette[pair[0]], palette[pair[1]]
			if ratio := (max(a, b) + .05) / (min(a, b) + .05); ratio < 4.5 {
				t.Errorf("theme %d: %s on %s is %.2f : 1", i, pair[0], pair[1], ratio)
			}
		}
	}
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	var parts [3]float64
	for i := range parts {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if parts[i] = c / 12.92; c > .04045 {
			parts[i] = math.Pow((c+.055)/1.055, 2.4)
		}
	}
	return .2126*parts[0] + .7152*parts[1] + .0722*parts[2]
}
