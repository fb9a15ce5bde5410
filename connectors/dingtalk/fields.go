package dingtalk

import (
	"maps"
	"slices"
	"strings"
)

// wireType is the documented type of a request field.
type wireType uint8

const (
	wireText    wireType = iota
	wireInt              // whole number
	wireBool             // true or false
	wireDeptIDs          // comma text of department ids
	wireUserIDs          // comma text of userids
	wireJSON             // JSON object as text
	wireRows             // list of objects
)

// phase says with which calls a field goes.
type phase uint8

const (
	always     phase = iota
	insertOnly       // never with an update
	afterwards       // not with create; sent by an update right behind it
	withPeople       // needs members of the department, so never with an insert
	updateOnly       // left out of an insert, which is no worse for it
)

// field is one field of a request body.
type field struct {
	wire wireType
	max  int // characters, or entries of a list; 0 is no documented limit
	// insertMax is a smaller max for inserts.
	insertMax int
	forbidden string // characters
	min       int64  // smallest number
	when      phase
	// required: the record cannot be without it.
	required bool
	// forced: cleared by naming it in force_update_fields, because an empty
	// value is not taken.
	forced bool
	// doubted: that an empty value clears it is not documented, so that it is
	// read back.
	doubted bool
	read    string           // its name in the answer of get, if another
	hidden  bool             // get does not show it
	enum    []string         // allowed texts
	rows    map[string]field // fields of the objects of wireRows
}

// fieldTable is what a resource takes, by wire name.
type fieldTable struct {
	record string // for messages
	fields map[string]field
	// absent are fields that another dialect has, with what to do without.
	absent map[string]string
	// renamed are the dialect's own names of fields, with ours.
	renamed map[string]string
}

const (
	managers        = "dept_manager_userid_list"
	sourceID        = "source_identifier"
	forceFields     = "force_update_fields"
	attrsMode       = "ext_attrs_update_mode"
	forbiddenInName = "-，,"
)

// departmentFields is DingTalk reference § 4.2.
var departmentFields = fieldTable{record: "department", fields: map[string]field{
	"name":                      {max: 64, required: true, forbidden: forbiddenInName},
	"parent_id":                 {wire: wireInt, min: 1, required: true},
	"hide_dept":                 {wire: wireBool},
	"dept_permits":              {wire: wireDeptIDs, max: 50},
	"user_permits":              {wire: wireUserIDs, max: 50},
	"outer_dept":                {wire: wireBool},
	"outer_dept_only_self":      {wire: wireBool, hidden: true},
	"outer_permit_users":        {wire: wireUserIDs, max: 50},
	"outer_permit_depts":        {wire: wireDeptIDs, max: 50},
	"create_dept_group":         {wire: wireBool},
	"auto_approve_apply":        {wire: wireBool},
	"order":                     {wire: wireInt, min: 1},
	sourceID:                    {},
	"brief":                     {max: 255},
	"telephone":                 {max: 50},
	"extension":                 {wire: wireJSON, read: "extention"},
	"auto_add_user":             {wire: wireBool, when: afterwards},
	"group_contain_sub_dept":    {wire: wireBool, when: afterwards},
	"group_contain_outer_dept":  {wire: wireBool, when: afterwards, hidden: true},
	"group_contain_hidden_dept": {wire: wireBool, when: afterwards, hidden: true},
	"code":                      {max: 30, when: afterwards},
	"language":                  {enum: []string{"zh_CN", "en_US"}, when: updateOnly, hidden: true},
	managers:                    {wire: wireUserIDs, when: withPeople, forced: true},
	"org_dept_owner":            {when: withPeople},
}}

// personFields is DingTalk reference § 4.6 and § 4.7, enterprise accounts
// included.
var personFields = fieldTable{record: "person", fields: map[string]field{
	"userid":       {max: 64, required: true},
	"name":         {max: 80, required: true},
	"mobile":       {when: insertOnly, required: true},
	"dept_id_list": {wire: wireDeptIDs, max: 300, insertMax: 100, required: true},
	"hide_mobile":  {wire: wireBool},
	"telephone":    {max: 50},
	"job_number":   {max: 50},
	"title":        {max: 200},
	"email":        {max: 50},
	"org_email":    {max: 100},
	"work_place":   {max: 100},
	"remark":       {max: 2000},
	"extension":    {wire: wireJSON, max: 2000},
	attrsMode:      {wire: wireInt},
	"senior_mode":  {wire: wireBool, read: "senior"},
	"hired_date":   {wire: wireInt, min: 1},
	"language":     {enum: []string{"zh_CN", "en_US"}, when: updateOnly, hidden: true},
	"login_email":  {max: 64, when: insertOnly},

	"org_email_type": {enum: []string{"profession", "base"}},
	"extension_i18n": {wire: wireJSON},
	"manager_userid": {max: 64, forced: true},
	"dept_order_list": {wire: wireRows, rows: map[string]field{
		"dept_id": {wire: wireInt, min: 1, required: true}, "order": {wire: wireInt, required: true}}},
	"dept_title_list": {wire: wireRows, hidden: true, rows: map[string]field{
		"dept_id": {wire: wireInt, min: 1, required: true}, "title": {max: 200, required: true}}},
	"dept_position_list": {wire: wireRows, rows: map[string]field{
		"dept_id": {wire: wireInt, min: 1, required: true}, "title": {max: 200}, "work_place": {max: 100}, "is_main": {wire: wireBool}}},

	"exclusive_account":              {wire: wireBool, when: insertOnly},
	"exclusive_account_type":         {enum: []string{"sso", "dingtalk"}, when: insertOnly},
	"exclusive_mobile":               {hidden: true},
	"exclusive_mobile_verify_status": {hidden: true},
	"loginId":                        {read: "login_id"},
	"login_id":                       {},
	"init_password":                  {when: insertOnly},
	"nickname":                       {hidden: true},
	"avatarMediaId":                  {hidden: true},
	"outer_exclusive_corpid":         {when: insertOnly},
	"outer_exclusive_userid":         {when: insertOnly},
}}

// names lists the fields of a table.
func (t fieldTable) names() string {
	return strings.Join(slices.Sorted(maps.Keys(t.fields)), ", ")
}

// unknown says what is wrong with a name that is no field of the table.
func (t fieldTable) unknown(name string) string {
	if instead, ok := t.absent[name]; ok {
		return instead
	}
	if ours, ok := t.renamed[name]; ok {
		return "is a name of contact v1; templates call this field " + ours + " with either interface"
	}
	return "DingTalk's " + t.record + " has no such field, allowed are " + t.names()
}
