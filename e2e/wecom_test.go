package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const weComJob = `{"services":["org_new","person_new"],"consumer":"we_com","company_id":129,"params":{}}`

// weComState is what the WeCom simulator shows of itself.
type weComState struct {
	Departments []struct {
		ID       int64  `json:"id"`
		Name     string `json:"name"`
		ParentID int64  `json:"parentid"`
	} `json:"departments"`
	Users []struct {
		UserID       string   `json:"userid"`
		Name         string   `json:"name"`
		Mobile       string   `json:"mobile"`
		Position     string   `json:"position"`
		Department   []int64  `json:"department"`
		Main         int64    `json:"main_department"`
		Leader       []int64  `json:"is_leader_in_dept"`
		DirectLeader []string `json:"direct_leader"`
	} `json:"users"`
}

// newWeComWorld has a company 129 whose consumer is WeCom, without a rate
// limit at either end.
func newWeComWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.put("companies/129/company.json", encode(t, object{
		"company_id": 129, "name": "e2e", "time_zone": "Asia/Shanghai",
		"source": object{"type": "hcm", "base_url": "http://" + w.sims + "/hcm", "page_size": 500, "auth": object{"mode": "bearer", "token": "${HCM_TOKEN}"}},
		"consumers": object{"we_com": object{
			"base_url": "http://" + w.sims + "/wecom", "corpid": "${WECOM_CORPID}", "corpsecret": "${WECOM_CORPSECRET}", "qps": 0,
		}},
	}))
	return w
}

func (w *world) weComOptions(raw string) {
	w.t.Helper()
	must(w.t, "PUT", w.simURL("wecom", "options"), raw, nil)
}

// weComWrites are the writes by path since the last look.
func (w *world) weComWrites() map[string]int {
	w.t.Helper()
	r := w.requests("wecom")
	must(w.t, "DELETE", w.simURL("wecom", "requests"), "", nil)
	return r.writesByPath()
}

// inStepWithWeCom compares the enterprise with the source.
func (w *world) inStepWithWeCom() {
	w.t.Helper()
	var s weComState
	must(w.t, "GET", w.simURL("wecom", "state"), "", &s)
	names := map[int64]string{}
	for _, d := range s.Departments {
		names[d.ID] = d.Name
	}
	root := s.Departments[0].Name
	got := map[string]string{}
	for _, d := range s.Departments[1:] {
		got["org "+names[d.ParentID]+"/"+d.Name] = "there"
	}
	for _, u := range s.Users {
		var places []string
		for i, id := range u.Department {
			places = append(places, fmt.Sprintf("%s%d", names[id], u.Leader[i]))
		}
		got["person "+u.UserID] = fmt.Sprint(u.Name, u.Mobile, u.Position, places, names[u.Main], u.DirectLeader)
	}
	if d := cmp.Diff(wantedAtWeCom(w.t, w.source(), root), got); d != "" {
		w.t.Errorf("source and WeCom differ (-source +wecom):\n%s", d)
	}
}

// wantedAtWeCom says what the source's rows look like there.
func wantedAtWeCom(t *testing.T, rows hcm, root string) map[string]string {
	t.Helper()
	names, parents, leads := map[int]string{}, map[int]int{}, map[string]bool{}
	for _, o := range rows.Organization {
		id := number(o["id"])
		names[id], parents[id] = text(o["name"]), number(o["parent_id"])
		leads[fmt.Sprint(id, "by", number(o["manager_id"]))] = true
	}
	out := map[string]string{}
	for id, name := range names {
		if parents[id] == 0 {
			names[id] = root
		}
		if parent := parents[id]; parent != 0 && parents[parent] == 0 {
			out["org "+root+"/"+name] = "there"
		} else if parent != 0 {
			out["org "+names[parent]+"/"+name] = "there"
		}
	}
	numbers := map[int]string{}
	for _, e := range rows.Employee {
		numbers[number(e["id"])] = text(e["number"])
	}
	for _, e := range rows.Employee {
		var places []string
		main := ""
		for i, d := range e["departments"].([]any) {
			id := number(d.(object)["origin_id"])
			flag := 0
			if leads[fmt.Sprint(id, "by", number(e["id"]))] && parents[id] != 0 {
				flag = 1
			}
			if places = append(places, fmt.Sprintf("%s%d", names[id], flag)); i == 0 {
				main = names[id]
			}
		}
		under := []string{}
		if m := numbers[number(e["manager_id"])]; m != "" {
			under = append(under, m)
		}
		out["person "+text(e["number"])] = fmt.Sprint(text(e["name"]), text(e["mobile"]), text(e["position"].(object)["name"]), places, main, under)
	}
	return out
}

// The demo company goes to WeCom, changes, is repaired after somebody's
// edits, and is recognised after the database was lost; whether members'
// details may be read makes no difference to any but the last two.
func TestWeCom(t *testing.T) {
	t.Parallel()
	w := newWeComWorld(t)
	p := w.serve()
	rows := demo(t)
	w.load(rows)
	s := w.sync(weComJob)
	if by := w.weComWrites(); by["/cgi-bin/user/create"] != 300 || by["/cgi-bin/department/create"] != 40 {
		t.Errorf("the first run wrote %v and ended %+v", by, s.Applied)
	}
	w.inStepWithWeCom()
	for _, details := range []string{"closed", "open"} {
		w.weComOptions(`{"details": "` + details + `"}`)
		for _, mode := range []string{"incremental", "reconcile"} {
			w.sync(strings.Replace(weComJob, `{}`, `{"mode": "`+mode+`"}`, 1))
			if by := w.weComWrites(); len(by) != 0 {
				t.Errorf("an unchanged company, %s, details %s: wrote %v", mode, details, by)
			}
		}
	}

	change(t, &rows)
	w.load(rows)
	w.sync(weComJob)
	want := map[string]int{"/cgi-bin/user/update": 1, "/cgi-bin/user/create": 1, "/cgi-bin/user/delete": 1, "/cgi-bin/department/update": 1}
	if d := cmp.Diff(want, w.weComWrites()); d != "" {
		t.Errorf("four differences cost other writes (-want +got):\n%s", d)
	}
	w.inStepWithWeCom()

	var state object
	must(t, "GET", w.simURL("wecom", "state"), "", &state)
	users := state["users"].([]any)
	users[7].(object)["position"] = "临时工"
	state["users"] = slices.Delete(users, len(users)-1, len(users)) // a person who leads nobody
	must(t, "PUT", w.simURL("wecom", "state"), encode(t, state), nil)
	w.sync(strings.Replace(weComJob, `{}`, `{"mode": "reconcile"}`, 1))
	if d := cmp.Diff(map[string]int{"/cgi-bin/user/update": 1, "/cgi-bin/user/create": 1}, w.weComWrites()); d != "" {
		t.Errorf("the repair (-want +got):\n%s", d)
	}
	w.inStepWithWeCom()

	for _, details := range []string{"open", "closed"} {
		p.signal(syscall.SIGINT)
		if code := p.exit(30 * time.Second); code != 0 {
			t.Fatalf("standalone ended with %d", code)
		}
		files, _ := filepath.Glob(filepath.Join(w.data, "orgflow.db*"))
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
		p = w.serve()
		w.weComOptions(`{"details": "` + details + `"}`)
		if details == "closed" {
			w.put("HcmWorkSyncService.org_new.json", `{"fields": [{"key": "name", "map": "name", "required": true, "type": "string"},
				{"key": "parent_id", "map": "parentid", "type": "string", "transforms": [{"op": "bind", "kind": "org"}]}]}`)
		}
		w.sync(weComJob)
		by := w.weComWrites()
		if by["/cgi-bin/user/delete"]+by["/cgi-bin/department/delete"]+by["/cgi-bin/user/create"] != 0 || details == "open" && len(by) != 0 {
			t.Errorf("adopting, details %s: wrote %v", details, by)
		}
		w.inStepWithWeCom()
	}
}
