package orgflow_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rule says what a package may import of ours and what it must not import at
// all. Prefixes match whole path segments.
type rule struct {
	pkg     string   // ours, relative to the module; "" is the root
	ours    []string // our packages it may import directly
	mustNot []string // import paths it must not reach, even through others
}

const (
	temporal = "go.temporal.io"
	sql      = "database/sql"
	netHTTP  = "net/http"
	server   = "go.temporal.io/server"
)

// The table of the architecture document, "who may import whom".
var rules = []rule{
	{pkg: "", mustNot: []string{temporal, sql, netHTTP, "github.com", "golang.org"}},
	{pkg: "internal/mapping", ours: []string{""}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "internal/planner", ours: []string{"", "internal/mapping"}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "internal/approval", ours: []string{"", "schemas", "internal/egress"}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "internal/erp", ours: []string{""}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "internal/orgtree", ours: []string{""}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "meta", ours: []string{"", "internal/erp", "internal/mapping", "internal/secretfile", "schemas"}, mustNot: []string{temporal, sql}},
	{pkg: "internal/attendance", ours: []string{""}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "internal/live", ours: []string{"", "connectors", "connectors/vendorcode", "internal/attendance"}, mustNot: []string{temporal, sql}},
	{pkg: "internal/secretfile", ours: []string{}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "schemas", ours: []string{""}, mustNot: []string{temporal, sql}},
	{pkg: "connectors", ours: []string{""}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/conformance", ours: []string{"", "connectors/simctl"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/dingtalk", ours: []string{"", "connectors", "connectors/coerce", "connectors/veil", "connectors/vendorcode", "connectors/wire", "internal/transport"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/wecom", ours: []string{"", "connectors", "connectors/coerce", "connectors/veil", "connectors/vendorcode", "connectors/wire", "internal/transport"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/aiguanhuai", ours: []string{"", "connectors", "connectors/coerce", "connectors/signing", "connectors/veil", "connectors/vendorcode", "connectors/wire", "internal/transport"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/rest", ours: []string{"", "connectors", "connectors/coerce", "connectors/signing", "connectors/veil", "connectors/vendorcode", "connectors/wire", "internal/egress", "internal/transport"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/signing", ours: []string{""}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "connectors/coerce", ours: []string{}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "connectors/veil", ours: []string{""}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "connectors/vendorcode", ours: []string{""}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/wire", ours: []string{}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "connectors/webhook", ours: []string{"", "connectors", "internal/egress", "internal/transport"}, mustNot: []string{temporal, sql}},
	{pkg: "internal/notice", ours: []string{""}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "connectors/hcm", ours: []string{"", "connectors", "internal/egress", "internal/transport"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/kingdee", ours: []string{"", "connectors", "connectors/veil", "connectors/vendorcode", "connectors/wire", "internal/egress", "internal/transport"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/rowset", ours: []string{"", "connectors", "connectors/wire"}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "connectors/filesource", ours: []string{"", "connectors", "connectors/rowset"}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "connectors/sqlsource", ours: []string{"", "connectors", "connectors/rowset"}, mustNot: []string{temporal}},
	{pkg: "connectors/simctl", ours: []string{}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/simtoken", ours: []string{"connectors/simctl"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/simtree", ours: []string{}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "connectors/dingtalk/sim", ours: []string{"connectors/simctl", "connectors/simtoken", "connectors/simtree"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/wecom/sim", ours: []string{"connectors/simctl", "connectors/simtoken", "connectors/simtree"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/aiguanhuai/sim", ours: []string{"connectors/signing", "connectors/simctl"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/hcm/sim", ours: []string{"connectors/simctl"}, mustNot: []string{temporal, sql}},
	{pkg: "connectors/kingdee/sim", ours: []string{"connectors/simctl"}, mustNot: []string{temporal, sql}},
	{pkg: "internal/store", ours: []string{"", "internal/erp", "schemas/migrations"}, mustNot: []string{temporal}},
	{pkg: "activities", ours: []string{"", "internal/erp", "internal/mapping", "internal/orgtree", "internal/planner", "internal/approval", "internal/flow", "meta", "connectors", "internal/store", "internal/trail"}, mustNot: []string{server}},
	{pkg: "internal/flow", ours: []string{"", "internal/approval", "internal/store", "meta", "schemas"}, mustNot: []string{temporal, netHTTP}},
	{pkg: "internal/meter", ours: []string{"", "internal/flow", "internal/store"}, mustNot: []string{temporal}},
	{pkg: "internal/flowcall", ours: []string{"", "internal/approval", "internal/flow", "internal/store", "meta"}, mustNot: []string{server}},
	{pkg: "workflows", ours: []string{"", "activities"}, mustNot: []string{server}},
	{pkg: "worker", mustNot: []string{server, "github.com/temporalio/ui-server"}},
	{pkg: "starter", mustNot: []string{server, "github.com/temporalio/ui-server"}},
	{pkg: "internal/web", ours: []string{}, mustNot: []string{temporal, sql}},
	{pkg: "internal/console", ours: []string{"", "internal/api", "internal/approval", "internal/config", "internal/flowcall", "internal/flowdraw", "internal/signin", "internal/web", "meta"}, mustNot: []string{temporal}},
	{pkg: "internal/flowdraw", ours: []string{"internal/approval"}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "internal/signin", ours: []string{"", "connectors", "internal/config", "internal/store", "internal/web"}, mustNot: []string{temporal}},
	{pkg: "internal/doctor", ours: []string{"", "connectors"}, mustNot: []string{temporal, sql, netHTTP}},
	{pkg: "internal/api", ours: []string{"", "internal/config", "internal/doctor", "internal/flowcall", "internal/signin", "internal/telemetry", "internal/trail", "internal/web"}, mustNot: []string{server}},
	{pkg: "internal/cli", ours: []string{"", "internal/api", "internal/config", "internal/doctor", "internal/erp", "internal/flowcall", "internal/probe", "internal/telemetry", "internal/version"}, mustNot: []string{server}},
	{pkg: "internal/temporalx", ours: []string{"", "internal/trail"}, mustNot: []string{server}},
	{pkg: "internal/transport", ours: []string{"", "internal/egress", "internal/trail"}, mustNot: []string{temporal, sql}},
	{pkg: "internal/trail", ours: []string{}, mustNot: []string{temporal, sql}},
	{pkg: "internal/egress", ours: []string{}, mustNot: []string{temporal, sql, netHTTP}},
}

// serverUsers lists the packages that may link the Temporal server.
var serverUsers = []string{"internal/embedded", "standalone", "e2e"}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func TestLayering(t *testing.T) {
	packages := list(t)
	for _, r := range rules {
		path := strings.TrimSuffix("orgflow/"+r.pkg, "/")
		p, ok := packages[path]
		if !ok {
			t.Errorf("package %s does not exist", path)
			continue
		}
		for _, imp := range p.Imports {
			rel, ours := relative(imp)
			if ours && r.ours != nil && !slices.Contains(r.ours, rel) {
				t.Errorf("%s imports %s, it may import %v", path, imp, r.ours)
			}
		}
		for _, dep := range p.Deps {
			for _, banned := range r.mustNot {
				if dep == banned || strings.HasPrefix(dep, banned+"/") {
					t.Errorf("%s must not reach %s", path, dep)
				}
			}
		}
	}
	for path, p := range packages {
		rel, _ := relative(path)
		if !slices.Contains(serverUsers, rel) && slices.Contains(p.Deps, server+"/temporal") {
			t.Errorf("%s links the Temporal server; only %v may", path, serverUsers)
		}
	}
}

func relative(path string) (rel string, ours bool) {
	if path == "orgflow" {
		return "", true
	}
	return strings.CutPrefix(path, "orgflow/")
}

func list(t *testing.T) map[string]listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]listed{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if _, ours := relative(p.ImportPath); ours {
			packages[p.ImportPath] = p
		}
	}
}
