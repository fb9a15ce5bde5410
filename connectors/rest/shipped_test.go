package rest_test

import (
	"os"
	"path/filepath"
	"testing"

	"orgflow/connectors/rest"
)

// The definitions that are shipped, and those that prove what the language
// can say, have nothing wrong with them.
func TestDefinitionsAreSound(t *testing.T) {
	shipped, _ := filepath.Glob("../../meta/*.consumer.json")
	proofs, _ := filepath.Glob("testdata/*.consumer.json")
	if len(shipped) < 2 {
		t.Fatalf("found only %v", shipped)
	}
	for _, name := range append(shipped, proofs...) {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range rest.Lint(raw) {
			t.Errorf("%s: %s", name, p)
		}
	}
}
