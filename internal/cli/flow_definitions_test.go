package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/testgolden"
)

func TestDefinitionsListAndShow(t *testing.T) {
	inUTC(t)
	def := func(code string, version int) api.DefinitionInfo {
		return api.DefinitionInfo{FlowCode: code, Version: version, Name: "招投标信息审批", SHA256: "0d8cdf14420b27eb", PublishedAt: *at(0), PublishedBy: "E1"}
	}
	w := world{flows: &flowWorld{defs: []api.DefinitionPage{{Definitions: []api.DefinitionInfo{def("a", 12)}, NextCursor: "a"}, {Definitions: []api.DefinitionInfo{def("ztbxx01", 3)}}}}}
	if code := w.run("flow", "definitions", "list"); code != 0 {
		t.Fatal(w.err.String())
	}
	testgolden.Check(t, "flow_definitions.golden", w.out.String())
	w = world{flows: &flowWorld{versions: []api.DefinitionInfo{def("a", 2), def("a", 1)}}}
	if code := w.run("flow", "definitions", "show", "a", "--versions"); code != 0 || strings.Count(w.out.String(), "\na ") != 2 {
		t.Errorf("%d %s", code, &w.out)
	}
	w.out.Reset()
	if code := w.run("flow", "definitions", "show", "a", "--version", "2"); code != 0 || w.flows.version != 2 || !strings.Contains(w.out.String(), "{\n  \"flowCode\": \"a\",") {
		t.Errorf("%d %s", code, &w.out)
	}
	empty := world{flows: &flowWorld{}}
	if code := empty.run("flow", "definitions", "list"); code != 0 || !strings.Contains(empty.err.String(), "No definitions are published.") {
		t.Errorf("%d %s", code, &empty.err)
	}
}

func TestDefinitionsPublish(t *testing.T) {
	w := world{flows: &flowWorld{published: []api.Published{{FlowCode: "new", Version: 1, Published: true}, {FlowCode: "old", Version: 3, Published: true}, {FlowCode: "same", Version: 2}}}}
	if code := w.run("flow", "definitions", "publish", "--company", "129"); code != 0 || w.flows.dry || w.flows.by != "tester" || w.flows.company != 129 {
		t.Errorf("%d %+v", code, w.flows)
	}
	if want := "+ create     new version 1\n~ update     old version 3\n  unchanged  same version 2\n"; w.out.String() != want || w.err.String() != "warning: ORGFLOW_X is no setting\n2 versions published.\n" {
		t.Errorf("%s%s", &w.out, &w.err)
	}
	w.err.Reset()
	if w.run("flow", "definitions", "publish", "--dry-run"); !w.flows.dry || !strings.Contains(w.err.String(), "2 versions to publish. Nothing was done (--dry-run).") {
		t.Errorf("%s", &w.err)
	}
	w = world{flows: &flowWorld{published: []api.Published{{FlowCode: "same", Version: 2}}}}
	if w.run("flow", "definitions", "publish"); !strings.Contains(w.err.String(), "Nothing to publish: 1 draft in step.") {
		t.Errorf("%s", &w.err)
	}
	bad := &orgflow.InvalidError{Code: api.CodeDefinitionInvalid, Problems: []orgflow.Problem{{File: "a.json", Line: 1, Column: 2, Pointer: "/nodes", Message: "is empty"}, {File: "b.json", Message: "is not JSON"}}}
	w = world{flows: &flowWorld{err: bad}}
	if code := w.run("flow", "definitions", "publish"); code != ExitFailed || !strings.Contains(w.err.String(), "a.json:1:2: /nodes: is empty\nb.json: is not JSON\n") {
		t.Errorf("%d %s", code, &w.err)
	}
}

func TestDefinitionsExportAndImport(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.flow.json")
	w := world{flows: &flowWorld{draft: Draft{Path: "companies/129/flows/x.json", Written: true}}}
	if code := w.run("flow", "definitions", "export", "x", "--out", file); code != 0 || w.out.Len() > 0 {
		t.Fatalf("%d %s", code, &w.err)
	}
	raw, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(raw), `{"schema":"flow-export/1"`) {
		t.Fatalf("%v %s", err, raw)
	}
	if code := w.run("flow", "definitions", "import", file, "--company", "129", "--force"); code != 0 || w.out.String() != "Wrote draft companies/129/flows/x.json.\n" ||
		!w.flows.force || w.flows.company != 129 || w.flows.imported != "x.flow.json "+string(raw) {
		t.Errorf("%d %s %+v", code, &w.out, w.flows)
	}
	w.out.Reset()
	if code := w.run("flow", "definitions", "import", file, "--publish"); code != 0 || w.out.String() != "~ update     ztbxx01 version 2\n" || w.flows.pub.By != "tester" || w.flows.pub.File != "x.flow.json" {
		t.Errorf("%d %s", code, &w.out)
	}
	w.flows.draft.Written = false
	w.out.Reset()
	if w.run("flow", "definitions", "import", file); w.out.String() != "Draft companies/129/flows/x.json says the same already.\n" {
		t.Errorf("%s", &w.out)
	}
}

func TestDefinitionsLint(t *testing.T) {
	w := world{problems: []orgflow.Problem{{File: "a.json", Line: 1, Column: 2, Pointer: "/nodes", Message: "is empty"}}}
	if code := w.run("flow", "definitions", "lint", "--company", "129"); code != ExitFailed || w.company != 129 || !strings.Contains(w.out.String(), "a.json:1:2: /nodes: is empty") || !strings.Contains(w.err.String(), "1 error, 0 warnings.") {
		t.Errorf("%d %s%s", code, &w.out, &w.err)
	}
	var good world
	if code := good.run("flow", "definitions", "lint", "--json"); code != 0 || good.out.String() != "[]\n" {
		t.Errorf("%d %s", code, &good.out)
	}
}
