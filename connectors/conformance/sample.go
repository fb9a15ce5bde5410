package conformance

import (
	"encoding/json"
	"os"
	"testing"
)

// Sample is an answer as a vendor's document shows it.
type Sample struct {
	Name    string `json:"name"`
	Section string `json:"section"` // of the reference file
	Path    string `json:"path"`    // of the call it answers, or method and path
	Status  int    `json:"status"`  // 0 is 200
	Wrong   bool   `json:"wrong"`   // it is no success
	// Answer is the body where it is JSON, Text where it is not.
	Answer json.RawMessage `json:"answer"`
	Text   string          `json:"text"`
}

// Body is the sample as it comes over the wire.
func (s Sample) Body() []byte {
	if s.Answer != nil {
		return s.Answer
	}
	return []byte(s.Text)
}

// Samples reads a file of samples. Names must differ, and nothing may be
// left out.
func Samples(t testing.TB, file string) []Sample {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []Sample
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range list {
		if s.Name == "" || s.Section == "" || s.Path == "" || names[s.Name] || (s.Answer == nil) == (s.Text == "") {
			t.Fatalf("%s: sample %q needs a name of its own, section, path, and answer or text", file, s.Name)
		}
		names[s.Name] = true
	}
	return list
}
