package doctor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/doctor"
)

type stepped []connectors.Step

func (s stepped) Probe(context.Context) []connectors.Step { return s }

type checked struct{ err error }

func (c checked) Check(context.Context) error { return c.err }

type unsure struct{ checked }

func (unsure) Unproven() string { return "rights show later" }

// A connector is tried in the way it offers.
func TestConnection(t *testing.T) {
	forbidden := &orgflow.Fault{Code: orgflow.CodeForbidden, VendorCode: "60011", Message: "no", Advice: "grant it"}
	named := &orgflow.Fault{Code: orgflow.CodeForbidden, VendorCode: "60011", Message: "no qyapi_b", Advice: "grant it"}
	for name, c := range map[string]struct {
		connector any
		want      []doctor.Finding
	}{
		"steps": {stepped{
			{Name: "token"}, {Name: "a", Needs: "qyapi_a"}, {Name: "b", Needs: "qyapi_b", Fault: forbidden}, {Name: "c", Needs: "qyapi_b", Fault: named}, {Name: "d", Skipped: true},
		}, []doctor.Finding{
			{State: doctor.OK, Check: "token", Found: "works"},
			{State: doctor.OK, Check: "a", Found: "granted: qyapi_a"},
			{State: doctor.Failed, Check: "b", Found: "forbidden 60011: no; needed: qyapi_b", Advice: "grant it"},
			{State: doctor.Failed, Check: "c", Found: "forbidden 60011: no qyapi_b", Advice: "grant it"},
			{State: doctor.Skipped, Check: "d", Found: "not tried after what failed before"},
		}},
		"check":                            {checked{}, []doctor.Finding{{State: doctor.OK, Check: "connection", Found: "address, credentials and rights to read are right"}}},
		"check failed":                     {checked{forbidden}, []doctor.Finding{{State: doctor.Failed, Check: "connection", Found: "forbidden 60011: no", Advice: "grant it"}}},
		"check that leaves something open": {unsure{}, []doctor.Finding{{State: doctor.OK, Check: "connection", Found: "answers; rights show later"}}},
		"the same, failed":                 {unsure{checked{forbidden}}, []doctor.Finding{{State: doctor.Failed, Check: "connection", Found: "forbidden 60011: no", Advice: "grant it"}}},
		"nothing to try": {struct{}{}, []doctor.Finding{{
			State: doctor.Warning, Check: "connection", Found: "it can be built; the system has no call that would prove more without writing",
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, doctor.Connection(t.Context(), c.connector)); d != "" {
				t.Error(d)
			}
		})
	}
}

// models answers reads by model and remembers what was asked.
type models struct {
	answers map[string]any // rows declared, or an error
	asked   []connectors.Query
}

func (m *models) ReadPage(_ context.Context, q connectors.Query, _ string) (connectors.Page, error) {
	m.asked = append(m.asked, q)
	if err, ok := m.answers[q.Model].(error); ok {
		return connectors.Page{}, err
	}
	return connectors.Page{Rows: []json.RawMessage{[]byte(`{"name": "张三"}`)}, Declared: m.answers[q.Model].(int)}, nil
}

// A source proves each model by one row, of which only the id is asked for.
func TestSource(t *testing.T) {
	missing := orgflow.Faultf(orgflow.CodeInvalidConfig, "no such file")
	refused := orgflow.Faultf(orgflow.CodeUnauthorized, "token expired")
	for name, c := range map[string]struct {
		employee, organization any
		want                   []doctor.State
		reads                  int
	}{
		"both":                  {300, -1, []doctor.State{doctor.OK, doctor.OK}, 2},
		"one is not there":      {300, missing, []doctor.State{doctor.OK, doctor.Warning}, 2},
		"none is there":         {missing, missing, []doctor.State{doctor.Failed, doctor.Failed}, 2},
		"one cannot be read":    {300, orgflow.Faultf(orgflow.CodeForbidden, "18003"), []doctor.State{doctor.OK, doctor.Failed}, 2},
		"credentials are wrong": {refused, refused, []doctor.State{doctor.Failed}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := &models{answers: map[string]any{"Employee": c.employee, "Organization": c.organization}}
			found := doctor.Source(t.Context(), m, []string{"Employee", "Organization"})
			var states []doctor.State
			for _, f := range found {
				states = append(states, f.State)
			}
			if d := cmp.Diff(c.want, states); d != "" {
				t.Errorf("%s\n%+v", d, found)
			}
			if len(m.asked) != c.reads {
				t.Errorf("%d reads", len(m.asked))
			}
			for _, q := range m.asked {
				if q.PageSize != 1 || len(q.Fields) != 1 || q.Fields[0].Key != "id" {
					t.Errorf("asks for more than an id: %+v", q)
				}
			}
		})
	}
}

type checkedSource struct {
	models
	checked
}

func TestASourceThatCanBeCheckedIsNotRead(t *testing.T) {
	s := &checkedSource{}
	if found := doctor.Source(t.Context(), s, []string{"Employee"}); len(found) != 1 || found[0].State != doctor.OK || len(s.asked) != 0 {
		t.Errorf("%+v, %d reads", found, len(s.asked))
	}
	s.err = orgflow.Faultf(orgflow.CodeInvalidConfig, "no table")
	if found := doctor.Source(t.Context(), s, nil); len(found) != 1 || found[0].State != doctor.Failed {
		t.Errorf("%+v", found)
	}
}

// Every kind of error is told on a line with what to do, as far as known.
func TestFaulted(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want []doctor.Finding
	}{
		"fault": {fmt.Errorf("outside: %w", &orgflow.Fault{Code: orgflow.CodeUnauthorized, VendorCode: "40089", Message: "bad\nsecret", Field: "/a", Advice: "mend"}),
			[]doctor.Finding{{State: doctor.Failed, Check: "x", Found: "unauthorized 40089 at /a: bad secret", Advice: "mend"}}},
		"no turn": {orgflow.Faultf(orgflow.CodeThrottled, "no turn in time"), []doctor.Finding{{
			State: doctor.Warning, Check: "x", Found: "throttled: no turn in time",
			Advice: "a run uses the rate budget up, or the vendor has made all calls pause: starter runs list tells; ask again when it is over",
		}}},
		"throttled by the vendor": {&orgflow.Fault{Code: orgflow.CodeThrottled, VendorCode: "88", Message: "too fast"}, []doctor.Finding{{State: doctor.Failed, Check: "x", Found: "throttled 88: too fast"}}},
		"no fault":                {errors.New("odd"), []doctor.Finding{{State: doctor.Failed, Check: "x", Found: "odd"}}},
		"problems": {&orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: []orgflow.Problem{
			{File: "f.json", Pointer: "/a", Message: "refers to ${A}, which is not set in the environment"}, {File: "f.json", Pointer: "/b", Message: "is wrong"},
		}}, []doctor.Finding{
			{State: doctor.Failed, Check: "x", Found: "f.json: /a: refers to ${A}, which is not set in the environment", Advice: "set it for the workers, the server, and wherever this command is run"},
			{State: doctor.Failed, Check: "x", Found: "f.json: /b: is wrong"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, doctor.Faulted("x", c.err)); d != "" {
				t.Error(d)
			}
		})
	}
}
