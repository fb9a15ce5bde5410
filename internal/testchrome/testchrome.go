// Package testchrome drives a headless Chromium through pages, for tests. It
// remembers what went wrong on the way: exceptions, refused resources, message boxes.
package testchrome

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"orgflow/internal/testtool"
)

// Browser is a headless Chromium with one window of 1280 × 900 pixels, in
// English.
type Browser struct {
	t     *testing.T
	ctx   context.Context
	shots string
	// wanted: somebody looks at the pictures.
	wanted bool

	mu       sync.Mutex
	troubles []string
}

// Path returns where Chromium is. Without one the test is skipped, except in a
// pipeline, which must not pass on half the tests.
func Path(t testing.TB) string {
	t.Helper()
	return testtool.Need(t, "chromium", "chromium-browser", "google-chrome")
}

// New starts the Chromium of Path and ends it with the test.
// ORGFLOW_TEST_SHOTS names a folder that keeps the pictures.
func New(t *testing.T) *Browser {
	t.Helper()
	path := Path(t)
	c := &Browser{t: t, shots: os.Getenv("ORGFLOW_TEST_SHOTS")}
	if c.wanted = c.shots != ""; !c.wanted {
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
	c.Do("start", chromedp.Navigate("about:blank"))
	return c
}

// hear keeps errors of scripts, refused resources and what scripts ask.
func (c *Browser) hear(ev any) {
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

// Do performs actions within a minute and keeps a picture of where they ended,
// named like what was done.
func (c *Browser) Do(what string, actions ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	c.perform(what, true, actions)
}

// Look is Do for many pages: it takes pictures only where they are wanted,
// because to draw one costs more than to load the page.
func (c *Browser) Look(what string, actions ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	c.perform(what, c.wanted, actions)
}

func (c *Browser) perform(what string, picture bool, actions []chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, time.Minute)
	defer cancel()
	err := chromedp.Do(ctx, actions...)
	if picture {
		c.picture(what)
	}
	if err != nil {
		body, _ := chromedp.Run(c.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
		c.t.Fatalf("%s: %v\n%s\n%v", what, err, body, c.troubles)
	}
}

// picture keeps what the window shows.
func (c *Browser) picture(what string) {
	c.t.Helper()
	ctx, stop := context.WithTimeout(c.ctx, 10*time.Second) // an open list or hint of the browser itself keeps it from drawing
	defer stop()
	if shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100)); err == nil {
		if err := os.WriteFile(filepath.Join(c.shots, strings.ReplaceAll(what, " ", "-")+".png"), shot, 0o600); err != nil {
			c.t.Error(err)
		}
	}
}

// Shows waits until the page shows a text. A page that is being left answers
// with an error, so it is asked again.
func Shows(text string) chromedp.Action[chromedp.Void] {
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

// Click clicks the first element of a CSS selector.
func Click(css string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(css)) }

// Fits fails where the page is wider than its window.
func (c *Browser) Fits(what string) {
	c.t.Helper()
	over, err := chromedp.Run(c.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - window.innerWidth`))
	if err != nil || over > 0 {
		c.t.Errorf("%s: the page is %d pixels wider than its window, %v", what, over, err)
	}
}

// Ask evaluates a JavaScript expression on the page.
func Ask[T any](c *Browser, expression string) T {
	c.t.Helper()
	v, err := chromedp.Run(c.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		c.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Clean fails for whatever went wrong on the pages so far, but for what holds
// one of the texts.
func (c *Browser) Clean(except ...string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, trouble := range c.troubles {
		if !slices.ContainsFunc(except, func(text string) bool { return strings.Contains(trouble, text) }) {
			c.t.Error(trouble)
		}
	}
}
