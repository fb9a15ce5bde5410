package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
)

// The kill harness turns an organisation from one shape into another and
// back. Between the two lies every kind of change: nested departments that
// come and go, names that are swapped and rotated among siblings, moves and a
// parent that goes below its child, people who come, go, change title,
// department, manager or mobile number, a number passed on, heads exchanged.

// orgShape is one of the two.
type orgShape int

const (
	shapeA orgShape = iota
	shapeB
)

func (s orgShape) String() string { return [...]string{"A", "B"}[s] }

func (s orgShape) other() orgShape { return 1 - s }

// pick returns a in shape A and b in shape B.
func pick[T any](s orgShape, a, b T) T {
	if s == shapeA {
		return a
	}
	return b
}

const (
	stablePeople = 140  // E1001 and on, in both shapes
	oneShape     = 25   // people of shape A only, and of shape B only
	firstStable  = 1001 // id
)

// rows are the source's rows in that shape.
func (s orgShape) rows(t *testing.T) hcm {
	t.Helper()
	raw := encode(t, object{"Organization": s.departments(), "Employee": s.people()})
	var out hcm
	if err := json.Unmarshal([]byte(raw), &out); err != nil { // numbers as rows have them
		t.Fatal(err)
	}
	return out
}

// stable lists the departments that are in both shapes: six below the root,
// four below each, and one below one of those.
func stable() []int {
	var ids []int
	for top := 10; top <= 15; top++ {
		ids = append(ids, top)
	}
	for top := 10; top <= 15; top++ {
		for n := 1; n <= 4; n++ {
			ids = append(ids, top*10+n)
		}
	}
	return append(ids, 1411)
}

func (s orgShape) departments() []object {
	rows := []object{{"id": 1, "origin_id": 1, "number": "D1", "name": "示例公司", "sort": 1}}
	for i, id := range stable() {
		d := object{"id": id, "origin_id": id, "number": fmt.Sprintf("D%d", id), "sort": 10 + i,
			"name": s.departmentName(id), "parent_id": s.parent(id), "manager_id": firstStable + i}
		if i < 5 { // the head goes, one of the department's people follows
			d["manager_id"] = pick(s, firstStable+i, firstStable+len(stable())+i)
		}
		rows = append(rows, d)
	}
	base := pick(s, 200, 300) // a subtree of this shape alone
	parents := []int{pick(s, 10, 11), base, base, base + 1, base + 3, base + 3}
	for i, parent := range parents {
		rows = append(rows, object{"id": base + i, "origin_id": base + i, "number": fmt.Sprintf("D%d", base+i), "sort": 80 + i,
			"name": fmt.Sprintf("项目%d", base+i), "parent_id": parent, "manager_id": pick(s, 1201, 1301) + i})
	}
	return rows
}

func (s orgShape) departmentName(id int) string {
	names := map[int]int{
		101: 102, 102: 101, // swapped
		111: 112, 112: 113, 113: 111, // rotated
	}
	if other, ok := names[id]; ok {
		id = pick(s, id, other)
	}
	if id%10 == 4 && id > 100 && id < 140 { // renamed
		return fmt.Sprintf("%s%d", pick(s, "小组", "团队"), id)
	}
	return fmt.Sprintf("部门%d", id)
}

func (s orgShape) parent(id int) int {
	switch id {
	case 133, 134: // moved
		return pick(s, 13, id-133+14)
	case 141: // goes below its child
		return pick(s, 14, 1411)
	case 1411:
		return pick(s, 141, 14)
	}
	if id < 100 {
		return 1
	}
	return id / 10
}

func (s orgShape) people() []object {
	var rows []object
	depts := stable()
	for i := range stablePeople {
		rows = append(rows, s.stablePerson(i, depts))
	}
	first := pick(s, 1201, 1301)
	base := pick(s, 200, 300)
	for i := range oneShape {
		dept := depts[i]
		if i < 6 {
			dept = base + i // its head
		}
		p := employee(first+i, dept)
		if i == oneShape-1 { // who goes leaves the number to who comes
			p["mobile"] = "10088880000"
		}
		if i >= 6 {
			p["manager_id"] = firstStable + i
		}
		rows = append(rows, p)
	}
	return rows
}

// stablePerson is the i-th of those who are in both shapes. The first of them
// head the departments.
func (s orgShape) stablePerson(i int, depts []int) object {
	home := i % len(depts)
	dept := depts[home]
	switch {
	case i >= 85 && i < 95: // from a subtree that goes to one that comes
		dept = pick(s, 200, 300) + i%6
	case i >= 95 && i < 115:
		dept = pick(s, dept, depts[(home+7)%len(depts)])
	}
	p := employee(firstStable+i, dept)
	if i >= len(depts) {
		p["manager_id"] = firstStable + home
	}
	switch {
	case i >= 30 && i < 85:
		p["position"] = object{"name": pick(s, "工程师", "高级工程师")}
	case i >= 115 && i < 123, i == 28: // 28 heads a department
		p["mobile"] = pick(s, fmt.Sprintf("1001%07d", i), fmt.Sprintf("1002%07d", i))
	case i >= 123 && i < 129:
		p["manager_id"] = firstStable + pick(s, home, (home+1)%len(depts))
	case i >= 129 && i < 132 && s == shapeB:
		p["departments"] = append(p["departments"].([]object), object{"origin_id": depts[(home+3)%len(depts)]})
	}
	return p
}

func employee(id, dept int) object {
	return object{
		"id": id, "number": fmt.Sprintf("E%d", id), "name": fmt.Sprintf("测试%d", id), "mobile": fmt.Sprintf("100%08d", id),
		"email": fmt.Sprintf("e%d@example.com", id), "gender": 1 + id%2, "birthday": "1990-01-01", "identity_card": fmt.Sprintf("TEST-ID-%d", id),
		"department": object{"origin_id": dept}, "departments": []object{{"origin_id": dept}}, "position": object{"name": "工程师"},
		"job_info": object{"position_status_id": 2, "on_job": 1, "begin_date": "2020-01-01"},
	}
}
