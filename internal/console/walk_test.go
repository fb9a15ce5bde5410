package console_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/go-chi/chi/v5"

	"orgflow/internal/testchrome"
)

// routesOf lists the patterns of a method.
func (w *walk) routesOf(method string) []string {
	w.t.Helper()
	var out []string
	err := chi.Walk(w.routes, func(m, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if m == method {
			out = append(out, route)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

var (
	routeParam = regexp.MustCompile(`\{[a-z]+\}`)
	formStart  = regexp.MustCompile(`<form[^>]*method="post"[^>]*>`)
	formAction = regexp.MustCompile(` (?:action|formaction)="([^"]*)"`)
	rawEvil    = regexp.MustCompile(`<script>alert|<img src=x|"><img|ZgotmplZ`)
)

// Every route there is is known to this test, so that a new page is tried as
// the others are.
func TestEveryPageIsWalked(t *testing.T) {
	w := newWalk(t)
	pages := w.pages()
	if routes := w.routesOf(http.MethodGet); !slices.Equal(slices.Sorted(slices.Values(routes)), slices.Sorted(maps.Keys(pages))) {
		t.Fatalf("the walk's pages are not the program's: add what is new to walk.pages\n%q\n%q", slices.Sorted(slices.Values(routes)), slices.Sorted(maps.Keys(pages)))
	}
	posted := map[string]bool{}
	for route, addresses := range pages {
		named := false
		for _, address := range addresses {
			status, body := w.look(address)
			if status != http.StatusOK && route != "/signin/dingtalk/callback" {
				t.Errorf("%s: %d\n%s", address, status, body)
			}
			if at := rawEvil.FindStringIndex(body); at != nil {
				t.Errorf("%s lets a script through: …%s…", address, body[max(0, at[0]-200):min(len(body), at[1]+100)])
			}
			_, main, _ := strings.Cut(body, "<main")
			named = named || strings.Contains(main, "&lt;script&gt;")
			w.posts(address, body, posted)
		}
		if !named && !harmless[route] {
			t.Errorf("%s shows nothing that is named like a script; the walk proves nothing of it", route)
		}
	}
	for _, route := range w.routesOf(http.MethodPost) {
		if !posted[route] && !withoutForm[route] {
			t.Errorf("no page of the walk has a form for %s", route)
		}
	}
}

// harmless are pages that show nothing that comes from elsewhere.
var harmless = map[string]bool{
	"/org/versions": true, "/meta/preview": true, "/signin/dingtalk": true, "/signin/dingtalk/callback": true, "/signin/dingtalk/app": true,
}

// withoutForm are forms that only pages in another state have: of a load that
// goes on, a paused run or schedule, a person inside DingTalk, a company to test.
var withoutForm = map[string]bool{
	"/erp/loads/{id}/cancel": true, "/sync/{id}/resume": true, "/schedules/{id}/resume": true,
}

// posts notes which routes the forms of a page are sent to.
func (w *walk) posts(address, body string, posted map[string]bool) {
	w.t.Helper()
	for _, target := range formAction.FindAllStringSubmatch(strings.Join(formStart.FindAllString(body, -1), "\n")+"\n"+strings.Join(regexp.MustCompile(`<button[^>]*formaction[^>]*>`).FindAllString(body, -1), "\n"), -1) {
		match := chi.NewRouteContext()
		if !w.routes.Match(match, http.MethodPost, target[1]) {
			w.t.Errorf("%s: a form is sent to %s, which nobody takes", address, target[1])
		}
		posted[match.RoutePattern()] = true
	}
}

// A page of somebody else cannot send a form of ours, whatever it is for.
func TestNoFormIsTakenFromElsewhere(t *testing.T) {
	w := newWalk(t)
	before := len(w.effects())
	routes := w.routesOf(http.MethodPost)
	if len(routes) < 20 {
		t.Fatalf("only %d forms were found: %q", len(routes), routes)
	}
	for _, route := range routes {
		path := routeParam.ReplaceAllString(route, "1")
		for name, headers := range map[string][]string{
			"nothing": nil, "no origin": {"Origin", "null"}, "another origin": {"Origin", "https://evil.example"}, "another port": {"Origin", "http://127.0.0.1:1"},
			"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"}, "typed": {"Sec-Fetch-Site", "none"},
			"cross-site, origin forged": {"Sec-Fetch-Site", "cross-site", "Origin", w.server.URL},
		} {
			if status, body := w.formTo(path, headers...); status != http.StatusForbidden {
				t.Errorf("%s, %s: %d %s", route, name, status, body)
			}
		}
	}
	if got := w.effects(); len(got) != before {
		t.Fatalf("something was done: %q", got[before:])
	}
	// The same forms from our own pages are looked at.
	for _, route := range routes {
		status, body := w.formTo(routeParam.ReplaceAllString(route, "1"), "Sec-Fetch-Site", "same-origin")
		if status == http.StatusForbidden && !strings.HasPrefix(route, "/signin") {
			t.Errorf("%s from our own page: %d %s", route, status, body)
		}
		if rawEvil.MatchString(body) {
			t.Errorf("%s answers with a script: %s", route, body)
		}
	}
	if len(w.effects()) == before {
		t.Error("none of our own forms did anything; the test proves nothing")
	}
}

// No name becomes a script in a browser, no page is wider than its window, no
// field is without a label, and no page has an error of its own. With
// ORGFLOW_TEST_SHOTS every page is looked at in both languages.
func TestEveryPageInABrowser(t *testing.T) {
	w := newWalk(t)
	c := testchrome.New(t)
	at := func(address string) chromedp.Action[chromedp.Void] { return chromedp.Navigate(w.server.URL + address) }
	c.Do("walk begins", at("/signin"))
	testchrome.Ask[string](c, fmt.Sprintf("document.cookie = %q", w.admin.String()))
	languages := []string{"en"}
	if os.Getenv("ORGFLOW_TEST_SHOTS") != "" {
		languages = []string{"en", "zh-CN"}
	}
	for _, language := range languages {
		c.Do("walk in "+language, at("/signin?lang="+language))
		for _, addresses := range w.pages() {
			for _, address := range addresses {
				what := language + " " + named.ReplaceAllString(address, "-")
				c.Look("walk "+what+" 1280", chromedp.EmulateViewport(1280, 900), at(address))
				c.Fits(what + " at 1280")
				c.Look("walk "+what+" 390", chromedp.EmulateViewport(390, 844))
				c.Fits(what + " at 390")
				if unlabelled := testchrome.Ask[string](c, `Array.from(document.querySelectorAll("main input:not([type=hidden]), main select, main textarea")).filter(e => !e.labels.length).map(e => e.name).join()`); unlabelled != "" {
					t.Errorf("%s: without a label: %s", what, unlabelled)
				}
				if got := testchrome.Ask[string](c, `document.documentElement.lang`); got != language {
					t.Errorf("%s is in %s", what, got)
				}
			}
		}
	}
	c.Clean("status of 403") // of a sign-in nobody began
}

var named = regexp.MustCompile(`[^A-Za-z0-9]+`)
