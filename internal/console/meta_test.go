package console_test

import (
	"net/http"
	"testing"
)

func TestTheMetaFilesAreShownWithWhereTheyComeFrom(t *testing.T) {
	w := newSyncWorld(t, true)
	v := w.as("")
	p := v.get("/meta")
	p.has(t, "HcmDingSyncService.person_new.json", "companies/129/HcmDingSyncService.person_new.json", "overlay directory", "shipped", "hidden", "used", "holds a secret in clear text", "warning")
	p.hasNot(t, clearSecret)
	shared := v.get("/meta?company=0")
	shared.has(t, "services.json")
	shared.hasNot(t, "company.json")
}

func TestAMetaFileIsShownWithoutSecrets(t *testing.T) {
	w := newSyncWorld(t, true)
	v := w.as("")
	p := v.get("/meta/file?company=129&path=companies/129/company.json&layer=overlay")
	p.has(t, "&#34;appsecret&#34;: &#34;***&#34;", "${HCM_TOKEN}", "示例公司", "holds a secret in clear text")
	p.hasNot(t, clearSecret)
	shipped := v.get("/meta/file?company=129&path=companies/129/company.json&layer=shipped")
	shipped.has(t, "DINGTALK_APPSECRET")
	shipped.hasNot(t, "holds a secret in clear text")
	for _, path := range []string{"../../../etc/passwd", "companies/130/company.json", "/etc/passwd", "company.go", "<script>"} {
		p := v.get("/meta/file?company=129&path=" + path + "&layer=shipped")
		p.hasNot(t, "<script>", "root:")
		if p.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, p.status)
		}
	}
}

func TestOneRowsWay(t *testing.T) {
	w := newSyncWorld(t, true)
	v := w.as("")
	v.get("/meta/preview?company=129").has(t, "person_new", "ding_talk")
	ask := func(row string) page {
		return v.post("/meta/preview", "company", "129", "service", "person_new", "consumer", "ding_talk", "row", row)
	}
	p := ask(`{"id": 9001, "number": "E9001", "name": "<script>alert(1)</script>", "mobile": "10000009001", "departments": [{"origin_id": 99}]}`)
	p.has(t, "people 9001", "&lt;script&gt;alert(1)", "<code>number</code>", "E9001")
	p.hasNot(t, "<script>alert")
	ask(`[1]`).has(t, "/row", "must be one source row", `role="alert"`)
	ask(`{"id": 9001}`).has(t, "stops it")
	v.post("/meta/preview", "company", "129", "service", "nope", "consumer", "ding_talk", "row", "{}").has(t, `role="alert"`, "nope")
}
