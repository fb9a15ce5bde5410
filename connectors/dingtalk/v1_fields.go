package dingtalk

// v1Field is a field with its names in both interfaces.
type v1Field struct {
	v2, v1 string
	form   v1Form
	asked  bool // only in requests
	shown  bool // only in answers
}

// departmentV1 is DingTalk reference § 3.2, § 3.3 and § 3.6. The misspelt
// deptPerimits and userPerimits of the first documents are deprecated; their
// successors are sent.
var departmentV1 = []v1Field{
	{v2: "dept_id", v1: "id"},
	{v2: "name", v1: "name"},
	{v2: "parent_id", v1: "parentid", form: formDigits},
	{v2: "order", v1: "order", form: formDigits},
	{v2: "create_dept_group", v1: "createDeptGroup"},
	{v2: "auto_add_user", v1: "autoAddUser"},
	{v2: "hide_dept", v1: "deptHiding"},
	{v2: "dept_permits", v1: "deptPermits", form: formBars},
	{v2: "user_permits", v1: "userPermits", form: formBars},
	{v2: "outer_dept", v1: "outerDept"},
	{v2: "outer_permit_depts", v1: "outerPermitDepts", form: formBars},
	{v2: "outer_permit_users", v1: "outerPermitUsers", form: formBars},
	{v2: "outer_dept_only_self", v1: "outerDeptOnlySelf"},
	{v2: sourceID, v1: "sourceIdentifier"},
	{v2: "auto_approve_apply", v1: "autoApproveApply"},
	{v2: "extension", v1: "ext"},
	{v2: "org_dept_owner", v1: "orgDeptOwner"},
	{v2: managers, v1: "deptManagerUseridList", form: formBars},
	{v2: "group_contain_sub_dept", v1: "groupContainSubDept"},
	{v2: "group_contain_outer_dept", v1: "groupContainOuterDept"},
	{v2: "group_contain_hidden_dept", v1: "groupContainHiddenDept"},
	{v2: "language", v1: "lang", asked: true},
	{v2: "parentBalanceFirst", v1: "parentBalanceFirst", asked: true},
	{v2: "shareBalance", v1: "shareBalance", asked: true},
	{v2: "dept_id_list", v1: "sub_dept_id_list", shown: true}, // of list_ids
}

// personV1 is DingTalk reference § 3.4, § 3.5 and § 3.6.
var personV1 = []v1Field{
	{v2: "userid", v1: "userid"},
	{v2: "name", v1: "name"},
	{v2: "mobile", v1: "mobile"},
	{v2: "dept_id_list", v1: "department", form: formNumbers},
	{v2: "dept_order_list", v1: "orderInDepts", form: formOrders},
	{v2: "dept_title_list", v1: "positionInDepts", form: formTitles},
	{v2: "title", v1: "position"},
	{v2: "telephone", v1: "tel"},
	{v2: "work_place", v1: "workPlace"},
	{v2: "remark", v1: "remark"},
	{v2: "email", v1: "email"},
	{v2: "org_email", v1: "orgEmail"},
	{v2: "job_number", v1: "jobnumber"},
	{v2: "hide_mobile", v1: "isHide"},
	{v2: "senior_mode", v1: "isSenior", asked: true},
	{v2: "senior", v1: "isSenior", shown: true},
	{v2: "extension", v1: "extattr", form: formObject},
	{v2: "hired_date", v1: "hiredDate"},
	{v2: "manager_userid", v1: "managerUserid"},
	{v2: "language", v1: "lang", asked: true},
	{v2: "unionid", v1: "unionid", shown: true},
	{v2: "state_code", v1: "stateCode", shown: true},
	{v2: "active", v1: "active", shown: true},
	{v2: "leader_in_dept", v1: "isLeaderInDepts", form: formLeaders, shown: true},
	{v2: "dept_order", v1: "order", shown: true}, // of listbypage
	{v2: "leader", v1: "isLeader", shown: true},
}

// personPageV1 has the parameters of user/listbypage too.
var personPageV1 = append([]v1Field{
	{v2: "dept_id", v1: "department_id", asked: true},
	{v2: "cursor", v1: "offset", asked: true},
	{v2: "size", v1: "size", asked: true},
}, personV1...)

const (
	nameMaxV1   = 64
	permitMaxV1 = 200
)

// departmentFieldsV1 is DingTalk reference § 3.2 under the names of v2.
var departmentFieldsV1 = tableV1(departmentFields, departmentV1, map[string]string{
	"brief":     "the nearest is extension (ext of v1)",
	"telephone": "the nearest is extension (ext of v1)",
	"code":      "the nearest is extension (ext of v1); sourceIdentifier belongs to orgflow",
}, func(fields map[string]field) {
	limit := func(name string, max int) { f := fields[name]; f.max = max; fields[name] = f }
	for _, name := range []string{"dept_permits", "user_permits", "outer_permit_users", "outer_permit_depts"} {
		limit(name, permitMaxV1)
	}
	fields["extension"] = field{wire: wireJSON, hidden: true}
	fields[managers] = field{wire: wireUserIDs, when: withPeople, doubted: true}
	fields["parentBalanceFirst"] = field{wire: wireBool, hidden: true}
	fields["shareBalance"] = field{wire: wireBool, hidden: true}
})

// noAccounts says what becomes of the fields of enterprise accounts.
const noAccounts = "it knows no enterprise accounts; the nearest are userid, name and mobile"

// personFieldsV1 is DingTalk reference § 3.4 under the names of v2.
var personFieldsV1 = tableV1(personFields, personV1, map[string]string{
	attrsMode:            "it always replaces all custom attributes (extattr); leave this out",
	"login_email":        "the nearest is email",
	"org_email_type":     "the nearest is org_email (orgEmail of v1)",
	"extension_i18n":     "the nearest is extension (extattr of v1), without translations",
	"dept_position_list": "the nearest is dept_title_list (positionInDepts of v1)",
	"exclusive_account":  noAccounts, "exclusive_account_type": noAccounts, "exclusive_mobile": noAccounts,
	"exclusive_mobile_verify_status": noAccounts, "loginId": noAccounts, "login_id": noAccounts, "init_password": noAccounts,
	"nickname": noAccounts, "avatarMediaId": noAccounts, "outer_exclusive_corpid": noAccounts, "outer_exclusive_userid": noAccounts,
}, func(fields map[string]field) {
	for name, max := range map[string]int{
		"name": nameMaxV1, "title": 64, "email": 64, "job_number": 64, "work_place": 50, "remark": 1000, "org_email": 0, "extension": 0, "dept_id_list": 0,
	} {
		f := fields[name]
		f.max, f.insertMax = max, 0
		fields[name] = f
	}
	fields["manager_userid"] = field{max: 64, doubted: true}
})

// tableV1 makes v1's table of fields of v2's. Templates use the names of v2
// with both, so that a company can change from one to the other.
func tableV1(v2 fieldTable, words []v1Field, absent map[string]string, change func(map[string]field)) fieldTable {
	t := fieldTable{record: v2.record + " in contact v1", fields: without(v2.fields, absent), absent: map[string]string{}, renamed: map[string]string{}}
	for name, instead := range absent {
		t.absent[name] = `is not a field of contact v1 ("api": "v1"): ` + instead
	}
	change(t.fields)
	for _, w := range words {
		if _, known := t.fields[w.v1]; !known && !w.shown {
			t.renamed[w.v1] = w.v2
		}
	}
	return t
}
