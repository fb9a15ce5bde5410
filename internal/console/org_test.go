package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/store"
)

func TestTheTreeIsShownWithCountsAndMembers(t *testing.T) {
	w := newOrgWorld(t, false)
	has(t, "before the first pull", w.page("/org"), "never pulled", `action="/org/pulls"`, `value="ding_talk"`)
	ids := w.commit(0, smallOrg())
	body := w.page("/org")
	has(t, "the root", body, "示例公司", "研发部", "销售部", "!平台组", "!员工一", "<strong>4</strong> People")
	has(t, "the root", body, fmt.Sprintf(`href="/org?unit=%d">研发部</a> <span>3</span>`, ids["10"]))
	body = w.page(fmt.Sprint("/org?unit=", ids["10"]))
	has(t, "a department", body, "平台组", "员工一", "leads", fmt.Sprintf(`href="/org/people/%d"`, ids["@u1"]), "1 people in it, 3 with all below", "!员工三")
	body = w.page(fmt.Sprint("/org?live&unit=", ids["10"]))
	has(t, "what the script asks for", body, "平台组", "!员工一", "!<html", "!销售部")
	if got := w.ask(http.MethodGet, "/org?unit=99999", nil); got.status != http.StatusNotFound || !strings.Contains(got.body, "no department 99999") || !strings.Contains(got.body, "Back") {
		t.Errorf("a department that is not there: %d %s", got.status, got.body)
	}
	for path, field := range map[string]string{"/org?unit=x": "unit", "/org?as_of=yesterday": "as_of", "/org?version=-1": "version"} {
		if got := w.ask(http.MethodGet, path, nil); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "<code>"+field+"</code>") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestTheOrganisationIsSearched(t *testing.T) {
	w := newOrgWorld(t, false)
	ids := w.commit(0, smallOrg())
	has(t, "by name", w.page("/org?q=员工"), "员工一", "员工三", "员工四", "Results for")
	has(t, "by job number", w.page("/org?q=n3"), "员工三", "!员工一")
	has(t, "by mobile number", w.page("/org?q=10000000004"), "员工四", "!员工三", "!>10000000004<")
	body := w.page("/org?q=平台")
	has(t, "a department", body, fmt.Sprintf(`href="/org?unit=%d"`, ids["11"]), "示例公司 / 研发部")
	has(t, "nothing", w.page("/org?q=nobody-of-this-name"), "Nothing was found")
	has(t, "a script", w.page("/org?q="+url.QueryEscape(evilName)), "!"+evilName, "&lt;script&gt;alert(1)&lt;/script&gt;")
}

// With several organisations the links say which one they mean.
func TestOneOfSeveralOrganisationsIsShown(t *testing.T) {
	w := newOrgWorld(t, false)
	w.company(130, `{"company_id": 130, "name": "子公司", "consumers": {"we_com": {"base_url": "http://127.0.0.1:1", "corpid": "c", "corpsecret": "s"}}}`)
	ids := w.commit(0, smallOrg())
	body := w.page("/org")
	has(t, "the first", body, "示例公司 · DingTalk", `href="/org?company=130&amp;origin=we_com">子公司 · WeCom`, fmt.Sprintf("/org?company=129&amp;origin=ding_talk&amp;unit=%d", ids["10"]))
	body = w.page("/org?company=130&origin=we_com")
	has(t, "the second", body, "never pulled", `value="we_com"`, `name="company" value="130"`, "!研发部")
	has(t, "its pulls", w.page("/org/pulls?company=130&origin=we_com"), "no pulls yet", `value="we_com"`)
	if got := w.ask(http.MethodGet, "/org?company=4711", nil); got.status != http.StatusOK || !strings.Contains(got.body, "never pulled") || strings.Contains(got.body, "Pull now") {
		t.Errorf("an unknown one: %d %s", got.status, got.body)
	}
}

func TestNamesAreShownAsText(t *testing.T) {
	w := newOrgWorld(t, false)
	ids := w.commit(0, smallOrg())
	for _, path := range []string{
		"/org", fmt.Sprint("/org?unit=", ids["11"]), fmt.Sprint("/org/people/", ids["@u2"]), fmt.Sprintf("/org/people/%d/attendance", ids["@u2"]),
		fmt.Sprint("/org?live&unit=", ids["10"]), "/org/diff", "/org?q=script",
	} {
		has(t, path, w.page(path), "!"+evilName, "!onclick")
	}
	has(t, "the name", w.page(fmt.Sprint("/org/people/", ids["@u2"])), "&lt;script&gt;alert(1)&lt;/script&gt;")
}

func TestThePastIsShownAsItWas(t *testing.T) {
	w := newOrgWorld(t, false)
	before := smallOrg()
	w.commit(0, before)
	after := smallOrg()
	after.Units[1].Name = "研究院"
	after.Members = after.Members[:3] // u4 is gone
	after.Seats = after.Seats[:4]
	ids := w.commit(1, after)
	has(t, "now", w.page("/org"), "研究院", "!研发部", "!not that of now", "<strong>3</strong> People")
	body := w.page(fmt.Sprintf("/org?version=1&unit=%d", ids["11"]))
	has(t, "then", body, "研发部", "!研究院", "员工四", "not that of now", "Back to now", fmt.Sprintf("/org?unit=%d&amp;version=1", ids["20"]))
	today := time.Now().In(time.FixedZone("CST", 8*60*60))
	has(t, "today", w.page("/org?as_of="+today.Format(time.DateOnly)), "研究院", "!not that of now")
	if got := w.ask(http.MethodGet, "/org?as_of="+today.AddDate(0, 0, -2).Format(time.DateOnly), nil); got.status != http.StatusNotFound {
		t.Errorf("before the first pull: %d %s", got.status, got.body)
	}
	has(t, "versions", w.page("/org/versions"), `href="/org?version=1"`, `href="/org/diff?to=2"`, "pull-2")

	body = w.page("/org/diff")
	has(t, "the difference", body, "<del>研发部</del> → <ins>研究院</ins>", "员工四", "removed", "Differences 1–2 of 2")
	has(t, "of people", w.page("/org/diff?from=1&to=2&kind=person"), "员工四", "!研究院", "Differences 1–1 of 1")
	has(t, "from nothing", w.page("/org/diff?to=1"), "before the first pull", "Differences 1–8 of 8")

	start := strings.Index(body, "员工四")
	gone := body[strings.LastIndex(body[:start], `href="`)+6 : strings.LastIndex(body[:start], `">`)]
	has(t, "who is gone", w.page(strings.ReplaceAll(gone, "&amp;", "&")), "员工四", "not that of now")
	path, _, _ := strings.Cut(gone, "?")
	if got := w.ask(http.MethodGet, path, nil); got.status != http.StatusNotFound || !strings.Contains(got.body, "earlier version") {
		t.Errorf("who is gone, now: %d %s", got.status, got.body)
	}
}

func TestAPersonIsShownWithWhatWasSentOfThem(t *testing.T) {
	w := newOrgWorld(t, false)
	ids := w.commit(0, smallOrg())
	path := fmt.Sprint("/org/people/", ids["@u2"])
	has(t, "somebody else's", w.page(path), "neither created nor taken over", "员工一", "main")
	err := w.app.Store.PutBindings(context.Background(), orgTarget, "run-1", []orgflow.Binding{{Kind: orgflow.Person, SourceID: "1002", ConsumerID: "u2"}})
	if err != nil {
		t.Fatal(err)
	}
	has(t, "without an entry", w.page(path), "was ever sent")
	w.log["ding_talk person 1002"] = []api.LogEntry{
		{RunID: "run-3", Op: orgflow.Update, Outcome: orgflow.Failed, VendorCode: "60104", Message: "mobile is taken", Attempt: 3, Request: []byte(`{"name":"` + evilName + `"}`)},
		{RunID: "run-2", Op: orgflow.Update, Outcome: orgflow.Done},
		{RunID: "run-1", Op: orgflow.Insert, Outcome: orgflow.Done},
	}
	body := w.page(path)
	has(t, "the log", body, "60104", "mobile is taken", "attempt 3", `href="/sync/run-2"`, "!run-1", "cursor=2", "!"+evilName)
	has(t, "its rest", w.page(path+"?log=ding_talk&cursor=2"), "run-1", "!run-3")
	if got := w.ask(http.MethodGet, "/org/people/999999", nil); got.status != http.StatusNotFound {
		t.Errorf("nobody: %d", got.status)
	}
}

// shiftsOf are check points of a person's days, n pairs a day.
func shiftsOf(user string, from, to, pairs int) (days []string, rows []string) {
	for ago := from; ago >= to; ago-- {
		date := time.Now().In(time.FixedZone("CST", 8*60*60)).AddDate(0, 0, -ago).Format(time.DateOnly)
		days = append(days, date)
		for i := range pairs {
			for _, kind := range []string{"OnDuty", "OffDuty"} {
				rows = append(rows, fmt.Sprintf(`{"userId": %q, "workDate": %q, "checkType": %q, "planId": %d}`, user, date, kind, i+1))
			}
		}
	}
	return days, rows
}

func TestAttendanceIsShownCompletely(t *testing.T) {
	w := newOrgWorld(t, false)
	ids := w.commit(0, smallOrg())
	days, rows := shiftsOf("u1", 40, 10, 1) // 31 days, 62 records
	late, absent, missing := days[3], days[4], days[5]
	rows[2*3] = fmt.Sprintf(`{"userId": "u1", "workDate": %q, "checkType": "OnDuty", "timeResult": "Late", "userCheckTime": "%s 09:11:00"}`, late, late)
	for i, kind := range []string{"OnDuty", "OffDuty"} {
		rows[2*4+i] = fmt.Sprintf(`{"userId": "u1", "workDate": %q, "checkType": %q, "timeResult": "NotSigned"}`, absent, kind)
	}
	rows[2*5+1] = fmt.Sprintf(`{"userId": "u1", "workDate": %q, "checkType": "OffDuty", "timeResult": "NotSigned"}`, missing)
	w.control("state", `{"attendance": [`+strings.Join(rows, ",")+`]}`)
	person := fmt.Sprintf("/org/people/%d", ids["@u1"])
	has(t, "the person", w.page(person), `data-load="`+person+`/attendance"`)
	body := w.page(person + "/attendance?from=" + days[0] + "&to=" + days[30])
	if n := strings.Count(body, `<th scope="row">20`); n != 62 {
		t.Errorf("%d records", n)
	}
	if n := strings.Count(body, "<time "); n != 31 {
		t.Errorf("%d days", n)
	}
	has(t, "the calendar", body, "<strong>28</strong> normal", "<strong>1</strong> late", "<strong>1</strong> absent", "<strong>1</strong> missing", "late 11 min", "09:11", "All 62 records")
	for _, word := range []string{"late", "absent", "missing"} {
		day := map[string]string{"late": late, "absent": absent, "missing": missing}[word]
		has(t, word, body, fmt.Sprintf(`day-%s"><time datetime="%s"`, word, day))
	}
	has(t, "a month without an answer", w.page(person+"/attendance"), "Month before", "!Month after")

	w.control("options", `{"missing_permissions": ["qyapi_get_attendance_data"]}`)
	has(t, "without permission", w.page(person+"/attendance?from="+days[0]+"&to="+days[29]), "did not tell", "qyapi_get_attendance_data", `role="alert"`)
	for _, bad := range []string{"?month=May", "?from=1&to=2", "?from=2026-02-02&to=2026-01-01", "?from=2026-01-01&to=2026-12-31"} {
		if got := w.ask(http.MethodGet, person+"/attendance"+bad, nil); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
}

func TestPullsAreStartedAndDecidedByWhoMay(t *testing.T) {
	w := newOrgWorld(t, true)
	w.commit(0, smallOrg())
	origin := []string{"Origin", w.server.URL}
	form := url.Values{"company": {"129"}, "origin": {"ding_talk"}, "reason": {"left in May"}}
	// u1 reads, u2 operates, u3 approves; to DingTalk they are members.
	for _, act := range []struct {
		who, path string
		status    int
	}{
		{"u1", "/org/pulls", 403}, {"u2", "/org/pulls", 303}, {"u1", "/org/pulls/p/cancel", 403}, {"u2", "/org/pulls/p/cancel", 303},
		{"u2", "/org/pulls/p/approve", 403}, {"u2", "/org/pulls/p/reject", 403},
		{"u3", "/org/pulls/p%2F1/approve", 303}, {"u3", "/org/pulls/p/reject", 303},
	} {
		got := w.ask(http.MethodPost, act.path, form, append(origin, "Cookie", w.session(act.who))...)
		if got.status != act.status {
			t.Errorf("%s %s: %d %s", act.who, act.path, got.status, got.body)
		}
	}
	want := `start {"company_id":129,"origin":"ding_talk"}|cancel p N2|decide p/1 true N3 left in May|decide p false N3 left in May`
	if got := strings.Join(w.orgs.did, "|"); got != want {
		t.Errorf("done %s", got)
	}
	if got := strings.Join(w.acts, "|"); got != "N2 start pull a/b" {
		t.Errorf("written down: %s", got)
	}
	has(t, "who only reads", w.ask(http.MethodGet, "/org", nil, "Cookie", w.session("u1")).body, "!Pull now")
	if got := w.ask(http.MethodGet, "/org", nil); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/signin") {
		t.Errorf("nobody: %d %s", got.status, got.header)
	}
	if got := w.ask(http.MethodPost, "/org/pulls", form, "Origin", "https://evilName.example", "Cookie", w.session("u3")); got.status != http.StatusForbidden || len(w.orgs.did) != 4 {
		t.Errorf("a form of somebody else: %d", got.status)
	}
	for _, verb := range []string{"approve", "reject"} {
		unexplained := url.Values{"reason": {"  "}}
		if got := w.ask(http.MethodPost, "/org/pulls/p/"+verb, unexplained, append(origin, "Cookie", w.session("u3"))...); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "a reason is required") || len(w.orgs.did) != 4 {
			t.Errorf("%s without a reason: %d %s", verb, got.status, w.orgs.did)
		}
	}
	w.orgs.fail = orgflow.Faultf(orgflow.CodeConflict, "pull p has ended already")
	got := w.ask(http.MethodPost, "/org/pulls/p/approve", form, append(origin, "Cookie", w.session("u3"), "Referer", w.server.URL+"/org/pulls/p")...)
	if got.status != http.StatusConflict || !strings.Contains(got.body, "has ended already") || !strings.Contains(got.body, `href="/org/pulls/p">`) {
		t.Errorf("too late: %d %s", got.status, got.body)
	}
}

// A pull that waits names whom it would remove.
func TestParkedRemovalsAreNamed(t *testing.T) {
	w := newOrgWorld(t, false)
	ctx := context.Background()
	w.commit(0, smallOrg())
	has(t, "no pull", w.page("/org/pulls"), "no pulls yet")
	pull, _, err := w.app.Store.CreatePull(ctx, store.NewPull{FirstRunID: "r1", WorkflowID: "pull-2", Input: orgflow.PullInput{CompanyID: 129}.WithDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	has(t, "one without a record", w.page("/org/pulls/pull%20a%2Fb"), "running", "prepare", "/org/pulls/pull%20a%2Fb/cancel")
	body := w.page("/org/pulls/pull-2")
	has(t, "a running one", body, `data-live`, "running", `max="8" value="0"`, "/cancel", "http://ui/namespaces/name%20space/workflows/pull-2", "!Approve")
	seen := smallOrg()
	if err := w.app.Store.BeginPull(ctx, pull.ID, orgflow.OrgUnit{RemoteID: "1", Name: "示例公司"}, ""); err != nil {
		t.Fatal(err)
	}
	step := store.PullStep{Unit: store.PullUnit{ID: "1"}, Found: seen.Units[1:2], Deep: true, People: seen.Members[:1], Seats: seen.Seats[:1], Done: true}
	if err := w.app.Store.SavePullStep(ctx, pull.ID, step); err != nil {
		t.Fatal(err)
	}
	_, err = w.app.Store.CommitVersion(ctx, store.NewVersion{
		PullID: pull.ID, Target: orgTarget, Base: 1, Tree: seen, Parked: 5,
		Changes: map[orgflow.Kind]orgflow.OrgCount{orgflow.Org: {Parked: 2}, orgflow.Person: {Parked: 3}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.app.Store.ParkPull(ctx, pull.ID); err != nil {
		t.Fatal(err)
	}
	body = w.page("/org/pulls/pull-2")
	has(t, "a waiting one", body, "5 removals wait", "销售部", "平台组", "员工三", "员工四", "!员工一", "!"+evilName, "Approve the removals", `formaction="/org/pulls/pull-2/reject"`, "!the first 100")
	has(t, "the list", w.page("/org/pulls"), "awaiting approval", `href="/org/pulls/pull-2"`)
	if _, err := w.app.Store.FinishPull(ctx, pull.ID, orgflow.StatusRejected, nil, []string{"rejected by N3"}); err != nil {
		t.Fatal(err)
	}
	over := w.ask(http.MethodGet, "/org/pulls/pull-2?live", nil)
	has(t, "a rejected one", over.body, "rejected by N3", "!员工四", "!Approve")
	if over.header.Get("Orgflow-Live") != "over" {
		t.Error("the page goes on asking")
	}
}
