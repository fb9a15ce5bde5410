package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"orgflow/internal/testchrome"
)

// People find their tasks, decide, and see where a flow is, through the pages.
func TestFlowPages(t *testing.T) {
	t.Parallel()
	browser := testchrome.New(t)
	w := newFlowWorld(t, false, false)
	w.define("plain", []object{startAt(10), approve(10, "any", 99, "E2"), endAt(99)}, nil)
	w.define("pages", everyNode(), object{"form": object{"board": "b", "title": "{userName}的{name}：{form.item}"}})
	w.row("pg", object{"amount": 60000, "item": "<script>alert(1)</script>", "lines": []object{{"name": "服务器", "count": 2}}})
	no := w.launchedFor("pages", "pg")

	at := func(path string) chromedp.Action[chromedp.Void] {
		return chromedp.Navigate("http://" + w.http + path)
	}
	shows := testchrome.Shows
	narrow := func(what string) {
		t.Helper()
		browser.Do(what+" narrow", chromedp.EmulateViewport(390, 844))
		browser.Fits(what + " at 390")
		browser.Do(what+" wide", chromedp.EmulateViewport(1280, 900))
		browser.Fits(what + " at 1280")
	}

	browser.Do("1 nobody", at("/flows?lang=en"), shows("Nobody is signed in"), shows("<script>alert(1)</script>"))
	browser.Do("2 my tasks", chromedp.SetValue(chromedp.CSS("#user"), "E2"), testchrome.Click("#mine ~ form button"), shows("节点10"))
	narrow("2 my tasks")
	browser.Do("3 the flow", testchrome.Click(`section[aria-labelledby="mine"] td a`), shows("Waits for you"), shows("Who comes next"))
	narrow("3 the flow")
	if link := testchrome.Ask[string](browser, `[...document.querySelectorAll("dd a")].map(a => a.href).find(h => h.includes("/namespaces/"))`); link != "http://"+w.ui+"/namespaces/default/workflows/"+no {
		t.Errorf("the run is linked to %q", link)
	}
	browser.Do("4 urged", testchrome.Click(`form[action$="/urge"] button`), shows("were reminded"))
	browser.Do("5 urged too often", testchrome.Click(`form[action$="/urge"] button`), shows("URGED_TOO_OFTEN"), testchrome.Click("main a.button"), shows("Waits for you"))
	browser.Do("6 approved", chromedp.SendKeys(chromedp.CSS(".f-own textarea[name=comment]"), "同意 <b>"), testchrome.Click(`button[value="approve"]`), shows("Your decision counts"), shows("同意 <b>"))
	narrow("6 approved")
	browser.Do("7 transferred", at("/flows/"+no+"?user=E5"), testchrome.Click(`details:has(input[value="transfer"]) summary`),
		chromedp.SendKeys(chromedp.CSS(`details[open] input[name=people]`), "E7"), testchrome.Click("details[open] button"), shows("Your decision counts"))
	browser.Do("8 its new owner", at("/flows/"+no+"?user=E7"), shows("Waits for you"), shows("Transfer"))
	browser.Do("9 returned", testchrome.Click(`details:has(input[value="return"]) summary`), testchrome.Click("details[open] button"), shows("returned"), shows("Your decision counts"))
	browser.Do("10 relaunched", at("/flows/"+no+"?user=E1"), testchrome.Click(`form[action$="/relaunch"] button`), shows("The next round has begun"), shows("round 2"))
	browser.Do("11 discarded", testchrome.Click(`details:has(form[action$="/discard"]) summary`), testchrome.Click(`form[action$="/discard"] button`), shows("The flow was discarded"))
	narrow("11 discarded")

	browser.Do("12 definitions", at("/flows/definitions"), shows("测试pages"))
	narrow("12 definitions")
	browser.Do("13 a definition", testchrome.Click(`td a[href^="/flows/definitions/pages"]`), shows("version 1"), testchrome.Click("summary"), shows(`"flowCode": "pages"`))
	narrow("13 a definition")
	browser.Do("14 statistics", testchrome.Click(`main p a.button`), shows("By state"), shows("discarded"))
	narrow("14 statistics")
	browser.Do("15 Chinese", at("/flows/"+no+"?lang=zh-CN"), shows("时间线"), shows("重新发起"))
	narrow("15 Chinese")
	browser.Clean("status of 429")
}

// everyNode is a definition with a node of each type.
func everyNode() []object {
	to := func(seqs ...int) []object {
		var out []object
		for _, seq := range seqs {
			out = append(out, object{"to": seq})
		}
		return out
	}
	choice := approve(10, "any", 0, "E2", "E3")
	choice["next"] = []object{{"to": 20, "when": "form.amount > 50000"}, {"to": 60, "default": true}}
	handle := approve(40, "all", 50, "E6")
	handle["type"] = "handle"
	return []object{
		startAt(10), choice,
		{"seq": 20, "type": "fork", "mode": "parallel", "next": to(30, 40)},
		approve(30, "sequence", 50, "E5", "E8"), handle,
		{"seq": 50, "type": "join", "of": 20, "next": to(60)},
		{"seq": 60, "type": "cc", "name": "抄送财务", "to": []object{{"by": "role", "code": "finance"}}, "next": to(70)},
		{"seq": 70, "type": "subflow", "name": "子流程", "flow": "plain", "next": to(80)},
		{"seq": 80, "type": "delay", "name": "冷静期", "after": "PT1H", "next": to(90)},
		{"seq": 90, "type": "trigger", "name": "通知外部系统", "http": object{"url": "http://127.0.0.1:9/hook"}, "next": to(99)},
		endAt(99),
	}
}

// launchedFor launches a flow for a row that is there.
func (w *flowWorld) launchedFor(code, data string) string {
	w.t.Helper()
	a := w.flow("launch", "flowCode", code, "dataId", data, "userCode", "E1")
	if !strings.HasPrefix(a.Data.No, code) {
		w.t.Fatalf("launch: %s", a)
	}
	w.runs(a)
	return a.Data.No
}
