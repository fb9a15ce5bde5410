package orgflow_test

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestThirdParty: THIRD_PARTY.md lists the modules that the programs are made
// of, in their versions.
func TestThirdParty(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems build in other modules")
	}
	built := map[string]bool{}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./worker", "./starter", "./standalone").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if module := strings.TrimSpace(line); module != "" {
			built[module] = true
		}
	}
	text, err := os.ReadFile("THIRD_PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		if len(cells) != 3 || !strings.HasPrefix(cells[1], "v") || cells[1] == "version" {
			continue
		}
		module := strings.TrimPrefix(cells[0], "| ") + " " + cells[1]
		if !built[module] {
			t.Errorf("%s is listed and not built in", module)
		}
		delete(built, module)
	}
	for module := range built {
		t.Errorf("%s is built in and not listed; run: make licences", module)
	}
}
