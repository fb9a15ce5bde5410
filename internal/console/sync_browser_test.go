package console_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"orgflow"
	"orgflow/internal/testchrome"
)

// Whoever looks after the sync finds everything by the pages.
func TestSyncThroughABrowser(t *testing.T) {
	w := newSyncWorld(t, true)
	w.seed()
	w.seedLong()
	c := testchrome.New(t)
	at := func(path string) chromedp.Action[chromedp.Void] { return chromedp.Navigate(w.server.URL + path) }
	// both looks at a page in both widths.
	both := func(what string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		c.Do("sync "+what, append([]chromedp.Action[chromedp.Void]{chromedp.EmulateViewport(1280, 900)}, actions...)...)
		c.Fits(what + " at 1280")
		c.Do("sync "+what+" narrow", chromedp.EmulateViewport(390, 844))
		c.Fits(what + " at 390")
		if unlabelled := testchrome.Ask[string](c, `Array.from(document.querySelectorAll("main input:not([type=hidden]), main select, main textarea")).filter(e => !e.labels.length).map(e => e.name).join()`); unlabelled != "" {
			t.Errorf("%s: without a label: %s", what, unlabelled)
		}
		c.Do("wide again", chromedp.EmulateViewport(1280, 900))
	}
	both("list", at("/sync?lang=en"), testchrome.Shows("awaiting approval"))
	both("run waiting", testchrome.Click(`a[href="/sync/parked"]`), testchrome.Shows("3 deletes are more than 1 %"))

	// leave marks a page that is about to be left.
	leave := func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		_, err = chromedp.Evaluate[bool]("window.old = true")(ctx, target)
		return none, err
	}

	// The browser sends no decision without a reason.
	if testchrome.Ask[bool](c, `document.querySelector('form[action="/sync/parked/approve"]').checkValidity()`) {
		t.Error("the form may be sent without a reason")
	}
	c.Do("approved", chromedp.SendKeys(chromedp.CSS("#reason-approve"), "they left"), leave, testchrome.Click(`form[action="/sync/parked/approve"] button`), until("!window.old"), testchrome.Shows("awaiting approval"))
	if !slices.Equal(w.asked, []string{"approve parked local  they left"}) {
		t.Errorf("asked %q", w.asked)
	}

	both("run failed", at("/sync/failed"), testchrome.Shows("60121"))

	// What follows a run leaves the page alone while nothing changes.
	c.Do("followed", at("/sync/going"), testchrome.Shows("running"))
	testchrome.Ask[string](c, `(window.asked = 0, window.kept = document.querySelector("[data-live]").firstElementChild, window.fetch = (f => (...a) => f(...a).finally(() => setTimeout(() => asked++, 50)))(window.fetch), "")`)
	c.Do("asked again", until("asked > 1"))
	if !testchrome.Ask[bool](c, `kept.isConnected`) {
		t.Error("the same was shown anew")
	}
	if err := w.app.Store.NoteRun(t.Context(), "going", "somebody looked"); err != nil {
		t.Fatal(err)
	}
	c.Do("changed", testchrome.Shows("somebody looked"))

	// A button pressed twice sends once.
	w.asked = nil
	c.Do("pressed twice", at("/sync/failed"), testchrome.Shows("60121"))
	sent := testchrome.Ask[int](c, `(b => { let n = 0; document.addEventListener("submit", e => n += e.defaultPrevented ? 0 : 1); b.click(); b.click(); return n })(document.querySelector("#do-retry button"))`)
	c.Do("pressed", testchrome.Shows("That did not work")) // nobody has the run that was started
	if sent != 1 || len(w.asked) != 1 || len(w.words[0]) < 20 {
		t.Errorf("sent %d times, asked %q with %q", sent, w.asked, w.words)
	}
	both("table", at("/sync/long/changes"), testchrome.Shows("部门 1"))
	c.Do("sync filtered", chromedp.SetValue(chromedp.CSS(`select[name="op"]`), "delete"), testchrome.Click(`form.filter button`), testchrome.Shows("员工 93"))
	both("tree", at("/sync/long/tree"), testchrome.Shows("部门 1"))
	both("tree of a department", testchrome.Click(`.plan-tree a[href$="=d1"]`), testchrome.Shows("People"))
	both("records", at("/sync/records?company=129&consumer=ding_talk&kind=person&id=p1"), testchrome.Shows("Nothing was ever sent"))
	both("start", at("/sync/new"), testchrome.Shows("Configured jobs"))
	c.Do("sync started", testchrome.Click(`input[value="org_new"]`), testchrome.Click(`form.fields button[name="dry"]`), testchrome.Shows("That did not work")) // nobody has the run yet
	if len(w.jobs) != 1 || !w.jobs[0].Params.DryRun {
		t.Errorf("started %+v", w.jobs)
	}
	both("what if", at("/sync/what-if"),
		chromedp.SetValue(chromedp.CSS("#job"), `{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129, "params": {}}`),
		chromedp.SetValue(chromedp.CSS("#rows"), `{"org_new": [{"id": 99, "name": "新部门", "parent_id": 10}]}`),
		testchrome.Click("form.fields button"), testchrome.Shows("What a run would do"), testchrome.Shows("新部门"))
	both("meta", at("/meta"), testchrome.Shows("overlay directory"))
	both("meta file", testchrome.Click(`a[href*="layer=overlay"]`), testchrome.Shows("***"))
	both("preview", at("/meta/preview?company=129&service=person_new&consumer=ding_talk"),
		chromedp.SetValue(chromedp.CSS("#row"), `{"id": 9001, "number": "E9001", "name": "新员工", "mobile": "10000009001", "departments": [{"origin_id": 99}]}`),
		testchrome.Click("form.fields button"), testchrome.Shows("E9001"))
	c.Do("sync Chinese", at("/sync/parked?lang=zh-CN"), testchrome.Shows("等待批准的更改"), chromedp.EmulateViewport(390, 844))
	c.Fits("Chinese at 390")
	c.Clean("status of 404", "status of 5") // the run that nobody has: Temporal is away here
}

// until waits for an expression of the page to become true.
func until(expression string) chromedp.Action[chromedp.Void] {
	look := chromedp.Evaluate[bool](expression)
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if there, err := look(ctx, target); there && err == nil { // a page that is being left answers with an error
				return none, nil
			}
			select {
			case <-ctx.Done():
				return none, ctx.Err()
			case <-tick.C:
			}
		}
	}
}

// seedLong stores a plan of departments in levels and people in them.
func (w *syncWorld) seedLong() {
	w.t.Helper()
	var changes []orgflow.Change
	add := func(c orgflow.Change) {
		c.ID, c.Wave = len(changes)+1, len(changes)+1
		changes = append(changes, c)
	}
	for i := 1; i <= 30; i++ {
		parent := "11"
		if i > 5 {
			parent = fmt.Sprint("d", i/5)
		}
		add(orgflow.Change{
			Kind: orgflow.Org, Op: orgflow.Insert, SourceID: fmt.Sprint("d", i), State: orgflow.Done, Reason: "new",
			Payload: payload(w.t, map[string]any{"name": fmt.Sprintf("部门 %d", i), "parent_id": orgflow.Ref(orgflow.Org, parent)}),
		})
	}
	for i := range 120 {
		home := orgflow.Ref(orgflow.Org, fmt.Sprint("d", i%30+1))
		change := orgflow.Change{
			Kind: orgflow.Person, Op: orgflow.Insert, SourceID: fmt.Sprint("p", i), State: orgflow.Done, Reason: "new",
			Payload: payload(w.t, map[string]any{"name": fmt.Sprintf("员工 %d", i), "title": "工程师", "mobile": "10000001001", "dept_id_list": []any{home}, "userid": fmt.Sprint("E", i)}, "mobile"),
		}
		switch i % 10 {
		case 3:
			change.Op, change.State, change.Reason = orgflow.Delete, orgflow.Parked, "left the company"
			change.Before, change.Payload = change.Payload, nil
		case 6:
			change.Op, change.Reason = orgflow.Update, "changed"
			change.Fields = map[string]orgflow.Diff{"title": {Before: "助理", After: "工程师"}, "mobile": {Before: orgflow.Masked, After: orgflow.Masked}}
		}
		add(change)
	}
	w.run("long", changes)
}
