package e2e

import (
	"fmt"
	"maps"
	"slices"
)

// syncOrg is the source's organisation.
type syncOrg struct {
	units  []object
	people []object
	next   int // id of whoever comes next
}

const (
	syncTops, syncSubs = 3, 3
	syncPeople         = 90
)

// newSyncOrg has departments on two levels, whose heads never leave them.
func newSyncOrg() syncOrg {
	o := syncOrg{next: 2000}
	unit := func(id, parent int) {
		u := object{"id": id, "origin_id": id, "number": fmt.Sprintf("D%d", id), "name": fmt.Sprintf("部门%d", id), "sort": id}
		if parent != 0 {
			u["parent_id"], u["manager_id"] = parent, 1000+id
		}
		o.units = append(o.units, u)
	}
	unit(1, 0)
	for top := 1; top <= syncTops; top++ {
		unit(10*top, 1)
		for sub := 1; sub <= syncSubs; sub++ {
			unit(10*top+sub, 10*top)
		}
	}
	for _, u := range o.units[1:] {
		o.people = append(o.people, employee(u["manager_id"].(int), u["id"].(int)))
	}
	for i := len(o.people); i < syncPeople; i++ {
		o.hire(o.units[1+i%(len(o.units)-1)]["id"].(int))
	}
	return o
}

// hire adds somebody, who reports to the head of the first department.
func (o *syncOrg) hire(dept int) object {
	p := employee(o.next, dept)
	p["manager_id"] = 1010
	o.next++
	o.people = append(o.people, p)
	return p
}

// heads are the first of the people: one for each department of the start.
const heads = syncTops * (1 + syncSubs)

// change is one turn's work: a seeded mixture of everything that happens in an
// organisation.
func (o *syncOrg) change(n int, pick func(n int) int) {
	o.units, o.people = copied(o.units), copied(o.people)
	anybody := func() object { return o.people[o.free(pick)] }
	lasting := func() object { return o.units[1+pick(heads)] } // departments of the start
	for range 12 {
		anybody()["position"] = object{"name": fmt.Sprintf("职级%d", n)}
	}
	for range 4 {
		to := lasting()["id"]
		p := anybody()
		p["department"], p["departments"] = object{"origin_id": to}, []object{{"origin_id": to}}
	}
	anybody()["name"] = fmt.Sprintf("改名%d", n)
	anybody()["mobile"] = fmt.Sprintf("1003%07d", n)
	for range 4 { // as many as come, those of the project included
		i := o.free(pick)
		o.people = slices.Delete(o.people, i, i+1)
	}
	for range 2 {
		o.hire(lasting()["id"].(int))
	}
	lasting()["name"] = fmt.Sprintf("更名%d", n)
	o.projects(n, pick)
}

// free is the index of somebody who heads no department: the people of the
// first departments, and those of projects, stay where they are.
func (o *syncOrg) free(pick func(n int) int) int {
	for {
		i := heads + pick(len(o.people)-heads)
		if o.people[i]["department"].(object)["origin_id"].(int) < firstProject {
			return i
		}
	}
}

const firstProject = 100_000

// projects makes a department with people, moves a sub-department to another
// top, and dissolves the project of three turns before.
func (o *syncOrg) projects(n int, pick func(n int) int) {
	id := firstProject + n
	o.units = append(o.units, object{"id": id, "origin_id": id, "number": fmt.Sprintf("D%d", id), "name": fmt.Sprintf("项目%d", id),
		"sort": id, "parent_id": 10 * (1 + pick(syncTops))})
	head := o.hire(id)
	o.units[len(o.units)-1]["manager_id"] = head["id"]
	o.hire(id)
	sub := o.unit(10*(1+pick(syncTops)) + 1 + pick(syncSubs))
	sub["parent_id"] = 10 * (1 + pick(syncTops))
	old := id - 3
	if o.unit(old) == nil {
		return
	}
	o.units = slices.DeleteFunc(o.units, func(u object) bool { return u["id"] == old })
	for _, p := range o.people {
		if p["department"].(object)["origin_id"] == old {
			p["department"], p["departments"] = object{"origin_id": 10}, []object{{"origin_id": 10}}
		}
	}
}

func (o *syncOrg) unit(id int) object {
	if i := slices.IndexFunc(o.units, func(u object) bool { return u["id"] == id }); i >= 0 {
		return o.units[i]
	}
	return nil
}

func copied(rows []object) []object {
	out := make([]object, len(rows))
	for i, r := range rows {
		out[i] = maps.Clone(r)
	}
	return out
}
