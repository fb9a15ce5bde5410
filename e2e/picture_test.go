package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// picture is an organisation in words both sides can be put into: what
// DingTalk holds, and what the source says it should hold.
type picture struct {
	Departments map[string]department // by source id, the root excepted
	People      map[string]member     // by userid
}

type department struct {
	Name     string
	Parent   string // source id, "root" below DingTalk's root
	Order    int64
	Managers []string
}

type member struct {
	Name, Mobile, Email, JobNumber, Title string
	Hired                                 int64    // milliseconds
	Departments                           []string // source ids, main first
	Manager                               string
	Leads                                 []string // source ids
	Extension                             map[string]string
}

// wanted draws what the source's rows ask for, by the contract's words alone:
// a department without parent is the root, "number" is the userid, the first
// of "departments" is the main one, the identity card is the custom attribute.
func wanted(t *testing.T, rows hcm) picture {
	t.Helper()
	number2id := map[int]string{}
	for _, e := range rows.Employee {
		number2id[number(e["id"])] = text(e["number"])
	}
	root := 0
	for _, d := range rows.Organization {
		if number(d["parent_id"]) == 0 {
			root = number(d["id"])
		}
	}
	name := func(id int) string {
		if id == root {
			return "root"
		}
		return strconv.Itoa(id)
	}
	p := picture{Departments: map[string]department{}, People: map[string]member{}}
	leads := map[string][]string{}
	for _, d := range rows.Organization {
		id := number(d["id"])
		if id == root {
			continue // mapped, neither renamed nor given managers
		}
		n := department{Name: text(d["name"]), Parent: name(number(d["parent_id"])), Order: int64(number(d["sort"])), Managers: []string{}}
		if m := number(d["manager_id"]); m != 0 {
			n.Managers = []string{number2id[m]}
			leads[number2id[m]] = append(leads[number2id[m]], name(id))
		}
		p.Departments[name(id)] = n
	}
	for _, e := range rows.Employee {
		p.People[text(e["number"])] = person(t, e, name, number2id, leads)
	}
	return p
}

func person(t *testing.T, e object, name func(int) string, ids map[int]string, leads map[string][]string) member {
	t.Helper()
	china := time.FixedZone("China", 8*3600)
	hired, err := time.ParseInLocation("2006-01-02", text(e["job_info"].(object)["begin_date"]), china)
	if err != nil {
		t.Fatal(err)
	}
	m := member{
		Name: text(e["name"]), Mobile: text(e["mobile"]), Email: text(e["email"]), JobNumber: text(e["number"]),
		Title: text(e["position"].(object)["name"]), Hired: hired.UnixMilli(), Manager: ids[number(e["manager_id"])],
		Extension: map[string]string{"测试自定义字段": text(e["identity_card"])},
	}
	for _, d := range e["departments"].([]any) {
		m.Departments = append(m.Departments, name(number(d.(object)["origin_id"])))
	}
	// Who leads a department without belonging to it is its manager, and no
	// leader among its members.
	for _, d := range leads[text(e["number"])] {
		if slices.Contains(m.Departments, d) {
			m.Leads = append(m.Leads, d)
		}
	}
	slices.Sort(m.Leads)
	return m
}

// drawn draws what DingTalk holds.
func drawn(t *testing.T, company int, s dingState) picture {
	t.Helper()
	prefix := fmt.Sprintf("orgflow:%d:org:", company)
	names := map[int64]string{1: "root"}
	for _, d := range s.Departments {
		if d.ID == 1 {
			continue
		}
		if len(d.Source) <= len(prefix) || d.Source[:len(prefix)] != prefix {
			t.Errorf("department %d has source_identifier %q, want %s…", d.ID, d.Source, prefix)
			continue
		}
		names[d.ID] = d.Source[len(prefix):]
	}
	p := picture{Departments: map[string]department{}, People: map[string]member{}}
	for _, d := range s.Departments {
		if d.ID == 1 {
			continue
		}
		if _, twice := p.Departments[names[d.ID]]; twice {
			t.Errorf("source department %s is there twice", names[d.ID])
		}
		slices.Sort(d.Managers)
		p.Departments[names[d.ID]] = department{Name: d.Name, Parent: names[d.ParentID], Order: d.Order, Managers: d.Managers}
	}
	for _, u := range s.Users {
		m := member{
			Name: u.Name, Mobile: u.Mobile, Email: u.Email, JobNumber: u.JobNumber, Title: u.Title, Hired: u.HiredDate,
			Manager: u.Manager, Extension: u.Extension,
		}
		for _, id := range u.DeptIDs {
			m.Departments = append(m.Departments, names[id])
		}
		for _, l := range u.Leader {
			if l.Leader {
				m.Leads = append(m.Leads, names[l.DeptID])
			}
		}
		slices.Sort(m.Leads)
		p.People[u.UserID] = m
	}
	return p
}

// inStep fails the test unless DingTalk holds exactly what the source of
// company 129 says.
func (w *world) inStep() {
	w.t.Helper()
	w.inStepOf(129)
}

func (w *world) inStepOf(company int) {
	w.t.Helper()
	if d := cmp.Diff(wanted(w.t, w.source()), drawn(w.t, company, w.ding())); d != "" {
		w.t.Errorf("DingTalk is not what the source says (-want +got):\n%s", d)
	}
}
