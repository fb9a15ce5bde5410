package filesource

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"orgflow"
)

// readBoth reads a file in pages of one and at once: both give the same rows
// and as many as declared, or a fault.
func readBoth(t *testing.T, dir, name string, content []byte) ([]string, bool) {
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	whole, reading, err := readAll(t.Context(), dir, query(1<<20, ""))
	if err != nil {
		if f := orgflow.AsFault(err); f.Code == orgflow.CodeInternal {
			t.Fatalf("no fault of ours: %v", err)
		}
		return nil, false
	}
	if ok, cause := reading.Proof(); !ok || reading.Declared != len(whole) {
		t.Fatalf("%d rows, %s", len(whole), cause)
	}
	if len(whole) > 20 {
		return whole, true
	}
	single, _, err := readAll(t.Context(), dir, query(1, ""))
	if err != nil || len(single) != len(whole) {
		t.Fatalf("%d rows at once, %d in pages: %v", len(whole), len(single), err)
	}
	for i := range whole {
		if whole[i] != single[i] || !json.Valid([]byte(whole[i])) {
			t.Fatalf("row %d: %s and %s", i, whole[i], single[i])
		}
	}
	return whole, true
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte(threePeople))
	f.Add([]byte(bom + "sep=;\nid;name\n1;\"a\"\"b\"\n"))
	f.Add([]byte("id,\xc3\xfb\n1,\xd5\xc5\xc8\xfd\n"))
	f.Add([]byte("a.0.b,a.1.b,,\n1,\"[1,2]\",,\n\n,,,\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) { readBoth(t, dir, "Employee.csv", content) })
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`[{"id":1},{"id":2}]`))
	f.Add([]byte(bom + ` { "rows" : [ {} , {"a":[{"b":"],"}]} ] } `))
	f.Add([]byte(`[{"a":1e5,"a":"\ud800"}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		rows, ok := readBoth(t, dir, "Employee.json", content)
		if !ok {
			return
		}
		// What was accepted is JSON as a whole, with as many rows.
		content = bytes.TrimPrefix(content, []byte(bom))
		var list []json.RawMessage
		var wrapped struct {
			Rows []json.RawMessage `json:"rows"`
		}
		if json.Unmarshal(content, &list) != nil {
			if err := json.Unmarshal(content, &wrapped); err != nil {
				t.Fatalf("accepted what is no JSON: %v", err)
			}
			list = wrapped.Rows
		}
		if len(list) != len(rows) {
			t.Fatalf("%d rows of %d", len(rows), len(list))
		}
	})
}

// FuzzCells: what a CSV writer writes is what comes out.
func FuzzCells(f *testing.F) {
	f.Add("张三", "a,b\"c\r\nd")
	f.Add("[1]", "=\"001\"")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, a, b string) {
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		if err := w.WriteAll([][]string{{"a", "b", "end"}, {a, b, "x"}}); err != nil {
			return
		}
		rows, ok := readBoth(t, dir, "Employee.csv", out.Bytes())
		if ok && len(rows) != 1 {
			t.Fatalf("%d rows", len(rows))
		}
	})
}
