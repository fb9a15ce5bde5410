package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"orgflow/internal/testchrome"
)

// Somebody starts a run by the console, watches it to its end, and lets the
// deletes of the next one go.
func TestConsoleSync(t *testing.T) {
	t.Parallel()
	c := testchrome.New(t)
	w := newFastWorld(t)
	w.serve()
	w.unlimited()
	rows := demo(t)
	w.load(rows)
	begin := []chromedp.Action[chromedp.Void]{
		chromedp.Navigate("http://" + w.http + "/sync/new?lang=en"), testchrome.Shows("Choose services"),
		chromedp.SetValue(chromedp.CSS(`select[name="target"]`), "129/ding_talk"),
		testchrome.Click(`input[value="org_new"]`), testchrome.Click(`input[value="person_new"]`),
	}
	c.Do("console plan", append(begin, testchrome.Click(`form.fields button[name="dry"]`), testchrome.Shows("dry run"), testchrome.Shows("✓ done"))...)
	planned := w.await(w.runs()[0].ID, 2*time.Minute)
	if w.completed(planned); w.requests("dingtalk").Writes != 0 || planned.Plan["person"].Insert != 300 {
		t.Fatalf("a dry run wrote, or planned %+v", planned.Plan)
	}
	c.Do("console plan by department", chromedp.Navigate("http://"+w.http+"/sync/"+planned.ID+"/tree"), testchrome.Shows("+340"))
	c.Fits("tree at 1280")

	// The page follows the run by itself.
	c.Do("console run", append(begin, testchrome.Click(`form.fields button:not([name])`), testchrome.Shows("Progress"))...)
	done := w.await(w.runs()[0].ID, 2*time.Minute)
	w.completed(done)
	c.Do("console run ended", testchrome.Shows("completed"), testchrome.Shows("300 done"), testchrome.Shows("Undo this run"))
	c.Do("console in Temporal", testchrome.Click(`a[href*="/namespaces/"]`), testchrome.Shows(done.ID))

	rows.Employee = rows.Employee[:200]
	w.load(rows)
	id := w.waiting(w.begin(demoJob)).ID
	c.Do("console parked", chromedp.Navigate("http://"+w.http+"/sync/"+id), testchrome.Shows("Waiting for approval"), testchrome.Shows("100 pending"))
	c.Do("console approved", chromedp.SendKeys(chromedp.CSS("#reason-approve"), "they left"), testchrome.Click(`form[action$="/approve"] button`), testchrome.Shows("100 done"), testchrome.Shows("approved by local: they left"))
	w.completed(w.await(id, time.Minute))
	w.inStep()
	c.Do("console narrow", chromedp.EmulateViewport(390, 844), testchrome.Shows("100 done"))
	c.Fits("run at 390")
}
