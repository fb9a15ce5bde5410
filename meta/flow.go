package meta

import (
	"encoding/json"
	"maps"
	"slices"

	"orgflow"
	"orgflow/schemas"
)

// FlowFile returns a file of the company that approval flows read, such as
// WorkCalendarFile; ok is false where there is none.
func (c Company) FlowFile(name string) (f FlowFile, ok bool, err error) {
	read, ok, err := c.store.read(companyDir(c.ID) + name)
	return FlowFile{Path: read.path, Raw: read.raw}, ok, err
}

// At is a problem of the company's file at a JSON pointer.
func (c Company) At(pointer, message string) orgflow.Problem {
	return schemas.At(c.file.path, c.file.raw, pointer, message)
}

// TriggerHosts returns the hosts that trigger nodes may call.
func (c Company) TriggerHosts() ([]string, error) {
	var triggers struct {
		Hosts []string `json:"hosts"`
	}
	err := c.section("/triggers", c.doc.Triggers, &triggers)
	return triggers.Hosts, err
}

// section decodes a part of the company's file that may be absent.
func (c Company) section(pointer string, raw json.RawMessage, into any) error {
	if raw == nil {
		return nil
	}
	return c.decode(pointer, raw, into)
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
