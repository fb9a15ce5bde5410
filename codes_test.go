package orgflow_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Whoever meets a code must be able to look it up.
func TestEveryCodeIsExplained(t *testing.T) {
	var pages strings.Builder
	for _, page := range []string{"docs/troubleshooting.md", "docs/approval.md", "docs/flow-states.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		pages.Write(text)
	}
	for _, file := range []string{"fault.go", "internal/api/errors.go", "internal/api/flow_errors.go", "internal/approval/refusal.go"} {
		codes := constants(t, file)
		if len(codes) == 0 {
			t.Errorf("%s has no codes any more", file)
		}
		for _, code := range codes {
			if !strings.Contains(pages.String(), "`"+code+"`") {
				t.Errorf("%s of %s is explained nowhere", code, file)
			}
		}
	}
}

// constants returns the values of all constants of a file that are text.
func constants(t *testing.T, file string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range parsed.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			for _, v := range spec.(*ast.ValueSpec).Values {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, text)
				}
			}
		}
	}
	return values
}
