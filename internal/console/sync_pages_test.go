package console_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"orgflow"
)

func TestTheListOfRunsIsFiltered(t *testing.T) {
	w := newSyncWorld(t, true)
	w.seed()
	v := w.as("")
	v.get("/sync").has(t, `href="/sync/parked"`, `href="/sync/failed"`, "awaiting approval", "129 · ding_talk", "1 failed")
	only := v.get("/sync?status=awaiting_approval&company=129&consumer=ding_talk")
	only.has(t, `href="/sync/parked"`, `value="awaiting_approval" selected`)
	only.hasNot(t, `href="/sync/failed"`)
	v.get("/sync?status=paused").has(t, "There are no such runs.")
	v.get("/sync?company=7").hasNot(t, `href="/sync/parked"`)
	if p := v.get("/sync?cursor=nonsense"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a broken cursor: %d", p.status)
	}
}

func TestTheListOfRunsIsPaged(t *testing.T) {
	w := newSyncWorld(t, true)
	for i := range 51 {
		w.run(fmt.Sprintf("run-%02d", i), nil)
	}
	first := w.as("").get("/sync?status=running&lang=en")
	first.has(t, `href="/sync/run-50"`, "Older")
	first.hasNot(t, `href="/sync/run-00"`)
	_, rest, _ := strings.Cut(first.body, `href="/sync?cursor=`)
	address, _, _ := strings.Cut(rest, `"`)
	second := w.as("").get("/sync?cursor=" + strings.ReplaceAll(address, "&amp;", "&"))
	second.has(t, `href="/sync/run-00"`, `value="running" selected`)
	second.hasNot(t, `href="/sync/run-50"`, "Older")
}

func TestARunIsShownWithWhatIsToBeDone(t *testing.T) {
	w := newSyncWorld(t, true)
	w.seed()
	v := w.as("")
	for _, c := range []struct {
		id   string
		has  []string
		not  []string
		over bool
	}{
		{"parked", []string{
			"awaiting approval", "2 / 3", "Waiting for approval", "王五", "3 deletes are more than 1 %", `action="/sync/parked/approve"`, `action="/sync/parked/reject"`,
			`name="reason" maxlength="1000" autocomplete="off" required`, "http://webui.test/namespaces/staging/workflows/parked/first-parked/history", "▸ now",
		}, []string{`action="/sync/parked/pause"`, `action="/sync/parked/undo"`}, false},
		{"failed", []string{
			"completed with failures", "60121", "找不到该用户", "look whether the person still exists", "李四", `action="/sync/failed/retry"`, `action="/sync/failed/undo"`, "a note &lt;script&gt;",
			"/sync/failed/changes?state=failed&amp;kind=person&amp;op=update",
		}, []string{`/approve"`, `/cancel"`}, true},
		{"going", []string{"running", `action="/sync/going/pause"`, `action="/sync/going/cancel"`}, []string{`/resume"`, `/approve"`, `/undo"`}, false},
	} {
		p := v.get("/sync/" + c.id)
		p.has(t, c.has...)
		p.hasNot(t, append(c.not, script, "10000001001")...)
		live := v.get("/sync/" + c.id + "?live")
		if over := live.header.Get("Orgflow-Live") == "over"; over != c.over {
			t.Errorf("%s: over is %v", c.id, over)
		}
		live.hasNot(t, "<html")
	}
	if p := v.get("/sync/unknown"); p.status < 400 {
		t.Errorf("an unknown run: %d", p.status)
	}
}

// Ids are anybody's choice who starts a workflow by hand.
func TestARunsIDMayHoldAnything(t *testing.T) {
	w := newSyncWorld(t, true)
	id := `a/b?c#d "e" <script> 中文%2F`
	w.run(id, nil)
	v := w.as("")
	list := v.get("/sync")
	_, rest, _ := strings.Cut(list.body, `<td><a href="`)
	link, _, _ := strings.Cut(rest, `"`)
	p := v.get(link)
	if p.status != http.StatusOK {
		t.Fatalf("%s: %d %s", link, p.status, p.body)
	}
	p.has(t, "&lt;script&gt; 中文%2F")
	if to := v.post(link + "/pause").to; to != link || len(w.asked) != 1 || !strings.HasPrefix(w.asked[0], "pause "+id+" ") {
		t.Errorf("to %q, asked %q", to, w.asked)
	}
}

func TestThePlanIsATable(t *testing.T) {
	w := newSyncWorld(t, true)
	w.seed()
	v := w.as("")
	all := v.get("/sync/failed/changes")
	all.has(t, "平台组", "&lt;script&gt;alert(1)", "<del>工程师</del>", "<ins>首席</ins>", "[&#34;@org:10&#34;]", "<ins>***</ins>",
		`/sync/records?company=129&amp;consumer=ding_talk&amp;id=1002&amp;kind=person`)
	all.hasNot(t, script, "10000001001")
	for query, want := range map[string][2]string{
		"state=failed": {"李四", "平台组"}, "op=insert": {"平台组", "李四"}, "kind=org": {"平台组", "李四"}, "state=%3Cscript%3E": {"平台组", "<script>\""},
	} {
		p := v.get("/sync/failed/changes?" + query)
		p.has(t, want[0])
		p.hasNot(t, want[1])
	}
	v.get("/sync/failed/changes?state=parked").has(t, "There are no such changes.")

	many := make([]orgflow.Change, 51)
	for i := range many {
		many[i] = orgflow.Change{ID: i + 1, Kind: orgflow.Person, Op: orgflow.Delete, SourceID: fmt.Sprintf("p%03d", i), Wave: 1, State: orgflow.Parked}
	}
	w.run("long", many)
	first := v.get("/sync/long/changes?state=parked")
	first.has(t, ">p000<", "/sync/long/changes?cursor=50&amp;state=parked")
	first.hasNot(t, ">p050<")
	v.get("/sync/long/changes?cursor=50&state=parked").has(t, ">p050<")
}

func TestThePlanIsATree(t *testing.T) {
	w := newSyncWorld(t, true)
	w.seed()
	v := w.as("")
	tree := v.get("/sync/parked/tree")
	// The department above is not changed itself, and shows what happens below.
	tree.has(t, "信息部", "平台组", "+2", "−1")
	if strings.Index(tree.body, "信息部") > strings.Index(tree.body, "平台组") {
		t.Error("the department is not below its parent")
	}
	tree.hasNot(t, script, "王五")
	one := v.get("/sync/parked/tree?department=11")
	one.has(t, "&lt;script&gt;alert(1)", "信息部</a>", "id=1001")
	v.get("/sync/parked/tree?department=10").has(t, "王五", "parked")
	v.get("/sync/parked/tree?department=nowhere").has(t, "信息部")
}

func TestTheHistoryOfARecord(t *testing.T) {
	w := newSyncWorld(t, true)
	v := w.as("")
	v.get("/sync/records").has(t, "Id at the source", "ding_talk")
	p := v.get("/sync/records?company=129&consumer=ding_talk&kind=person&id=" + "%3Cscript%3E")
	p.has(t, "Nothing was ever sent", "&lt;script&gt;")
	p.hasNot(t, `value="<script>`)
}
