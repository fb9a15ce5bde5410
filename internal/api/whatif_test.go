package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"orgflow"
)

// answering is a what-if with a prepared answer.
type answering struct {
	out orgflow.WhatIf
	err error
}

func (a answering) WhatIf(context.Context, orgflow.Job, orgflow.Supposition) (orgflow.WhatIf, error) {
	return a.out, a.err
}

func TestWhatIfHandsJobAndRowsOn(t *testing.T) {
	w := newWorld()
	res := call(New(w.deps()), "POST", "/api/v1/what-if", `{"job": `+job+`, "rows": {"person_new": [{"id": 1.50}]}}`)
	if res.Code != http.StatusOK || w.lastJob.Consumer != "ding_talk" || w.lastRaw != `{"person_new": [{"id": 1.50}]}` || w.starts != 0 {
		t.Errorf("%d %s; job %+v, rows %s, %d starts", res.Code, res.Body, w.lastJob, w.lastRaw, w.starts)
	}
}

func TestWhatIfHandsFilesOnAsTheyAreWritten(t *testing.T) {
	w := newWorld()
	res := call(New(w.deps()), "POST", "/api/v1/what-if", `{"job": `+job+`, "files": {"X.json": {"fields": [1.50]}}}`)
	if res.Code != http.StatusOK || w.lastRaw != "" || string(w.lastFiles["X.json"]) != `{"fields": [1.50]}` {
		t.Errorf("%d %s; rows %q, files %q", res.Code, res.Body, w.lastRaw, w.lastFiles)
	}
}

// Whoever writes a template decides what of a record is shown as what.
func TestWhatIfOfFilesIsForWhoMayWriteThem(t *testing.T) {
	w := newWorld()
	d := w.deps()
	d.Keys = keys(t)
	h := New(d)
	for role, want := range map[string]int{"read": 403, "operate": 403, "approve": 403, "admin": 200} {
		res := call(h, "POST", "/api/v1/what-if", `{"job": `+job+`, "files": {"X.json": {}}}`, "X-API-Key: "+role+"-token")
		if res.Code != want {
			t.Errorf("files by %s: %d %s", role, res.Code, res.Body)
		}
		if res := call(h, "POST", "/api/v1/what-if", `{"job": `+job+`, "rows": {}}`, "X-API-Key: "+role+"-token"); res.Code != 200 {
			t.Errorf("rows by %s: %d %s", role, res.Code, res.Body)
		}
	}
}

func TestWhatIfPointsIntoTheBody(t *testing.T) {
	rowProblems := &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: []orgflow.Problem{
		{Line: 1, Column: 2, Pointer: "/org_nwe", Message: "unknown service"}, {Line: 4, Column: 9, Pointer: "/person_new/1", Message: "has no id"}}}
	config := &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: []orgflow.Problem{{File: "x.json", Line: 3, Column: 1, Pointer: "/fields", Message: "broken"}}}
	for name, c := range map[string]struct {
		body   string
		err    error
		status int
		code   orgflow.Code
		want   string // in the message
		field  string
	}{
		"a file that is not used": {`{"job": ` + job + `, "files": {"x.json": {}}}`, &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: []orgflow.Problem{{File: "x.json", Message: "not used"}}}, 400, orgflow.CodeInvalidJob, "x.json: not used", ""},
		"no files":                {`{"job": ` + job + `, "files": {}}`, nil, 400, codeInvalidBody, "/rows is required", "/rows"},
		"not JSON":                {`{"job"`, nil, 400, codeInvalidBody, `must be {"job"`, ""},
		"an unknown key":          {`{"job": {}, "row": {}}`, nil, 400, codeInvalidBody, `must be {"job"`, ""},
		"no rows":                 {`{"job": ` + job + `}`, nil, 400, codeInvalidBody, "/rows is required", "/rows"},
		"no job":                  {`{"rows": {}}`, nil, 400, codeInvalidBody, "/job is required", "/job"},
		"a bad job":               {`{"job": {"params": {"mode": "sideways"}}, "rows": {}}`, nil, 400, orgflow.CodeInvalidJob, "/job/consumer: required", "/job/params/mode"},
		"bad rows, all":           {`{"job": ` + job + `, "rows": {}}`, rowProblems, 400, orgflow.CodeInvalidJob, "/rows/org_nwe: unknown service; /rows/person_new/1: has no id", "/rows/org_nwe"},
		"a broken file":           {`{"job": ` + job + `, "rows": {}}`, config, 422, orgflow.CodeInvalidConfig, "x.json:3:1: /fields: broken", "/fields"},
		"the planner's own":       {`{"job": ` + job + `, "rows": {}}`, orgflow.Faultf(orgflow.CodeInvalidConfig, "2 roots"), 422, orgflow.CodeInvalidConfig, "2 roots", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newWorld().deps()
			d.WhatIf = answering{err: c.err}
			res := call(New(d), "POST", "/api/v1/what-if", c.body)
			e := errorOf(t, res)
			if res.Code != c.status || e.Code != c.code || !strings.Contains(e.Message, c.want) || e.Field != c.field {
				t.Errorf("%d %+v", res.Code, e)
			}
		})
	}
}
