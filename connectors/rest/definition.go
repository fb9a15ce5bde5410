package rest

import (
	"encoding/json"

	"orgflow/connectors/signing"
)

// Definition is a declarative consumer: the content of
// <name>.consumer.json. It holds no secrets.
type Definition struct {
	Description string `json:"description,omitempty"`
	// ServiceClass is the first part of the names of its templates; a
	// consumer that is in consumers.json has it there.
	ServiceClass string `json:"service_class,omitempty"`
	// Note is shown wherever the consumer is described: what is not certain.
	Note string `json:"note,omitempty"`
	// Settings are the values that a connection must or may give, by name.
	Settings map[string]Setting `json:"settings,omitempty"`
	// QPS is the rate budget of a connection that names none, in calls a
	// second; 0 is 10.
	QPS float64 `json:"qps,omitempty"`
	// TimeoutSeconds bounds one call; 0 is 30.
	TimeoutSeconds float64 `json:"timeout_seconds,omitempty"`
	// RootID stands for the root department where the connection names none;
	// empty is "1".
	RootID string `json:"root_id,omitempty"`
	// WholeRecords: an update replaces the record, so that every field goes
	// along, and a delete carries what was accepted last.
	WholeRecords bool `json:"whole_records,omitempty"`
	// LeadersMustBeMembers is orgflow.Profile's.
	LeadersMustBeMembers bool            `json:"leaders_must_be_members,omitempty"`
	Auth                 Auth            `json:"auth"`
	Signing              *signing.Config `json:"signing,omitempty"`
	// Headers and Query go with every call but that of a token.
	Headers map[string]any `json:"headers,omitempty"`
	Query   map[string]any `json:"query,omitempty"`
	Answer  Answer         `json:"answer"`
	// Errors are looked through in order, after those of the call.
	Errors []Rule  `json:"errors,omitempty"`
	Check  *Call   `json:"check,omitempty"`
	Push   *Push   `json:"push,omitempty"`
	Org    *Entity `json:"org,omitempty"`
	Person *Entity `json:"person,omitempty"`
}

// Setting is a value of the connection's "settings".
type Setting struct {
	Description string  `json:"description"`
	Required    bool    `json:"required,omitempty"`
	Secret      bool    `json:"secret,omitempty"` // never shown
	Default     *string `json:"default,omitempty"`
}

// Kinds of authentication.
const (
	AuthNone   = "none"
	AuthKey    = "key"    // a fixed value in query, header or body
	AuthBasic  = "basic"  // user and password
	AuthToken  = "token"  // a call that answers a token
	AuthOAuth2 = "oauth2" // client credentials (RFC 6749 § 4.4)
)

// Auth is how calls prove who makes them.
type Auth struct {
	Kind string `json:"kind"`
	// In and Name say where a key or token goes: query, header or body (a
	// field of the JSON object). Prefix stands before it, "Bearer " say.
	In     string `json:"in,omitempty"`
	Name   string `json:"name,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	// Value is the key.
	Value string `json:"value,omitempty"`
	// User and Password are those of basic.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	// Request gets a token, Token is its path in the answer. It lives as
	// many seconds as stand at ExpiresIn, else LifeSeconds.
	Request     *Call  `json:"request,omitempty"`
	Token       string `json:"token,omitempty"`
	ExpiresIn   string `json:"expires_in,omitempty"`
	LifeSeconds int    `json:"life_seconds,omitempty"`
	// Of oauth2. TokenURL is absolute or, beginning with /, below base_url.
	TokenURL     string `json:"token_url,omitempty"`
	ClientID     string `json:"client_id,omitempty"`
	ClientSecret string `json:"client_secret,omitempty"`
	Scope        string `json:"scope,omitempty"`
	// Style sends the client's secret in the header (default) or the body.
	Style string `json:"style,omitempty"`
}

// Answer says how answers are read.
type Answer struct {
	// Success must hold; absent it is a status of 2xx. An answer that is not
	// JSON is never a success.
	Success *Predicate `json:"success,omitempty"`
	// Empty: an empty body may be a success (204 No Content).
	Empty bool `json:"empty,omitempty"`
	// Code and Message are the paths of the vendor's code and words.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Entity is one kind of record.
type Entity struct {
	// ID is the target whose value is the consumer's id, chosen by us; empty
	// where the consumer assigns ids.
	ID string `json:"id,omitempty"`
	// Key is the path at which a record that was read bears the key we wrote
	// ({key}), by which it is recognised as ours.
	Key string `json:"key,omitempty"`
	// ReadID is the path of the id in a record that was read.
	ReadID string           `json:"read_id,omitempty"`
	Fields map[string]Field `json:"fields"`
	// ReadExt is the path of the custom attributes, an object by label.
	ReadExt string `json:"read_ext,omitempty"`
	// LookupFirst looks before every insert, not only after a lost answer.
	LookupFirst bool `json:"lookup_first,omitempty"`
	// OnDelete is delete (default), disable (the call "disable" is made) or
	// keep (nothing is sent, the record stays as it is).
	OnDelete string  `json:"on_delete,omitempty"`
	Insert   *Call   `json:"insert,omitempty"`
	Update   *Call   `json:"update,omitempty"`
	Delete   *Call   `json:"delete,omitempty"`
	Disable  *Call   `json:"disable,omitempty"`
	Get      *Call   `json:"get,omitempty"`
	Find     []Find  `json:"find,omitempty"`
	Children *List   `json:"children,omitempty"` // of a department: departments below it
	Members  *List   `json:"members,omitempty"`  // persons of a department
	Profile  Profile `json:"profile"`
}

// Profile is this entity's part of orgflow.Profile.
type Profile struct {
	Name          string   `json:"name"`
	Parent        string   `json:"parent,omitempty"`
	Leaders       string   `json:"leaders,omitempty"`
	Mobile        string   `json:"mobile,omitempty"`
	JobNumber     string   `json:"job_number,omitempty"`
	Email         string   `json:"email,omitempty"`
	Orgs          string   `json:"orgs,omitempty"`
	Manager       string   `json:"manager,omitempty"`
	NameMax       int      `json:"name_max,omitempty"`
	NameForbidden string   `json:"name_forbidden,omitempty"`
	SiblingUnique bool     `json:"sibling_names_unique,omitempty"`
	DepthMax      int      `json:"depth_max,omitempty"`
	ChildrenMax   int      `json:"children_max,omitempty"`
	Immutable     []string `json:"immutable,omitempty"`
	Unique        []string `json:"unique,omitempty"`
	NeedsOrg      bool     `json:"needs_org,omitempty"`
}

// Types a field can have on the wire.
const (
	AsText    = "text"
	AsInt     = "int"
	AsNumber  = "number"
	AsBool    = "bool"
	AsList    = "list"
	AsIntList = "int_list"
	AsJSON    = "json" // an object or list, as it is or as JSON text
)

// Field is a target name of the templates, and its way to the wire.
type Field struct {
	As   string `json:"as,omitempty"`   // default text
	Wire string `json:"wire,omitempty"` // name in "$fields"; default the target
	Path string `json:"path,omitempty"` // {path} in "$each": "fields"
	// Shape is what {value} becomes in "$each": "fields" and in "$fields",
	// where the consumer wants more than the bare value.
	Shape any `json:"shape,omitempty"`
	// Read is the field's path in a record that was read; empty: it is not
	// shown. Unknown: absence there says nothing, instead of "empty".
	Read    string `json:"read,omitempty"`
	Unknown bool   `json:"unknown,omitempty"`
	// Enum maps the template's value to the consumer's; others are refused.
	Enum map[string]any `json:"enum,omitempty"`
	// Date reads a date in one Go layout and writes it in another, or as
	// unix or unix_ms; in China's time zone unless Zone names one.
	Date     *Date `json:"date,omitempty"`
	Max      int   `json:"max,omitempty"` // characters, or entries of a list
	Required bool  `json:"required,omitempty"`
	// When is always (default), insert or update.
	When string `json:"when,omitempty"`
	// Clear is how a field is emptied: empty (default: "" or []), null, zero
	// (0 or false), or never: it is reported as left.
	Clear    string `json:"clear,omitempty"`
	Personal bool   `json:"personal,omitempty"` // kept out of vendor texts
	// Root is what stands for the root department; "" in a list leaves it out.
	Root *string `json:"root,omitempty"`
	// Relation: the field is no part of the record; what it lists is made
	// true by calls of its own.
	Relation *Relation `json:"relation,omitempty"`
}

// Date says how a date is written.
type Date struct {
	In   string `json:"in"`
	Out  string `json:"out"`
	Zone string `json:"zone,omitempty"`
}

// Relation is a list kept by one call per entry, group memberships say. The
// present entries are read from the record by the field's read path.
// {item} is the entry, {id} the record.
type Relation struct {
	Add    *Call `json:"add"`
	Remove *Call `json:"remove"`
}

// Call is one request.
type Call struct {
	Method  string         `json:"method"`
	Path    string         `json:"path"`
	Query   map[string]any `json:"query,omitempty"`
	Headers map[string]any `json:"headers,omitempty"`
	// Body is JSON, Form form-encoded; a call has one of them or none.
	Body any            `json:"body,omitempty"`
	Form map[string]any `json:"form,omitempty"`
	// Success replaces that of the answer, Errors come before the others.
	Success *Predicate `json:"success,omitempty"`
	Errors  []Rule     `json:"errors,omitempty"`
	// ID is the path of the record's new id in the answer.
	ID string `json:"id,omitempty"`
	// Record is the path of the record in the answer of a get; "" is all of it.
	Record string `json:"record,omitempty"`
	// ETag is where a get finds the version: header:ETag, or a path. IfMatch
	// reads it before the call and sends it.
	ETag    string `json:"etag,omitempty"`
	IfMatch bool   `json:"if_match,omitempty"`
	// Idempotent: repeating the call is harmless, so that a lost answer needs
	// no looking back.
	Idempotent bool   `json:"idempotent,omitempty"`
	Batch      *Batch `json:"batch,omitempty"`
	Poll       *Poll  `json:"poll,omitempty"`
}

// Batch lets a call carry many records ({"$each": "records"}).
type Batch struct {
	MaxRecords int      `json:"max_records"`
	MaxBytes   int      `json:"max_bytes,omitempty"` // of the body
	Results    *Results `json:"results,omitempty"`
	// StopsAtFirst: records behind the first that failed were not done.
	StopsAtFirst bool `json:"stops_at_first,omitempty"`
}

// Results are the outcomes of single records in an answer.
type Results struct {
	List string `json:"list"` // path
	// Key is the path of a record's id in an entry; empty: entries come in
	// the order of the records.
	Key     string     `json:"key,omitempty"`
	Success *Predicate `json:"success"`
	Code    string     `json:"code,omitempty"`
	Message string     `json:"message,omitempty"`
	ID      string     `json:"id,omitempty"`
}

// Poll waits for what a call has only begun.
type Poll struct {
	Task    string `json:"task"` // path of the handle ({task}) in the answer
	Request *Call  `json:"request"`
	// Status is a path; a status in none of the three lists is a failure.
	Status          string   `json:"status"`
	Done            []string `json:"done"`
	Running         []string `json:"running"`
	Failed          []string `json:"failed,omitempty"`
	IntervalSeconds float64  `json:"interval_seconds,omitempty"` // default 2
	MaxSeconds      float64  `json:"max_seconds,omitempty"`      // default 120
}

// Find looks for records by something else than their id.
type Find struct {
	Call
	Items string `json:"items"` // path of the list; {} there is a list of one
	// Total is the path of the number of records found. Only where it is 0
	// may the list be null or left out.
	Total string `json:"total,omitempty"`
	// Match lists what an entry must show: path → template.
	Match map[string]string `json:"match,omitempty"`
}

// List reads records page by page.
type List struct {
	Call
	Items string `json:"items"`
	// At is "root" where one list, asked for at the root department, shows
	// all records of the kind; empty where each department has its own.
	At string `json:"at,omitempty"`
	// Match lists what an entry must show: path → template.
	Match map[string]string `json:"match,omitempty"`
	// IDs: entries are ids, not records.
	IDs    bool    `json:"ids,omitempty"`
	Paging *Paging `json:"paging,omitempty"`
}

// Kinds of paging.
const (
	PageCursor = "cursor"
	PageNumber = "page"
	PageOffset = "offset"
	PageLink   = "link"
)

// Paging says how the next page is asked for: with {cursor}, {page},
// {offset} and {size}, or by a link in the answer.
type Paging struct {
	Kind  string `json:"kind"`
	Size  int    `json:"size,omitempty"`  // default 100
	First int    `json:"first,omitempty"` // first page or offset
	// Next is the path of the next cursor or link; More that of "there is
	// more", Total that of the number of all records.
	Next  string `json:"next,omitempty"`
	More  string `json:"more,omitempty"`
	Total string `json:"total,omitempty"`
}

// Push is a task that states everybody who shall exist.
type Push struct {
	Begin    *Call  `json:"begin"`
	Task     string `json:"task"` // path of the handle in its answer
	Org      *Call  `json:"org"`
	Person   *Call  `json:"person"`
	Complete *Call  `json:"complete"`
}

// Rule says what a failed answer means. All conditions that are given must
// hold; the first rule that does wins.
type Rule struct {
	Status  []Status   `json:"status,omitempty"`
	Codes   []string   `json:"codes,omitempty"`
	Message string     `json:"message,omitempty"` // a part of the vendor's words
	When    *Predicate `json:"when,omitempty"`
	// Always applies the rule to answers that look like success, too.
	Always bool   `json:"always,omitempty"`
	Do     Action `json:"do"`
	// Fault classifies fail_record: invalid_record (default), conflict,
	// blocked, quota_exhausted; and fail_run: invalid_config (default),
	// unauthorized, forbidden.
	Fault string `json:"fault,omitempty"`
	// AfterSeconds, or the number in the header AfterHeader, is how long
	// retry_after waits.
	AfterSeconds float64 `json:"after_seconds,omitempty"`
	AfterHeader  string  `json:"after_header,omitempty"`
	Field        string  `json:"field,omitempty"`
	Advice       string  `json:"advice,omitempty"`
}

// Action is what is done about a failed answer.
type Action string

// The actions.
const (
	RefreshToken  Action = "refresh_token"  // renew it once and repeat once
	RetryAfter    Action = "retry_after"    // too fast: slow down, no failure
	Retry         Action = "retry"          // refused for now, nothing was done
	Success       Action = "success"        // it is as wanted
	Gone          Action = "gone"           // there is no such record
	InsertInstead Action = "insert_instead" // gone, said of an update
	UpdateInstead Action = "update_instead" // it exists: look it up and change it
	SkipRecord    Action = "skip_record"    // leave the record, without failure
	FailRecord    Action = "fail_record"
	Bisect        Action = "bisect"       // one of the batch is to blame
	RestartTask   Action = "restart_task" // the push task is not known any more
	FailRun       Action = "fail_run"
	NeedsHuman    Action = "needs_human"
	ReadAgain     Action = "read_again" // the version has changed (412)
	Unknown       Action = "unknown"    // it may have been done
)

var actions = []Action{RefreshToken, RetryAfter, Retry, Success, Gone, InsertInstead, UpdateInstead, SkipRecord, FailRecord, Bisect, RestartTask, FailRun, NeedsHuman, ReadAgain, Unknown}

// Predicate is a condition on an answer; all its parts must hold.
type Predicate struct {
	Status []Status `json:"status,omitempty"`
	// Path or Header is looked at with one of the rest. Equality is strict:
	// 0 is not "0".
	Path    string            `json:"path,omitempty"`
	Header  string            `json:"header,omitempty"`
	Equals  json.RawMessage   `json:"equals,omitempty"`
	In      []json.RawMessage `json:"in,omitempty"`
	Absent  bool              `json:"absent,omitempty"`
	Present bool              `json:"present,omitempty"`
	// Contains is a part of a text.
	Contains string      `json:"contains,omitempty"`
	All      []Predicate `json:"all,omitempty"`
	Any      []Predicate `json:"any,omitempty"`
	Not      *Predicate  `json:"not,omitempty"`
}
