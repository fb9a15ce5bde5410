package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// illegal is a call that must be refused, or change nothing. A code in lower
// case is how a call that changes nothing is answered with 200: "already" or
// "existing". In parameters {no} stands for the flow's number, {code} for its
// definition's code.
type illegal struct {
	call   string
	params []string
	status int
	code   string
}

// twice makes calls twice each, by GET and by POST, and nothing may have
// changed afterwards: neither the flow and its messages nor its workflow's
// history, nor anybody else's number.
func (w *flowWorld) twice(no string, calls []illegal) {
	w.t.Helper()
	before := w.traces(no)
	meant := strings.NewReplacer("{no}", no, "{code}", w.detail(no).Code)
	for _, c := range calls {
		params := slices.Clone(c.params)
		for i := range params {
			params[i] = meant.Replace(params[i])
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a, err := w.by(method, meant.Replace(c.call), params)
			if err != nil {
				w.t.Fatalf("%s %s %v: %v", method, c.call, params, err)
			}
			if a.Status != c.status || c.code != "" && a.code() != c.code {
				w.t.Errorf("%s %s %v: %s, want %d %s", method, c.call, params, a, c.status, c.code)
			}
		}
	}
	w.same(before, w.traces(no))
}

func (w *flowWorld) same(before, after map[string][]string) {
	w.t.Helper()
	if diff := cmp.Diff(before, after); diff != "" {
		w.t.Errorf("calls that must change nothing left traces:\n%s", diff)
	}
}

// code is an answer's code, or how it says that nothing was to be done.
func (a answered) code() string {
	switch {
	case a.Status != 200:
		return fmt.Sprint(a.Code)
	case a.Data.Already:
		return "already"
	case a.Data.Existing:
		return "existing"
	}
	return "done"
}

// by makes a call of a board by GET or POST. What steers a flow otherwise
// has a path and a JSON body, and is always posted.
func (w *flowWorld) by(method, name string, params []string) (answered, error) {
	if strings.HasPrefix(name, "/api/") {
		return w.steer(name, params)
	}
	if method == http.MethodGet {
		return w.tryFlow(name, params...)
	}
	form := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	if !strings.HasPrefix(name, "/") {
		name = "/flow/" + name
	}
	res, err := httpClient.PostForm("http://"+w.http+name, form)
	if err != nil {
		return answered{}, err
	}
	defer res.Body.Close()
	a := answered{Status: res.StatusCode}
	return a, json.NewDecoder(res.Body).Decode(&a)
}

func (w *flowWorld) steer(path string, params []string) (answered, error) {
	body := object{}
	for i := 0; i+1 < len(params); i += 2 {
		body[params[i]] = params[i+1]
		if strings.HasSuffix(params[i], "_seq") {
			body[params[i]] = json.RawMessage(params[i+1])
		}
	}
	status, text, err := call(http.MethodPost, "http://"+w.http+path, encode(w.t, body))
	if err != nil {
		return answered{}, err
	}
	a := answered{Status: status}
	into := any(&a)
	if status < 300 {
		into = &a.Data
	}
	return a, json.Unmarshal([]byte(text), into)
}

// traces is everything a call on a flow could change: all that is stored of
// it, what was to be sent, the history of its workflow; and how many flows,
// messages and numbers there are at all. How far the sending of messages has
// come is nobody's call.
func (w *flowWorld) traces(no string) map[string][]string {
	w.t.Helper()
	out := map[string][]string{
		"history":  {fmt.Sprint(w.historyLength(no))},
		"messages": w.rows(fmt.Sprintf(`SELECT id, dedup_key, channel, to_user, subject, kind, task_id, body FROM outbox WHERE flow_no = '%s' ORDER BY id`, no)),
		"numbers":  w.rows(`SELECT code, period, last FROM flow_serial ORDER BY code, period`),
		"totals":   w.rows(`SELECT (SELECT count(*) FROM flow_instance), (SELECT count(*) FROM outbox)`),
		"instance": w.rows(fmt.Sprintf(`SELECT * FROM flow_instance WHERE no = '%s'`, no)),
	}
	for table, order := range map[string]string{"flow_node_visit": "id", "flow_task": "id", "flow_event": "rev, n", "flow_audit": "id"} {
		out[table] = w.rows(fmt.Sprintf(`SELECT * FROM %s WHERE flow_no = '%s' ORDER BY %s`, table, no, order))
	}
	return out
}

// rows are the rows of a query, one text each.
func (w *flowWorld) rows(query string) []string {
	w.t.Helper()
	res, err := w.db.QueryContext(w.t.Context(), query)
	if err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	defer res.Close()
	names, err := res.Columns()
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for res.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := res.Scan(into...); err != nil {
			w.t.Fatal(err)
		}
		var cells []string
		for i, v := range values {
			if raw, ok := v.([]byte); ok {
				v = string(raw)
			}
			cells = append(cells, fmt.Sprintf("%s=%v", names[i], v))
		}
		out = append(out, strings.Join(cells, " "))
	}
	if err := res.Err(); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// marks are what a state remembers of when something was done last.
var marks = regexp.MustCompile(`"(decided|relaunched|repaired|withdrawn|retracted|jumped)":\{"rev":(\d+),"at":"[^"]+"`)

// ages makes everything that was done to a flow so old that no call is taken
// for a second click any more.
func (w *flowWorld) ages(no string) {
	w.t.Helper()
	var doc string
	if err := w.db.QueryRowContext(w.t.Context(), fmt.Sprintf(`SELECT state_doc FROM flow_instance WHERE no = '%s'`, no)).Scan(&doc); err != nil {
		w.t.Fatal(err)
	}
	old := marks.ReplaceAllString(doc, `"$1":{"rev":$2,"at":"2026-01-01T00:00:00Z"`)
	if old == doc {
		w.t.Fatalf("nothing happened to flow %s: %s", no, doc)
	}
	set := fmt.Sprintf(`UPDATE flow_instance SET state_doc = '%s' WHERE no = '%s'`, strings.ReplaceAll(old, "'", "''"), no)
	if _, err := w.db.ExecContext(w.t.Context(), set); err != nil {
		w.t.Fatal(err)
	}
}
