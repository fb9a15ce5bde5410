package orgflow_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"orgflow/internal/testdoc"
)

// TestCallsInSentences: the same for calls that a sentence names.
func TestCallsInSentences(t *testing.T) {
	m := newManual(t)
	call := regexp.MustCompile("`((?:GET|POST|PUT|DELETE) /(?:_sim|api|flow|dataSync|dingtalk|events|message)/[^` …]+|curl [^`…]+)`")
	seen := 0
	for _, page := range testdoc.Pages(t, ".") {
		_, prose := testdoc.Split(page, testdoc.Read(t, ".", page))
		for i, line := range strings.Split(prose, "\n") {
			for _, found := range call.FindAllStringSubmatch(line, -1) {
				seen++
				if err := m.sentence(found[1]); err != nil {
					t.Errorf("%s:%d: %s\n\t%v", page, i+1, found[1], err)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d calls were found", seen)
	}
}

// curl checks a call of the HTTP interface or of a simulator's controls.
func (m *manual) curl(args []string) error {
	method, target, body, sends := "", "", "", false
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case slices.Contains([]string{"-s", "-sS"}, a):
		case slices.Contains([]string{"-X", "-H", "-d", "--data-binary"}, a) && i+1 < len(args):
			i++
			if a == "-X" {
				method = args[i]
			}
			if a == "-d" || a == "--data-binary" {
				body, sends = args[i], true
			}
		case strings.HasPrefix(a, "-"):
			return fmt.Errorf("the test does not know curl's %s", a)
		case target != "":
			return fmt.Errorf("two addresses: %s and %s", target, a)
		default:
			target = a
		}
	}
	if method == "" {
		method = map[bool]string{true: "POST", false: "GET"}[sends]
	}
	host, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(target, "http://"), "https://"), "/")
	if !slices.Contains([]string{"127.0.0.1:8080", "127.0.0.1:9090", "HOST", "localhost:8080"}, host) {
		return fmt.Errorf("neither our server nor HOST: %s", host)
	}
	return m.call(method, "/"+rest, body)
}

// sentence checks "METHOD /path", or a curl command.
func (m *manual) sentence(text string) error {
	if method, path, _ := strings.Cut(text, " "); method != "curl" {
		return m.call(method, path, "")
	}
	for _, c := range (testdoc.Block{Text: text}).Commands(map[string]string{}) {
		if err := m.check(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *manual) call(method, target, body string) error {
	inline := body != "" && !strings.HasPrefix(body, "@")
	if inline && !json.Valid([]byte(body)) {
		return fmt.Errorf("the body is not JSON: %s", body)
	}
	path, query, _ := strings.Cut(target, "?")
	if strings.HasPrefix(path, "/_sim/") {
		return m.control(method, path, body, inline)
	}
	op, err := m.route(method, path)
	if err != nil {
		return err
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	for name := range values {
		if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.In == "query" && p.Name == name }) {
			return fmt.Errorf("%s has no parameter %s", path, name)
		}
	}
	return nil
}

func (m *manual) route(method, path string) (operation, error) {
	for template, methods := range m.routes {
		if !fits(template, path) {
			continue
		}
		op, ok := methods[strings.ToLower(method)]
		if !ok {
			return op, fmt.Errorf("%s is not with %s", template, method)
		}
		return op, nil
	}
	return operation{}, fmt.Errorf("no such path: %s", path)
}

// fits reports whether a path is one of a template with {names} for segments.
func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(w, g string) bool {
		return w == g || strings.HasPrefix(w, "{") && g != ""
	})
}

// control sends the call to simulators. What it asks for need not be there
// (nobody has been invited), but path, method, options and faults must be
// understood.
func (m *manual) control(method, path, body string, inline bool) error {
	rec := httptest.NewRecorder()
	m.sims.ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
	judged := inline && (strings.HasSuffix(path, "/options") || strings.HasSuffix(path, "/faults"))
	if rec.Code == http.StatusNotFound || rec.Code == http.StatusMethodNotAllowed || judged && rec.Code != http.StatusOK {
		return fmt.Errorf("%d %s", rec.Code, rec.Body)
	}
	return nil
}
