package dingtalk

import (
	"encoding/json"
	"net/http"
	"net/url"

	"orgflow/connectors/wire"
)

// dialect is what of a contact interface differs: which fields it has and
// how calls look on the wire. The client itself speaks v2; with v1 every call
// is translated on its way out and its answer on the way back.
type dialect struct {
	departments, persons fieldTable
	// nameMax is the longest name of a person, in characters.
	nameMax int
	// listsAll: what a list does not show of its documented fields is known
	// to be empty.
	listsAll bool
	token    tokenCall
	// forbidden is added to the advice when a permission is missing.
	forbidden string
	// calls are the interface's own by v2 path; what is not listed goes out
	// as it is.
	calls map[string]*v1Call
}

// dialects are the values of "api" in company.json.
var dialects = map[string]*dialect{
	"v2": {departments: departmentFields, persons: personFields, nameMax: 80, listsAll: true, token: newToken},
	"v1": {
		departments: departmentFieldsV1, persons: personFieldsV1, nameMax: nameMaxV1, token: getToken, calls: callsV1,
		forbidden: `; contact v1 is granted to no new application since 2021: set "api": "v2" in company.json unless this one holds it`,
	},
}

// spoken is a request in the dialect's words.
type spoken struct {
	request
	query url.Values
	// result takes the result out of a successful answer, in v2's form.
	result func(*answer) (json.RawMessage, error)
}

func (d *dialect) speak(q request) (spoken, error) {
	if call, ok := d.calls[q.path]; ok {
		return call.speak(q)
	}
	if q.method == "" {
		q.method = http.MethodPost
	}
	result := func(a *answer) (json.RawMessage, error) { return a.Result, nil }
	if q.top {
		result = func(a *answer) (json.RawMessage, error) { return a.body, nil }
	}
	return spoken{request: q, result: result}, nil
}

// tokenCall is how an application asks for a token and what it reads from
// the answer (DingTalk reference § 2.1, § 2.2).
type tokenCall struct {
	path      string
	newFamily bool
	ask       func(c Config) (query url.Values, body any)
	read      func(a *answer) (value wire.Text, seconds wire.Int)
}

var newToken = tokenCall{
	path: "/v1.0/oauth2/accessToken", newFamily: true,
	ask: func(c Config) (url.Values, any) {
		return nil, map[string]string{"appKey": c.AppKey, "appSecret": c.AppSecret}
	},
	read: func(a *answer) (wire.Text, wire.Int) { return a.AccessToken, a.ExpireIn },
}

// getToken has its parameters in the query, the only place where they count
// (§ 1). No log and no error shows a query.
var getToken = tokenCall{
	path: "/gettoken",
	ask: func(c Config) (url.Values, any) {
		return url.Values{"appkey": {c.AppKey}, "appsecret": {c.AppSecret}}, nil
	},
	read: func(a *answer) (wire.Text, wire.Int) { return a.OldToken, a.ExpiresIn },
}
