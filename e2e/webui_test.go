package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"orgflow/internal/testchrome"
)

// seedJob is the job of the seed document as somebody pastes it, its comments
// left out and its comma put in.
const seedJob = `{
    "services": ["person_new"],
    "consumer": "ding_talk",
    "company_id": 129,
    "params": {
        "extra_property": {
            "state": "abcd"
        },
        "filter_dict": {
            "job_info.position_status_id": [2, 7, 18, 19, 20, 21, 22, 25, 27, 14]
        }
    }
}`

// An operator starts a run in Temporal's Web UI with nothing but the job, and
// sees there how it went; payloads are encrypted, and the browser has them
// translated by the codec of the API.
func TestWebUI(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	w := newFastWorld(t)
	w.env["ORGFLOW_PAYLOAD_KEY"] = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))
	w.serve()
	w.unlimited()
	w.load(demo(t))
	w.sync(`{"services":["org_new"],"consumer":"ding_talk","company_id":129}`)

	t.Run("the seed's job", func(t *testing.T) {
		browser, w := browser.in(t), w.in(t)
		browser.startWorkflow(w, "my-first-run", seedJob)
		s := w.await("my-first-run", 2*time.Minute)
		w.completed(s)
		if s.Applied["person"]["insert"].Done != 300 {
			t.Errorf("applied %+v", s.Applied)
		}
		for _, u := range w.ding().Users {
			if u.Extension["工号"] != u.UserID || u.Extension["测试自定义字段"] == "" {
				t.Fatalf("the file of state abcd was not used: %s has %v", u.UserID, u.Extension)
			}
		}
		for _, look := range []struct {
			tab  string
			want []string
		}{
			{"timeline", []string{"my-first-run", "Completed", "SyncRun", "ApplyPage • person_insert: changes", `"status": "completed"`}},
			{"user-metadata", []string{"ended: completed", "person planned: 300 insert", "person insert: 300 done, 0 failed", "300 of 300"}},
			{"search-attributes", []string{"OrgflowTarget", "129/ding_talk", "OrgflowCompany", "OrgflowKind", "sync", "OrgflowStatus", "completed"}},
		} {
			browser.page(look.tab, w.workflowURL("my-first-run", s.RunID)+"/"+look.tab, look.want)
		}
	})

	t.Run("a bad job", func(t *testing.T) {
		browser, w := browser.in(t), w.in(t)
		before := len(w.runs())
		browser.startWorkflow(w, "my-bad-run", strings.Replace(seedJob, "filter_dict", "filters", 1))
		d, err := w.temporalClient().DescribeWorkflowExecution(t.Context(), "my-bad-run", "")
		if err != nil {
			t.Fatal(err)
		}
		url := w.workflowURL("my-bad-run", d.GetWorkflowExecutionInfo().GetExecution().GetRunId())
		browser.page("timeline", url+"/timeline", []string{"/params/filters", "Failed", "unknown key", "filter_dict"})
		if n := len(w.runs()); n != before {
			t.Errorf("%d runs are recorded, %d before", n, before)
		}
	})
	t.Logf("screenshots are in %s", browser.shots)
}

// in is the same installation in a subtest.
func (w *world) in(t *testing.T) *world {
	sub := *w
	sub.t = t
	return &sub
}

// browser is a headless Chromium with a profile of its own.
type browser struct {
	t     *testing.T
	ctx   context.Context
	shots string // directory of screenshots, kept
}

// newBrowser starts Chromium, with pages wide enough for Temporal's Web UI.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := testchrome.Path(t)
	shots, err := os.MkdirTemp("", "orgflow-webui-")
	if err != nil {
		t.Fatal(err)
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1400, 1600),
	}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until it has let go of its profile
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &browser{t: t, ctx: ctx, shots: shots}
}

func (b *browser) in(t *testing.T) *browser {
	sub := *b
	sub.t = t
	return &sub
}

// do performs actions within a minute and keeps a picture of where they ended.
func (b *browser) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	err := chromedp.Do(ctx, actions...)
	if shot, e := chromedp.Run(b.ctx, chromedp.CaptureScreenshot()); e == nil {
		name := strings.NewReplacer(" ", "-", "/", "-", "'", "").Replace(b.t.Name() + "-" + what)
		if e := os.WriteFile(filepath.Join(b.shots, name+".png"), shot, 0o600); e != nil {
			b.t.Errorf("keep the picture: %v", e)
		}
	}
	if err != nil {
		b.t.Fatalf("%s: %v (pictures in %s)", what, err, b.shots)
	}
}

// startWorkflow fills the form of the Web UI and sends it.
func (b *browser) startWorkflow(w *world, id, job string) {
	b.t.Helper()
	const button = `//button[normalize-space(.)="Start Workflow"]`
	b.do("form",
		chromedp.Navigate("http://"+w.ui+"/namespaces/default/workflows/start-workflow"),
		chromedp.WaitVisible(chromedp.CSS("#workflowId")),
		chromedp.SendKeys(chromedp.CSS("#workflowId"), id),
		chromedp.SendKeys(chromedp.CSS("#taskQueue"), "orgflow"),
		chromedp.SendKeys(chromedp.CSS("#workflowType"), "SyncRun"),
		shown("Task Queue is Active"), // it appears above the editor and moves it
		chromedp.Click(chromedp.CSS(".cm-content")), paste(job), shown("person_new"),
		// Leaving the editor reformats the job, which moves the button too.
		chromedp.Click(chromedp.CSS("h1")),
		chromedp.WaitEnabled(button),
	)
	b.do("sent",
		chromedp.Click(button),
		shown("Workflow started successfully"),
	)
}

// paste puts text where the cursor is, as the clipboard does.
func paste(text string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: text})
		return chromedp.Void{}, err
	}
}

func (w *world) workflowURL(id, runID string) string {
	return "http://" + w.ui + "/namespaces/default/workflows/" + id + "/" + runID
}

// page opens a page and waits until it shows all the texts; its parts come
// one after the other.
func (b *browser) page(what, url string, want []string) {
	b.t.Helper()
	actions := []chromedp.Action[chromedp.Void]{chromedp.Navigate(url)}
	for _, text := range want {
		actions = append(actions, shown(text))
	}
	b.do(what, actions...)
}

// pageText is what a person reads on a page: its text, that of drawings, and
// that of frames, in which the Web UI renders Markdown.
const pageText = `[document.body.innerText,
	...Array.from(document.querySelectorAll("svg text"), e => e.textContent),
	...Array.from(document.querySelectorAll("iframe"), f => f.contentDocument?.body?.innerText ?? decodeURIComponent(f.src)),
].join("\n")`

// shown waits until the page shows a text, in capitals or not.
func shown(text string) chromedp.Action[chromedp.Void] {
	look := chromedp.Poll[chromedp.Void](fmt.Sprintf("(%s).toLowerCase().includes(%q)", pageText, strings.ToLower(text)),
		chromedp.WithPollingTimeout(20*time.Second))
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		none, err := look(ctx, target)
		if err != nil {
			err = fmt.Errorf("the page does not show %q: %w", text, err)
		}
		return none, err
	}
}
