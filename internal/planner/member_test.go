package planner

import (
	"testing"

	"orgflow"
)

// A first push keeps everybody until the order of all changes is known: of
// who is new there is the encoded payload, and no map.
func TestOfNewPersonsOnlyTheEncodedPayloadIsKept(t *testing.T) {
	orgs, people := organisation(50, 5)
	delete(people[0].Payload.Fields, "manager") // themselves
	in := input(orgs, people)
	in.NoDepartmentRoot = true
	b := newBuilder(in)
	b.deferred = map[orgflow.RecordKey]bool{}
	if err := b.draft(); err != nil {
		t.Fatal(err)
	}
	if len(b.people.order) != len(people) {
		t.Fatalf("%d persons are kept, want %d", len(b.people.order), len(people))
	}
	for _, p := range b.people.order {
		if p.said.Fields != nil || p.before.Fields != nil || p.after.Fields != nil {
			t.Errorf("person %s: decoded payloads are kept", p.id)
		}
		if &p.packed[0] != &p.draft.Payload[0] {
			t.Errorf("person %s: the payload is kept twice", p.id)
		}
	}
}
