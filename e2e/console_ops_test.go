package e2e

import (
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"orgflow/internal/testchrome"
)

// Somebody loads a form, looks at its rows, steers a schedule and looks at
// the consumers, all in a browser, wide and narrow, in both languages.
func TestOperationsInABrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	w.bills(orderFields, order(1, 700, nil, "0.10"), order(2, 20, "<script>alert(1)</script>", "1"), order(3, 1, "x", "2"))
	w.scheduleActions()
	c := testchrome.New(t)
	at := func(path string) chromedp.Action[chromedp.Void] { return chromedp.Navigate("http://" + w.http + path) }
	shows, click := testchrome.Shows, testchrome.Click
	narrow, wide := chromedp.EmulateViewport(390, 844), chromedp.EmulateViewport(1280, 900)
	// both looks at a page in both widths.
	both := func(what string, texts ...string) {
		t.Helper()
		for _, size := range []struct {
			name string
			set  chromedp.Action[chromedp.Void]
		}{{"390", narrow}, {"1280", wide}} {
			actions := []chromedp.Action[chromedp.Void]{size.set}
			for _, text := range texts {
				actions = append(actions, shows(text))
			}
			c.Do("ops "+what+" "+size.name, actions...)
			c.Fits(what + " at " + size.name)
		}
	}

	c.Do("ops start", at("/?lang=en"), shows("Nothing waits for anybody"))
	both("start", "Nothing is under way", "OpenAPI")
	c.Do("ops ERP", click(`nav a[href="/erp"]`), shows("never loaded"))
	both("forms", "SAL_SaleOrder", "FModifyDate")

	// The load's page changes by itself until the load has ended.
	must(t, "PUT", w.simURL("kingdee", "options"), `{"latency_ms": 300}`, nil)
	c.Do("ops form", click(`main a[href="/erp/forms/129/SAL_SaleOrder"]`), shows("Load it"))
	both("form", "Merges the last 2 months")
	c.Do("ops loading", click(`button[value="create"]`), shows("reading"), shows("Remaining"))
	both("load", "/ 24")
	c.Do("ops loaded", shows("completed"), shows("24 / 24"))
	both("loaded", "Temporal Web UI")
	if form := testchrome.Ask[string](c, `getComputedStyle(document.querySelector("form.steer")).display`); form != "none" {
		t.Error("what has ended can be cancelled")
	}
	link := testchrome.Ask[string](c, `[...document.querySelectorAll("main a")].find(a => a.href.includes("/history")).href`)

	must(t, "PUT", w.simURL("kingdee", "options"), `{"latency_ms": 0}`, nil)
	w.bills(orderFields, order(1, 700, nil, "0.10"), order(3, 1, "x", "2"))
	if l := w.loaded("/dataSync/update", "SAL_SaleOrder"); l.Gone != 1 {
		t.Fatalf("%+v", l)
	}
	c.Do("ops table", at("/erp/forms/129/SAL_SaleOrder"), click(`main a[href$="/rows"]`), shows("gone from the ERP since"))
	both("table", "<script>alert(1)</script>", "XSDD000003", "null")

	must(t, "PUT", w.simURL("kingdee", "options"), `{"latency_ms": 2000}`, nil)
	c.Do("ops started", at("/erp/forms/129/SAL_SaleOrder"), click(`button[value="update"]`), shows("Cancel the load"))
	c.Do("ops cancelled", chromedp.SendKeys(chromedp.CSS("#reason"), "wrong form\r"), shows("cancelled"))
	must(t, "PUT", w.simURL("kingdee", "options"), `{"latency_ms": 0}`, nil)

	c.Do("ops schedules", click(`nav a[href="/schedules"]`), shows("129-sale-orders-deep"), shows("Calendar"))
	both("schedules", "129-nightly-persons", "paused")
	c.Do("ops schedule", click(`main a[href="/schedules/129-sale-orders"]`), shows("every hour of the working day"), shows("Resume"))
	c.Do("ops resumed", chromedp.SendKeys(chromedp.CSS("#reason"), "stocktaking over"), click(`form[action$="/resume"] button`), shows("active"), shows("stocktaking over"), shows("Coming starts"))
	c.Do("ops triggered", click(`form[action$="/trigger"] button`), shows("completed"))
	both("schedule", "Overlap policy", "completed")
	c.Do("ops calendar", click(`nav a[href="/schedules"]`), shows("Coming starts"), shows("today"))
	both("calendar", "129-sale-orders")

	c.Do("ops consumers", click(`nav a[href="/consumers"]`), shows("18 calls a second"))
	both("consumers", "we_com", "scim", "nobody")
	c.Do("ops consumer", click(`main a[href="/consumers/129/ding_talk"]`), shows("${DINGTALK_APPSECRET}"))
	both("consumer", "set", "What went wrong lately")
	if testchrome.Ask[bool](c, `document.body.innerText.includes("dingsim-secret")`) {
		t.Error("a secret is shown")
	}
	for _, page := range []struct{ path, text string }{
		{"/", "需要处理"}, {"/erp", "已配置的单据"}, {"/schedules", "将要启动"}, {"/consumers", "占用"}, {"/erp/forms/129/SAL_SaleOrder/rows", "已不存在"},
	} {
		c.Do("ops Chinese", narrow, at(page.path+"?lang=zh-CN"), shows(page.text))
		c.Fits(page.path + " in Chinese at 390")
	}
	c.Clean()

	u, err := url.Parse(link)
	if err != nil || u.Host != w.ui {
		t.Errorf("the link leads to %q, %v", link, err)
	}
	c.Do("ops Temporal", wide, chromedp.Navigate(link), shows("DataSync"), shows("erp-129-SAL_SaleOrder"))
}
