package dingtalk

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
)

type heard = conformance.Answer

// ok: errcode 0, as number or text (DingTalk reference § 1).
func ok(a heard) bool {
	return a.Status >= 200 && a.Status < 300 && conformance.Says(a.Body, []string{"0"}, "errcode")
}

// says: one of the vendor's codes, wrapped or not.
func says(codes ...string) func(a heard) bool {
	return func(a heard) bool {
		return conformance.Says(a.Body, codes, "errcode") || conformance.Says(a.Body, codes, "sub_code") || conformance.Says(a.Body, codes, "code")
	}
}

func either(conditions ...func(a heard) bool) func(a heard) bool {
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
	noPerson = says("33012", "60121", "60111", "40003")
	noOrg    = says("60003", "40009")
)

func doubted(e connectors.Effect) connectors.Effect {
	e.InDoubt = true
	return e
}

func reinvited(e connectors.Effect) connectors.Effect {
	e.Invited, e.Reinvite = true, true
	return e
}

// words are what differs between the interfaces: paths, and where lists are.
type words struct {
	token, userCreate, userUpdate, userDelete, userGet, userByMobile, userList string
	deptCreate, deptUpdate, deptDelete, deptGet, deptSub, deptSubID            string
	members, ids, subs                                                         []string
	hasMore                                                                    []string
}

var wordsOf = map[string]words{
	"v2": {
		newToken.path, pathUserCreate, pathUserUpdate, pathUserDelete, pathUserGet, pathUserByMobile, pathUserList,
		pathDeptCreate, pathDeptUpdate, pathDeptDelete, pathDeptGet, pathDeptListSub, pathDeptListSubID,
		[]string{"result", "list"}, []string{"result", "dept_id_list"}, []string{"result"}, []string{"result", "has_more"},
	},
	"v1": {
		getToken.path, "/user/create", "/user/update", "/user/delete", "/user/get", "/user/get_by_mobile", "/user/listbypage",
		"/department/create", "/department/update", "/department/delete", "/department/get", "/department/list", "/department/list_ids",
		[]string{"userlist"}, []string{"sub_dept_id_list"}, []string{"department"}, []string{"hasMore"},
	},
}

func vendorOf(t testing.TB, api string) conformance.Vendor[*Client] {
	t.Helper()
	w := wordsOf[api]
	return conformance.Vendor[*Client]{
		Name: api, Samples: conformance.Samples(t, sampleFiles[api]), Askings: slices.Concat(w.persons(), w.departments(), messages(api)),
		Connect: func(t testing.TB, wire http.RoundTripper) *Client { return wired(t, api, wire) },
		// A page is the ban of our address, before which nothing was done (DingTalk reference § 10.3).
		Refusal: func(a heard) bool { return strings.HasPrefix(string(conformance.Trim(a.Body)), "<") && a.Status < 300 },
	}
}

func (w words) persons() []conformance.Asking[*Client] {
	gone, there := either(ok, noPerson), func(got any, _ heard) bool { return got != "" }
	nobody := either(noPerson, says("40104"))
	return []conformance.Asking[*Client]{
		{Name: "token", Path: w.token, Do: token, May: w.bearsToken, Shows: there},
		{Name: "insert a person", Path: w.userCreate, Write: true, Do: applied(personInsert()),
			May: either(ok, says("40103", "60102", "60104", "60107", "40100", "40101", "60105", "60106"))},
		{Name: "update a person", Path: w.userUpdate, Write: true, Do: applied(personE1), May: ok},
		{Name: "delete a person", Path: w.userDelete, Write: true, Do: applied(deleted(orgflow.Person, "E1")), May: gone},
		{Name: "insert a person in doubt", Path: w.userGet, Do: applied(doubted(personInsert())), May: gone, Then: w.userCreate, ThenIf: noPerson},
		{Name: "delete a person in doubt", Path: w.userGet, Do: applied(doubted(deleted(orgflow.Person, "E1"))), May: gone},
		{Name: "look for who is invited", Path: w.userGet, Do: applied(reinvited(personInsert())), May: gone, Then: w.userCreate, ThenIf: noPerson},
		{Name: "look for a number", Path: w.userByMobile, Do: byMobile, May: either(ok, nobody),
			Shows: func(got any, a heard) bool { return got != "" || nobody(a) }},
		{Name: "read a person", Path: w.userGet, Do: personShown, May: ok, Gone: either(noPerson, noOrg)},
		{Name: "read members", Path: w.userList, Do: members, May: ok, Gone: either(noPerson, noOrg), Shows: w.showsMembers},
		{Name: "read attendance", Path: pathAttendance, Do: punches, May: ok, Shows: showsPunches},
		{Name: "check the scope", Path: "/auth/scopes", Do: checked, May: ok},
	}
}

func (w words) departments() []conformance.Asking[*Client] {
	listed := func(a heard) bool { return ok(a) && len(conformance.Lists(a.Body, w.subs...)) > 0 }
	return []conformance.Asking[*Client]{
		{Name: "insert a department", Path: w.deptCreate, Write: true, Do: applied(orgInsert()), May: either(ok, says("60008", "60021"))},
		{Name: "update a department", Path: w.deptUpdate, Write: true, Do: applied(org37), May: ok},
		{Name: "delete a department", Path: w.deptDelete, Write: true, Do: applied(deleted(orgflow.Org, "37489345")), May: either(ok, noOrg)},
		{Name: "insert a department in doubt", Path: w.deptSub, Do: applied(doubted(orgInsert())), May: ok, Then: w.deptCreate, ThenIf: listed},
		{Name: "delete a department in doubt", Path: w.deptGet, Do: applied(doubted(deleted(orgflow.Org, "37489345"))), May: either(ok, noOrg)},
		{Name: "read a department", Path: w.deptGet, Do: orgShown, May: ok, Gone: either(noPerson, noOrg)},
		{Name: "read what is below", Path: w.deptSubID, Do: children, May: ok, Gone: either(noPerson, noOrg), Shows: w.showsChildren},
		{Name: "read sub-departments", Path: w.deptSub, Do: subDepartments, May: ok, Gone: either(noPerson, noOrg), Shows: w.showsSubDepartments},
	}
}

func (w words) bearsToken(a heard) bool {
	if w.token == newToken.path {
		return a.Status < 300 && len(conformance.Look(a.Body, "accessToken")) > 0
	}
	return ok(a) && len(conformance.Look(a.Body, "access_token")) > 0
}

// showsMembers: nobody of the page is left out, and a page is the last one
// only where the answer says so. v1 may leave that to a page that is not full.
func (w words) showsMembers(got any, a heard) bool {
	page := got.(connectors.RemotePage)
	for _, list := range conformance.Lists(a.Body, w.members...) {
		if len(list) == len(page.Records) {
			return page.Next != "" || len(w.hasMore) == 1 && len(list) < pageSize || conformance.Says(a.Body, []string{"false", "False", "FALSE", "0"}, w.hasMore...)
		}
	}
	return false
}

// showsPunches: no punch is left out, and a page is the last one only where
// the answer says so.
func showsPunches(got any, a heard) bool {
	page := got.(connectors.AttendancePage)
	for _, list := range conformance.Lists(a.Body, "recordresult") {
		if len(list) == len(page.Records) {
			return page.Next != "" || conformance.Says(a.Body, []string{"false", "False", "FALSE", "0"}, "hasMore")
		}
	}
	return false
}

// showsChildren: no department is left out, but pseudo departments, whose
// ids are below 1.
func (w words) showsChildren(got any, a heard) bool {
	for _, list := range conformance.Lists(a.Body, w.ids...) {
		departments := 0
		for _, raw := range list {
			if n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64); err != nil || n > 0 {
				departments++
			}
		}
		if departments == len(got.([]string)) {
			return true
		}
	}
	return false
}

// showsSubDepartments: v1 leaves out what is not directly below.
func (w words) showsSubDepartments(got any, a heard) bool {
	for _, list := range conformance.Lists(a.Body, w.subs...) {
		if len(w.subs) == 1 && w.subs[0] == "department" || len(list) == len(got.([]Department)) {
			return true
		}
	}
	return false
}

// Whatever the answer to one call is, in either interface.
func FuzzAnswers(f *testing.F) { conformance.FuzzAnswers(f, vendorOf(f, "v2"), vendorOf(f, "v1")) }

func TestBrokenAnswers(t *testing.T) {
	conformance.TestBrokenAnswers(t, vendorOf(t, "v2"), vendorOf(t, "v1"))
}

func TestLongAnswers(t *testing.T) {
	conformance.TestLongAnswers(t, `{"errcode":0,"errmsg":"`, []string{"delete a person", "read members", "read attendance"}, vendorOf(t, "v2"), vendorOf(t, "v1"))
}

// messages are sent the same way beside either contact interface; their
// samples stand with those of v2.
func messages(api string) []conformance.Asking[*Client] {
	if api != "v2" {
		return nil
	}
	named := func(a heard, list string) bool {
		for _, entries := range conformance.Lists(a.Body, "send_result", list) {
			for _, raw := range entries {
				if conformance.Says(raw, []string{"E1", "e1"}) {
					return true
				}
			}
		}
		return conformance.Says(a.Body, []string{"E1", "e1"}, "send_result", list) // one text where a list is due
	}
	return []conformance.Asking[*Client]{
		{Name: "send a message", Path: pathMessageSend, Write: true, Do: sent, May: ok, Shows: func(got any, a heard) bool {
			return got != "" && conformance.Says(a.Body, []string{got.(string)}, "task_id")
		}},
		{Name: "ask what became of a message", Path: pathMessageResult, Do: delivery, May: ok, Gone: either(noPerson, noOrg), Shows: func(got any, a heard) bool {
			return got != "delivered " || named(a, "read_user_id_list") || named(a, "unread_user_id_list")
		}},
	}
}

// Whatever an answer repeats of what was sent, no error shows it.
func FuzzEchoes(f *testing.F) { conformance.FuzzEchoes(f, vendorOf(f, "v2"), vendorOf(f, "v1")) }
