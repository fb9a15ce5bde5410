package aghsim

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"orgflow/connectors/simctl"
)

// statusOff is disabled, and the default (reference § A.2).
const statusOff = 11

// batch is the body of add and update.
type batch struct {
	Type string            `json:"type"`
	Data []json.RawMessage `json:"data"`
}

// readBatch reads a body. Strict JSON: one value, nothing behind it.
func readBatch(c *simctl.Call) (batch, *refusal) {
	var b batch
	if err := json.Unmarshal(c.Body, &b); err != nil {
		return b, refuse(200008, ": %v", err)
	}
	c.Key = b.Type + " " + strconv.Itoa(len(b.Data))
	switch {
	case b.Type != "department" && b.Type != "person":
		return b, refuse(200008, ": type")
	case len(b.Data) == 0:
		return b, refuse(200009, "")
	}
	return b, nil
}

// check reads a batch's records: all of them, or a refusal.
func (s *Sim) check(b batch, set *compiled, t *task) ([]*Department, []*Person, *refusal) {
	if set.MaxRecords > 0 && len(b.Data) > set.MaxRecords {
		return nil, nil, refuse(200008, ": %d", len(b.Data))
	}
	if b.Type == "department" {
		depts, r := s.departments(b, set, t)
		return depts, nil, r
	}
	people, r := s.persons(b, set, t)
	return nil, people, r
}

// strict decodes a record, refusing names the document does not know.
func strict(raw json.RawMessage, into any) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into) == nil
}

func (s *Sim) departments(b batch, set *compiled, t *task) ([]*Department, *refusal) {
	out := make([]*Department, 0, len(b.Data))
	seen := map[string]bool{} // a parent may stand before its child in one batch
	for i, raw := range b.Data {
		d := &Department{Status: statusOff}
		if !strict(raw, d) || d.ID == "" || d.Name == "" || set.refuse[d.ID] {
			return nil, refuse(200008, ": data[%d]", i)
		}
		if d.Status != 1 && d.Status != statusOff {
			return nil, refuse(200008, ": data[%d].status", i)
		}
		if set.StrictReferences && d.ParentID != "" && !seen[d.ParentID] && !s.known(d.ParentID, t) {
			return nil, refuse(200008, ": data[%d].parentId", i)
		}
		seen[d.ID] = true
		out = append(out, d)
	}
	return out, nil
}

// known tells whether a department may be referred to.
func (s *Sim) known(id string, t *task) bool {
	if t != nil {
		return t.depts[id] != nil
	}
	return s.held.depts[id] != nil
}

func (s *Sim) persons(b batch, set *compiled, t *task) ([]*Person, *refusal) {
	out := make([]*Person, 0, len(b.Data))
	for i, raw := range b.Data {
		p := &Person{Status: statusOff, Departments: []string{}}
		if !strict(raw, p) || !p.wellFormed() || set.refuse[p.UserID] {
			return nil, refuse(200008, ": data[%d]", i)
		}
		if set.OrgSource != 0 && p.OrgSource != set.OrgSource {
			return nil, refuse(200008, ": data[%d].orgSource", i)
		}
		if holder, taken := s.held.accounts[p.Account]; taken && holder != p.UserID && t == nil {
			return nil, refuse(200008, ": data[%d].account", i)
		}
		for _, id := range p.Departments {
			if set.StrictReferences && !s.known(id, t) {
				return nil, refuse(200008, ": data[%d].departmentId", i)
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// wellFormed tells whether what a person needs is there, and the rest is of
// the document's forms.
func (p *Person) wellFormed() bool {
	return p.UserID != "" && p.Account != "" && p.RealName != "" && slices.Contains([]int{1, statusOff, 12}, p.Status) &&
		p.Gender >= 0 && p.Gender <= 2 && day(p.Birthday) && day(p.JoinDate)
}

// day accepts yyyymmdd and nothing.
func day(s string) bool {
	if s == "" {
		return true
	}
	_, err := strconv.Atoi(s)
	return err == nil && len(s) == 8
}
