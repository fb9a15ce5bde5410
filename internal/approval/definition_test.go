package approval_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/approval"
)

// known is a company with a few roles, flows and the shipped templates.
func known(t testing.TB) approval.Known {
	t.Helper()
	in := func(names ...string) func(string) bool {
		return func(name string) bool { return slices.Contains(names, name) }
	}
	return approval.Known{Role: in("flow_admin", "finance", "archive"), Flow: in("xyz02"), Templates: approval.DefaultTemplates()}
}

func example(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "ztbxx01.json"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestTheReferencesExampleIsPublishable(t *testing.T) {
	d, problems := approval.Read("ztbxx01.json", example(t), known(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if d.FlowCode != "ztbxx01" || len(d.Nodes) != 9 {
		t.Errorf("flow %q with %d nodes", d.FlowCode, len(d.Nodes))
	}
	n, ok := d.Node(10)
	if !ok || n.Timeouts[0].After != (approval.Duration{Clock: 24 * time.Hour}) || n.Timeouts[0].Calendar != approval.WorkCalendar {
		t.Errorf("node 10: %v %+v", ok, n)
	}
	if join, _ := d.Node(60); join.Wait != approval.WaitAllTaken || join.Of != 30 {
		t.Errorf("node 60: %+v", join)
	}
	if sub, _ := d.Node(50); sub.Wait != approval.WaitChild {
		t.Errorf("node 50: %+v", sub)
	}
}

func TestADefinitionSurvivesItsOwnJSON(t *testing.T) {
	d, problems := approval.Decode("", example(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	again, problems := approval.Decode("", raw)
	if len(problems) > 0 {
		t.Fatalf("%v in %s", problems, raw)
	}
	if diff := cmp.Diff(d, again); diff != "" {
		t.Error(diff)
	}
}

// minimal has only what must be there.
const minimal = `{"schema": "flow-def/1", "flowCode": "a", "name": "A", "form": {"board": "b"}, "nodes": [
	{"seq": 0, "type": "start", "next": [{"to": 10}]},
	{"seq": 10, "type": "approve", "approvers": [{"by": "deptManager"}, {"by": "supervisorChain"}], "sign": {"mode": "sequence"}, "next": [{"to": 20}]},
	{"seq": 20, "type": "trigger", "http": {"url": "http://127.0.0.1/x"}, "next": [{"to": 30}]},
	{"seq": 30, "type": "subflow", "flow": "xyz02", "next": [{"to": 99}]},
	{"seq": 99, "type": "end"}]}`

func TestWhatIsLeftOutHasItsDefault(t *testing.T) {
	d, problems := approval.Read("", []byte(minimal), known(t))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	wantPolicy := approval.Policy{
		ApproverMissing:      approval.Missing{Do: approval.MissingError},
		InitiatorIsApprover:  approval.InitiatorSelf,
		Dedup:                approval.DedupNone,
		InactiveUser:         approval.InactiveAsMissing,
		Substitution:         approval.SubstitutionHonour,
		Reject:               approval.Reject{To: approval.ToInitiator, Resume: approval.ResumeReplay},
		Relaunch:             approval.Relaunch{From: []orgflow.FlowState{"RETURNED", "DISCARDED"}, Resume: approval.ResumeReplay, Definition: approval.PinnedVersion},
		DiscardAfterApproval: new(true),
		Urge:                 approval.Urge{MinInterval: approval.Duration{Clock: 10 * time.Minute}, MaxPerDay: 5},
		MinusOne:             approval.MinusOneDefault,
	}
	if diff := cmp.Diff(wantPolicy, d.Policy); diff != "" {
		t.Error(diff)
	}
	wantSerial := approval.Serial{Pattern: "{flowCode}_{yyyyMM}_{seq:4}", Period: approval.PeriodMonth, TZ: "Asia/Shanghai"}
	if diff := cmp.Diff(wantSerial, d.Serial); diff != "" {
		t.Error(diff)
	}
	wantForm := approval.Form{Board: "b", Key: "id", Title: "{userName}的{name}"}
	if diff := cmp.Diff(wantForm, d.Form); diff != "" {
		t.Error(diff)
	}
	wantApprove := approval.Node{
		Seq: 10, Type: approval.NodeApprove, Next: []approval.Edge{{To: 20}},
		Approvers: []approval.Approver{
			{By: approval.RuleDeptManager, Of: approval.OfInitiator, Level: 1, Pick: approval.PickAll},
			{By: approval.RuleSupervisorChain, From: 1, To: approval.ChainTop},
		},
		Sign:    approval.Sign{Mode: approval.SignSequence},
		Allow:   approval.Actions(),
		Opinion: approval.OpinionOptional,
	}
	if diff := cmp.Diff(wantApprove, d.Nodes[1]); diff != "" {
		t.Error(diff)
	}
	if n := d.Nodes[2]; n.HTTP.Method != http.MethodPost || n.OnFailure != approval.FailureFaults {
		t.Errorf("trigger %+v", n)
	}
	if n := d.Nodes[3]; n.Wait != approval.WaitChild || n.OnChildReject != approval.ChildRejects {
		t.Errorf("subflow %+v", n)
	}
}

func TestWordsOfTheDefinition(t *testing.T) {
	d, problems := approval.Decode("", []byte(minimal))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d.Nodes[1].OnReject = &approval.Reject{To: approval.ToEnd}
	if got := d.RejectOf(&d.Nodes[1]).To; got != approval.ToEnd {
		t.Errorf("node's own rule: %v", got)
	}
	if got := d.RejectOf(&d.Nodes[3]).To; got != approval.ToInitiator {
		t.Errorf("policy's rule: %v", got)
	}
	d.Nodes[1].ApproverMissing = &approval.Missing{Do: approval.MissingPass}
	if d.MissingOf(&d.Nodes[1]).Do != approval.MissingPass || d.MissingOf(&d.Nodes[3]).Do != approval.MissingError {
		t.Error("MissingOf does not put the node over the policy")
	}
	if _, ok := d.Node(11); ok {
		t.Error("there is no node 11")
	}
}

func TestNoticesAreLaidOverEachOther(t *testing.T) {
	d := &approval.Definition{Notify: approval.Notify{
		approval.OnTask:      {Channels: []approval.Channel{approval.ChannelWeCom}},
		approval.OnDiscarded: {To: []approval.Who{}},
	}}
	n := &approval.Node{Notify: approval.Notify{approval.OnTask: {Tpl: "mine"}}}
	want := approval.Notice{Tpl: "mine", To: []approval.Who{approval.WhoAssignee}, Channels: []approval.Channel{approval.ChannelWeCom}}
	if diff := cmp.Diff(want, d.NoticeOf(n, approval.OnTask)); diff != "" {
		t.Error(diff)
	}
	if got := d.NoticeOf(nil, approval.OnDiscarded); len(got.To) != 0 {
		t.Errorf("a silenced event tells %v", got.To)
	}
	if got := d.NoticeOf(nil, approval.OnReturned); got.Tpl != "returned" || !slices.Equal(got.To, []approval.Who{approval.WhoInitiator, approval.WhoOpen}) {
		t.Errorf("default of onReturned: %+v", got)
	}
}

func TestTargetsInJSON(t *testing.T) {
	for text, want := range map[string]approval.Target{
		`"initiator"`: approval.ToInitiator, `0`: approval.ToInitiator, `"end"`: approval.ToEnd, `10`: approval.ToNode(10),
	} {
		var got approval.Target
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s = %v, %v", text, got, err)
		}
		raw, err := json.Marshal(got)
		if wrote := strings.Replace(text, "0", `"initiator"`, 1); err != nil || (string(raw) != text && string(raw) != wrote) {
			t.Errorf("%v written as %s, %v", got, raw, err)
		}
	}
	for _, text := range []string{`"start"`, `-1`, `1.5`, `null`, `[]`, `true`} {
		var target approval.Target
		if err := target.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("target %s was taken", text)
		}
		var end approval.ChainEnd
		if err := end.UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("chain end %s was taken", text)
		}
	}
}

func TestADefinitionThatIsTooLong(t *testing.T) {
	raw := strings.Replace(minimal, `"name": "A"`, `"name": "A"`+strings.Repeat(" ", 256<<10), 1)
	if _, problems := approval.Decode("f", []byte(raw)); len(problems) != 1 || !strings.Contains(problems[0].Message, "262144") {
		t.Error(problems)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(example(f))
	f.Add([]byte(minimal))
	f.Add([]byte(`{"schema": "flow-def/1", "flowCode": "a", "name": "A", "form": {"board": "b"}, "nodes": [{"seq": 1, "type": "join", "of": 1, "next": [{"to": 1}]}]}`))
	f.Add([]byte(`{"schema": "flow-def/1", "flowCode": "a", "name": "A", "form": {"board": "b"}, "nodes": [
		{"seq": 0, "type": "start", "next": [{"to": 1, "when": "form.a"}]}, {"seq": 1, "type": "fork", "mode": "inclusive", "next": [{"to": 2}, {"to": 3}]},
		{"seq": 2, "type": "delay", "after": "PT1S", "next": [{"to": 1}]}, {"seq": 3, "type": "join", "of": 2, "next": [{"to": 9}]}]}`))
	k := known(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, problems := approval.Decode("", raw)
		if len(problems) > 0 {
			return
		}
		for _, p := range approval.Check(d, k) {
			if p.Message == "" {
				t.Errorf("empty problem at %s", p.Pointer)
			}
		}
		// What was read can be written and read again.
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, problems := approval.Decode("", out)
		if len(problems) > 0 {
			t.Fatalf("%v in %s", problems, out)
		}
		if diff := cmp.Diff(d, again); diff != "" {
			t.Error(diff)
		}
	})
}
