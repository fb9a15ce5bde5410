package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"orgflow"
)

// consumer is an executable model of a consumer that enforces its profile
// the way DingTalk does (DingTalk reference § 4, § 5): every call is judged
// against what the consumer holds at that moment.
type consumer struct {
	profile orgflow.Profile
	depts   map[string]dept
	users   map[string]user
	nextID  int
	temps   int // temporary names set
}

type dept struct {
	name, parent string // parent by consumer id
	leaders      []string
}

type user struct {
	fields map[string]string
	depts  []string
}

const rootDept = "1"

func newConsumer(p orgflow.Profile) *consumer {
	return &consumer{profile: p, depts: map[string]dept{rootDept: {name: "root"}}, users: map[string]user{}}
}

func (c *consumer) siblings(parent string) map[string]string {
	out := map[string]string{}
	for id, d := range c.depts {
		if id != rootDept && d.parent == parent {
			out[d.name] = id
		}
	}
	return out
}

func (c *consumer) depth(id string) int {
	n := 1
	for ; id != rootDept; id = c.depts[id].parent {
		n++
	}
	return n
}

func (c *consumer) height(id string) int {
	h := 0
	for _, kid := range c.siblings(id) {
		h = max(h, c.height(kid))
	}
	return h + 1
}

func (c *consumer) isBelow(id, top string) bool {
	for ; id != ""; id = c.depts[id].parent {
		if id == top {
			return true
		}
	}
	return false
}

// place checks where a department shall stand; id is empty for a new one.
func (c *consumer) place(id string, d dept) error {
	p := c.profile
	n := utf8.RuneCountInString(d.name)
	height := 1
	if id != "" {
		height = c.height(id)
	}
	switch _, exists := c.depts[d.parent]; {
	case !exists:
		return fmt.Errorf("60004 parent %q does not exist", d.parent)
	case n == 0 || n > p.OrgNameMax:
		return fmt.Errorf("60001 name %q has %d characters", d.name, n)
	case strings.ContainsAny(d.name, p.OrgNameForbidden):
		return fmt.Errorf("60009 name %q has a forbidden character", d.name)
	case id != "" && c.isBelow(d.parent, id):
		return fmt.Errorf("60010 department %s below itself", id)
	}
	kids := c.siblings(d.parent)
	if other, taken := kids[d.name]; taken && other != id {
		return fmt.Errorf("60008 name %q is taken by %s under %s", d.name, other, d.parent)
	}
	if depth := c.depth(d.parent) + height; depth > p.DepthMax {
		return fmt.Errorf("60002 level %d", depth)
	}
	if old, known := c.depts[id]; (!known || old.parent != d.parent) && len(kids) >= p.ChildrenMax {
		return fmt.Errorf("60110 %d sub-departments", len(kids))
	}
	return nil
}

func (c *consumer) insertDept(d dept) (string, error) {
	if len(d.leaders) > 0 {
		return "", fmt.Errorf("leaders cannot be set by an insert")
	}
	if err := c.place("", d); err != nil {
		return "", err
	}
	c.nextID++
	id := fmt.Sprintf("d%d", c.nextID)
	c.depts[id] = d
	return id, nil
}

func (c *consumer) updateDept(id string, set map[string]string) error {
	d, exists := c.depts[id]
	if !exists || id == rootDept {
		return fmt.Errorf("60003 department %s", id)
	}
	if v, ok := set["name"]; ok {
		d.name = v
	}
	if v, ok := set["parent_id"]; ok {
		d.parent = v
	}
	if _, renamed := set["name"]; renamed || set["parent_id"] != "" {
		if err := c.place(id, d); err != nil {
			return err
		}
	}
	if v, ok := set["leaders"]; ok {
		d.leaders = split(v)
		for _, who := range d.leaders {
			if !slices.Contains(c.users[who].depts, id) {
				return fmt.Errorf("40031 %s is not a member of %s", who, id)
			}
		}
	}
	c.depts[id] = d
	return nil
}

func (c *consumer) deleteDept(id string) error {
	if _, exists := c.depts[id]; !exists || id == rootDept {
		return fmt.Errorf("60003 department %s", id)
	}
	for who, u := range c.users {
		if slices.Contains(u.depts, id) {
			return fmt.Errorf("60005 %s is still a member of %s", who, id)
		}
	}
	if len(c.siblings(id)) > 0 {
		return fmt.Errorf("60006 %s has sub-departments", id)
	}
	delete(c.depts, id)
	return nil
}

// putUser inserts or updates a person.
func (c *consumer) putUser(id string, set map[string]string, insert bool) error {
	old, exists := c.users[id]
	if exists == insert {
		return fmt.Errorf("60102/60121 person %q exists: %v", id, exists)
	}
	if _, given := set["mobile"]; given && !insert {
		return fmt.Errorf("40022 the mobile of %s cannot be changed", id)
	}
	u := user{fields: maps.Clone(old.fields), depts: old.depts}
	if u.fields == nil {
		u.fields = map[string]string{}
	}
	maps.Copy(u.fields, set)
	if v, ok := set["depts"]; ok {
		u.depts = split(v)
	}
	if len(u.depts) == 0 || u.fields["mobile"] == "" || u.fields["name"] == "" {
		return fmt.Errorf("person %s lacks a required field", id)
	}
	for _, dept := range u.depts {
		if _, exists := c.depts[dept]; !exists {
			return fmt.Errorf("60003 department %s of person %s", dept, id)
		}
	}
	for _, field := range c.profile.UniquePersonFields {
		for other, o := range c.users {
			if other != id && u.fields[field] != "" && o.fields[field] == u.fields[field] {
				return fmt.Errorf("60104/60106 %s of %s is taken by %s", field, id, other)
			}
		}
	}
	if m, ok := set["manager"]; ok && m != "" {
		if _, exists := c.users[m]; !exists {
			return fmt.Errorf("60128 manager %s of %s does not exist", m, id)
		}
	}
	c.users[id] = u
	c.dropLeader(id, u.depts)
	return nil
}

func (c *consumer) deleteUser(id string) error {
	if _, exists := c.users[id]; !exists {
		return fmt.Errorf("60121 person %s", id)
	}
	delete(c.users, id)
	c.dropLeader(id, nil)
	return nil
}

// dropLeader: who leaves a department stops leading it.
func (c *consumer) dropLeader(id string, keep []string) {
	for d, n := range c.depts {
		if !slices.Contains(keep, d) && slices.Contains(n.leaders, id) {
			n.leaders = slices.DeleteFunc(slices.Clone(n.leaders), func(l string) bool { return l == id })
			c.depts[d] = n
		}
	}
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
