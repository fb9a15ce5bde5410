package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/store"
)

// handbook is docs/approval.md.
func handbook(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/approval.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// between is the first text between two others.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, from)
	part, _, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatalf("docs/approval.md has nothing between %q and %q", from, to)
	}
	return part
}

// TestTheHandbooksFirstFlow follows the handbook: the draft has the problems
// it shows, and corrected as it says it is published.
func TestTheHandbooksFirstFlow(t *testing.T) {
	settings(t)
	if code, _, err := starter(t, "migrate"); code != 0 {
		t.Fatal(err)
	}
	text := handbook(t)
	dir := t.TempDir()
	t.Setenv("ORGFLOW_META_DIR", dir)
	put := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, "companies", "200", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("company.json", `{"company_id": 200, "roles": `+between(t, text, "\"roles\": ", "\n")+`}`)
	draft := "{\n  \"schema\"" + between(t, text, "```json\n{\n  \"schema\"", "```")
	put("flows/expense01.json", draft)
	code, out, said := starter(t, "flow", "definitions", "lint", "--company", "200")
	if want := between(t, text, "$ starter flow definitions lint --company 200\n", "```"); code != 1 || out+said != want {
		t.Errorf("%d\n%s\nthe handbook shows\n%s", code, out+said, want)
	}
	fixed := strings.NewReplacer("form.purpos}", "form.purpose}", "finanse", "finance",
		`"next": [{"to": 20, "when": "form.amount > 1000"}]`, `"next": [{"to": 20, "when": "form.amount > 1000"}, {"to": 99, "default": true}]`).Replace(draft)
	put("flows/expense01.json", fixed)
	for _, args := range []string{"publish --company 200 --dry-run", "publish --company 200"} {
		code, out, said := starter(t, append([]string{"flow", "definitions"}, strings.Fields(args)...)...)
		want := between(t, strings.ReplaceAll(text, "```", "$ "), "$ starter flow definitions "+args+"\n", "$ ")
		if code != 0 || out+said != want {
			t.Errorf("%s: %d\n%s\nthe handbook shows\n%s", args, code, out+said, want)
		}
	}
}

// TestTheHandbooksSQLStoresADecision: what boards are told to insert is a
// pending decision of the flow's current round.
func TestTheHandbooksSQLStoresADecision(t *testing.T) {
	statement := between(t, handbook(t), "```sql\nINSERT INTO flow_audit", "```")
	d := openDesk(t)
	k := d.launch("ztbxx01_202611_0001", "5")
	d.step(store.FlowStep{FlowKey: k, Rev: 2, Key: "relaunch", State: orgflow.FlowRunning, Round: 2, StateDoc: []byte(`{}`)})
	if _, err := d.Store.DB().Exec("INSERT INTO flow_audit" + statement); err != nil {
		t.Fatal(err)
	}
	pending, err := d.Store.PendingAudits(t.Context(), k)
	if err != nil || len(pending) != 1 || pending[0].Round != 2 || pending[0].NodeSeq != 10 || pending[0].UserCode != "E5" || pending[0].Verdict != orgflow.VerdictApprove || pending[0].Defect != "" {
		t.Errorf("%+v %v", pending, err)
	}
}

// TestTheHandbookListsEveryError that the routes answer with.
func TestTheHandbookListsEveryError(t *testing.T) {
	text := handbook(t)
	for _, code := range []orgflow.Code{
		api.CodeBadParam, api.CodeDefinitionInvalid, api.CodeFlowNotFound, api.CodeFlowDefNotFound, api.CodeNodeNotFound,
		api.CodeDataNotFound, api.CodeTaskNotFound, api.CodeNodeNotJumpable, api.CodeNotAllowed,
	} {
		status := (&api.Error{Code: code}).GetStatus()
		if !regexp.MustCompile(fmt.Sprintf("(?m)^\\| %d \\| [^|]*`%s`", status, code)).MatchString(text) {
			t.Errorf("%d %s is missing", status, code)
		}
	}
}
