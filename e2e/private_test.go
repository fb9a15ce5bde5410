package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Names, mobiles, identity cards, addresses and secrets stay in the database
// and at the vendor, whatever goes wrong on the way.
func TestNothingPrivateLeaves(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	w.env["ORGFLOW_LOG_LEVEL"] = "debug"
	traces := w.traced()
	w.company(302, func(source, _ object) { source["auth"] = object{"mode": "bearer", "token": "${WRONG}"} })
	w.company(303, func(_, ding object) { ding["appsecret"] = "${WRONG}" })
	w.env["WRONG"] = "this-is-wrong-77"
	p := w.serve()
	w.unlimited()
	rows := demo(t)
	w.load(rows)
	w.troubled(rows)

	token := w.dingToken()
	private := privateWords(rows)
	secrets := map[string]string{
		appSecret: "DingTalk's secret", hcmToken: "the HCM token", token: "DingTalk's token", "this-is-wrong-77": "a wrong secret",
		misplaced: "a number in the wrong place",
	}
	for word, what := range secrets {
		private[word] = what
	}

	c := w.temporalClient()
	find := &searcher{t: t, private: private}
	for _, e := range w.executions(c, 5) {
		id := e.GetExecution().GetWorkflowId()
		find.in("visibility of "+id, e.ProtoReflect())
		for _, event := range events(t, c, id, e.GetExecution().GetRunId()) {
			find.in(fmt.Sprintf("event %d of %s, %s", event.GetEventId(), id, event.GetEventType()), event.ProtoReflect())
		}
	}
	if find.payloads < 50 || find.control < 20 {
		t.Errorf("%d payloads were looked into, %q was found in %d texts: the search does not see what is there", find.payloads, control, find.control)
	}

	traces.wait(t, "ding_talk "+userCreate)
	for _, request := range traces.received() {
		find.in("the traces", request.ProtoReflect())
	}

	logs := p.out.String() + p.err.String()
	if !strings.Contains(logs, `"DEBUG"`) {
		t.Error("no debug lines: the comparison shows less than it should")
	}
	calls := 0
	for _, line := range lines(logs) {
		if strings.Contains(line, `"path":"`+userCreate+`"`) {
			calls++
			for _, id := range []string{"run_id", "record", "change", "trace_id"} {
				if !strings.Contains(line, `"`+id+`":`) {
					t.Errorf("the line of a call has no %s: %s", id, line)
				}
			}
		}
		for word, what := range private {
			// A name may be an ordinary word elsewhere, but no log has
			// Chinese words of its own.
			if strings.Contains(line, word) {
				t.Errorf("the log shows %s: %s", what, line)
			}
		}
	}
	if calls < 300 {
		t.Errorf("%d lines of 300 inserts", calls)
	}
	for _, e := range rows.Employee[:50] {
		_, body, err := call("GET", fmt.Sprintf("http://%s/api/v1/records/129/ding_talk/person/%d/log", w.http, number(e["id"])), "")
		if err != nil || strings.Contains(body, text(e["identity_card"])) {
			t.Errorf("the provisioning log of %v shows the identity card: %s %v", e["id"], body, err)
		}
	}
}

// misplaced is a mobile number where a date should be.
const misplaced = "10055555555"

// troubled runs the demo through everything that makes a message: refused
// records, dropped answers, expired tokens, systems that refuse, bad jobs.
func (w *world) troubled(rows hcm) {
	w.t.Helper()
	w.faults(
		object{"path": userCreate, "errcode": 60104, "times": 3},
		object{"path": userCreate, "errcode": 40103, "times": 2},
		object{"path": userCreate, "http_status": 500, "times": 2},
		object{"path": userCreate, "after_commit": true, "times": 3},
		object{"path": userCreate, "body": "{\"errcode\":", "times": 2},
		object{"path": userCreate, "errcode": 60103, "times": 2},
		object{"path": deptCreate, "errcode": 60008, "times": 1},
		object{"path": deptCreate, "after_commit": true, "every": 7, "times": 2},
	)
	if s := w.await(w.begin(demoJob), 3*time.Minute); s.Status != "completed_with_failures" {
		w.t.Errorf("the troubled run is %s", s.Status)
	}
	must(w.t, "DELETE", w.simURL("dingtalk", "faults"), "", nil)
	must(w.t, "POST", w.simURL("dingtalk", "expire-tokens"), "", nil)

	// A record that does not fit: its reason must not quote it.
	rows.Employee[200]["mobile"] = "not a number 10012345678"
	rows.Employee[201]["name"] = ""
	rows.Employee[202]["job_info"] = object{"begin_date": misplaced}
	w.load(rows)
	if s := w.await(w.begin(demoJob), 3*time.Minute); !s.terminal() {
		w.t.Errorf("the second run is %s", s.Status)
	}
	for _, company := range []string{"302", "303"} {
		if s := w.await(w.begin(`{"services":["org_new"],"consumer":"ding_talk","company_id":`+company+`}`), time.Minute); s.Status != "failed" {
			w.t.Errorf("company %s: %s", company, s.Status)
		}
	}
	w.await(w.begin(`{"services":["person_new"],"consumer":"ding_talk","company_id":129,"params":{"extra_property":{"state":"abcd"},"mode":"full"}}`), time.Minute)
}

// dingToken is the token orgflow uses: DingTalk gives the same one to all
// who ask while it lives.
func (w *world) dingToken() string {
	w.t.Helper()
	var got struct {
		Token string `json:"access_token"`
	}
	must(w.t, "GET", "http://"+w.sims+"/dingtalk/gettoken?appkey="+appKey+"&appsecret="+appSecret, "", &got)
	if got.Token == "" {
		w.t.Fatal("no token")
	}
	return got.Token
}

// privateWords are what must not be found, with what they are.
func privateWords(rows hcm) map[string]string {
	words := map[string]string{}
	for _, e := range rows.Employee {
		for _, key := range []string{"name", "mobile", "identity_card", "email"} {
			if v := text(e[key]); v != "" {
				words[v] = fmt.Sprintf("the %s of person %v", key, e["id"])
			}
		}
	}
	return words
}

// control is a word that histories hold often; a search that misses it sees
// nothing.
const control = "ding_talk"

// searcher looks for private words in messages of Temporal.
type searcher struct {
	t                 *testing.T
	private           map[string]string
	payloads, control int
}

// in looks into all texts of a message: its own strings and, decoded, the
// JSON of its payloads.
func (s *searcher) in(where string, m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		each(f, v, func(v protoreflect.Value) {
			switch x := v.Interface().(type) {
			case string:
				s.text(where, x)
			case []byte:
				s.text(where, string(x))
			case protoreflect.Message:
				if p, ok := x.Interface().(*common.Payload); ok {
					s.payloads++
					s.text(where, decoded(p.GetData()))
					return
				}
				s.in(where, x)
			}
		})
		return true
	})
}

func (s *searcher) text(where, text string) {
	if strings.Contains(text, control) {
		s.control++
	}
	for word, what := range s.private {
		if strings.Contains(text, word) {
			s.t.Errorf("%s shows %s: %.300s", where, what, text)
		}
	}
}

// each visits a field's values, those of lists and maps one by one.
func each(f protoreflect.FieldDescriptor, v protoreflect.Value, visit func(protoreflect.Value)) {
	switch {
	case f.IsList():
		for i := range v.List().Len() {
			visit(v.List().Get(i))
		}
	case f.IsMap():
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			visit(k.Value())
			visit(v)
			return true
		})
	default:
		visit(v)
	}
}

// decoded is a payload's text with JSON's escapes resolved; what is no JSON
// is taken as it stands, nested messages included.
func decoded(data []byte) string {
	var v any
	if json.Unmarshal(data, &v) != nil {
		var nested common.Payloads
		if proto.Unmarshal(data, &nested) == nil && len(nested.GetPayloads()) > 0 {
			return nested.String()
		}
		return string(data)
	}
	return fmt.Sprint(v)
}
