package aiguanhuai_test

import (
	"errors"
	"net/http"
	"testing"

	"orgflow"
)

// What an answer means for a write, from the document's samples and table
// and from what gateways send.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   orgflow.Code // empty is success
		vendor string
	}{
		"the document's success":     {200, "{\n\t\"errno\": 0,\n\t\"error\": \"xxxx\"\n}", "", ""},
		"with a byte order mark":     {200, "\ufeff{\"errno\":0}", "", ""},
		"signature":                  {200, `{"errno":200003,"error":"签名错误"}`, orgflow.CodeUnauthorized, "200003"},
		"partner":                    {200, `{"errno":200004}`, orgflow.CodeUnauthorized, "200004"},
		"company":                    {200, `{"errno":200005}`, orgflow.CodeUnauthorized, "200005"},
		"task":                       {200, `{"errno":200006}`, orgflow.CodeNotFound, "200006"},
		"system error":               {200, `{"errno":200007}`, orgflow.CodeUnavailable, "200007"},
		"format":                     {200, `{"errno":200008}`, orgflow.CodeInvalidRecord, "200008"},
		"empty":                      {200, `{"errno":200009}`, orgflow.CodeInvalidRecord, "200009"},
		"a code as text":             {200, `{"errno":"200003"}`, orgflow.CodeUnauthorized, "200003"},
		"an unknown code":            {200, `{"errno":200099}`, orgflow.CodeInternal, "200099"},
		"errno before status":        {500, `{"errno":200008}`, orgflow.CodeInvalidRecord, "200008"},
		"and under 403":              {403, `{"errno":200005}`, orgflow.CodeUnauthorized, "200005"},
		"success under a failure":    {502, `{"errno":0}`, orgflow.CodeUnknownOutcome, "http_502"},
		"zero as text":               {200, `{"errno":"0"}`, orgflow.CodeUnknownOutcome, "malformed"},
		"zero as a fraction":         {200, `{"errno":0.5}`, orgflow.CodeUnknownOutcome, "malformed"},
		"a wrong type":               {200, `{"errno":[0]}`, orgflow.CodeUnknownOutcome, "malformed"},
		"errno in capitals":          {200, `{"ERRNO":0}`, orgflow.CodeUnknownOutcome, "malformed"},
		"null":                       {200, `{"errno":null}`, orgflow.CodeUnknownOutcome, "malformed"},
		"a list":                     {200, `[{"errno":0}]`, orgflow.CodeUnknownOutcome, "malformed"},
		"a page":                     {200, `<html>welcome</html>`, orgflow.CodeUnknownOutcome, "malformed"},
		"cut off":                    {200, `{"errno":0,"err`, orgflow.CodeUnknownOutcome, "malformed"},
		"with something behind it":   {200, `{"errno":0}{"errno":200008}`, orgflow.CodeUnknownOutcome, "malformed"},
		"nothing":                    {200, ``, orgflow.CodeUnknownOutcome, "malformed"},
		"nothing here":               {404, `<html>`, orgflow.CodeInvalidConfig, "http_404"},
		"a redirect to a login page": {302, ``, orgflow.CodeInvalidConfig, "http_302"},
		"too fast":                   {429, `slow down`, orgflow.CodeThrottled, "http_429"},
		"a gateway":                  {503, `<html>`, orgflow.CodeUnknownOutcome, "http_503"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scripted(t, c.status, c.body).Apply(t.Context(), person(1))
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var f *orgflow.Fault
			if !errors.As(err, &f) || f.Code != c.want || f.VendorCode != c.vendor || f.Message == "" || f.Advice == "" {
				t.Errorf("%+v, want %s %s", f, c.want, c.vendor)
			}
		})
	}
}

func TestPreparedTasks(t *testing.T) {
	for name, c := range map[string]struct{ body, task string }{
		"the document's":    {"{\n\t\"errno\": 0,\n\t\"body\":{\n\t  \"taskId\": \"xxxx\"\n\t}\n}", "xxxx"},
		"a number":          {`{"errno":0,"body":{"taskId":77}}`, "77"},
		"none":              {`{"errno":0,"body":{}}`, ""},
		"an empty one":      {`{"errno":0,"body":{"taskId":" "}}`, ""},
		"no body":           {`{"errno":0}`, ""},
		"a body as text":    {`{"errno":0,"body":"{\"taskId\":\"x\"}"}`, ""},
		"a failure with id": {`{"errno":200007,"body":{"taskId":"x"}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			task, err := scripted(t, http.StatusOK, c.body).BeginPush(t.Context())
			if task.ID != c.task || (err == nil) != (c.task != "") {
				t.Errorf("%q, %v", task.ID, err)
			}
			if f := orgflow.AsFault(err); f != nil && !f.Transient() {
				t.Errorf("%v: preparing again is harmless", f)
			}
		})
	}
}
