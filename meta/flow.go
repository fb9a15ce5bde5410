package meta

import (
	"encoding/json"
	"maps"
	"slices"

	"orgflow"
)

// FlowFile returns a file of the company that approval flows read, such as
// calendar.json: its path for messages and its content. ok is false where
// there is none.
func (c Company) FlowFile(name string) (path string, raw []byte, ok bool, err error) {
	f, ok, err := c.store.read(companyDir(c.ID) + name)
	return f.path, f.raw, ok, err
}

// RolesOf returns the roles that a user code is listed for, sorted.
func (c Company) RolesOf(user string) []string {
	var roles []string
	for _, name := range slices.Sorted(maps.Keys(c.doc.Roles)) {
		if slices.Contains(c.doc.Roles[name], user) {
			roles = append(roles, name)
		}
	}
	return roles
}

// Expand resolves the ${NAME} references in the texts of a part of a flow's
// definition and stores it in into. A missing one is a fault that names the
// reference, never a value.
func (c Company) Expand(part any, into any) error {
	raw, err := json.Marshal(part)
	if err != nil {
		return orgflow.Faultf(orgflow.CodeInvalidConfig, "cannot be read: %v", err)
	}
	return c.decode("", raw, into)
}
