package dingtalk

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

// invited is a look for E1, who was invited.
func invited(reinvite, doubt bool) connectors.Effect {
	e := personInsert()
	e.Invited, e.Reinvite, e.InDoubt = true, reinvite, doubt
	return e
}

func TestLookingForSomebodyInvited(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		const absent, created = "60121", `{"errcode":0,"result":{"userid":"E1"}}`
		underX9 := strings.Replace(storedE1, `"E1"`, `"X9"`, 1)
		found := `{"errcode":0,"result":{"userid":"X9"}}`
		another := strings.Replace(underX9, "测试甲", "测试乙", 1)
		for name, tc := range map[string]struct {
			effect connectors.Effect
			script map[string][]string
			want   connectors.Receipt // Calls include the token
			code   orgflow.Code
		}{
			"not joined, invited lately: one read, no write": {
				invited(false, false), map[string][]string{pathUserGet: {failure(absent)}},
				connectors.Receipt{ConsumerID: "E1", Pending: true, Calls: 2, Note: "has not joined yet"}, "",
			},
			"the same in doubt": {
				invited(false, true), map[string][]string{pathUserGet: {failure(absent)}},
				connectors.Receipt{ConsumerID: "E1", Pending: true, Calls: 2, Note: "has not joined yet"}, "",
			},
			"joined, as wanted": {
				invited(false, false), map[string][]string{pathUserGet: {storedE1}},
				connectors.Receipt{ConsumerID: "E1", Calls: 2}, "",
			},
			"joined, and brought up to date": {
				invited(false, false), map[string][]string{pathUserGet: {strings.Replace(storedE1, "工程师", "顾问", 1)}, pathUserUpdate: {okAnswer}},
				connectors.Receipt{ConsumerID: "E1", Calls: 3, Writes: 1}, "",
			},
			"joined under another userid, found before anything is sent": {
				invited(true, false), map[string][]string{pathUserGet: {failure(absent), underX9}, pathUserByMobile: {found}},
				connectors.Receipt{ConsumerID: "X9", Calls: 4}, "",
			},
			"somebody else has the number": {
				invited(true, false), map[string][]string{pathUserGet: {failure(absent), another}, pathUserByMobile: {found}, pathUserCreate: {failure("60104")}},
				connectors.Receipt{ConsumerID: "E1", Calls: 7, Writes: 1}, orgflow.CodeConflict,
			},
			"not joined, invited again": {
				invited(true, false), map[string][]string{pathUserGet: {failure(absent)}, pathUserByMobile: {failure(absent)}, pathUserCreate: {failure("40103")}},
				connectors.Receipt{ConsumerID: "E1", Pending: true, Invited: true, Calls: 4, Writes: 1, Note: "invited again; DingTalk 40103: invited, not in the directory until the person accepts"}, "",
			},
			"not joined, needs no invitation any more": {
				invited(true, false), map[string][]string{pathUserGet: {failure(absent)}, pathUserByMobile: {failure(absent)}, pathUserCreate: {created}},
				connectors.Receipt{ConsumerID: "E1", Calls: 4, Writes: 1}, "",
			},
			"the number counts as taken while the invitation stands": {
				invited(true, false), map[string][]string{pathUserGet: {failure(absent)}, pathUserByMobile: {failure(absent)}, pathUserCreate: {failure("60104")}},
				connectors.Receipt{ConsumerID: "E1", Pending: true, Invited: true, Calls: 6, Writes: 1, Note: "DingTalk 60104: the invitation still stands"}, "",
			},
			"in doubt an invitation counts as sent": {
				invited(true, true), map[string][]string{pathUserGet: {failure(absent)}, pathUserByMobile: {failure(absent)}},
				connectors.Receipt{ConsumerID: "E1", Pending: true, Invited: true, Calls: 3, Note: "has not joined yet; an invitation may have gone out, and counts as sent"}, "",
			},
			"could not look: nothing is sent": {
				invited(true, false), map[string][]string{pathUserGet: {failure("-1")}},
				connectors.Receipt{ConsumerID: "E1", Calls: 2}, orgflow.CodeUnavailable,
			},
			"outside the application's scope: nothing is sent": {
				invited(true, false), map[string][]string{pathUserGet: {failure("50002")}},
				connectors.Receipt{ConsumerID: "E1", Calls: 2}, orgflow.CodeNeedsHuman,
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := newStub(t)
				for path, answers := range tc.script {
					s.on(path, answers...)
				}
				var r connectors.Receipt
				if tc.code != "" {
					r, _ = applyFault(t, s.client(), tc.effect, tc.code)
				} else {
					r = apply(t, s.client(), tc.effect)
				}
				if d := cmp.Diff(tc.want, r); d != "" {
					t.Error(d)
				}
			})
		}
	})
}

func TestALeaverWhoWasInvited(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		leaver := connectors.Effect{
			Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E1", Invited: true,
			Fields: map[string]any{"name": "测试甲", "mobile": "10000000001"},
		}
		underX9 := strings.Replace(storedE1, `"E1"`, `"X9"`, 1)
		found := `{"errcode":0,"result":{"userid":"X9"}}`
		for name, tc := range map[string]struct {
			script  map[string][]string
			deleted []string
		}{
			"never joined":              {map[string][]string{pathUserDelete: {failure("60121")}, pathUserByMobile: {failure("60121")}}, []string{"E1"}},
			"joined under the userid":   {map[string][]string{pathUserDelete: {okAnswer}}, []string{"E1"}},
			"joined under another":      {map[string][]string{pathUserDelete: {failure("60121"), okAnswer}, pathUserByMobile: {found}, pathUserGet: {underX9}}, []string{"E1", "X9"}},
			"the number is another's":   {map[string][]string{pathUserDelete: {failure("60121")}, pathUserByMobile: {found}, pathUserGet: {strings.Replace(underX9, "测试甲", "测试乙", 1)}}, []string{"E1"}},
			"gone in between the calls": {map[string][]string{pathUserDelete: {failure("60121")}, pathUserByMobile: {found}, pathUserGet: {underX9}}, []string{"E1", "X9"}},
		} {
			t.Run(name, func(t *testing.T) {
				for _, doubt := range []bool{false, true} {
					s := newStub(t)
					for path, answers := range tc.script {
						s.on(path, answers...)
					}
					leaver.InDoubt = doubt
					apply(t, s.client(), leaver)
					var deleted []string
					for _, call := range s.calls(pathUserDelete) {
						deleted = append(deleted, call.body["userid"].(string))
					}
					if d := cmp.Diff(tc.deleted, deleted); d != "" {
						t.Errorf("in doubt %v: %s", doubt, d)
					}
				}
			})
		}
	})
}
