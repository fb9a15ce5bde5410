package dingtalk

import (
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// A read that answers a success and shows nothing does not say that nothing
// is there: an effect in doubt must not be repeated for it.
func TestAHollowAnswerSaysNothing(t *testing.T) {
	person := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, ConsumerID: "E1", Key: "129:person:1", Fields: map[string]any{"userid": "E1", "name": "测试甲", "mobile": "10000000001", "dept_id_list": "7"}}
	nameless := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, Key: "129:person:1", Fields: map[string]any{"name": "测试甲", "mobile": "10000000001", "dept_id_list": "7"}}
	for name, tc := range map[string]struct {
		effect connectors.Effect
		path   string
	}{
		"departments below the parent": {orgInsert(), pathDeptListSub},
		"the department to delete":     {connectors.Effect{Kind: orgflow.Org, Op: orgflow.Delete, ConsumerID: "7"}, pathDeptGet},
		"the person":                   {person, pathUserGet},
		"who has the number":           {nameless, pathUserByMobile},
		"the person to delete":         {connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E1"}, pathUserGet},
	} {
		for _, answer := range []string{okAnswer, `{"errcode":0,"result":null}`, `{"errcode":0,"result":{}}`} {
			if tc.path == pathDeptListSub && answer == `{"errcode":0,"result":{}}` {
				answer = `{"errcode":0,"result":[null]}`
			}
			t.Run(name+" "+answer, func(t *testing.T) {
				s := newStub(t, "v2")
				s.on(tc.path, answer)
				for _, write := range []string{pathDeptCreate, pathDeptDelete, pathUserCreate, pathUserDelete} {
					s.on(write, okAnswer)
				}
				tc.effect.InDoubt = true
				r, err := s.client().Apply(t.Context(), tc.effect)
				if f := orgflow.AsFault(err); tc.effect.Op == orgflow.Insert && (f == nil || f.Code != orgflow.CodeUnavailable || r.Writes != 0) {
					t.Errorf("got %v after %d writes, want unavailable and none", err, r.Writes)
				}
				if tc.effect.Op == orgflow.Delete && err == nil && r.Writes == 0 {
					t.Error("it counts as gone, and nobody said so")
				}
			})
		}
	}
}
