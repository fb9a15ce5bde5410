package planner

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"orgflow"
)

// place is where a department stands at the consumer: its parent's source
// id, "" for the consumer's root, or "=" and a consumer id nobody is bound
// to; and its name as it was accepted.
type place struct{ parent, name string }

// slot is what no two siblings may share.
func (p place) slot() place { return place{p.parent, normalName(p.name)} }

// normalName makes names comparable: surrounding space does not count, and
// composed and decomposed characters are the same.
func normalName(s string) string { return norm.NFC.String(strings.TrimSpace(s)) }

// placeOf reads a department's place out of a payload; what the payload does
// not say stays as it was.
func (b *builder) placeOf(p orgflow.Payload, was place) place {
	names := b.in.Profile.OrgFields
	if v, ok := p.Fields[names.Name]; ok {
		was.name = text(v)
	}
	v, ok := p.Fields[names.Parent]
	if !ok || v == nil {
		return was
	}
	if refs := orgflow.RefsIn(v); len(refs) > 0 {
		if was.parent = refs[0].ID; b.isRoot(was.parent) {
			was.parent = ""
		}
		return was
	}
	if was.parent = "=" + plainText(v); was.parent == "="+b.in.Root.ID {
		was.parent = ""
	}
	return was
}

// isRoot tells whether a source department is the consumer's root.
func (b *builder) isRoot(id string) bool {
	if id != "" && id == b.root {
		return true
	}
	bd := b.bound[orgKey(id)]
	return bd != nil && bd.State == orgflow.BindingRoot
}

// nameProblem tells why the consumer would refuse a department's name.
func (b *builder) nameProblem(name string) string {
	p := b.in.Profile
	switch n := utf8.RuneCountInString(name); {
	case name == "":
		return "has no name"
	case p.OrgNameMax > 0 && n > p.OrgNameMax:
		return fmt.Sprintf("name has %d characters, the consumer allows %d", n, p.OrgNameMax)
	case strings.ContainsAny(name, p.OrgNameForbidden):
		return fmt.Sprintf("name contains one of the characters the consumer forbids: %s", p.OrgNameForbidden)
	}
	return ""
}
