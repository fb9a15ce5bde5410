package approval

import (
	"bytes"
	"encoding/json"
	"fmt"

	"orgflow"
	"orgflow/schemas"
)

// Canonical returns the bytes a definition is stored, hashed and exported as:
// object keys sorted, no insignificant space, numbers as they were written,
// the version left out, for publishing assigns it. Two files that differ in
// nothing else are the same definition. raw is one that Decode accepts.
func Canonical(raw []byte) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(schemas.TrimBOM(raw)))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	delete(tree, "version")
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Export is a definition on its way between installations.
type Export struct {
	Schema     string          `json:"schema"` // ExportV1
	FlowCode   string          `json:"flowCode"`
	Version    int             `json:"version"` // where it comes from
	SHA256     string          `json:"sha256"`  // of the definition's canonical bytes
	Definition json.RawMessage `json:"definition"`
}

// ExportV1 is the only value of an export's "schema".
const ExportV1 = "flow-export/1"

// NewExport wraps a published definition.
func NewExport(d *Definition, version int, raw []byte) (Export, error) {
	canonical, err := Canonical(raw)
	if err != nil {
		return Export{}, err
	}
	return Export{Schema: ExportV1, FlowCode: d.FlowCode, Version: version, SHA256: orgflow.Hash(canonical), Definition: canonical}, nil
}

// Import returns the definition of an export, or of a plain definition file,
// with its hash. The hash of an export must be that of its definition:
// something else was altered or cut on the way. The definition is decoded,
// not checked: what it refers to is the importer's.
func Import(file string, raw []byte) (d *Definition, canonical json.RawMessage, sha256 string, problems []orgflow.Problem) {
	inner, export := raw, Export{}
	if isExport(raw) {
		if problems := schemas.Decode(schemas.FlowExport, file, raw, &export); len(problems) > 0 {
			return nil, nil, "", problems
		}
		inner = export.Definition
	}
	d, problems = Decode(file, inner)
	if len(problems) > 0 {
		return nil, nil, "", inExport(export, file, raw, problems)
	}
	canonical, err := Canonical(inner)
	if err != nil {
		return nil, nil, "", []orgflow.Problem{{File: file, Message: err.Error()}}
	}
	sha256 = orgflow.Hash(canonical)
	if export.SHA256 != "" && export.SHA256 != sha256 {
		return nil, nil, "", []orgflow.Problem{schemas.At(file, raw, "/sha256", "is not the hash of the definition, "+sha256+": the export was altered; export it again, or import the definition alone")}
	}
	return d, canonical, sha256, nil
}

// inExport moves problems of the inner document to their place in the file.
func inExport(e Export, file string, raw []byte, problems []orgflow.Problem) []orgflow.Problem {
	if e.Schema == "" {
		return problems
	}
	out := make([]orgflow.Problem, len(problems))
	for i, p := range problems {
		out[i] = schemas.At(file, raw, "/definition"+p.Pointer, p.Message)
	}
	return out
}

func isExport(raw []byte) bool {
	var head struct {
		Schema     string          `json:"schema"`
		Definition json.RawMessage `json:"definition"`
	}
	err := json.Unmarshal(schemas.TrimBOM(raw), &head)
	return err == nil && (head.Schema == ExportV1 || head.Definition != nil)
}
