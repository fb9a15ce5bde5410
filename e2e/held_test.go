package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// held is an organisation in words that every system can be put into: what a
// consumer holds, and what the source's rows say it should hold. lacks names
// what a consumer does not know by its nature: parents, managers, and that
// somebody is in the root and no department below it.
type held struct {
	Departments map[string]string // by source id, the root excepted
	People      map[string]string // by job number
}

func newHeld() held { return held{Departments: map[string]string{}, People: map[string]string{}} }

const top = "top" // the department that the source's root stands for

func (h held) org(id, name, parent, lacks string) {
	if strings.Contains(lacks, "parents") {
		parent = "?"
	}
	h.Departments[id] = name + " below " + parent
}

func (h held) person(number, name, mobile, title, manager string, departments []string, lacks string) {
	if strings.Contains(lacks, "managers") {
		manager = "?"
	}
	if strings.Contains(lacks, "root") {
		departments = slices.DeleteFunc(departments, func(d string) bool { return d == top })
	}
	slices.Sort(departments)
	h.People[number] = fmt.Sprintf("%s %s %s in %q under %q", name, mobile, title, departments, manager)
}

// asked is what the source's rows ask for.
func asked(rows hcm, lacks string) held {
	out, place, numbers := newHeld(), map[int]string{}, map[int]string{}
	for _, o := range rows.Organization {
		if place[number(o["id"])] = strconv.Itoa(number(o["id"])); number(o["parent_id"]) == 0 {
			place[number(o["id"])] = top
		}
	}
	for _, o := range rows.Organization {
		if id := place[number(o["id"])]; id != top {
			out.org(id, text(o["name"]), place[number(o["parent_id"])], lacks)
		}
	}
	for _, e := range rows.Employee {
		numbers[number(e["id"])] = text(e["number"])
	}
	for _, e := range rows.Employee {
		var departments []string
		for _, d := range e["departments"].([]any) {
			departments = append(departments, place[number(d.(object)["origin_id"])])
		}
		out.person(text(e["number"]), text(e["name"]), text(e["mobile"]), text(e["position"].(object)["name"]), numbers[number(e["manager_id"])], departments, lacks)
	}
	return out
}

// heldByAiGuanHuai leaves out who is disabled.
func (w *world) heldByAiGuanHuai() held {
	w.t.Helper()
	var s struct {
		Departments []struct {
			ID     string `json:"departmentId"`
			Name   string `json:"departmentName"`
			Parent string `json:"parentId"`
			Status int    `json:"status"`
		} `json:"departments"`
		Persons []struct {
			ID          string   `json:"userId"`
			Name        string   `json:"realName"`
			Mobile      string   `json:"mobile"`
			Title       string   `json:"position"`
			Departments []string `json:"departmentId"`
			Status      int      `json:"status"`
		} `json:"persons"`
	}
	must(w.t, "GET", w.simURL("aiguanhuai", "state"), "", &s)
	out := newHeld()
	for _, d := range s.Departments {
		if d.Status == 1 {
			out.org(d.ID, d.Name, orTop(d.Parent, ""), "")
		}
	}
	for _, p := range s.Persons {
		if p.Status == 1 {
			out.person(p.ID, p.Name, p.Mobile, p.Title, "", p.Departments, "root, managers")
		}
	}
	return out
}

// heldByEmmCloud reads what the definition of 云+ has sent.
func (w *world) heldByEmmCloud() held {
	w.t.Helper()
	var s struct {
		Orgs, Persons []struct {
			Fields object `json:"fields"`
		}
	}
	must(w.t, "GET", w.simURL("emmcloud", "state"), "", &s)
	out := newHeld()
	for _, o := range s.Orgs {
		out.org(text(o.Fields["id"]), text(o.Fields["name"]), orTop(text(o.Fields["parentId"]), "root"), "")
	}
	for _, p := range s.Persons {
		var departments []string
		for _, d := range p.Fields["departmentIds"].([]any) {
			departments = append(departments, orTop(text(d), "root"))
		}
		out.person(text(p.Fields["userId"]), text(p.Fields["name"]), text(p.Fields["mobile"]), text(p.Fields["title"]), text(p.Fields["managerId"]), departments, "")
	}
	return out
}

const enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// heldByScim follows the ids that the service provider has given.
func (w *world) heldByScim(company int) held {
	w.t.Helper()
	var s struct {
		Orgs []struct {
			ExternalID  string `json:"externalId"`
			DisplayName string `json:"displayName"`
			Members     []struct{ Value string }
		}
		Persons []object
	}
	must(w.t, "GET", w.simURL("scim", "state"), "", &s)
	out, departments, numbers := newHeld(), map[string][]string{}, map[string]string{}
	for _, o := range s.Orgs {
		id := strings.TrimPrefix(o.ExternalID, fmt.Sprintf("orgflow:%d:org:", company))
		out.org(id, o.DisplayName, "", "parents")
		for _, m := range o.Members {
			departments[m.Value] = append(departments[m.Value], id)
		}
	}
	for _, p := range s.Persons {
		numbers[text(p["id"])] = text(p["userName"])
	}
	for _, p := range s.Persons {
		mobile := text(p["phoneNumbers"].([]any)[0].(object)["value"])
		manager, _ := p[enterpriseUser].(object)["manager"].(object)
		out.person(text(p["userName"]), text(p["displayName"]), mobile, text(p["title"]), numbers[text(manager["value"])], departments[text(p["id"])], "root")
	}
	return out
}

// heldByDingTalk follows the ids that DingTalk has given.
func (w *world) heldByDingTalk(company int) held {
	w.t.Helper()
	s := drawn(w.t, company, w.ding())
	out := newHeld()
	for id, d := range s.Departments {
		out.org(id, d.Name, orTop(d.Parent, "root"), "")
	}
	for number, p := range s.People {
		for i, d := range p.Departments {
			p.Departments[i] = orTop(d, "root")
		}
		out.person(number, p.Name, p.Mobile, p.Title, p.Manager, p.Departments, "")
	}
	return out
}

// heldByWeCom knows departments by their names, which are all different here.
func (w *world) heldByWeCom(t *testing.T, rows hcm) held {
	t.Helper()
	ids := map[string]string{}
	for _, o := range rows.Organization {
		ids[text(o["name"])] = strconv.Itoa(number(o["id"]))
	}
	var s weComState
	must(t, "GET", w.simURL("wecom", "state"), "", &s)
	out, known := newHeld(), map[int64]string{1: top}
	for _, d := range s.Departments {
		if d.ID != 1 {
			known[d.ID] = ids[d.Name]
		}
	}
	for _, d := range s.Departments {
		if d.ID != 1 {
			out.org(known[d.ID], d.Name, known[d.ParentID], "")
		}
	}
	for _, u := range s.Users {
		var departments []string
		for _, id := range u.Department {
			departments = append(departments, known[id])
		}
		out.person(u.UserID, u.Name, u.Mobile, u.Position, strings.Join(u.DirectLeader, ","), departments, "")
	}
	return out
}

func orTop(id, root string) string {
	if id == root {
		return top
	}
	return id
}
