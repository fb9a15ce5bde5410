package connectors_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"orgflow/connectors"
)

// What tells one message from another stands in the last line.
func TestATextIsCutBeforeItsLastLine(t *testing.T) {
	long := strings.Repeat("意见", 100)
	for _, tc := range []struct {
		text, want string
		most       int
	}{
		{"short", "short", 5},
		{"abcdef", "ab…", 5},
		{"abcdefgh\n编号 1", "ab…\n编号 1", 14},
		{long + "\n编号 1 · 第2轮", strings.Repeat("意见", 10) + "…\n编号 1 · 第2轮", 85},
		{"a\n" + long, "a\n意…", 8}, // the last line has no room
		{"意见", "", 2},
	} {
		got := connectors.Shorten(tc.text, tc.most)
		if got != tc.want || len(got) > tc.most {
			t.Errorf("%q to %d bytes: %q (%d), want %q (%d)", tc.text, tc.most, got, len(got), tc.want, len(tc.want))
		}
	}
}

func TestAShortTextIsATextAndShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, most := rapid.String().Draw(t, "text"), rapid.IntRange(0, 60).Draw(t, "most")
		got := connectors.Shorten(text, most)
		if len(got) > most || !utf8.ValidString(got) || len(text) <= most && got != text {
			t.Fatalf("%q to %d bytes: %q", text, most, got)
		}
	})
}
