package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	hcmsim "orgflow/connectors/hcm/sim"
)

// dingDept and dingUser are what the DingTalk simulator shows of itself.
type dingDept struct {
	ID       int64    `json:"dept_id"`
	Name     string   `json:"name"`
	ParentID int64    `json:"parent_id"`
	Order    int64    `json:"order"`
	Source   string   `json:"source_identifier"`
	Managers []string `json:"dept_manager_userid_list"`
}

type dingUser struct {
	UserID    string            `json:"userid"`
	Name      string            `json:"name"`
	Mobile    string            `json:"mobile"`
	Email     string            `json:"email"`
	JobNumber string            `json:"job_number"`
	Title     string            `json:"title"`
	HiredDate int64             `json:"hired_date"`
	DeptIDs   []int64           `json:"dept_id_list"`
	Manager   string            `json:"manager_userid"`
	Extension map[string]string `json:"extension"`
	Leader    []struct {
		DeptID int64 `json:"dept_id"`
		Leader bool  `json:"leader"`
	} `json:"leader_in_dept"`
}

type dingState struct {
	Departments []dingDept `json:"departments"`
	Users       []dingUser `json:"users"`
}

// requests is a simulator's request log.
type requests struct {
	Total     int64                       `json:"total"`
	Paths     map[string]map[string]int64 `json:"paths"`
	Writes    int64                       `json:"writes"`
	Rejected  int64                       `json:"rejected"`
	Throttled int64                       `json:"throttled"`
	MaxRate   int                         `json:"max_rate_per_second"`
	Log       []logEntry                  `json:"log"`
}

type logEntry struct {
	Seq                       int64
	Path, Outcome, Key, Fault string
}

// Paths of the simulator that write, as v2 has them.
const (
	userCreate = "/topapi/v2/user/create"
	userUpdate = "/topapi/v2/user/update"
	userDelete = "/topapi/v2/user/delete"
	deptCreate = "/topapi/v2/department/create"
	deptUpdate = "/topapi/v2/department/update"
	deptDelete = "/topapi/v2/department/delete"
)

func (w *world) simURL(name, what string) string {
	return "http://" + w.sims + "/_sim/" + name + "/" + what
}

func (w *world) ding() dingState {
	w.t.Helper()
	var s dingState
	must(w.t, "GET", w.simURL("dingtalk", "state"), "", &s)
	return s
}

func (w *world) requests(name string) requests {
	w.t.Helper()
	var r requests
	must(w.t, "GET", w.simURL(name, "requests"), "", &r)
	return w.named(r)
}

// forget empties the DingTalk simulator's request log.
func (w *world) forget() {
	w.t.Helper()
	must(w.t, "DELETE", w.simURL("dingtalk", "requests"), "", nil)
}

// writes counts the log's calls that wrote, by path.
func (r requests) writesByPath() map[string]int {
	out := map[string]int{}
	for _, e := range r.Log {
		if e.Outcome == "ok" && isWrite(e.Path) {
			out[e.Path]++
		}
	}
	return out
}

func isWrite(path string) bool {
	for _, verb := range []string{"/create", "/update", "/delete"} {
		if strings.HasSuffix(path, verb) {
			return true
		}
	}
	return false
}

// unlimited takes the simulator's rate limit away.
func (w *world) unlimited() {
	w.t.Helper()
	must(w.t, "PUT", w.simURL("dingtalk", "options"), `{"qps": 0}`, nil)
}

// faults breaks calls to the DingTalk simulator on purpose.
func (w *world) faults(list ...object) {
	w.t.Helper()
	must(w.t, "POST", w.simURL("dingtalk", "faults"), encode(w.t, list), nil)
}

// hcm is the source's rows, kept as what they are: JSON objects.
type hcm struct {
	Organization []object `json:"Organization"`
	Employee     []object `json:"Employee"`
}

// load gives the HCM simulator rows.
func (w *world) load(rows hcm) {
	w.t.Helper()
	must(w.t, "PUT", w.simURL("hcm", "state"), encode(w.t, object{"models": rows}), nil)
}

// source returns the HCM simulator's rows.
func (w *world) source() hcm {
	w.t.Helper()
	var s struct{ Models hcm }
	must(w.t, "GET", w.simURL("hcm", "state"), "", &s)
	return s.Models
}

// demo and generated are organisations of invented people.
func demo(t *testing.T) hcm { return decodeRows(t, hcmsim.Demo()) }

func generated(t *testing.T, departments, people int) hcm {
	return decodeRows(t, hcmsim.Generate(departments, people, 7))
}

func decodeRows(t *testing.T, s hcmsim.State) hcm {
	t.Helper()
	var out struct{ Models hcm }
	if err := json.Unmarshal([]byte(encode(t, s)), &out); err != nil {
		t.Fatal(err)
	}
	return out.Models
}

// number and text read a row's value.
func number(v any) int {
	f, _ := v.(float64) // absent is 0
	return int(f)
}

func text(v any) string {
	s, _ := v.(string) // absent is empty
	return s
}
