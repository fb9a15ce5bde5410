package testdoc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	blocks, prose := Split("a.md", "one\n```sh\nls\n```\n- two\n  ```\n  out\n    more\n  ```\nend")
	want := []Block{
		{Page: "a.md", Line: 3, Lang: "sh", Text: "ls\n"},
		{Page: "a.md", Line: 7, Text: "out\n  more\n"},
	}
	if diff := cmp.Diff(want, blocks); diff != "" {
		t.Error(diff)
	}
	if prose != "one\n\n\n\n- two\n\n\n\n\nend" {
		t.Errorf("prose: %q", prose)
	}
}

func TestCommands(t *testing.T) {
	for text, want := range map[string][][]string{
		"ls -l   # all of it":                  {{"ls", "-l"}},
		"# nothing\n\nls":                      {{"ls"}},
		"a --x 'b c' \"d e\"":                  {{"a", "--x", "b c", "d e"}},
		"sed -e 's/a;b|c/d/' \\\n  in > out":   {{"sed", "-e", "s/a;b|c/d/", "in"}},
		"a; b && c | d":                        {{"a"}, {"b"}, {"c"}, {"d"}},
		"cat > f <<'EOF'\n{\"a\": 1}\nEOF\nls": {{"cat"}, {"ls"}},
		"B=host/x\ncurl $B/state \"$B/$no\"":   {{"curl", "host/x/state", "host/x/$no"}},
		"k=$(openssl rand 2); echo \"$k\"":     {{"echo", "$value"}},
		"export X=1\necho $X":                  {{"echo", "1"}},
		"f() { a $1; }\nf b":                   {{"a", "$1"}},
		"X=1 go test -run '^$' ./p":            {{"go", "test", "-run", "^$", "./p"}},
		"curl 'h/?a=1&b=2' -d @$HOME/f.json":   {{"curl", "h/?a=1&b=2", "-d", "@$HOME/f.json"}},
	} {
		var got [][]string
		for _, c := range (Block{Text: text}).Commands(map[string]string{}) {
			got = append(got, c.Words)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

func TestPlaceAndComment(t *testing.T) {
	b := Block{Page: "p.md", Line: 10, Text: "a \\\n b\nc; d  # --e\n"}
	want := []Command{
		{Page: "p.md", Line: 10, Words: []string{"a", "b"}},
		{Page: "p.md", Line: 12, Words: []string{"c"}},
		{Page: "p.md", Line: 12, Words: []string{"d"}, Comment: " --e"},
	}
	if diff := cmp.Diff(want, b.Commands(map[string]string{})); diff != "" {
		t.Error(diff)
	}
}
