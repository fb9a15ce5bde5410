package approval

import (
	"fmt"

	"orgflow"
	"orgflow/schemas"
)

// maxDefinition bounds a definition, which travels in the input of every run
// of its flows: the warning limit for one payload (approval reference C.7).
const maxDefinition = 256 << 10

// Decode reads a definition strictly: unknown keys, keys that do not belong
// to a node's type, wrong types and unknown words are refused, all at once,
// each with its JSON pointer. file is the shown name and may be empty. The
// defaults are filled in. Whether the definition makes sense is Check's
// question.
func Decode(file string, raw []byte) (*Definition, []orgflow.Problem) {
	if len(raw) > maxDefinition {
		return nil, []orgflow.Problem{{File: file, Message: fmt.Sprintf("is %d bytes long; a definition may have %d", len(raw), maxDefinition)}}
	}
	d := &Definition{}
	if problems := schemas.Decode(schemas.FlowDef, file, raw, d); len(problems) > 0 {
		return nil, problems
	}
	d.SetDefaults()
	return d, nil
}
