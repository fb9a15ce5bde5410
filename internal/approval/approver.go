package approval

// Rule is how people are found.
type Rule string

// The rules (approval reference B.2). RulePost and RuleGroup have no source
// in this product and are refused at publish.
const (
	RuleUser             Rule = "user"             // users: user codes
	RuleRole             Rule = "role"             // code: a role of the company
	RulePost             Rule = "post"             // refused
	RuleDeptMembers      Rule = "deptMembers"      // everybody directly in the departments of "of"
	RuleDeptManager      Rule = "deptManager"      // the managers of the departments of "of", level up
	RuleSupervisor       Rule = "supervisor"       // the initiator's supervisor, level up
	RuleSupervisorChain  Rule = "supervisorChain"  // one task per level, in sequence
	RuleInitiatorSelect  Rule = "initiatorSelect"  // whom the initiator chose: user codes in the form's field
	RulePreviousSelect   Rule = "previousSelect"   // target_users of the decision that led here
	RuleInitiator        Rule = "initiator"        // the initiator
	RuleFormUser         Rule = "formUser"         // user codes in the form's field
	RuleFormDeptManager  Rule = "formDeptManager"  // the managers of the departments in the form's field
	RuleTaskDeptManagers Rule = "taskDeptManagers" // the managers of the call's taskDeptManager
	RuleGroup            Rule = "group"            // refused
	RuleExpr             Rule = "expr"             // a CEL expression that yields user codes
)

// Approver is one rule that finds people. Which keys belong to a rule is in
// the schema.
type Approver struct {
	By Rule `json:"by"`

	Users []string `json:"users,omitempty"` // user
	Code  string   `json:"code,omitempty"`  // role, post, group

	Of    Origin   `json:"of,omitempty"`    // deptMembers, deptManager
	Depts []string `json:"depts,omitempty"` // of: list — codes or exact names
	// Field is a form field: of deptMembers and deptManager with of: form,
	// formUser, formDeptManager, initiatorSelect. It holds one text or a
	// list of texts.
	Field string `json:"field,omitempty"`

	// Level counts upwards from 1, the direct manager or supervisor:
	// deptManager, formDeptManager, supervisor.
	Level int `json:"level,omitempty"`
	// ClimbIfVacant goes on upwards until somebody is found: deptManager,
	// formDeptManager, supervisor.
	ClimbIfVacant bool `json:"climbIfVacant,omitempty"`

	From int      `json:"from,omitempty"` // supervisorChain: first level
	To   ChainEnd `json:"to,omitempty"`   // supervisorChain: last level

	Min   int    `json:"min,omitempty"`  // initiatorSelect, previousSelect: how many at least
	Max   int    `json:"max,omitempty"`  // and at most; 0 is any number
	Scope People `json:"scope,omitzero"` // and among whom; zero is everybody

	Expr string `json:"expr,omitempty"` // expr

	// Pick is of rules that may find several; "" is all.
	Pick Pick `json:"pick,omitempty"`
}

// Origin says whose department is meant.
type Origin string

// The origins of a department.
const (
	OfInitiator Origin = "initiator" // the department the flow was launched for
	OfForm      Origin = "form"      // named by a form field
	OfList      Origin = "list"      // listed in the definition
)

// Pick says which of the people found get a task.
type Pick string

// The picks.
const (
	PickAll    Pick = "all"    // each of them
	PickRandom Pick = "random" // one of them, chosen when the node is entered
	PickClaim  Pick = "claim"  // each of them; the first to act has it. Sign mode any only
)

// ChainEnd is the last level of a supervisor chain. In JSON it is a number
// or "top".
type ChainEnd int

// ChainTop ends a chain with the topmost supervisor.
const ChainTop ChainEnd = -1
