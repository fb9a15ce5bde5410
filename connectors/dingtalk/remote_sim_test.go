package dingtalk_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/dingtalk"
	dtsim "orgflow/connectors/dingtalk/sim"
)

// simulated is a client of an organisation of its own.
func simulated(t *testing.T, api, options string) *dingtalk.Client {
	t.Helper()
	sim := dtsim.New(dtsim.Options{})
	if err := sim.SetOptions(json.RawMessage(options)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	c, err := dingtalk.New(dingtalk.Config{
		BaseURL: server.URL, APIBaseURL: server.URL, AppKey: "dingsim-app", AppSecret: "dingsim-secret", API: api, QPS: new(float64(0)),
	}, dingtalk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// eachAPI runs a test over both contact interfaces.
func eachAPI(t *testing.T, test func(t *testing.T, api string)) {
	for _, api := range []string{"v2", "v1"} {
		t.Run(api, func(t *testing.T) { test(t, api) })
	}
}

// walk reads all that is below the root, as an activity does.
func walk(t *testing.T, c *dingtalk.Client) (map[string]connectors.RemoteRecord, error) {
	t.Helper()
	out := map[string]connectors.RemoteRecord{}
	for queue := []string{"1"}; len(queue) > 0; queue = queue[1:] {
		org, err := c.ReadOrg(t.Context(), queue[0])
		if err != nil {
			return out, err
		}
		if org.Record != nil {
			out["org "+org.Record.ConsumerID] = *org.Record
		}
		queue = append(queue, org.Children...)
		for cursor, first := "", true; first || cursor != ""; first = false {
			page, err := c.ReadMembers(t.Context(), queue[0], cursor)
			if err != nil {
				return out, err
			}
			for _, r := range page.Records {
				out["person "+r.ConsumerID] = r
			}
			cursor = page.Next
		}
	}
	return out, nil
}

// put applies an effect and returns the id of its record.
func put(t *testing.T, c *dingtalk.Client, e connectors.Effect) string {
	t.Helper()
	r, err := c.Apply(t.Context(), e)
	if err != nil {
		t.Fatalf("%s %s: %v", e.Op, e.Kind, err)
	}
	return r.ConsumerID
}

// What was sent is what is read back, field by field and in the same form:
// otherwise a reconcile run would send the same changes for ever.
func TestWhatWasSentIsReadBackInTheSameForm(t *testing.T) {
	eachAPI(t, func(t *testing.T, api string) {
		c := simulated(t, api, `{"qps": 0}`)
		before, err := walk(t, c)
		if err != nil {
			t.Fatal(err)
		}
		dept := map[string]any{"name": "研发部", "parent_id": "1", "order": json.Number("176362815343598500"), "auto_approve_apply": true}
		rd := put(t, c, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Key: "orgflow:7:org:11", Fields: dept})
		sub := put(t, c, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Key: "orgflow:7:org:12", Fields: map[string]any{"name": "组", "parent_id": rd}})
		const members = 203
		wanted := map[string]map[string]any{}
		for i := range members {
			id := fmt.Sprintf("R%03d", i)
			wanted["person "+id] = map[string]any{
				"userid": id, "name": "测试" + id, "mobile": fmt.Sprintf("100%08d", 500+i), "dept_id_list": sub + "," + rd,
				"job_number": id, "title": "工程师", "email": id + "@example.com", "hired_date": json.Number("1597573616828"),
			}
			put(t, c, connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, ConsumerID: id, Key: id, Fields: maps.Clone(wanted["person "+id])})
		}
		leaders := map[string]any{"dept_manager_userid_list": "R002,R001"}
		put(t, c, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: rd, Fields: maps.Clone(leaders)})
		maps.Copy(dept, leaders)
		wanted["org "+rd] = dept

		got, err := walk(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(before)+members+2 {
			t.Errorf("%d records are read, want %d", len(got), len(before)+members+2)
		}
		if key := got["org "+rd].Key; key != "orgflow:7:org:11" {
			t.Errorf("key %q", key)
		}
		for _, id := range slices.Sorted(maps.Keys(wanted)) {
			shown := map[string]any{}
			for name := range wanted[id] {
				shown[name] = got[id].Fields[name]
			}
			if diff := cmp.Diff(wanted[id], shown); diff != "" {
				t.Fatalf("%s: %s", id, diff)
			}
		}
	})
}

// The ids below a department are listed whatever the scope, so that a
// department outside it is met and not overlooked.
func TestAScopeThatIsTooNarrowIsFound(t *testing.T) {
	eachAPI(t, func(t *testing.T, api string) {
		c := simulated(t, api, `{"qps": 0, "scope_departments": [561000001]}`)
		_, err := walk(t, c)
		if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodePartialRead {
			t.Errorf("got %v, want partial_read", err)
		}
	})
}
