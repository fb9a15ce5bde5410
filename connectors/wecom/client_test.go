package wecom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
	"orgflow/connectors/vendorcode"
	"orgflow/internal/testclock"
)

func TestConfigNamesEverythingThatIsWrong(t *testing.T) {
	for raw, want := range map[string][]string{
		`{"base_url": "https://qyapi.weixin.qq.com", "corpid": "c", "corpsecret": "s", "root_department_id": 2, "qps": 30, "parallel": 5,
		  "to_invite": true, "agent_id": 7, "agent_secret": "x", "root": "map", "no_department": "hold"}`: nil,
		`{}`: {"base_url", "corpid", "corpsecret"},
		`{"base_url": "qyapi", "corpid": 1, "corpsecret": "s", "root_department_id": "one", "qps": -1, "parallel": 301, "secret": "x"}`: {
			"corpid", "root_department_id", "secret", "base_url", "parallel", "qps"},
		`[]`: {""}, `{"base_url": "https://x"} {}`: {""}, `{`: {""},
	} {
		_, err := ParseConfig([]byte(raw))
		var got []string
		if list, ok := errors.AsType[*orgflow.InvalidError](err); ok {
			for _, p := range list.Problems {
				got = append(got, strings.TrimPrefix(strings.TrimPrefix(p.Pointer, "/consumers/we_com"), "/"))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	cfg := Config{BaseURL: "https://x", CorpID: "c", CorpSecret: "hush"}
	if s := fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, cfg.LogValue()); strings.Contains(s, "hush") {
		t.Error("the secret is shown")
	}
}

// referenceCodes are those of WeCom reference § 11 in its order.
const referenceCodes = `-1 6000 40001 40013 40014 42001 41001 41002 41004 40091 40125 40056 45009 45033 45024 45026 45029 48001 48002 48005 48006
48008 48009 60011 60020 50001 50002 50003 301002 302003 302004 302005 302006 302007 302008 40088 40089 40092 40206
60102 60111 60103 60104 60105 60106 60107 60110 60112 60003 60123 60127 41019 60129 60132 60141 60142 60143 60144 60145 60146 60147 60148
301005 301012 301013 301014 301036 81001 40003 40031 40032 40035 40058 40063 40066
60001 60004 60005 60006 60007 60008 60009 60010 60124 60125 81002
81013 82001 82002 82003 40029 42003 42022 45002 ` + cardCodes

func TestEveryCodeHasAMeaning(t *testing.T) {
	for c := range strings.FieldsSeq(referenceCodes) {
		if m, ok := meanings[c]; !ok || m.Code == "" || m.Advice == "" {
			t.Errorf("%s has none", c)
		}
	}
	for c, want := range map[string]orgflow.Code{
		"12345": orgflow.CodeInternal, "60120": orgflow.CodeInternal, "45031": orgflow.CodeInternal, "http_502": orgflow.CodeUnknownOutcome,
		"http_302": orgflow.CodeInvalidConfig, "-1": orgflow.CodeUnavailable, "60020": orgflow.CodeForbidden, "45026": orgflow.CodeNeedsHuman,
	} {
		var status int
		_, _ = fmt.Sscanf(c, "http_%d", &status)
		if got := meaningOf(c, status).Code; got != want {
			t.Errorf("%s is %s, want %s", c, got, want)
		}
	}
}

func TestWhatCountsAsSuccess(t *testing.T) {
	for body, want := range map[string]string{
		`{"errcode":0,"errmsg":"ok"}`: "", `{"userid":"x"}`: "", `{"errcode":"0"}`: "", "\ufeff" + `{"errcode":0}`: "",
		`{"errcode":60111,"errmsg":"x"}`: "60111", `{"errcode":"60111"}`: "60111", `{"errcode":-1}`: "-1",
		``: vendorcode.Malformed, `[]`: vendorcode.Malformed, `null`: vendorcode.Malformed, `{"errcode":`: vendorcode.Malformed, `<html>`: vendorcode.Malformed, `{"errcode":{}}`: vendorcode.Malformed,
	} {
		if a := decodeAnswer(200, []byte(body)); a.code != want {
			t.Errorf("%s is %q", body, a.code)
		}
	}
	if a := decodeAnswer(502, []byte(`{"errcode":0}`)); a.code != "http_502" {
		t.Errorf("a gateway's answer is %q", a.code)
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	f.Add([]byte(`{"errcode":0,"errmsg":"ok"}`))
	f.Add([]byte(`{"errcode":"x","ERRCODE":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if a := decodeAnswer(200, body); a.code == "" && (len(a.body) == 0 || a.body[0] != '{') {
			t.Errorf("%q is a success", body)
		}
		if a := decodeAnswer(500, body); a.code == "" {
			t.Errorf("status 500 with %q is a success", body)
		}
	})
}

func TestATokenIsRenewedOnce(t *testing.T) {
	for _, mode := range []string{"stable", "rotate"} {
		c := newCorp(t, `{"token_mode": "`+mode+`"}`)
		apply(t, c, personInsert())
		if err := c.sim.ExpireTokens(); err != nil {
			t.Fatal(err)
		}
		r := apply(t, c, personUpdate(map[string]any{"position": "x"}))
		if c.TokenRenewals() != 2 || r.Calls != 3 || r.Writes != 2 {
			t.Errorf("%s: %d renewals, receipt %+v", mode, c.TokenRenewals(), r)
		}
	}
	client, _ := scripted(t, map[string][]string{pathUserUpdate: {code(40014)}})
	_ = refused(t, client, personUpdate(map[string]any{"position": "x"}), orgflow.CodeUnauthorized)
	if n := client.Stats(); n.TokenRenewals != 2 || n.Calls != 4 {
		t.Errorf("refused twice: %+v", n)
	}
	client, _ = scripted(t, map[string][]string{pathToken: {code(40001)}})
	if f := refused(t, client, personUpdate(map[string]any{"position": "x"}), orgflow.CodeUnauthorized); f.Advice != adviceSecret {
		t.Errorf("fault %+v", f)
	}
}

func TestUnknownOutcomes(t *testing.T) {
	for body, want := range map[string]orgflow.Code{
		"502|bad gateway": orgflow.CodeUnknownOutcome, "200|<html>": orgflow.CodeUnknownOutcome, "404|no": orgflow.CodeInvalidConfig,
		`{"errcode":-1}`: orgflow.CodeUnavailable, `{"errcode":6000}`: orgflow.CodeUnavailable, `{"errcode":99999}`: orgflow.CodeInternal,
	} {
		c, _ := scripted(t, map[string][]string{pathUserUpdate: {body}})
		_ = refused(t, c, personUpdate(map[string]any{"position": "x"}), want)
	}
	c, _ := scripted(t, map[string][]string{pathDeptSimpleList: {"502|bad gateway"}})
	if _, err := c.ReadOrg(t.Context(), "2"); orgflow.AsFault(err).Code != orgflow.CodeUnavailable {
		t.Errorf("a read that failed: %v", err)
	}
}

// The first 45009 is taken for the minute's limit, the next in a row for the
// hour's, the third ends the run. Nothing is sent during a block.
func TestFrequencyBlocks(t *testing.T) {
	client, clock := scripted(t, map[string][]string{pathUserUpdate: {code(45009)}, pathUserDelete: {`{"errmsg":"deleted"}`}})
	change := personUpdate(map[string]any{"position": "x"})
	for _, block := range []time.Duration{time.Minute, time.Hour} {
		f := refused(t, client, change, orgflow.CodeThrottled)
		if f.RetryAfter < block || f.RetryAfter > block+time.Second {
			t.Fatalf("wait %v, want %v", f.RetryAfter, block)
		}
		sent := client.Stats().Calls
		clock.Pass(block / 2)
		if f := refused(t, client, change, orgflow.CodeThrottled); client.Stats().Calls != sent || f.RetryAfter > block/2+time.Second {
			t.Errorf("during the block: %+v after %d calls", f, client.Stats().Calls-sent)
		}
		apply(t, client, deleteE1()) // another API is not blocked
		clock.Pass(block/2 + time.Second)
	}
	if f := refused(t, client, change, orgflow.CodeForbidden); !f.StopsRun() || f.VendorCode != "45009" {
		t.Errorf("the third: %+v", f)
	}
}

func TestFrequencyCountsABlockOnce(t *testing.T) {
	f, now := newFrequency(), testclock.New().Now()
	for range 3 { // calls that were under way together
		if wait, hopeless := f.hit("p", now, now.Add(time.Second)); hopeless || wait > time.Minute {
			t.Fatalf("wait %v, hopeless %v", wait, hopeless)
		}
	}
	later := now.Add(2 * time.Minute)
	f.passed("p", now) // an old call that got through says nothing
	if wait, _ := f.hit("p", later, later); wait != time.Hour {
		t.Errorf("the second block lasts %v", wait)
	}
	after := later.Add(2 * time.Hour)
	f.passed("p", after)
	if wait, _ := f.hit("p", after, after); wait != time.Minute {
		t.Errorf("after a call that got through, a block lasts %v", wait)
	}
}

func TestLanesShrinkAndGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(4)
		for range 4 {
			if err := l.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if err := l.enter(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("a fifth call got in: %v", err)
			}
		})
		synctest.Wait()
		l.leave(true) // two are left
		synctest.Wait()
		cancel()
		waiting.Wait()
		for range 3 {
			l.leave(false)
		}
		for range 3 * calmCalls {
			if err := l.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.leave(false)
		}
		if l.limit != 4 || l.busy != 0 {
			t.Errorf("limit %d, busy %d", l.limit, l.busy)
		}
	})
}

func TestTooManyAtOnce(t *testing.T) {
	client, _ := scripted(t, map[string][]string{pathUserUpdate: {code(45033), `{"errmsg":"updated"}`}})
	if f := refused(t, client, personUpdate(map[string]any{"position": "x"}), orgflow.CodeThrottled); f.RetryAfter < time.Second || f.RetryAfter > 5*time.Second {
		t.Errorf("wait %v", f.RetryAfter)
	}
	if client.lanes.limit != defaultParallel/2 {
		t.Errorf("%d calls at once from now on", client.lanes.limit)
	}
}

func TestCheck(t *testing.T) {
	for name, x := range map[string]struct {
		options string
		secret  int
		root    int64
		want    orgflow.Code
	}{
		"in order": {`{}`, 0, 1, ""}, "blind": {`{"details": "closed"}`, 0, 1, ""}, "an application's secret": {`{}`, 1, 1, orgflow.CodeForbidden},
		"address": {`{"denied_ip": true}`, 0, 1, orgflow.CodeForbidden}, "no root": {`{}`, 0, 77, orgflow.CodeInvalidConfig},
		"wrong secret": {`{"secrets": []}`, 0, 1, orgflow.CodeUnauthorized}, "wrong corp": {`{"corpid": "other"}`, 0, 1, orgflow.CodeUnauthorized},
	} {
		c := newCorp(t, x.options)
		client := c.client([]string{"wecomsim-contacts", "wecomsim-app"}[x.secret])
		client.cfg.RootDepartmentID = x.root
		err := client.Check(t.Context())
		if f := orgflow.AsFault(err); (f == nil) != (x.want == "") || f != nil && f.Code != x.want {
			t.Errorf("%s: %v", name, err)
		}
		if n := c.sim.Desk().Requests().Writes; n != 0 {
			t.Errorf("%s: a check wrote", name)
		}
	}
}

// No error shows the token, which stands in the query, or the secret.
func TestErrorsKeepSecrets(t *testing.T) {
	c, _ := scripted(t, map[string][]string{pathUserUpdate: {`{"errcode":40035,"errmsg":"bad S at 测试甲 10000000001"}`}})
	f := refused(t, c, personUpdate(map[string]any{"name": "测试甲", "mobile": "10000000001"}), orgflow.CodeInvalidRecord)
	if strings.Contains(f.Error(), "测试甲") || strings.Contains(f.Error(), "10000000001") || strings.Contains(f.Error(), "bad S ") {
		t.Error(f)
	}
	client, err := New(Config{BaseURL: "http://127.0.0.1:1", CorpID: "c", CorpSecret: "hush"}, Options{Transport: refusing{}})
	if err != nil {
		t.Fatal(err)
	}
	if f := refused(t, client, personUpdate(map[string]any{"name": "x"}), orgflow.CodeUnavailable); strings.Contains(f.Error(), "hush") {
		t.Error(f)
	}
}

type refusing struct{}

func (refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused")
}
