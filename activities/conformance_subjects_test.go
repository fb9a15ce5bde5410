package activities

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"orgflow/connectors"
	aghsim "orgflow/connectors/aiguanhuai/sim"
	"orgflow/connectors/dingtalk"
	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"
	wcsim "orgflow/connectors/wecom/sim"
)

// dingTalkVendor is DingTalk over one of its contact interfaces.
func dingTalkVendor(api string) vendor {
	return vendor{
		code:      "ding_talk",
		settings:  `{"base_url": "BASE", "api_base_url": "BASE", "api": "` + api + `", "appkey": "dingsim-app", "appsecret": "dingsim-secret", "root_department_id": 1, "qps": 0}`,
		simulator: func(now func() time.Time) simctl.Simulator { return dtsim.New(dtsim.Options{Now: now}) },
		connect: func(s connectors.Settings, wire http.RoundTripper, now func() time.Time) (connectors.Consumer, error) {
			var cfg dingtalk.Config
			if err := json.Unmarshal(s.JSON, &cfg); err != nil {
				return nil, err
			}
			return dingtalk.New(cfg, dingtalk.Options{Transport: wire, Now: now})
		},
	}
}

func dingTalk(api, prefix string) subject {
	s := subject{
		name: "DingTalk " + api, vendor: dingTalkVendor(api),
		holds: heldAtDingTalk, envelope: "errcode",
		calls:     []string{prefix + "/user/*", prefix + "/department/*"},
		bad:       refuses(prefix+"/user/create", "60103"),
		throttled: []string{`"errcode": 90018`, `"http_status": 429`},
		gone:      []string{"60121", "60111", "60003", "33012", "40003", "40009"},
		lacks: map[string]string{
			"a web page": "it means that the address is banned for a while, which is waited out (DingTalk reference § 10.3)",
		},
	}
	for _, op := range []string{"create", "update", "delete"} {
		s.writes = append(s.writes, prefix+"/user/"+op, prefix+"/department/"+op)
	}
	return s
}

// refuses answers an insert of a person with a code.
func refuses(path, code string) func(*trial, string) {
	return func(w *trial, userid string) {
		w.fault(`{"path": "` + path + `", "errcode": "` + code + `", "match": {"userid": "` + userid + `"}}`)
	}
}

func heldAtDingTalk(state any) holding {
	out := holding{map[string]heldOrg{}, map[string]heldPerson{}}
	for _, d := range state.(dtsim.State).Departments {
		out.orgs[number(d.ID)] = heldOrg{Name: d.Name, Parent: number(d.ParentID), Leaders: d.Managers}
	}
	for _, u := range state.(dtsim.State).Users {
		p := heldPerson{Name: u.Name, Mobile: u.Mobile, Title: u.Title, Manager: u.Manager}
		for _, id := range u.DeptIDs {
			p.Orgs = append(p.Orgs, number(id))
		}
		out.people[u.UserID] = p
	}
	return out
}

func heldAtWeCom(state any) holding {
	out := holding{map[string]heldOrg{}, map[string]heldPerson{}}
	for _, d := range state.(wcsim.State).Departments {
		out.orgs[number(d.ID)] = heldOrg{Name: d.Name, Parent: number(d.ParentID)}
	}
	for _, u := range state.(wcsim.State).Users {
		p := heldPerson{Name: u.Name, Mobile: u.Mobile, Title: u.Position, Manager: strings.Join(u.DirectLeader, ",")}
		for i, id := range u.Department {
			p.Orgs = append(p.Orgs, number(id))
			if d := out.orgs[number(id)]; u.Leader[i] == 1 {
				d.Leaders = append(d.Leaders, u.UserID)
				out.orgs[number(id)] = d
			}
		}
		out.people[u.UserID] = p
	}
	return out
}

func number(id int64) string { return strconv.FormatInt(id, 10) }

// aiGuanHuai is 爱关怀 told what changed, or pushed everybody.
func aiGuanHuai(push string, calls ...string) subject {
	s := subject{
		name: "爱关怀 " + push, vendor: aiGuanHuaiVendor(push, `, "signing": {"preset": "none"}`),
		holds: heldAtAiGuanHuai, envelope: "errno",
		calls: []string{"/v3/oms/*"},
		bad: func(w *trial, userid string) {
			w.options(`{"refuse": ["` + userid + `"]}`)
			w.restore = `{"refuse": []}`
		},
		throttled: []string{`"http_status": 429`},
		lacks: map[string]string{
			lacksLeaders:  "its departments have no leaders",
			lacksManagers: "its persons have no managers",
			lacksTokens:   "each call is signed, nothing expires",
			lacksReads:    "no call of it reads",
		},
	}
	for _, call := range calls {
		s.writes = append(s.writes, "/v3/oms/"+call)
	}
	return s
}

func heldAtAiGuanHuai(state any) holding {
	out := holding{map[string]heldOrg{}, map[string]heldPerson{}}
	for _, d := range state.(aghsim.State).Departments {
		if d.Status == 1 {
			out.orgs[d.ID] = heldOrg{Name: d.Name, Parent: cmp.Or(d.ParentID, "(top)")}
		}
	}
	for _, p := range state.(aghsim.State).Persons {
		if p.Status == 1 {
			out.people[p.UserID] = heldPerson{Name: p.RealName, Mobile: p.Mobile, Title: p.Position, Orgs: p.Departments}
		}
	}
	return out
}
