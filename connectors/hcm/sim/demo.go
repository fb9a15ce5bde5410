package hcmsim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// First ids of invented records; a person's job number is E and their id.
const (
	firstDept   = 11
	firstPerson = 1001
)

// unit is a department of the demo organisation with those below it.
type unit struct {
	name string
	subs []unit
}

func teams(names ...string) []unit {
	out := make([]unit, len(names))
	for i, n := range names {
		out[i] = unit{name: n}
	}
	return out
}

// demoTree has a root and 40 departments on four levels.
var demoTree = unit{"远山智能科技有限公司", []unit{
	{"总裁办公室", teams("战略规划组", "法务与合规组")},
	{"研发中心", []unit{
		{"平台研发部", teams("基础架构组", "数据平台组", "质量保障组")},
		{"应用研发部", teams("前端开发组", "后端开发组", "移动端开发组")},
		{"算法研究部", nil},
		{"测试部", nil},
	}},
	{"产品中心", []unit{{"产品设计部", nil}, {"用户体验部", nil}}},
	{"市场营销中心", []unit{{"品牌推广部", nil}, {"渠道拓展部", nil}, {"数字营销部", nil}}},
	{"销售中心", []unit{
		{"华东大区", teams("上海办事处", "杭州办事处")},
		{"华南大区", teams("深圳办事处", "广州办事处")},
		{"华北大区", teams("北京办事处", "天津办事处")},
	}},
	{"客户服务中心", []unit{{"技术支持部", nil}, {"售后服务部", nil}}},
	{"人力资源部", []unit{{"招聘组", nil}, {"薪酬绩效组", nil}}},
	{"财务部", []unit{{"会计核算组", nil}, {"资金管理组", nil}}},
}}

// Demo returns the demo organisation of company 129: a root and 40
// departments on four levels, 300 people, all invented. Everything passes
// DingTalk's rules; nothing in it can exist (mobiles begin with 100,
// identity cards with TEST-).
func Demo() State {
	var b builder
	b.add(demoTree, 0)
	return b.fill(300, 20, 129)
}

// Generate returns an organisation of the same shape with that many
// departments below the root and that many people; equal arguments give
// equal states. People should outnumber departments: of departments beyond
// the people, the last have neither members nor a manager. At most 100
// million people have a number of their own.
func Generate(departments, people int, seed int64) State {
	var b builder
	b.add(unit{name: "生成企业"}, 0)
	const fan = 10 // sub-departments of each, breadth first
	for i := range departments {
		parent := i / fan
		b.depts = append(b.depts, dept{name: fmt.Sprintf("%s%d部", generatedNames[i%len(generatedNames)], i+1), parent: parent, level: b.depts[parent].level + 1})
	}
	return b.fill(people, people/15, uint64(seed))
}

var generatedNames = []string{"研发", "市场", "销售", "采购", "生产", "质量", "物流", "信息", "工程", "服务"}

// dept is a department in the making; parent is an index, the root's own is 0.
type dept struct {
	name    string
	parent  int
	level   int
	manager int // index of a person, -1 for none
}

type person struct {
	name, title string
	dept, also  int // indexes; also is -1 without a second department
	boss        int // index, -1 for none
}

type builder struct {
	depts  []dept
	people []person
	rand   *rand.Rand
}

// add appends a department and those below it, depth first.
func (b *builder) add(u unit, parent int) {
	level := 1
	if len(b.depts) > 0 {
		level = b.depts[parent].level + 1
	}
	me := len(b.depts)
	b.depts = append(b.depts, dept{name: u.name, parent: parent, level: level})
	for _, s := range u.subs {
		b.add(s, me)
	}
}

// fill puts people into the departments: first a manager for each, then the
// rest at random, some of them in a second department.
func (b *builder) fill(people, doubles int, seed uint64) State {
	b.rand = rand.New(rand.NewPCG(seed, 0x6f7267666c6f77))
	for i := range b.depts {
		b.depts[i].manager = -1
		if i < people {
			b.depts[i].manager = i
			b.people = append(b.people, person{dept: i, also: -1, boss: b.bossOf(i), title: managerTitle(b.depts[i].level)})
		}
	}
	for i := len(b.people); i < people; i++ {
		d := 0
		if len(b.depts) > 1 {
			d = 1 + b.rand.IntN(len(b.depts)-1) // only its manager sits in the root
		}
		b.people = append(b.people, person{dept: d, also: -1, boss: b.depts[d].manager, title: staffTitles[b.rand.IntN(len(staffTitles))]})
	}
	staff := len(b.people) - len(b.depts)
	for i := 0; i < doubles && staff > 0 && len(b.depts) > 2; i++ {
		p := &b.people[len(b.depts)+i*staff/doubles]
		p.also = 1 + (p.dept+b.rand.IntN(len(b.depts)-2))%(len(b.depts)-1)
	}
	for i := range b.people {
		b.people[i].name = surnames[b.rand.IntN(len(surnames))] + givenNames[b.rand.IntN(len(givenNames))]
	}
	return b.state()
}

// bossOf is the manager of the nearest department above that has one.
func (b *builder) bossOf(d int) int {
	for d != 0 {
		d = b.depts[d].parent
		if m := b.depts[d].manager; m >= 0 {
			return m
		}
	}
	return -1
}

func managerTitle(level int) string {
	switch level {
	case 1:
		return "总经理"
	case 2:
		return "总监"
	case 3:
		return "部门经理"
	}
	return "组长"
}

func (b *builder) deptID(i int) int {
	if i == 0 {
		return 1
	}
	return firstDept + i - 1
}

func (b *builder) state() State {
	st := State{Models: map[string][]json.RawMessage{"Organization": {}, "Employee": {}}}
	for i := range b.depts {
		st.Models["Organization"] = append(st.Models["Organization"], encode(b.deptRow(i)))
	}
	for i := range b.people {
		st.Models["Employee"] = append(st.Models["Employee"], encode(b.personRow(i)))
	}
	return st
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs of texts and numbers
	}
	return raw
}

// orgRow and personRow are source rows (contract § 3).
type orgRow struct {
	ID       int    `json:"id"`
	OriginID int    `json:"origin_id"`
	Number   string `json:"number"`
	Name     string `json:"name"`
	ParentID int    `json:"parent_id,omitempty"` // a root has none
	Sort     int    `json:"sort"`
	Manager  int    `json:"manager_id,omitempty"`
}

func (b *builder) deptRow(i int) orgRow {
	d, id := b.depts[i], b.deptID(i)
	r := orgRow{ID: id, OriginID: id, Number: fmt.Sprintf("D%d", id), Name: d.name, Sort: 10 * (i + 1)}
	if i != 0 {
		r.ParentID = b.deptID(d.parent)
	}
	if d.manager >= 0 {
		r.Manager = firstPerson + d.manager
	}
	return r
}

type ref struct {
	OriginID int    `json:"origin_id,omitempty"`
	Name     string `json:"name,omitempty"`
}

type personRow struct {
	ID           int     `json:"id"`
	Number       string  `json:"number"`
	Name         string  `json:"name"`
	Mobile       string  `json:"mobile"`
	Email        string  `json:"email"`
	Gender       int     `json:"gender"`
	Birthday     string  `json:"birthday"`
	IdentityCard string  `json:"identity_card"`
	Department   ref     `json:"department"`
	Departments  []ref   `json:"departments"`
	Position     ref     `json:"position"`
	JobInfo      jobInfo `json:"job_info"`
	Manager      int     `json:"manager_id,omitempty"`
}

type jobInfo struct {
	Status    int    `json:"position_status_id"`
	OnJob     int    `json:"on_job"`
	BeginDate string `json:"begin_date"`
}

// activeStatuses are the codes of company 129's people at work.
var activeStatuses = [...]int{2, 2, 2, 2, 2, 2, 7, 18, 19}

func (b *builder) personRow(i int) personRow {
	p, id := b.people[i], firstPerson+i
	r := personRow{
		ID: id, Number: fmt.Sprintf("E%d", id), Name: p.name, Mobile: fmt.Sprintf("100%08d", i+1), Email: fmt.Sprintf("e%d@example.com", id),
		Gender: 1 + b.rand.IntN(2), Birthday: b.date(1966, 38), IdentityCard: fmt.Sprintf("TEST-ID-%d", id),
		Department:  ref{OriginID: b.deptID(p.dept), Name: b.depts[p.dept].name},
		Departments: []ref{{OriginID: b.deptID(p.dept)}}, Position: ref{Name: p.title},
		JobInfo: jobInfo{Status: activeStatuses[b.rand.IntN(len(activeStatuses))], OnJob: 1, BeginDate: b.date(2010, 16)},
	}
	if p.also >= 0 {
		r.Departments = append(r.Departments, ref{OriginID: b.deptID(p.also)})
	}
	if p.boss >= 0 {
		r.Manager = firstPerson + p.boss
	}
	return r
}

// date is a day in one of some years.
func (b *builder) date(year, years int) string {
	return fmt.Sprintf("%04d-%02d-%02d", year+b.rand.IntN(years), 1+b.rand.IntN(12), 1+b.rand.IntN(28))
}

var staffTitles = []string{"工程师", "高级工程师", "产品经理", "项目经理", "设计师", "测试工程师", "数据分析师", "运营专员", "客户经理", "销售代表", "财务专员", "人事专员", "行政专员", "实习生"}

var surnames = []string{"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "欧阳", "上官"}

var givenNames = []string{"一帆", "子涵", "雨桐", "浩然", "思远", "梓萱", "明轩", "佳怡", "俊杰", "欣妍", "志强", "晓彤", "文博", "婉清", "天佑", "若曦", "建国", "秀英", "宇航", "诗涵", "嘉懿", "煜城", "懿轩", "烨伟", "苑博", "伟泽", "熠彤", "鸿煊", "博涛", "烨霖", "静怡", "雪琴", "海燕", "国栋", "春梅", "磊", "芳", "敏", "洋", "静"}
