package approval_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/approval"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// something is what the texts of the tests are about.
func something(t testing.TB) approval.TextFacts {
	return approval.TextFacts{
		FlowCode: "ztbxx01", Name: "招投标信息审批", Title: "测试甲的招投标信息审批", Number: "ztbxx01_202108_0001", DataID: "5",
		Initiator: approval.Person{UserCode: "E1", UserName: "测试甲", DeptName: "人力中心"},
		Form: map[string]any{"amount": json.Number("60000.50"), "owners": []any{"E5", "E6"}, "urgent": true, "none": nil,
			"object": map[string]any{}, "long": strings.Repeat("长", 300)},
		Round: 2, Visit: 3, Task: 7, Count: 1, Node: "部门负责人", Actor: "测试乙", Opinion: "价格偏高", Reason: "条件无法判断",
		At: instant(t, "2021-08-05T06:05:00Z"),
	}
}

func setting(t testing.TB) approval.Setting {
	return approval.Setting{Link: "https://boards.example/flows/{no}", Zone: zone(t, "Asia/Shanghai")}
}

func render(t testing.TB, tpl approval.Template, f approval.TextFacts) approval.Text {
	t.Helper()
	text, err := tpl.Render(f, setting(t))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestShippedTexts(t *testing.T) {
	templates := approval.DefaultTemplates()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(templates)) {
		f := something(t)
		switch name {
		case "urge", "remind":
			f.Count = 2
		case "approved", "rejected", "returned", "discarded", "faulted":
			f.Visit, f.Task, f.Node = 0, 0, ""
		case approval.BoardTask:
			f = approval.TextFacts{TaskNo: "RW202107280", TaskTitle: "准备标书", TaskRev: "2", At: f.At}
		}
		text := render(t, templates[name], f)
		fmt.Fprintf(&b, "# %s\n%s\n%s\n%s\n\n", name, text.Title, text.Body, text.Link)
	}
	golden := filepath.Join("testdata", "texts.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("texts changed; if on purpose run with -update\n%s", diff)
	}
	if err := templates.CheckBoardTask(false); err != nil {
		t.Error(err)
	}
}

// Platforms drop a text they have sent to the same person that day: what
// differs in anything must read differently, what is sent again must not.
func TestNoTwoMessagesReadAlike(t *testing.T) {
	for name, tpl := range approval.DefaultTemplates() {
		if name == approval.BoardTask {
			continue
		}
		first := render(t, tpl, something(t))
		if again := render(t, tpl, something(t)); again != first {
			t.Errorf("%s: sent again it reads %q instead of %q", name, again, first)
		}
		for what, change := range map[string]func(*approval.TextFacts){
			"number": func(f *approval.TextFacts) { f.Number = "ztbxx01_202108_0002" },
			"round":  func(f *approval.TextFacts) { f.Round++ },
			"visit":  func(f *approval.TextFacts) { f.Visit++ },
			"task":   func(f *approval.TextFacts) { f.Task++ },
			"count":  func(f *approval.TextFacts) { f.Count++ },
		} {
			f := something(t)
			change(&f)
			if other := render(t, tpl, f); other.Body == first.Body {
				t.Errorf("%s: another %s reads the same: %q", name, what, other.Body)
			}
		}
	}
	for _, name := range []string{"urge", "remind"} {
		f := something(t)
		f.At = f.At.Add(time.Minute)
		if a, b := render(t, approval.DefaultTemplates()[name], something(t)), render(t, approval.DefaultTemplates()[name], f); a.Body == b.Body {
			t.Errorf("%s does not name the time: %q", name, a.Body)
		}
	}
	task := approval.TextFacts{TaskNo: "RW1", TaskTitle: "x", TaskRev: "1", At: something(t).At}
	a := render(t, approval.DefaultTemplates()[approval.BoardTask], task)
	task.TaskRev = "2"
	if b := render(t, approval.DefaultTemplates()[approval.BoardTask], task); a.Body == b.Body {
		t.Errorf("a task submitted again reads the same: %q", a.Body)
	}
}

func TestPlaceholders(t *testing.T) {
	for text, want := range map[string]string{
		"{form.amount} {form.owners} {form.urgent}": "60000.50 E5、E6 是",
		"{form.none}{form.object}{form.gone}":       "———",
		"{{{no}}}":                                  "{ztbxx01_202108_0001}",
		"{date} {time} {round} {visit} {count}":     "2021-08-05 14:05 2 3 1",
		"{userCode} {deptName} {dataId} {flowCode}": "E1 人力中心 5 ztbxx01",
		"{link}":      "https://boards.example/flows/ztbxx01_202108_0001",
		"{form.long}": strings.Repeat("长", 199) + "…",
	} {
		if got := render(t, approval.Template{Title: "t", Text: text}, something(t)).Body; got != want {
			t.Errorf("%s = %q, want %q", text, got, want)
		}
	}
	if _, err := (approval.Template{Title: "t", Text: "{no"}).Render(something(t), setting(t)); err == nil {
		t.Error("a text that is not well-formed was rendered")
	}
}

func TestLinks(t *testing.T) {
	for link, want := range map[string]string{
		"": "", "https://b.example/todo": "https://b.example/todo",
		"https://b.example/?no={no}&code={flowCode}&id={dataId}": "https://b.example/?no=N%2F1&code=ztbxx01&id=5%20%266",
	} {
		f := something(t)
		f.Number, f.DataID = "N/1", "5 &6"
		text, err := approval.Template{Title: "t", Text: "x"}.Render(f, approval.Setting{Link: link})
		if err != nil || text.Link != want {
			t.Errorf("%q: %q, %v; want %q", link, text.Link, err, want)
		}
	}
	task, err := approval.Template{Title: "t", Text: "{link}"}.Render(approval.TextFacts{TaskNo: "RW 1"},
		approval.Setting{Link: "https://b.example/flow?no={no}", TaskLink: "https://b.example/task?no={taskNo}"})
	if err != nil || task.Link != "https://b.example/task?no=RW%201" || task.Body != task.Link {
		t.Errorf("a board's task leads to %q, %v", task.Link, err)
	}
}

func TestLinksThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		link string
		task bool
		want string
	}{
		{"https://b.example/{no}", false, ""},
		{"https://b.example/{taskNo}", true, ""},
		{"https://b.example/todo", false, ""},
		{"https://b.example/{round}", false, "unknown placeholder {round}; there are {no}, {flowCode}, {dataId}"},
		{"https://b.example/{no:4}", false, "unknown placeholder {no}"},
		{"https://b.example/{no}", true, "unknown placeholder {no}; there are {taskNo}"},
		{"https://b.example/{no", false, `a "{" without "}"`},
		{"b.example/{no}", false, "must be an address such as https://"},
		{"javascript:alert(1)", false, "must be an address such as https://"},
	} {
		err := approval.CheckLink(c.link, c.task)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.link, err, c.want)
		}
	}
}

// TestATemplateWithLinkNeedsToKnowWhereItLeads, and says which setting says so.
func TestATemplateWithLinkNeedsToKnowWhereItLeads(t *testing.T) {
	own := approval.Templates{"todo": {Title: "t", Text: "{link} {mark}"}, approval.BoardTask: {Title: "t", Text: "{link} {mark}"}}.Over(approval.DefaultTemplates())
	raw := []byte(`{"schema":"flow-def/1","flowCode":"a","name":"a","form":{"board":"b"},"nodes":[{"seq":0,"type":"start","next":[{"to":10}]},
		{"seq":10,"type":"approve","name":"n","approvers":[{"by":"user","users":["E1"]}],"next":[{"to":99}]},{"seq":99,"type":"end"}]}`)
	_, problems := approval.Read("", raw, approval.Known{Templates: own})
	if len(problems) != 1 || problems[0].Pointer != "/notify/onTask/tpl" || !strings.Contains(problems[0].Message, `add "notify": {"link": "https://boards.example/flow?no={no}"}`) {
		t.Errorf("%v", problems)
	}
	if _, problems := approval.Read("", raw, approval.Known{Templates: own, Link: true}); len(problems) > 0 {
		t.Errorf("%v", problems)
	}
	if err := own.CheckBoardTask(false); err == nil || !strings.Contains(err.Error(), `"task_link"`) {
		t.Error(err)
	}
	if err := own.CheckBoardTask(true); err != nil {
		t.Error(err)
	}
}

func TestTitlesOfFlows(t *testing.T) {
	d := &approval.Definition{Form: approval.Form{Title: "{userName}的{name}：{form.amount}"}}
	if got, err := approval.FlowTitle(d, something(t)); err != nil || got != "测试甲的招投标信息审批：60000.50" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	raw := `{"a": {"title": "{", "text": "{mark"}, "b": {"title": "x", "text": "no mark"}, "c d": {"title": "x", "text": "{mark}"}}`
	_, problems := approval.ReadTemplates("t.json", []byte(raw))
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), `t.json:1:87: /c d: is not a possible name`) {
		t.Errorf("names: %v", problems)
	}
	_, problems = approval.ReadTemplates("", []byte(strings.Replace(raw, "c d", "c", 1)))
	want := []string{
		`/a/text: has a "{" without "}"; write "{{" for the sign itself`, `/a/title: has a "{" without "}"; write "{{" for the sign itself`,
		"/b/text: lacks {mark}, which names number, round and visit: without it the platform takes two messages for one and drops the second"}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, problems = approval.ReadTemplates("", []byte(`{"a": {"title": "{titel}", "text": "{mark} {form.any}"}}`))
	if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), "/a/title: uses {titel}, which there is not; there are {mark}, {no}") || !strings.HasSuffix(problems[0].Message, `did you mean "title"?`) {
		t.Errorf("an unknown placeholder: %v", problems)
	}
	bad := approval.Templates{approval.BoardTask: {Title: "{node}", Text: "{mark}"}}
	if err := bad.CheckBoardTask(true); err == nil || !strings.Contains(err.Error(), "{node}, which has no value here") {
		t.Error(err)
	}
}

func TestCompanyTemplatesLieOverTheShipped(t *testing.T) {
	base := approval.Templates{"a": {Title: "1"}, "b": {Title: "1"}}
	got := approval.Templates{"b": {Title: "2"}, "c": {Title: "2"}}.Over(base)
	want := approval.Templates{"a": {Title: "1"}, "b": {Title: "2"}, "c": {Title: "2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if base["b"].Title != "1" {
		t.Error("the shipped templates were changed")
	}
}
