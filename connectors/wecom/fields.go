package wecom

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// wireType is the documented type of a request field.
type wireType uint8

const (
	wireText    wireType = iota
	wireInt              // whole number
	wireBool             // true or false
	wireDeptIDs          // list of department ids
	wireUserIDs          // list of userids
	wireOrders           // list of numbers, one for each department
	wireFlags            // list of 0 and 1, one for each department
	wireObject           // JSON object
)

// phase says with which calls a field goes.
type phase uint8

const (
	always     phase = iota
	insertOnly       // never with an update
	updateOnly       // left out of an insert, which is no worse for it
	withPeople       // needs members of the department, so never with an insert
)

// field is one field of a request body.
type field struct {
	wire      wireType
	max       int // characters, or entries of a list; 0 is no documented limit
	bytes     int // largest length in bytes
	minBytes  int // smallest length in bytes, if not empty
	forbidden string
	pattern   *regexp.Regexp // the whole text, if not empty
	allowed   string         // what the pattern allows, in words
	least     int64          // smallest number
	most      int64          // largest number; 0 is no limit
	when      phase
	required  bool     // the record cannot be without it
	enum      []string // allowed texts
	hidden    bool     // no answer shows it
	lasting   bool     // cannot be cleared
}

// fieldTable is what a resource takes, by wire name.
type fieldTable struct {
	record string // for messages
	fields map[string]field
}

const (
	// leaders is the name under which department/list and department/get show
	// who leads a department. It cannot be written there: it follows from
	// is_leader_in_dept of the members (leaders.go).
	leaders  = "department_leader"
	isLeader = "is_leader_in_dept"
	extAttr  = "extattr"

	forbiddenInName = `\:*?"<>|`
	maxDepartmentID = 1<<31 - 1
	maxOrder        = 1<<32 - 1
)

var (
	userIDPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_.@-]*$`)
	phonePattern  = regexp.MustCompile(`^[0-9+-]+$`)
	linePattern   = regexp.MustCompile(`^[0-9+,-]+$`)
	mailPattern   = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

// departmentFields is WeCom reference § 5. The id is orgflow's choice
// (deptid.go).
var departmentFields = fieldTable{"department", map[string]field{
	"name":     {max: 64, required: true, forbidden: forbiddenInName},
	"name_en":  {max: 64, forbidden: forbiddenInName},
	"parentid": {wire: wireInt, least: 1, most: maxDepartmentID, required: true},
	"order":    {wire: wireInt, most: maxOrder, lasting: true},
	leaders:    {wire: wireUserIDs, when: withPeople},
}}

// personFields is WeCom reference § 4.1. extattr is made of the custom
// attributes; nickname has no known meaning and is not sent; new_userid is
// refused, because bindings hold the userid.
var personFields = fieldTable{"person", map[string]field{
	"userid":            {bytes: 64, required: true, pattern: userIDPattern, allowed: "letters, digits and _ - @ . and begin with a letter or digit"},
	"name":              {max: 64, required: true},
	"alias":             {max: 64},
	"mobile":            {max: 32, pattern: phonePattern, allowed: "digits, + and -"},
	"email":             {bytes: 64, minBytes: 6, pattern: mailPattern, allowed: "an e-mail address"},
	"department":        {wire: wireDeptIDs, max: 100, required: true},
	"order":             {wire: wireOrders, max: 100, most: maxOrder, lasting: true},
	isLeader:            {wire: wireFlags, max: 100, most: 1, lasting: true},
	"main_department":   {wire: wireInt, least: 1, most: maxDepartmentID, lasting: true},
	"direct_leader":     {wire: wireUserIDs, max: 5},
	"position":          {max: 128},
	"gender":            {enum: []string{"1", "2"}, lasting: true},
	"telephone":         {max: 32, pattern: linePattern, allowed: "digits, - + and commas"},
	"biz_mail":          {bytes: 64, minBytes: 6, pattern: mailPattern, allowed: "an e-mail address", lasting: true},
	"biz_mail_alias":    {wire: wireObject, when: updateOnly, hidden: true, lasting: true},
	"enable":            {wire: wireInt, most: 1, hidden: true, lasting: true},
	"avatar_mediaid":    {hidden: true, lasting: true},
	"to_invite":         {wire: wireBool, when: insertOnly, lasting: true},
	"external_position": {max: 12},
	"external_profile":  {wire: wireObject, hidden: true, lasting: true},
	"address":           {max: 128},
}}

// names lists the fields of a table.
func (t fieldTable) names() string {
	return strings.Join(slices.Sorted(maps.Keys(t.fields)), ", ")
}
