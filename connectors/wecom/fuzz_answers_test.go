package wecom

import (
	"testing"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
)

type heard = conformance.Answer

// ok: errcode 0 or none at all, and no warning (WeCom reference § 1).
func ok(a heard) bool {
	if a.Status < 200 || a.Status > 299 || !conformance.Object(a.Body) {
		return false
	}
	codes := conformance.Look(a.Body, "errcode")
	return len(codes) == 0 || conformance.Says(a.Body, []string{"0"}, "errcode") || conformance.Says(a.Body, []string{"null"}, "errcode")
}

func says(codes ...string) func(heard) bool {
	return func(a heard) bool { return conformance.Says(a.Body, codes, "errcode") }
}

func either(conditions ...func(heard) bool) func(heard) bool {
	return func(a heard) bool {
		for _, holds := range conditions {
			if holds(a) {
				return true
			}
		}
		return false
	}
}

var (
	noPerson = says("60111")
	noOrg    = says("60003", "60123")
	closedTo = says("48008", "48009", "60011")
)

func weCom(t testing.TB) conformance.Vendor[*Client] {
	t.Helper()
	return conformance.Vendor[*Client]{
		Name: "WeCom", Samples: conformance.Samples(t, "testdata/samples.json"), Connect: wired, Askings: append(aboutMembers(), aboutOthers()...),
	}
}

func aboutMembers() []conformance.Asking[*Client] {
	number := func(e connectors.Effect) connectors.Effect {
		e.Fields = map[string]any{"mobile": "10000000001"}
		return e
	}
	moves := func(e connectors.Effect) connectors.Effect { e.Fields = map[string]any{"department": "1"}; return e }
	return []conformance.Asking[*Client]{
		{Name: "token", Path: pathToken, Do: tokenOf, May: ok, Shows: func(got any, _ heard) bool { return got != "" }},
		{Name: "insert a person", Path: pathUserCreate, Write: true, Do: applied(personInsert()), May: either(ok, says("60102", "60104"))},
		{Name: "update a person", Path: pathUserUpdate, Write: true, Do: applied(updateE1), May: ok},
		{Name: "delete a person", Path: pathUserDelete, Write: true, Do: applied(deleteE1()), May: either(ok, noPerson)},
		{Name: "insert a person in doubt", Path: pathUserGet, Do: applied(inDoubt(personInsert())), May: either(ok, noPerson, closedTo),
			Then: pathUserCreate, ThenIf: either(noPerson, closedTo)},
		{Name: "move a person", Path: pathUserGet, Do: applied(moves(updateE1)), May: either(ok, noPerson, closedTo)},
		{Name: "change a number", Path: pathUserGet, Do: applied(number(updateE1)), May: either(ok, noPerson, closedTo)},
		{Name: "look for a number", Path: pathUserByMobile, Do: byMobile, May: func(heard) bool { return true },
			Shows: func(got any, a heard) bool { // known to be nobody's only where WeCom says so
				return got != [2]any{"", true} || noPerson(a)
			}},
		{Name: "read a person", Path: pathUserGet, Do: personShown, May: either(ok, noPerson), Shows: func(got any, a heard) bool { return got != nil || noPerson(a) }, Gone: either(noPerson, noOrg)},
		{Name: "read members", Path: pathUserList, Do: membersOf, May: either(ok, closedTo, says("45029")), Gone: either(noPerson, noOrg), Shows: showsMembers},
		{Name: "read memberships", Path: pathUserListID, Do: memberships, May: ok, Gone: either(noPerson, noOrg), Shows: func(got any, a heard) bool {
			rows, _ := got.([]any)
			return lists(a, len(rows), "dept_user")
		}},
	}
}

// lists tells whether the answer has a list of so many entries.
func lists(a heard, n int, path ...string) bool {
	for _, list := range conformance.Lists(a.Body, path...) {
		if len(list) == n {
			return true
		}
	}
	return false
}

func showsMembers(got any, a heard) bool {
	return closedTo(a) || says("45029")(a) || lists(a, len(got.([]connectors.RemoteRecord)), "userlist")
}

func aboutOthers() []conformance.Asking[*Client] {
	leads := connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "2", Fields: map[string]any{leaders: "E1"}}
	return []conformance.Asking[*Client]{
		{Name: "insert a department", Path: pathDeptCreate, Write: true, Do: applied(orgInsert()), May: either(ok, says("60008"))},
		{Name: "update a department", Path: pathDeptUpdate, Write: true, Do: applied(org2), May: ok},
		{Name: "delete a department", Path: pathDeptDelete, Write: true, Do: applied(dropOrg), May: either(ok, noOrg)},
		{Name: "insert a department in doubt", Path: pathDeptGet, Do: applied(inDoubt(orgInsert())), May: either(ok, noOrg, closedTo),
			Then: pathDeptCreate, ThenIf: either(noOrg, closedTo, ok)},
		{Name: "set leaders", Path: pathDeptGet, Do: applied(leads), May: ok},
		{Name: "take a sibling over", Path: pathDeptList, Do: adopted, May: ok},
		{Name: "read a department", Path: pathDeptGet, Do: orgShown, May: either(ok, closedTo), Gone: either(noPerson, noOrg)},
		{Name: "read what is below", Path: pathDeptSimpleList, Do: childrenOf, May: ok, Gone: either(noPerson, noOrg), Shows: showsChildren},

		{Name: "send a message", Path: pathMessageSend, Write: true, Do: sent, May: ok, Shows: func(got any, a heard) bool {
			return got != "" && conformance.Says(a.Body, []string{got.(string)}, "msgid")
		}},

		{Name: "upload a file", Path: pathUpload, Do: started(SyncPeople), May: ok, Then: pathSyncUser, ThenIf: ok},
		{Name: "start a job", Path: pathSyncUser, Write: true, Do: started(SyncPeople), May: ok, Shows: func(got any, _ heard) bool { return got.(connectors.ImportJob).ID != "" }},
		{Name: "poll a job", Path: pathJobResult, Do: polled(SyncPeople), May: ok, Gone: either(noPerson, noOrg, says("40088", "40089")), Shows: showsLines},
	}
}

// showsChildren: of a list that shows something, no department is left out
// but those below another one, and the root.
func showsChildren(got any, a heard) bool {
	for _, list := range conformance.Lists(a.Body, "department_id") {
		elsewhere := 0
		for _, raw := range list {
			if conformance.Says(raw, []string{"1"}, "id") || len(conformance.Look(raw, "parentid")) > 0 && !conformance.Says(raw, []string{"1", "0", "null", ""}, "parentid") {
				elsewhere++
			}
		}
		if len(list) > 0 && len(list)-elsewhere <= len(got.([]string)) {
			return true
		}
	}
	return false
}

// showsLines: a line without a 0 of its own is no success. Lines that are
// missing are settled by calls.
func showsLines(got any, a heard) bool {
	result := got.(connectors.ImportResult)
	if !result.Done {
		return !conformance.Says(a.Body, []string{"3"}, "status") || len(conformance.Look(a.Body, "status")) > 1
	}
	good := 0
	for _, line := range result.Lines {
		if line.Fault == nil {
			good++
		}
	}
	for _, list := range append(conformance.Lists(a.Body, "result"), nil) {
		zeros := 0
		for _, raw := range list {
			if conformance.Says(raw, []string{"0"}, "errcode") {
				zeros++
			}
		}
		if good <= zeros {
			return true
		}
	}
	return false
}

// Whatever the answer to one call is.
func FuzzAnswers(f *testing.F) { conformance.FuzzAnswers(f, weCom(f)) }

func TestBrokenAnswers(t *testing.T) { conformance.TestBrokenAnswers(t, weCom(t)) }

func TestLongAnswers(t *testing.T) {
	conformance.TestLongAnswers(t, `{"errcode":0,"errmsg":"`, []string{"delete a person", "read memberships"}, weCom(t))
}

// Whatever an answer repeats of what was sent, no error shows it.
func FuzzEchoes(f *testing.F) { conformance.FuzzEchoes(f, weCom(f)) }
