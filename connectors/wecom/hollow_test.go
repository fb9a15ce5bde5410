package wecom

import (
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// A read that answers a success and shows nothing does not say that nothing
// is there: nothing is written for it.
func TestAHollowAnswerSaysNothing(t *testing.T) {
	leads := connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "2", Fields: map[string]any{leaders: "E1"}}
	department := `{"errcode":0,"department":{"id":2,"name":"研发","parentid":1,"order":1,"department_leader":["E2"]}}`
	for name, tc := range map[string]struct {
		effect connectors.Effect
		script map[string][]string
	}{
		"the person":                  {inDoubt(personInsert()), map[string][]string{pathUserGet: {`{"errcode":0,"errmsg":"ok"}`}}},
		"the department":              {inDoubt(orgInsert()), map[string][]string{pathDeptGet: {`{"errcode":0,"errmsg":"ok"}`}}},
		"an empty department":         {inDoubt(orgInsert()), map[string][]string{pathDeptGet: {`{"errcode":0,"department":{}}`}}},
		"the leader who shall lead":   {leads, map[string][]string{pathDeptGet: {department}, pathUserGet: {`{"errcode":0}`}}},
		"the department to be led":    {leads, map[string][]string{pathDeptGet: {`{}`}}},
		"where an empty code is none": {deleteE1(), map[string][]string{pathUserDelete: {`{"errcode":null}`}}},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := scripted(t, tc.script) // any other call fails the test
			r, err := c.Apply(t.Context(), tc.effect)
			if f := orgflow.AsFault(err); f == nil || !f.Transient() || r.Writes > 0 && tc.effect.Op != orgflow.Delete {
				t.Errorf("got %v after %d writes, want a fault that may pass and none", err, r.Writes)
			}
		})
	}
}
