package signin_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chrome is a headless Chromium that remembers what went wrong on its pages.
type chrome struct {
	t     *testing.T
	ctx   context.Context
	shots string

	mu       sync.Mutex
	troubles []string
}

// newChrome starts Chromium. Without one the test is skipped, except in a
// pipeline, which must not pass on half the tests.
func newChrome(t *testing.T) *chrome {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium found: install the package chromium")
		}
		t.Skip("no Chromium found: install the package chromium")
	}
	c := &chrome{t: t, shots: os.Getenv("ORGFLOW_TEST_SHOTS")}
	if c.shots == "" {
		c.shots = t.TempDir()
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("accept-lang", "en"))
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until it has let go of its profile
		cancel()
	})
	c.ctx = ctx
	if err := chromedp.Listen(ctx, c.hear); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	c.do("start", chromedp.Navigate("about:blank"))
	return c
}

// hear keeps errors of scripts, refused resources and what scripts ask.
func (c *chrome) hear(ev any) {
	var what string
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		what = fmt.Sprintf("exception: %+v", e.ExceptionDetails)
	case *cdplog.EventEntryAdded:
		what = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *page.EventJavascriptDialogOpening:
		what = "dialog: " + e.Message
	default:
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.troubles = append(c.troubles, what)
}

// do performs actions within a minute and keeps a picture of where they ended.
func (c *chrome) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	err := chromedp.Do(ctx, actions...)
	if shot, e := chromedp.Run(c.ctx, chromedp.FullScreenshot(100)); e == nil {
		if e := os.WriteFile(filepath.Join(c.shots, strings.ReplaceAll(what, " ", "-")+".png"), shot, 0o600); e != nil {
			c.t.Error(e)
		}
	}
	if err != nil {
		body, _ := chromedp.Run(c.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
		c.t.Fatalf("%s: %v\n%s\n%v", what, err, body, c.troubles)
	}
}

// shows waits until the page shows a text. A page that is being left answers
// with an error, so it is asked again.
func shows(text string) chromedp.Action[chromedp.Void] {
	look := chromedp.Evaluate[bool](fmt.Sprintf("!!document.body && document.body.innerText.includes(%q)", text))
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			there, err := look(ctx, target)
			if there && err == nil {
				return none, nil
			}
			select {
			case <-ctx.Done():
				return none, fmt.Errorf("the page does not show %q: %w", text, errors.Join(ctx.Err(), err))
			case <-tick.C:
			}
		}
	}
}

func click(css string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(css)) }

// fits fails where the page is wider than its window.
func (c *chrome) fits(what string) {
	c.t.Helper()
	over, err := chromedp.Run(c.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - window.innerWidth`))
	if err != nil || over > 0 {
		c.t.Errorf("%s: the page is %d pixels wider than its window, %v", what, over, err)
	}
}

// People sign in by the pages, as they do.
func TestThroughABrowser(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	w.ding += fmt.Sprintf(`, "script_url": %q`, w.sim+"/jsapi.js")
	w.write()
	c := newChrome(t)
	at := func(path string) chromedp.Action[chromedp.Void] { return chromedp.Navigate(w.server.URL + path) }

	c.do("1 sign in", at("/settings?lang=en"), shows("Sign in with DingTalk"), shows("Only members"))
	c.do("2 DingTalk", click("main a.button"), shows("模拟钉钉登录"))
	c.do("3 settings", click(`a[data-userid="E1"]`), shows("Comes from"), shows("管理员"), shows("corp-1"))
	w.control("PUT", "options", `{"missing_permissions": ["qyapi_get_department_member"]}`, nil)
	c.do("4 connection test", click(`form[action="/settings/dingtalk/test"] button`), shows("60011"), shows("publish the version"), shows("works"))
	c.fits("test at 1280")
	c.do("5 narrow", chromedp.EmulateViewport(390, 844), shows("60011"))
	c.fits("test at 390")
	c.do("6 Chinese", click(`nav a[lang="zh-CN"]`), shows("在钉钉开发者后台填写"))
	c.fits("settings at 390")
	c.do("7 sign out", click(`nav a[href="/signout"]`), shows("退出所有设备"))
	c.do("8 signed out", click(`form[action="/signout"] button`), shows("使用钉钉登录"))

	c.do("9 outsider", click("main a.button"), click(`a[data-userid="-outsider"]`), shows("您不是本企业的成员"))
	c.fits("refusal at 390")

	w.control("PUT", "options", `{"in_app_user": "E2", "missing_permissions": []}`, nil)
	c.do("10 inside DingTalk", at("/signin/dingtalk/app?lang=en"), shows("<script>alert(1)</script>"), shows("Keeps people"))
	w.control("PUT", "options", `{"in_app_user": ""}`, nil)
	c.do("11 not inside DingTalk", at("/signin/dingtalk/app"), shows("DingTalk gave no code"))

	link, err := w.app.AdminLink(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	c.do("12 local", at(u.RequestURI()), shows("This link works once"))
	c.do("13 local administrator", click("main button"), shows("local-admin"))
	// By keyboard: the first tab leads over the navigation, to the content.
	focus, err := chromedp.Run(c.ctx, chromedp.Evaluate[string](`document.querySelector("a").getAttribute("href")`))
	if err != nil || focus != "#main" {
		t.Errorf("the first link is %q, %v", focus, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, trouble := range c.troubles {
		if !strings.Contains(trouble, "status of 403") && !strings.Contains(trouble, "favicon.ico") { // the simulator has none; that nobody came in is what the pages said
			t.Error(trouble)
		}
	}
	t.Logf("screenshots are in %s", c.shots)
}
