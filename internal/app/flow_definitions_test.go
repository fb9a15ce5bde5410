package app_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
)

func TestPublishingMakesVersions(t *testing.T) { eachDesk(t, testPublishingMakesVersions) }

func testPublishingMakesVersions(t *testing.T, d *desk) {
	const path = "/api/v1/flow-definitions/ztbxx01"
	first := fmt.Sprintf(simple, "ztbxx01", "招投标信息审批")
	second := fmt.Sprintf(simple, "ztbxx01", "招投标审批")
	for i, step := range []struct {
		body      string
		version   int
		published bool
	}{
		{first, 1, true},
		{first, 1, false}, // the answer was lost
		{strings.ReplaceAll(first, "\n", ""), 1, false},             // the same, written otherwise
		{strings.Replace(first, "{", `{"version":7,`, 1), 1, false}, // publishing gives versions
		{second, 2, true},
		{first, 3, true}, // back to the first is a version, too
	} {
		got := get[api.Published](d, "PUT", path, step.body)
		if got.Version != step.version || got.Published != step.published || got.FlowCode != "ztbxx01" {
			t.Errorf("publication %d: %+v, want version %d", i, got, step.version)
		}
	}

	newest := d.call("GET", path, "")
	def, problems := approval.Decode("", newest.Body.Bytes())
	if len(problems) > 0 || def.Version != 3 || def.Name != "招投标信息审批" {
		t.Fatalf("%+v %v", def, problems)
	}
	if again := get[api.Published](d, "PUT", path, newest.Body.String()); again.Version != 3 || again.Published || newest.Header().Get("ETag") != `"`+again.SHA256+`"` {
		t.Errorf("what was answered is another definition: %+v, ETag %s", again, newest.Header().Get("ETag"))
	}
	if old := get[approval.Definition](d, "GET", path+"?version=2", ""); old.Version != 2 || old.Name != "招投标审批" {
		t.Errorf("version 2: %+v", old)
	}
	versions := get[struct{ Versions []api.DefinitionInfo }](d, "GET", path+"/versions", "").Versions
	if len(versions) != 3 || versions[0].Version != 3 || versions[2].Version != 1 || versions[0].PublishedBy != "local" || versions[0].SHA256 != versions[2].SHA256 {
		t.Errorf("%+v", versions)
	}
	d.publish("another", "另一个")
	golden(t, "flow_definitions.json", d.call("GET", "/api/v1/flow-definitions", "").Body.Bytes())
}

func TestADryRunPublishesNothing(t *testing.T) { eachDesk(t, testADryRunPublishesNothing) }

func testADryRunPublishesNothing(t *testing.T, d *desk) {
	body := fmt.Sprintf(simple, "ztbxx01", "审批")
	const path = "/api/v1/flow-definitions/ztbxx01"
	if got := get[api.Published](d, "PUT", path+"?dry_run=true", body); got.Version != 1 || !got.Published {
		t.Errorf("%+v", got)
	}
	if res := d.call("GET", path, ""); res.Code != 404 {
		t.Errorf("it was published: %s", res.Body)
	}
	d.publish("ztbxx01", "审批")
	if got := get[api.Published](d, "PUT", path+"?dry_run=true", body); got.Version != 1 || got.Published {
		t.Errorf("%+v", got)
	}
}

func TestAnExportIsPublishedElsewhere(t *testing.T) {
	d, other := openDesk(t), openDesk(t)
	d.publish("ztbxx01", "审批")
	export := d.call("GET", "/api/v1/flow-definitions/ztbxx01/export", "").Body.String()
	got := get[api.Published](other, "POST", "/api/v1/flow-definitions?by=E1", export)
	if got.FlowCode != "ztbxx01" || got.Version != 1 || !got.Published || !strings.Contains(export, got.SHA256) {
		t.Errorf("%+v", got)
	}
	altered := strings.Replace(export, "审批", "作废", 1)
	res := other.call("PUT", "/api/v1/flow-definitions/ztbxx01", altered)
	if res.Code != 422 || !strings.Contains(res.Body.String(), `"pointer":"/sha256"`) {
		t.Errorf("an altered export: %d %s", res.Code, res.Body)
	}
	res = other.call("PUT", "/api/v1/flow-definitions/other", export)
	if res.Code != 422 || !strings.Contains(res.Body.String(), `"pointer":"/definition/flowCode"`) {
		t.Errorf("under another code: %d %s", res.Code, res.Body)
	}
}

// TestARefusedDefinitionListsEveryProblem: what the schema refuses is listed
// at once, and so is what makes no sense.
func TestARefusedDefinitionListsEveryProblem(t *testing.T) {
	eachDesk(t, testARefusedDefinitionListsEveryProblem)
}

func testARefusedDefinitionListsEveryProblem(t *testing.T, d *desk) {
	d.publish("child", "子流程")
	for name, c := range map[string]struct{ body, want string }{
		"schema": {`{"schema": "flow-def/1", "flowCode": "x y", "name": "n", "form": {"bord": "b"}, "nodes": []}`,
			"/flowCode /form/board /form/bord /nodes"},
		"sense": {`{"schema": "flow-def/1", "flowCode": "ztbxx01", "name": "n", "form": {"board": "b", "snapshot": ["a"]}, "nodes": [
			{"seq": 0, "type": "start", "next": [{"to": 10, "when": "form.b > 1"}]},
			{"seq": 10, "type": "approve", "approvers": [{"by": "role", "code": "nobody"}, {"by": "post", "code": "x"}], "next": [{"to": 20}]},
			{"seq": 20, "type": "subflow", "flow": "unknown", "next": [{"to": 30}]},
			{"seq": 30, "type": "subflow", "flow": "child", "next": [{"to": 99}]},
			{"seq": 99, "type": "end"}]}`,
			"/nodes/0/next /nodes/0/next/0/when /nodes/1/approvers/0/code /nodes/1/approvers/1/by /nodes/2/flow"},
	} {
		res := d.call("PUT", "/api/v1/flow-definitions/ztbxx01", c.body)
		var e api.Error
		if err := json.Unmarshal(res.Body.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		var pointers []string
		for _, p := range e.Problems {
			pointers = append(pointers, p.Pointer)
			if p.Line == 0 || p.Message == "" {
				t.Errorf("%s: a problem without place or message: %+v", name, p)
			}
		}
		if got := strings.Join(pointers, " "); res.Code != 422 || e.Code != api.CodeDefinitionInvalid || !sameSet(got, c.want) {
			t.Errorf("%s: %d %s\n got %s\nwant %s\n%s", name, res.Code, e.Code, got, c.want, res.Body)
		}
	}
	if res := d.call("GET", "/api/v1/flow-definitions/ztbxx01", ""); res.Code != 404 {
		t.Errorf("a refused definition was published: %s", res.Body)
	}
}

// A publication that closes a circle of flows that start each other is refused
// and shows the way round.
func TestACircleOfSubflowsIsNotPublished(t *testing.T) {
	d := openDesk(t)
	starts := func(code, child string) string {
		return fmt.Sprintf(`{"schema": "flow-def/1", "flowCode": %q, "name": "n", "form": {"board": "b"}, "nodes": [
			{"seq": 0, "type": "start", "next": [{"to": 10}]}, {"seq": 10, "type": "subflow", "flow": %q, "next": [{"to": 99}]}, {"seq": 99, "type": "end"}]}`, code, child)
	}
	d.publish("c", "子流程")
	for _, pair := range [][2]string{{"b", "c"}, {"a", "b"}} {
		if res := d.call("PUT", "/api/v1/flow-definitions/"+pair[0], starts(pair[0], pair[1])); res.Code/100 != 2 {
			t.Fatalf("%v: %d %s", pair, res.Code, res.Body)
		}
	}
	res := d.call("PUT", "/api/v1/flow-definitions/c", starts("c", "a"))
	if res.Code != 422 || !strings.Contains(res.Body.String(), "c → a → b → c") {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}

func sameSet(a, b string) bool {
	set := map[string]int{}
	for _, f := range strings.Fields(a) {
		set[f] |= 1
	}
	for _, f := range strings.Fields(b) {
		set[f] |= 2
	}
	for _, in := range set {
		if in != 3 {
			return false
		}
	}
	return true
}

// draftDir is a meta directory with company 7 and drafts by file name.
func draftDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if files["company.json"] == "" {
		files["company.json"] = `{"company_id": 7, "roles": {"flow_admin": ["E1"]}}`
	}
	for name, content := range files {
		path := filepath.Join(dir, "companies", "7", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("ORGFLOW_META_DIR", dir)
	return dir
}

func TestDraftsOnTheCommandLine(t *testing.T) {
	settings(t)
	if code, _, err := starter(t, "migrate"); code != 0 {
		t.Fatal(err)
	}
	parent := strings.Replace(fmt.Sprintf(simple, "a_parent", "父"), `{"seq": 99, "type": "end"}`,
		`{"seq": 99, "type": "subflow", "flow": "b_child", "next": [{"to": 100}]}, {"seq": 100, "type": "end"}`, 1)
	dir := draftDir(t, map[string]string{"flows/a_parent.json": parent, "flows/b_child.json": fmt.Sprintf(simple, "b_child", "子")})
	run := func(want string, args ...string) {
		t.Helper()
		code, out, err := starter(t, append([]string{"flow", "definitions"}, args...)...)
		if code != 0 || out != want {
			t.Errorf("%v: %d\n%s\nwant\n%s\n%s", args, code, out, want, err)
		}
	}
	run("", "lint", "--company", "7")
	run("+ create     b_child version 1\n+ create     a_parent version 1\n", "publish", "--company", "7", "--dry-run")
	run("+ create     b_child version 1\n+ create     a_parent version 1\n", "publish", "--company", "7", "--by", "E1")
	run("  unchanged  b_child version 1\n  unchanged  a_parent version 1\n", "publish", "--company", "7")

	child := filepath.Join(dir, "companies/7/flows/b_child.json")
	if err := os.WriteFile(child, fmt.Appendf(nil, simple, "b_child", "新子"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("~ update     b_child version 2\n  unchanged  a_parent version 1\n", "publish", "--company", "7")

	// One bad draft, and nothing is published.
	if err := os.WriteFile(filepath.Join(dir, "companies/7/flows/c.json"), []byte(strings.Replace(fmt.Sprintf(simple, "d", "x"), `"form": {"board": "ztbxx"}`, `"form": {"board": "ztbxx", "snapshot": []}, "admins": ["role:boss"]`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(child, fmt.Appendf(nil, simple, "b_child", "更新子"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"publish", "--company", "7"}, {"lint", "--company", "7"}} {
		code, out, err := starter(t, append([]string{"flow", "definitions"}, args...)...)
		if code != 1 || !strings.Contains(out+err, `companies/7/flows/c.json:1:38: /flowCode: must be "c"`) || !strings.Contains(out+err, `/admins/0: the company has no role "boss"`) {
			t.Errorf("%v: %d\n%s%s", args, code, out, err)
		}
	}
	if code, out, _ := starter(t, "flow", "definitions", "show", "b_child", "--company", "7"); code != 0 || !strings.Contains(out, `"version": 2`) {
		t.Errorf("published beside a bad draft:\n%s", out)
	}
	if code, out, _ := starter(t, "meta", "lint", "--company", "7"); code != 1 || !strings.Contains(out, "companies/7/flows/c.json") {
		t.Errorf("meta lint leaves flows out:\n%s", out)
	}
}

func TestAnImportBecomesADraft(t *testing.T) {
	settings(t)
	if code, _, err := starter(t, "migrate"); code != 0 {
		t.Fatal(err)
	}
	dir := draftDir(t, map[string]string{"flows/x1.json": fmt.Sprintf(simple, "x1", "一")})
	export := filepath.Join(t.TempDir(), "x1.flow.json")
	mustRun := func(want string, args ...string) {
		t.Helper()
		code, out, err := starter(t, append([]string{"flow", "definitions"}, args...)...)
		if code != 0 || !strings.Contains(out+err, want) {
			t.Fatalf("%v: %d\n%s%s\nwant %s", args, code, out, err, want)
		}
	}
	mustRun("create", "publish", "--company", "7")
	mustRun("Written to", "export", "x1", "--company", "7", "--out", export)
	mustRun("says the same already", "import", export, "--company", "7")

	draft := filepath.Join(dir, "companies/7/flows/x1.json")
	if err := os.WriteFile(draft, fmt.Appendf(nil, simple, "x1", "二"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, err := starter(t, "flow", "definitions", "import", export, "--company", "7"); code != 1 || !strings.Contains(err, "--force") {
		t.Errorf("another draft was replaced: %d %s", code, err)
	}
	mustRun("Wrote draft companies/7/flows/x1.json", "import", export, "--company", "7", "--force")
	mustRun("unchanged  x1 version 1", "publish", "--company", "7", "--dry-run")
	if err := os.Remove(draft); err != nil {
		t.Fatal(err)
	}
	mustRun("Wrote draft", "import", export, "--company", "7")
	mustRun("unchanged  x1 version 1", "import", export, "--company", "7", "--publish")

	t.Setenv("ORGFLOW_META_DIR", "")
	if code, _, err := starter(t, "flow", "definitions", "import", export, "--company", "129"); code != 1 || !strings.Contains(err, "ORGFLOW_META_DIR") {
		t.Errorf("nowhere to write: %d %s", code, err)
	}
}

// TestTheDemoDefinitionPasses: what is shipped can be published, has every
// sign mode it is shown for, and names demo people only.
func TestTheDemoDefinitionPasses(t *testing.T) {
	settings(t)
	if code, out, err := starter(t, "flow", "definitions", "lint", "--company", "129"); code != 0 {
		t.Fatalf("%s%s", out, err)
	}
	if code, _, err := starter(t, "migrate"); code != 0 {
		t.Fatal(err)
	}
	if code, out, err := starter(t, "flow", "definitions", "publish", "--company", "129"); code != 0 || !strings.Contains(out, "create     purchase01 version 1") {
		t.Fatalf("%s%s", out, err)
	}
	_, out, _ := starter(t, "flow", "definitions", "show", "purchase01")
	def, problems := approval.Decode("", []byte(out))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	modes := map[approval.SignMode]bool{}
	conditions := 0
	for _, n := range def.Nodes {
		modes[n.Sign.Mode] = true
		for _, e := range n.Next {
			if e.When != "" {
				conditions++
			}
		}
	}
	if !modes[approval.SignAny] || !modes[approval.SignAll] || !modes[approval.SignVote] || conditions == 0 {
		t.Errorf("modes %v, %d conditions", modes, conditions)
	}
}

// TestSharedCodesHaveOneStatus: a code of the state machine has the same
// HTTP status wherever it comes from.
func TestSharedCodesHaveOneStatus(t *testing.T) {
	for _, code := range []approval.RefusalCode{approval.BadParam, approval.FlowNotFound, approval.NodeNotFound, approval.NodeNotJumpable, approval.NotAllowed} {
		if got := (&api.Error{Code: orgflow.Code(code)}).GetStatus(); got != code.Status() {
			t.Errorf("%s: %d over HTTP, %d in the state machine", code, got, code.Status())
		}
	}
}
