package cli

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"orgflow/internal/testdoc"
)

// understood parses a command line as the program would, without running it.
// comment is what a page says behind it; flags it names must exist, too.
func understood(args []string, comment string) error {
	cmd, rest, err := newProgram(Stdio{}, nil).root().Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	for _, m := range flagName.FindAllStringSubmatch(comment, -1) {
		if cmd.Flags().Lookup(m[1]) == nil {
			return fmt.Errorf("%s has no flag --%s", cmd.CommandPath(), m[1])
		}
	}
	if help, _ := cmd.Flags().GetBool("help"); help {
		return nil
	}
	return cmd.ValidateRequiredFlags()
}

var flagName = regexp.MustCompile(`--([a-z][a-z-]*)`)

func TestCommandsInTheDocumentationAreReal(t *testing.T) {
	seen := 0
	for _, c := range testdoc.Commands(t, "../..") {
		args, ours := c.Program("starter")
		if !ours {
			continue
		}
		seen++
		if err := understood(args, c.Comment); err != nil {
			t.Errorf("%s\n\t%v", c, err)
		}
	}
	if seen < 30 {
		t.Errorf("only %d commands were found", seen)
	}
}

// codeSpan is a command within a sentence. What such a one leaves out for
// brevity, required flags and arguments, may be missing, but nothing in it may
// be wrong. [--flag] is one that may be left out.
var codeSpan = regexp.MustCompile("`starter ([^`]+)`")

func TestCommandsInSentencesAreReal(t *testing.T) {
	seen := 0
	for _, page := range testdoc.Pages(t, "../..") {
		_, prose := testdoc.Split(page, testdoc.Read(t, "../..", page))
		for i, line := range strings.Split(prose, "\n") {
			for _, m := range codeSpan.FindAllStringSubmatch(line, -1) {
				b := testdoc.Block{Page: page, Line: i + 1, Text: strings.NewReplacer("[", "", "]", "", " …", "").Replace("starter " + m[1])}
				for _, c := range b.Commands(map[string]string{}) {
					seen++
					if err := mentioned(c.Words[1:]); c.Words[0] != "starter" || err != nil {
						t.Errorf("%s\n\t%v", c, err)
					}
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d commands were found", seen)
	}
}

func mentioned(args []string) error {
	cmd, rest, err := newProgram(Stdio{}, nil).root().Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil && !strings.Contains(err.Error(), "flag needs an argument") {
		return err
	}
	if given := cmd.Flags().Args(); len(given) > 0 {
		return cmd.ValidateArgs(given)
	}
	return nil
}

func TestWhatIsWrongInADocumentationIsSeen(t *testing.T) {
	for line, want := range map[string]string{
		"rnus list":             "unknown command",
		"runs lst":              "unknown command",
		"runs list --no-such 1": "unknown flag",
		"runs list extra":       "unknown command",
		"runs show":             "needs exactly one ID",
		"sync --wait":           "required flag",
	} {
		if err := understood(strings.Fields(line), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if err := understood([]string{"runs", "changes", "ID"}, "also --opp"); err == nil {
		t.Error("a flag in a comment is not looked at")
	}
}
