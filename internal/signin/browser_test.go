package signin_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"

	"orgflow/internal/testchrome"
)

// People sign in by the pages, as they do.
func TestThroughABrowser(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	w.ding += fmt.Sprintf(`, "script_url": %q`, w.sim+"/jsapi.js")
	w.write()
	c := testchrome.New(t)
	at := func(path string) chromedp.Action[chromedp.Void] { return chromedp.Navigate(w.server.URL + path) }

	c.Do("1 sign in", at("/settings?lang=en"), testchrome.Shows("Sign in with DingTalk"), testchrome.Shows("Only members"))
	c.Do("2 DingTalk", testchrome.Click("main a.button"), testchrome.Shows("模拟钉钉登录"))
	c.Do("3 settings", testchrome.Click(`a[data-userid="E1"]`), testchrome.Shows("Comes from"), testchrome.Shows("管理员"), testchrome.Shows("corp-1"))
	w.control("PUT", "options", `{"missing_permissions": ["qyapi_get_department_member"]}`, nil)
	c.Do("4 connection test", testchrome.Click(`form[action="/settings/dingtalk/test"] button`), testchrome.Shows("60011"), testchrome.Shows("publish the version"), testchrome.Shows("works"))
	c.Fits("test at 1280")
	c.Do("5 narrow", chromedp.EmulateViewport(390, 844), testchrome.Shows("60011"))
	c.Fits("test at 390")
	c.Do("6 Chinese", testchrome.Click(`nav a[lang="zh-CN"]`), testchrome.Shows("在钉钉开发者后台填写"))
	c.Fits("settings at 390")
	c.Do("7 sign out", testchrome.Click(`nav a[href="/signout"]`), testchrome.Shows("退出所有设备"))
	c.Do("8 signed out", testchrome.Click(`form[action="/signout"] button`), testchrome.Shows("使用钉钉登录"))

	c.Do("9 outsider", testchrome.Click("main a.button"), testchrome.Click(`a[data-userid="-outsider"]`), testchrome.Shows("您不是本企业的成员"))
	c.Fits("refusal at 390")

	w.control("PUT", "options", `{"in_app_user": "E2", "missing_permissions": []}`, nil)
	c.Do("10 inside DingTalk", at("/signin/dingtalk/app?lang=en"), testchrome.Shows("<script>alert(1)</script>"), testchrome.Shows("Keeps people"))
	w.control("PUT", "options", `{"in_app_user": ""}`, nil)
	c.Do("11 not inside DingTalk", at("/signin/dingtalk/app"), testchrome.Shows("DingTalk gave no code"))

	link, err := w.app.AdminLink(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	c.Do("12 local", at(u.RequestURI()), testchrome.Shows("This link works once"))
	c.Do("13 local administrator", testchrome.Click("main button"), testchrome.Shows("local-admin"))
	// By keyboard: the first tab leads over the navigation, to the content.
	if focus := testchrome.Ask[string](c, `document.querySelector("a").getAttribute("href")`); focus != "#main" {
		t.Errorf("the first link is %q", focus)
	}
	c.Clean("status of 403", "favicon.ico") // the simulator has none; that nobody came in is what the pages said
}
