package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"orgflow/internal/testchrome"
)

// Somebody pulls the organisation by its page, looks at a person and what was
// sent of them, and decides on removals that wait.
func TestTheOrganisationIsPulledByItsPage(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	w.serve()
	w.unlimited()
	w.load(demo(t))
	w.completed(w.await(w.begin(demoJob), 2*time.Minute))

	c := testchrome.New(t)
	at := func(path string) chromedp.Action[chromedp.Void] { return chromedp.Navigate("http://" + w.http + path) }
	pull := `form[action="/org/pulls"] button`
	c.Do("pull 1 nothing yet", at("/org?lang=en"), testchrome.Shows("never pulled"))
	c.Do("pull 2 progress", testchrome.Click(pull), testchrome.Shows("Calls"), testchrome.Shows("41 departments, 300 people"), testchrome.Shows("completed"))
	c.Fits("pull at 1280")
	c.Do("pull 3 the tree", testchrome.Click(`a[href^="/org?version="]`), testchrome.Shows("300"))
	c.Do("pull 4 search", at("/org?q=E1001"), testchrome.Shows("Results for"))
	c.Do("pull 5 the log", testchrome.Click(`.people a[href^="/org/people/"]`), testchrome.Shows("ding_talk"), testchrome.Shows("added"), testchrome.Shows("records"))
	c.Fits("person at 1280")

	w.keep(20)
	c.Do("pull 6 narrow", chromedp.EmulateViewport(390, 844), at("/org/pulls"), testchrome.Click(pull), testchrome.Shows("wait for a decision"))
	c.Fits("a waiting pull at 390")
	c.Do("pull 7 approved", chromedp.SendKeys(chromedp.CSS("#reason"), "they left"), testchrome.Click(`form[action$="/approve"] button`), testchrome.Shows("approved by local: they left"), testchrome.Shows("completed"))
	c.Fits("an approved pull at 390")
	c.Do("pull 8 what changed", testchrome.Click(`a[href^="/org/diff"]`), testchrome.Shows("removed"))
	c.Fits("what changed at 390")
	c.Clean()
	var root orgNode
	if w.org("tree", &root); root.MemberCount != len(w.ding().Users) || root.MemberCount > 100 {
		t.Errorf("%d people are left, %d at DingTalk", root.MemberCount, len(w.ding().Users))
	}
}

// keep lets all but the leaders and some others leave at DingTalk.
func (w *world) keep(most int) {
	w.t.Helper()
	var state object
	must(w.t, "GET", w.simURL("dingtalk", "state"), "", &state)
	var stay []any
	for _, u := range state["users"].([]any) {
		leads := slices.ContainsFunc(u.(object)["leader_in_dept"].([]any), func(l any) bool { return l.(object)["leader"].(bool) })
		if leads || len(stay) < most {
			stay = append(stay, u)
		}
	}
	state["users"] = stay
	must(w.t, "PUT", w.simURL("dingtalk", "state"), encode(w.t, state), nil)
}
