package version

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestTheNumberIsTheLinkersThenTheModules(t *testing.T) {
	for name, c := range map[string]struct {
		linked, module, want string
	}{
		"a release":                {linked: "v0.1.0", module: "(devel)", want: "v0.1.0"},
		"a release of a release":   {linked: "v0.1.1", module: "v0.1.0", want: "v0.1.1"},
		"go install of a module":   {module: "v0.1.0", want: "v0.1.0"},
		"go run in a checkout":     {module: "(devel)", want: "devel"},
		"a build without any info": {want: "devel"},
	} {
		t.Run(name, func(t *testing.T) {
			info := &debug.BuildInfo{Main: debug.Module{Version: c.module}}
			got := choose(c.linked, func() (*debug.BuildInfo, bool) { return info, c.module != "" })
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheLineNamesProgramAndVersion(t *testing.T) {
	if got := Line("worker"); !strings.HasPrefix(got, "worker "+Number()+" (go") {
		t.Errorf("got %q", got)
	}
}
