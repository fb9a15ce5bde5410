package orgflow_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	aghsim "orgflow/connectors/aiguanhuai/sim"
	dtsim "orgflow/connectors/dingtalk/sim"
	hcmsim "orgflow/connectors/hcm/sim"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/connectors/rest/scimsim"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/internal/testdoc"
)

// TestCommandsOfTheDocumentation: whoever types what a page shows must not be
// told that it does not exist. Commands of starter are checked where its
// command line is, the first own job of the README is run by the e2e tests.
func TestCommandsOfTheDocumentation(t *testing.T) {
	m := newManual(t)
	for _, c := range testdoc.Commands(t, ".") {
		if err := m.check(c); err != nil {
			t.Errorf("%s\n\t%v", c, err)
		}
	}
}

// TestWhatIsWrongInADocumentIsSeen: each kind of command can fail.
func TestWhatIsWrongInADocumentIsSeen(t *testing.T) {
	m := newManual(t)
	for line, want := range map[string]string{
		"curl 127.0.0.1:8080/api/v1/sync-run":                               "no such path",
		"curl -X DELETE 127.0.0.1:8080/api/v1/sync-runs":                    "not with DELETE",
		"curl HOST/flow/launch?flowCod=a":                                   "no parameter flowCod",
		"curl HOST/api/v1/sync-runs -d '{\"services\": [}'":                 "not JSON",
		"curl 127.0.0.1:9090/_sim/dingtalk/stat":                            "405",
		"curl 127.0.0.1:9090/_sim/dingtak/state":                            "404",
		"curl -X PUT 127.0.0.1:9090/_sim/dingtalk/options -d '{\"qsp\":1}'": "qsp",
		"make tset":                           "no target tset",
		"go test -run TestNoSuchThing ./meta": "no TestNoSuchThing",
		"go test -bench NoSuchThing ./meta":   "no BenchmarkNoSuchThing",
		"go run ./bench pull --lateny 1s":     "no flag lateny",
		"go run ./bench pul":                  "no command pul",
		"go run ./bench --help # --fulll":     "no flag fulll",
		"go run ./standalone --dmo=false":     "no flag dmo",
		"cp deploy/no-such.example .env":      "deploy/no-such.example",
		"frobnicate":                          "does not know frobnicate",
		"go build ./no-such-package":          "no-such-package",
	} {
		commands := testdoc.Block{Text: line}.Commands(map[string]string{})
		if len(commands) != 1 {
			t.Fatalf("%s: %v", line, commands)
		}
		if err := m.check(commands[0]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// manual knows what there is to be named in a page.
type manual struct {
	routes map[string]map[string]operation // by path and method
	sims   http.Handler
	flags  map[string]map[string][]string // of mains of ours: program, subcommand ("" is none), flags
	make   []string                       // targets
}

// operation is what the checks need of an OpenAPI operation.
type operation struct {
	Parameters []struct{ Name, In string }
}

func newManual(t *testing.T) *manual {
	t.Helper()
	m := &manual{
		sims:  simctl.NewHost(hcmsim.New(hcmsim.Options{}), dtsim.New(dtsim.Options{}), wcsim.New(wcsim.Options{}), aghsim.New(aghsim.Options{}), kdsim.New(kdsim.Options{}), scimsim.New(simbase.Options{})),
		flags: map[string]map[string][]string{},
	}
	raw, err := os.ReadFile("internal/api/testdata/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(raw, &described); err != nil {
		t.Fatal(err)
	}
	m.routes = described.Paths
	makefile := testdoc.Read(t, ".", "Makefile")
	for _, target := range regexp.MustCompile(`(?m)^([a-z]+):`).FindAllStringSubmatch(makefile, -1) {
		m.make = append(m.make, target[1])
	}
	for program, plain := range map[string]string{"bench": "everything", "standalone": "standalone"} {
		m.flags[program] = flagSets(t, program)
		m.flags[program][""] = m.flags[program][plain]
	}
	return m
}

// tools are programs of others that pages use.
var tools = []string{"mkdir", "cat", "sed", "set", ".", "cp", "mv", "docker", "echo", "printf", "sha256sum", "chromium", "openssl"}

func (m *manual) check(c testdoc.Command) error {
	for _, w := range c.Words[1:] {
		if err := present(w); err != nil {
			return err
		}
	}
	if _, is := c.Program("starter"); is {
		return nil
	}
	for name := range m.flags {
		if args, is := c.Program(name); is {
			return m.program(name, args, c.Comment)
		}
	}
	switch name, args := c.Words[0], c.Words[1:]; {
	case name == "curl":
		return m.curl(args)
	case name == "make" && len(args) == 1:
		if !slices.Contains(m.make, args[0]) {
			return fmt.Errorf("no target %s", args[0])
		}
		return nil
	case name == "go" && len(args) > 0 && args[0] == "test":
		return goTest(args[1:])
	case name == "go" && len(args) > 0 && args[0] == "run", slices.Equal(c.Words, []string{"worker", "--version"}), slices.Contains(tools, name):
		return nil
	default:
		return fmt.Errorf("the test does not know %s", name)
	}
}

// present says what is wrong with a word that names something in the
// repository: "./package", or a path that begins with one of its directories.
func present(w string) error {
	path := strings.TrimPrefix(w, "./")
	first, _, deep := strings.Cut(path, "/")
	if path == w && !deep || strings.ContainsAny(w, " $*{") {
		return nil
	}
	if path == w && !isDir(first) {
		return nil
	}
	_, err := os.Stat(path)
	return err
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// program checks the flags of a main of ours that has no command line package.
func (m *manual) program(name string, args []string, comment string) error {
	sub := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		sub = args[0]
	}
	known, ok := m.flags[name][sub]
	if !ok {
		return fmt.Errorf("%s has no command %s", name, sub)
	}
	said := regexp.MustCompile(`--?([a-z][a-z-]*)`).FindAllStringSubmatch(" "+strings.Join(args, " ")+" "+comment, -1)
	for _, f := range said {
		if !slices.Contains(append(known, "help"), f[1]) && f[1] != sub {
			return fmt.Errorf("%s %s has no flag %s", name, sub, f[1])
		}
	}
	return nil
}

// flagSets reads the flags of a program's flag sets out of its source.
func flagSets(t *testing.T, dir string) map[string][]string {
	t.Helper()
	sets := map[string][]string{}
	for _, file := range parsed(t, dir, func(name string) bool { return !strings.HasSuffix(name, "_test.go") }) {
		for _, d := range file.Decls {
			name, flags := "", []string(nil)
			ast.Inspect(d, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				method, ok := call.Fun.(*ast.SelectorExpr)
				switch {
				case ok && method.Sel.Name == "NewFlagSet":
					name = literal(call.Args[0])
				case ok && strings.HasSuffix(method.Sel.Name, "Var") && len(call.Args) == 4:
					flags = append(flags, literal(call.Args[1]))
				}
				return true
			})
			if name != "" {
				sets[name] = flags
			}
		}
	}
	return sets
}

func literal(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok {
		if text, err := strconv.Unquote(lit.Value); err == nil {
			return text
		}
	}
	return ""
}

func parsed(t *testing.T, dir string, want func(name string) bool) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !want(name) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// goTest checks that the tests and benchmarks a command asks for exist.
func goTest(args []string) error {
	var dir string
	wanted := map[string]string{}
	for i, a := range args {
		switch {
		case (a == "-run" || a == "-bench") && i+1 < len(args):
			wanted[a], _, _ = strings.Cut(args[i+1], "/")
		case strings.HasPrefix(a, "./"):
			dir = a
		}
	}
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return err
	}
	var source strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		source.Write(text)
	}
	for kind, pattern := range wanted {
		if pattern == "^$" { // no tests, on purpose
			continue
		}
		prefix := map[string]string{"-run": "Test", "-bench": "Benchmark"}[kind]
		of, err := regexp.Compile(pattern)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(regexp.MustCompile(`(?m)^func (`+prefix+`\w+)\(`).FindAllStringSubmatch(source.String(), -1), func(f []string) bool { return of.MatchString(f[1]) }) {
			return fmt.Errorf("%s has no %s%s", dir, prefix, strings.TrimPrefix(pattern, prefix))
		}
	}
	return nil
}
