package dtsim_test

import (
	"strings"
	"testing"
	"time"
)

func TestInvitations(t *testing.T) {
	w := newWorld(t, `{"protected_mobiles":["10000000009"]}`)
	create := `{"userid":"E9","name":"新人","mobile":"10000000009","dept_id_list":"1"}`
	invite := func(want string) {
		t.Helper()
		if got := w.call("/v2/user/create", create).code(); got != want {
			t.Fatalf("create answers %s, want %s", got, want)
		}
	}
	invite("40103")
	invite("40103") // a repetition is assumed to answer the same
	for path, body := range map[string]string{
		"get": `{"userid":"E9"}`, "update": `{"userid":"E9","title":"x"}`, "delete": `{"userid":"E9"}`, "getbymobile": `{"mobile":"10000000009"}`,
	} {
		if got := w.call("/v2/user/"+path, body).code(); got != "60121" {
			t.Errorf("§5.3 %s of an invited person answers %s", path, got)
		}
	}
	if !strings.Contains(w.state(), `"pending_invites":[{"userid":"E9"`) {
		t.Error("the state shows no invitation")
	}
	for _, bad := range []string{`{"userid":"E1"}`, `{}`, `{"user":"E9"}`} {
		if code, _ := w.control("POST", "accept", bad); code != 400 {
			t.Errorf("accept %s answers %d", bad, code)
		}
	}
	if code, body := w.control("POST", "accept", `{"userid":"E9"}`); code != 200 {
		t.Fatal(body)
	}
	if a := w.must("/v2/user/get", `{"userid":"E9"}`); a.text("result.active") != "true" {
		t.Errorf("§5.3 who accepted is not active: %s", a.body)
	}
	w.options(`{"protected_mobiles":[]}`)
	w.must("/v2/user/delete", `{"userid":"E9"}`)
	invite("40103") // removed on the day of joining
	if got := w.must("/user/count", `{"only_active":false}`).text("result.count"); got != "0" {
		t.Errorf("§5.3 the directory counts %s people, want none", got)
	}
}

// What § 5.3 leaves open has a switch.
func TestInvitationSwitches(t *testing.T) {
	const body = `{"userid":"E9","name":"新人","mobile":"10000000009","dept_id_list":"1"}`
	for name, c := range map[string]struct {
		options string
		wait    time.Duration
		again   string // what a second create answers
		times   string // invitations the state shows then
		joins   string // the userid after accepting; empty: refused
	}{
		"as assumed":                {`{}`, 300 * 24 * time.Hour, "40103", `"times":2`, "E9"},
		"a repetition is refused":   {`{"repeated_invite_code":60104}`, time.Hour, "60104", `"times":1`, "E9"},
		"still open":                {`{"invite_days":7,"repeated_invite_code":60104}`, 7*24*time.Hour - time.Second, "60104", `"times":1`, "E9"},
		"expired, and sent again":   {`{"invite_days":7,"repeated_invite_code":60104}`, 7 * 24 * time.Hour, "40103", `"times":2`, "E9"},
		"expired, nobody protected": {`{"invite_days":7,"protected_mobiles":[]}`, 7 * 24 * time.Hour, "0", `"pending_invites":[]`, ""},
		"a userid of its own":       {`{"invite_keeps_userid":false}`, time.Hour, "40103", `"times":2`, "180000000000000001"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, `{"protected_mobiles":["10000000009"],"token_seconds":100000000}`)
			w.call("/v2/user/create", body)
			w.options(c.options)
			w.clock.Pass(c.wait)
			if got := w.call("/v2/user/create", body).code(); got != c.again {
				t.Errorf("a second create answers %s, want %s", got, c.again)
			}
			if !strings.Contains(w.state(), c.times) {
				t.Errorf("the state does not show %s", c.times)
			}
			code, answer := w.control("POST", "accept", `{"userid":"E9"}`)
			if c.joins == "" {
				if code != 400 {
					t.Errorf("accept answers %d %s", code, answer)
				}
				return
			}
			if got := w.must("/v2/user/getbymobile", `{"mobile":"10000000009"}`).text("result.userid"); code != 200 || got != c.joins || !strings.Contains(answer, c.joins) {
				t.Errorf("accept answers %d %s, the number is %s's, want %s", code, answer, got, c.joins)
			}
		})
	}
	w := newWorld(t, `{"protected_mobiles":["10000000009"],"invite_days":1}`)
	w.call("/v2/user/create", body)
	w.clock.Pass(24 * time.Hour)
	if code, _ := w.control("POST", "accept", `{"userid":"E9"}`); code != 400 {
		t.Errorf("an expired invitation is accepted: %d", code)
	}
}

func TestRejoinAfterSameDayLeave(t *testing.T) {
	for _, c := range []struct {
		name, options string
		stay, wait    time.Duration
		want          string
	}{
		{"invited, within 24 hours", "", time.Hour, 23 * time.Hour, "40103"},
		{"invited, after 24 hours", "", time.Hour, 24 * time.Hour, "0"},
		{"invited, left another day", "", 20 * time.Hour, time.Hour, "0"},
	} {
		t.Run("§5.3 "+c.name, func(t *testing.T) {
			w := newWorld(t, `{"protected_mobiles":["10000000009"],"token_seconds":1000000}`)
			body := `{"userid":"E9","name":"新人","mobile":"10000000009","dept_id_list":"1"}`
			w.call("/v2/user/create", body)
			w.control("POST", "accept", `{"userid":"E9"}`)
			w.options(`{"protected_mobiles":[]}`)
			w.clock.Pass(c.stay)
			w.must("/v2/user/delete", `{"userid":"E9"}`)
			w.clock.Pass(c.wait)
			if got := w.call("/v2/user/create", body).code(); got != c.want {
				t.Errorf("answers %s, want %s", got, c.want)
			}
		})
	}
	for options, want := range map[string]string{`{}`: "0", `{"rejoin_pending":"all"}`: "40103"} {
		w := newWorld(t, options)
		w.user("E1", 1, "1")
		w.must("/v2/user/delete", `{"userid":"E1"}`)
		if got := w.call("/v2/user/create", `{"userid":"E1","name":"甲","mobile":"10000000001","dept_id_list":"1"}`).code(); got != want {
			t.Errorf("§5.3 who was never invited, options %s: %s, want %s", options, got, want)
		}
	}
}

func TestMobileOfAnActiveUser(t *testing.T) {
	w := newWorld(t, "")
	if err := w.sim.PutState([]byte(`{"users":[{"userid":"E1","name":"甲","mobile":"10000000001","dept_id_list":[1],"active":true}]}`)); err != nil {
		t.Fatal(err)
	}
	if got := w.call("/v2/user/update", `{"userid":"E1","mobile":"10000000002"}`).code(); got != "40022" {
		t.Errorf("§13 answers %s", got)
	}
}

func TestConflictNamesTheHolder(t *testing.T) {
	w := newWorld(t, `{"user_conflict_returns_userid":true}`)
	w.user("E1", 1, "1")
	if a := w.call("/v2/user/create", `{"name":"乙","mobile":"10000000001","dept_id_list":"1"}`); a.code() != "60104" || a.text("userid") != "E1" {
		t.Errorf("§5.2 %s", a.body)
	}
}

func TestExtensionModes(t *testing.T) {
	w := newWorld(t, "")
	w.must("/v2/user/create", `{"userid":"E1","name":"甲","mobile":"10000000001","dept_id_list":"1","extension":"{\"a\":\"1\",\"b\":\"2\"}"}`)
	for _, step := range []struct{ update, want string }{
		{`"ext_attrs_update_mode":1,"extension":"{\"b\":\"3\",\"c\":\"4\"}"`, `{"a":"1","b":"3","c":"4"}`},
		{`"title":"x"`, `{"a":"1","b":"3","c":"4"}`},
		{`"extension":"{\"b\":\"5\"}"`, `{"b":"5"}`},
		{`"extension":"{}"`, ``},
	} {
		w.must("/v2/user/update", `{"userid":"E1",`+step.update+`}`)
		if got := w.must("/v2/user/get", `{"userid":"E1"}`).text("result.extension"); got != step.want {
			t.Errorf("§4.7 after %s: %s, want %s", step.update, got, step.want)
		}
	}
	w.must("/v2/user/update", `{"userid":"E1","extension":"{\"b\":\"5\"}"}`)
	w.options(`{"absent_extension_clears":true}`)
	w.must("/v2/user/update", `{"userid":"E1","title":"y"}`)
	if got := w.must("/v2/user/get", `{"userid":"E1"}`).text("result.extension"); got != "" {
		t.Errorf("§4.7 read the harsh way it is still %s", got)
	}
}

func TestManagersAndLeaders(t *testing.T) {
	w := newWorld(t, "")
	d := w.dept("研发部", 1)
	w.user("E1", 1, d)
	w.user("E2", 2, d+",1")
	managers := func() string {
		return w.must("/v2/department/get", `{"dept_id":`+d+`}`).text("result.dept_manager_userid_list")
	}
	w.must("/v2/department/update", `{"dept_id":`+d+`,"dept_manager_userid_list":"E1,E2","org_dept_owner":"E2"}`)
	if got := managers(); got != `["E1","E2"]` {
		t.Errorf("§4.3 managers %s", got)
	}
	w.must("/v2/department/update", `{"dept_id":`+d+`,"dept_manager_userid_list":""}`)
	if got := managers(); got != `["E1","E2"]` {
		t.Errorf("§4.2 an empty list changed the managers to %s", got)
	}
	if a := w.must("/v2/user/get", `{"userid":"E2"}`); a.text("result.leader_in_dept") != `[{"dept_id":`+d+`,"leader":true},{"dept_id":1,"leader":false}]` {
		t.Errorf("§4.8 %s", a.body)
	}
	w.must("/v2/user/update", `{"userid":"E2","dept_id_list":"1"}`)
	if got := managers(); got != `["E1"]` {
		t.Errorf("who left the department still manages it: %s", got)
	}
	w.must("/v2/department/update", `{"dept_id":`+d+`,"force_update_fields":"dept_manager_userid_list"}`)
	if got := managers(); got != `[]` {
		t.Errorf("§4.2 cleared managers are %s", got)
	}
	manager := func() string { return w.must("/v2/user/get", `{"userid":"E1"}`).text("result.manager_userid") }
	w.must("/v2/user/update", `{"userid":"E1","manager_userid":"E2"}`)
	w.must("/v2/user/update", `{"userid":"E1","manager_userid":""}`)
	if manager() != "E2" {
		t.Error("§4.7 an empty manager changed the manager")
	}
	w.must("/v2/user/delete", `{"userid":"E2"}`)
	if manager() != "" {
		t.Error("a manager who is gone is still shown")
	}
	w.must("/v2/user/update", `{"userid":"E1","title":"x"}`) // and does not stand in the way of updates
	w.user("E2", 2, d)
	w.must("/v2/user/update", `{"userid":"E1","force_update_fields":"manager_userid"}`)
	if manager() != "" {
		t.Error("§4.7 the manager was not cleared")
	}
}
