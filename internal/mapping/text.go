package mapping

import (
	"errors"
	"strings"
	"unicode/utf8"
)

func buildTrim(*linter, Transform, string) step  { return textStep("trim", strings.TrimSpace) }
func buildUpper(*linter, Transform, string) step { return textStep("upper", strings.ToUpper) }
func buildLower(*linter, Transform, string) step { return textStep("lower", strings.ToLower) }

func buildPrefix(l *linter, t Transform, at string) step {
	add := l.needed(t.Value, at+"/value", "prefix needs a value, the text put in front")
	return textStep("prefix", func(s string) string { return add + s })
}

func buildSuffix(l *linter, t Transform, at string) step {
	add := l.needed(t.Value, at+"/value", "suffix needs a value, the text put behind")
	return textStep("suffix", func(s string) string { return s + add })
}

func buildReplace(l *linter, t Transform, at string) step {
	old := l.needed(t.Old, at+"/old", "replace needs old, the text to replace everywhere")
	by := l.text(t.New, at+"/new")
	return textStep("replace", func(s string) string { return strings.ReplaceAll(s, old, by) })
}

func (l *linter) needed(value, at, message string) string {
	if value == "" {
		l.addf(at, "%s", message)
	}
	return l.text(value, at)
}

func buildSubstr(_ *linter, t Transform, _ string) step {
	return textStep("substr", func(s string) string {
		runes := []rune(s)
		from, to := span(len(runes), t.Start, t.End)
		return string(runes[from:to])
	})
}

// buildMask hides characters for good, unlike sensitive, which hides them
// where they are shown. Each becomes one star.
func buildMask(_ *linter, t Transform, _ string) step {
	return textStep("mask", func(s string) string {
		runes := []rune(s)
		from, to := span(len(runes), t.Start, t.End)
		for i := from; i < to; i++ {
			runes[i] = '*'
		}
		return string(runes)
	})
}

// span resolves start and end on n characters: negative counts from the end,
// an end of 0 is the end.
func span(n, start, end int) (from, to int) {
	if end == 0 {
		end = n
	}
	if start < 0 {
		start += n
	}
	if end < 0 {
		end += n
	}
	from = min(max(start, 0), n)
	return from, min(max(end, from), n)
}

// maxPad keeps a typing error from blowing up every record.
const maxPad = 1000

func buildPad(l *linter, t Transform, at string) step {
	filler := "0"
	if t.Value != "" {
		filler = l.text(t.Value, at+"/value")
	}
	if utf8.RuneCountInString(filler) != 1 {
		l.addf(at+"/value", "the filler must be one character (default \"0\")")
	}
	if t.Width < 1 || t.Width > maxPad {
		l.addf(at+"/width", "width must be 1 to %d characters", maxPad)
	}
	if t.Side != "" && t.Side != "left" && t.Side != "right" {
		l.addf(at+"/side", "unknown side %q; allowed: left, right", t.Side)
	}
	return textStep("pad", func(s string) string {
		missing := min(t.Width, maxPad) - utf8.RuneCountInString(s)
		if missing <= 0 {
			return s
		}
		fill := strings.Repeat(filler, missing)
		if t.Side == "right" {
			return s + fill
		}
		return fill + s
	})
}

func buildDigits(*linter, Transform, string) step { return textStep("digits", digitsOf) }

// digitsOf keeps the digits; full-width ones become ASCII.
func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		}
		return -1
	}, s)
}

var errPhone = errors.New("the text is no phone number; allowed: digits, +, blanks, - . ( )")

// defaultCountry is China's country code.
const defaultCountry = "86"

// buildPhone normalises a phone number: the home country's without a country
// code, others as + and digits.
func buildPhone(l *linter, t Transform, at string) step {
	home := t.DefaultCountry
	if home == "" {
		home = defaultCountry
	}
	if !allDigits(home) || len(home) > 3 {
		l.addf(at+"/default_country", "default_country is a country code of 1 to 3 digits, e.g. \"86\"")
	}
	return eachText("phone", func(s string) (any, error) { return phone(s, home) })
}

func phone(s, home string) (any, error) {
	s = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\u00a0', '\u3000', '-', '－', '–', '.', '(', ')', '（', '）':
			return -1
		case '＋':
			return '+'
		}
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, s)
	if s == "" {
		return nil, nil
	}
	number, international := strings.CutPrefix(s, "+")
	if !international {
		number, international = strings.CutPrefix(s, "00")
	}
	if !allDigits(number) {
		return nil, errPhone
	}
	if international {
		if national, ok := strings.CutPrefix(number, home); ok && national != "" {
			return national, nil
		}
		return "+" + number, nil
	}
	// 86 138… without a plus: a Chinese mobile has 11 digits and begins with 1.
	if home == defaultCountry && len(number) == 13 && strings.HasPrefix(number, "861") {
		return number[2:], nil
	}
	return number, nil
}
