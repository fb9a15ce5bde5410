package activities

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

var testProfile = orgflow.Profile{
	Together:     [][]string{{"depts", "places", "ranks"}},
	OrgFields:    orgflow.OrgFields{Name: "name", Parent: "parent_id", Leaders: "leaders"},
	PersonFields: orgflow.PersonFields{ID: "userid", Orgs: "depts", Manager: "manager"},
}

func encoded(t *testing.T, p orgflow.Payload) []byte {
	t.Helper()
	raw, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestPrepareEffectResolvesReferences(t *testing.T) {
	ids := resolver{{Kind: orgflow.Org, ID: "1"}: "1", {Kind: orgflow.Org, ID: "11"}: "9001", {Kind: orgflow.Person, ID: "7"}: "E7"}
	orgRef := func(id string) string { return orgflow.Ref(orgflow.Org, id) }
	who := func(id string) string { return orgflow.Ref(orgflow.Person, id) }
	cases := []struct {
		name    string
		change  orgflow.Change
		payload orgflow.Payload
		fields  map[string]any
		ext     map[string]any
		clear   []string
		dropped []string
		blocked string
	}{
		{
			name:    "an insert sends every field that has a value",
			change:  orgflow.Change{Kind: orgflow.Person, Op: orgflow.Insert, SourceID: "8", ConsumerID: "E8"},
			payload: orgflow.Payload{Fields: map[string]any{"name": "N", "depts": orgRef("11") + "," + orgRef("1"), "title": nil}, Ext: map[string]any{"a": "x"}},
			fields:  map[string]any{"name": "N", "depts": "9001,1"}, ext: map[string]any{"a": "x"},
		},
		{
			name:    "a manager who is not there yet is left out",
			change:  orgflow.Change{Kind: orgflow.Person, Op: orgflow.Insert, SourceID: "8", ConsumerID: "E8"},
			payload: orgflow.Payload{Fields: map[string]any{"name": "N", "manager": who("99")}},
			fields:  map[string]any{"name": "N"}, ext: map[string]any{}, dropped: []string{"manager"},
		},
		{
			name:    "of several leaders those known are sent",
			change:  orgflow.Change{Kind: orgflow.Org, Op: orgflow.Update, SourceID: "11", Fields: map[string]orgflow.Diff{"leaders": {}}},
			payload: orgflow.Payload{Fields: map[string]any{"name": "研发", "leaders": []any{who("99"), who("7")}}},
			fields:  map[string]any{"leaders": []any{"E7"}}, dropped: []string{"leaders"},
		},
		{
			name:    "leaders of whom none is known block the second pass",
			change:  orgflow.Change{Kind: orgflow.Org, Op: orgflow.Update, SourceID: "11", Fields: map[string]orgflow.Diff{"leaders": {}}},
			payload: orgflow.Payload{Fields: map[string]any{"leaders": who("99")}},
			blocked: "leaders refers to people who are not at the consumer",
		},
		{
			name:    "a department that is not there blocks its people",
			change:  orgflow.Change{Kind: orgflow.Person, Op: orgflow.Insert, SourceID: "8", ConsumerID: "E8"},
			payload: orgflow.Payload{Fields: map[string]any{"depts": orgRef("12")}},
			blocked: "depts refers to org:12, which is not at the consumer",
		},
		{
			name:    "an update sends what differs and clears what became empty",
			change:  orgflow.Change{Kind: orgflow.Person, Op: orgflow.Update, SourceID: "7", Fields: map[string]orgflow.Diff{"title": {}, "remark": {}}},
			payload: orgflow.Payload{Fields: map[string]any{"name": "N", "title": "T", "remark": nil}, Ext: map[string]any{"a": "x"}},
			fields:  map[string]any{"title": "T"}, clear: []string{"remark"},
		},
		{
			name:    "what the consumer takes only together goes along",
			change:  orgflow.Change{Kind: orgflow.Person, Op: orgflow.Update, SourceID: "7", Fields: map[string]orgflow.Diff{"places": {}}},
			payload: orgflow.Payload{Fields: map[string]any{"name": "N", "depts": orgRef("11"), "places": "3", "ranks": nil}},
			fields:  map[string]any{"depts": "9001", "places": "3"},
		},
		{
			name:    "and does not where it is for inserts only",
			change:  orgflow.Change{Kind: orgflow.Person, Op: orgflow.Update, SourceID: "7", Fields: map[string]orgflow.Diff{"depts": {}}},
			payload: orgflow.Payload{Fields: map[string]any{"depts": orgRef("11"), "places": "3"}, CreateOnly: []string{"places"}},
			fields:  map[string]any{"depts": "9001"},
		},
		{
			name:    "a group of which nothing changes stays at home",
			change:  orgflow.Change{Kind: orgflow.Person, Op: orgflow.Update, SourceID: "7", Fields: map[string]orgflow.Diff{"name": {}}},
			payload: orgflow.Payload{Fields: map[string]any{"name": "N", "depts": orgRef("11"), "places": "3"}},
			fields:  map[string]any{"name": "N"},
		},
		{
			name:    "one differing custom attribute sends all of them",
			change:  orgflow.Change{Kind: orgflow.Person, Op: orgflow.Update, SourceID: "7", Fields: map[string]orgflow.Diff{"ext.a": {}}},
			payload: orgflow.Payload{Fields: map[string]any{"name": "N"}, Ext: map[string]any{"a": "x", "b": "y"}},
			fields:  map[string]any{}, ext: map[string]any{"a": "x", "b": "y"},
		},
		{
			name:    "a custom attribute that became empty is named, or the last one would stay",
			change:  orgflow.Change{Kind: orgflow.Person, Op: orgflow.Update, SourceID: "7", Fields: map[string]orgflow.Diff{"ext.a": {}}},
			payload: orgflow.Payload{Fields: map[string]any{"name": "N"}, Ext: map[string]any{"a": nil}},
			fields:  map[string]any{}, ext: map[string]any{}, clear: []string{"ext.a"},
		},
		{
			name:    "an update of a record that is not there is blocked",
			change:  orgflow.Change{Kind: orgflow.Org, Op: orgflow.Update, SourceID: "55", Fields: map[string]orgflow.Diff{"name": {}}},
			payload: orgflow.Payload{Fields: map[string]any{"name": "N"}},
			blocked: "org 55 is not at the consumer",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.change.Payload = encoded(t, c.payload)
			p, blocked, err := prepareEffect(c.change, orgflow.Binding{}, testProfile, ids)
			if err != nil {
				t.Fatal(err)
			}
			if blocked != c.blocked {
				t.Fatalf("blocked = %q, want %q", blocked, c.blocked)
			}
			if blocked != "" {
				return
			}
			if d := cmp.Diff(c.fields, p.effect.Fields); d != "" {
				t.Errorf("fields: %s", d)
			}
			if d := cmp.Diff(c.ext, p.effect.Ext); d != "" {
				t.Errorf("ext: %s", d)
			}
			if d := cmp.Diff(c.clear, p.effect.Clear); d != "" {
				t.Errorf("clear: %s", d)
			}
			if d := cmp.Diff(c.dropped, p.dropped); d != "" {
				t.Errorf("dropped: %s", d)
			}
			for _, name := range c.dropped {
				if _, kept := p.accepted.Fields[name]; kept {
					t.Errorf("%s counts as accepted although it was not sent whole", name)
				}
			}
		})
	}
}
