package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/connectors"
)

// The test vectors of DingTalk reference § 9.3.
const (
	vectorToken  = "simtoken"
	vectorKey    = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	vectorOwner  = "dingsimkey0001"
	vectorRandom = "0123456789abcdef"
	vectorTime   = "1700000000000"
)

var vectors = []struct{ message, nonce, encrypt, signature string }{
	{"success", "nonce0001", "Q3stYC6hdFzMh9T8HCvyDDVB8nYie0nnKONkIDibUiSMqBVhrPM0q4xu5U55OHpdf+thc8KRiB/zeAwQZwomVg==", "45f1829f6c913998330fddb934b817e9e2048a7f"},
	{`{"EventType":"check_url"}`, "nonce0002", "Q3stYC6hdFzMh9T8HCvyDLV8JeomtQuxZLosYEI28mjzSD5UpK2hp0QUc4H6M/N5aStVr6oAa0BERjT8yPdOfQ==", "82af890d77847aaca87bea82dc503bf5be7337e8"},
}

func vectorCallback(t testing.TB) *callback {
	t.Helper()
	c, err := newCallback(Config{AppKey: vectorOwner, Events: &EventConfig{Token: vectorToken, AESKey: vectorKey}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// query is how a call of DingTalk carries its proof.
func query(signature, timestamp, nonce string) url.Values {
	return url.Values{"signature": {signature}, "timestamp": {timestamp}, "nonce": {nonce}}
}

func sealed(encrypt string) []byte { return fmt.Appendf(nil, `{"encrypt":%q}`, encrypt) }

func TestTheVectorsOfTheReference(t *testing.T) {
	c := vectorCallback(t)
	for _, v := range vectors {
		if got := c.seal([]byte(vectorRandom), []byte(v.message)); got != v.encrypt {
			t.Errorf("seal(%s) = %s", v.message, got)
		}
		if got := c.sign(vectorTime, v.nonce, v.encrypt); got != v.signature {
			t.Errorf("sign(%s) = %s", v.message, got)
		}
		message, err := c.receive(query(v.signature, vectorTime, v.nonce), sealed(v.encrypt))
		if err != nil || string(message) != v.message {
			t.Errorf("receive = %s, %v, want %s", message, err, v.message)
		}
		other := url.Values{"msg_signature": {strings.ToUpper(v.signature)}, "timeStamp": {vectorTime}, "nonce": {v.nonce}}
		if _, err := c.receive(other, sealed(v.encrypt)); err != nil {
			t.Errorf("with the other names: %v", err)
		}
	}
}

func TestNothingUnprovenIsBelieved(t *testing.T) {
	c, v := vectorCallback(t), vectors[1]
	foreign, err := newCallback(Config{AppKey: "somebody else", Events: &EventConfig{Token: vectorToken, AESKey: vectorKey}})
	if err != nil {
		t.Fatal(err)
	}
	signed := func(encrypt string) (url.Values, []byte) {
		return query(c.sign(vectorTime, "n", encrypt), vectorTime, "n"), sealed(encrypt)
	}
	for name, call := range map[string]func() (url.Values, []byte){
		"wrong signature": func() (url.Values, []byte) {
			return query(vectors[0].signature, vectorTime, v.nonce), sealed(v.encrypt)
		},
		"other nonce":  func() (url.Values, []byte) { return query(v.signature, vectorTime, "nonce0003"), sealed(v.encrypt) },
		"other time":   func() (url.Values, []byte) { return query(v.signature, "1700000000001", v.nonce), sealed(v.encrypt) },
		"no signature": func() (url.Values, []byte) { return url.Values{}, sealed(v.encrypt) },
		"other message": func() (url.Values, []byte) {
			return query(v.signature, vectorTime, v.nonce), sealed(vectors[0].encrypt)
		},
		"no JSON":     func() (url.Values, []byte) { return query(v.signature, vectorTime, v.nonce), []byte("<html>") },
		"nothing":     func() (url.Values, []byte) { return query(v.signature, vectorTime, v.nonce), nil },
		"other owner": func() (url.Values, []byte) { return signed(foreign.seal([]byte(vectorRandom), []byte("{}"))) },
		"not base64":  func() (url.Values, []byte) { return signed("&&&&") },
		"not whole":   func() (url.Values, []byte) { return signed(v.encrypt[:20]) },
		"not a block": func() (url.Values, []byte) { return signed(strings.Repeat("A", 64)) },
	} {
		if message, err := c.receive(call()); !errors.Is(err, connectors.ErrNotAuthentic) || message != nil {
			t.Errorf("%s: %s, %v", name, message, err)
		}
	}
}

// Whatever is sealed comes out of the envelope again, and a message that
// was changed on its way does not.
func TestWhatIsSealedIsOpened(t *testing.T) {
	c := vectorCallback(t)
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOf(rapid.Byte()).Draw(t, "message")
		random := rapid.SliceOfN(rapid.Byte(), seasoning, seasoning).Draw(t, "random")
		encrypt := c.seal(random, message)
		got, err := c.receive(query(c.sign("1", "n", encrypt), "1", "n"), sealed(encrypt))
		if err != nil || string(got) != string(message) {
			t.Fatalf("%q, %v, want %q", got, err, message)
		}
	})
}

func FuzzReceive(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.encrypt)
	}
	f.Add("")
	f.Add(strings.Repeat("A", 88))
	c := vectorCallback(f)
	f.Fuzz(func(t *testing.T, encrypt string) {
		body, err := json.Marshal(map[string]string{"encrypt": encrypt})
		if err != nil {
			return
		}
		message, err := c.receive(query(c.sign("1", "n", encrypt), "1", "n"), body)
		if err == nil {
			_, _ = decodeEvent(message) // must not panic
		} else if !errors.Is(err, connectors.ErrNotAuthentic) {
			t.Error(err)
		}
	})
}

func FuzzDecodeEvent(f *testing.F) {
	for _, s := range []string{
		`{"EventType":"user_add_org","UserId":["E1"],"TimeStamp":"1640921671286"}`, `{"eventType":7,"userId":{}}`, `[]`,
		`{"EventType":"org_dept_create","DeptId":[1,-7,"2",1.5]}`, `{"EventType":"user_add_org","UserId":"a,b"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, err := decodeEvent(raw)
		if err == nil && n.Type == "" {
			t.Error("an event without a type")
		}
		for _, r := range n.Records {
			if r.ID == "" || n.ID == "" {
				t.Errorf("%+v", n)
			}
		}
	})
}

func TestEventsOfBothEras(t *testing.T) {
	at := time.UnixMilli(1640921671286)
	people := func(ids ...string) (list []orgflow.RemoteKey) {
		for _, id := range ids {
			list = append(list, orgflow.RemoteKey{Kind: orgflow.Person, ID: id})
		}
		return list
	}
	for _, c := range []struct {
		event string
		id    string // empty: made of the event
		want  []orgflow.RemoteKey
		at    time.Time
	}{
		{`{"EventType":"user_add_org","CorpId":"ding1","TimeStamp":"1640921671286","UserId":["E1"],"OptStaffId":"manager1"}`, "", people("E1"), at},
		{`{"EventType":"user_modify_org","EventTime":1640921671286,"CorpId":"ding1","BizId":"b","eventId":"ev-1","timeStamp":"1640921671286","userId":["E1","E2","E1"],"diffInfo":{"prev":{},"curr":{},"userid":"E1"}}`, "ev-1", people("E1", "E2"), at},
		{`{"EventType":"user_leave_org","UserId":["E1"],"EventTime":1640921671286}`, "", people("E1"), at},
		{`{"EventType":"user_active_org","userId":["E1"]}`, "", people("E1"), time.Time{}},
		{`{"EventType":"org_dept_modify","DeptId":[561000001,"561000002",-7,0]}`, "", []orgflow.RemoteKey{{Kind: orgflow.Org, ID: "561000001"}, {Kind: orgflow.Org, ID: "561000002"}}, time.Time{}},
		{`{"EventType":"org_dept_create","deptId":[561000001],"timeStamp":"soon"}`, "", []orgflow.RemoteKey{{Kind: orgflow.Org, ID: "561000001"}}, time.Time{}},
		{`{"EventType":"org_dept_remove","DeptId":[]}`, "", nil, time.Time{}},
		{`{"EventType":"check_url"}`, "", nil, time.Time{}},
		{`{"EventType":"org_change"}`, "", nil, time.Time{}},
		{`{"EventType":"bpms_task_change","userId":["E1"]}`, "", nil, time.Time{}},
	} {
		n, err := decodeEvent([]byte(c.event))
		if err != nil {
			t.Errorf("%s: %v", c.event, err)
			continue
		}
		if d := cmp.Diff(c.want, n.Records); d != "" || !n.At.Equal(c.at) || c.id != "" && n.ID != c.id {
			t.Errorf("%s: %+v %s", c.event, n, d)
		}
	}
	for _, bad := range []string{``, `null`, `{}`, `{"EventType":""}`, `"success"`, `{"EventType":"user_add_org","UserId":{}}`} {
		if n, err := decodeEvent([]byte(bad)); err == nil {
			t.Errorf("%s is an event: %+v", bad, n)
		}
	}
}

func TestTwoDeliveriesAreOneEvent(t *testing.T) {
	id := func(event string) string {
		n, err := decodeEvent([]byte(event))
		if err != nil || n.ID == "" {
			t.Fatalf("%s: %+v %v", event, n, err)
		}
		return n.ID
	}
	first := id(`{"EventType":"user_add_org","CorpId":"c","TimeStamp":"1640921671286","UserId":["E1","E2"]}`)
	if again := id(`{"UserId":["E2","E1"],"EventType":"user_add_org","TimeStamp":"1640921671286","CorpId":"c","OptStaffId":"x"}`); again != first {
		t.Error("the second delivery is another event")
	}
	for _, other := range []string{
		`{"EventType":"user_add_org","CorpId":"c","TimeStamp":"1640921671287","UserId":["E1","E2"]}`,
		`{"EventType":"user_modify_org","CorpId":"c","TimeStamp":"1640921671286","UserId":["E1","E2"]}`,
		`{"EventType":"user_add_org","CorpId":"c","TimeStamp":"1640921671286","UserId":["E1"]}`,
	} {
		if id(other) == first {
			t.Errorf("%s is taken for the first", other)
		}
	}
}

func TestHearAnswersAsDingTalkWants(t *testing.T) {
	cfg := Config{BaseURL: "http://127.0.0.1:1", AppKey: "k", AppSecret: "s", CorpID: "corp1",
		Events: &EventConfig{Token: vectorToken, AESKey: vectorKey, Owner: "corp_id", OnChange: orgflow.ChangeReport, Pull: true}}
	now := time.UnixMilli(1700000000123)
	client, err := New(cfg, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	sender, err := newCallback(cfg)
	if err != nil || sender.owner != "corp1" {
		t.Fatalf("owner %q, %v", sender.owner, err)
	}
	encrypt := sender.seal([]byte(vectorRandom), []byte(`{"EventType":"user_modify_org","UserId":["E1"]}`))
	n, err := client.Hear(connectors.Push{Query: query(sender.sign("1", "n", encrypt), "1", "n"), Body: sealed(encrypt)})
	if err != nil || n.Act != orgflow.ChangeReport || !n.Pull || len(n.Records) != 1 {
		t.Fatalf("%+v, %v", n, err)
	}
	var r reply
	if err := json.Unmarshal(n.Answer, &r); err != nil || r.Timestamp != "1700000000123" || r.Nonce == "" {
		t.Fatalf("%s, %v", n.Answer, err)
	}
	if got, err := sender.receive(query(r.Signature, r.Timestamp, r.Nonce), sealed(r.Encrypt)); err != nil || string(got) != "success" {
		t.Errorf("the answer opens to %q, %v", got, err)
	}
	encrypt = sender.seal([]byte(vectorRandom), []byte(`{"EventType":"check_url"}`))
	n, err = client.Hear(connectors.Push{Query: query(sender.sign("1", "n", encrypt), "1", "n"), Body: sealed(encrypt)})
	if err != nil || n.Pull {
		t.Errorf("what changes nothing starts a pull: %+v, %v", n, err)
	}
	cfg.Events = nil
	if client, err = New(cfg, Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Hear(connectors.Push{}); orgflow.AsFault(err).Code != orgflow.CodeNotFound {
		t.Errorf("without a callback: %v", err)
	}
}

func TestACallbackIsCheckedBeforeItIsUsed(t *testing.T) {
	_, err := New(Config{BaseURL: "http://127.0.0.1:1", AppKey: "k", AppSecret: "s",
		Events: &EventConfig{Token: "x y", AESKey: "short", Owner: "corp_id", OnChange: "delete"}}, Options{})
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) || len(invalid.Problems) != 4 {
		t.Fatalf("%v", err)
	}
	if strings.Contains(err.Error(), "x y") || strings.Contains(err.Error(), "short") {
		t.Errorf("a secret stands in %v", err)
	}
}
