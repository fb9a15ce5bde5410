package mapping

import (
	"encoding/json"
	"strconv"
	"strings"
)

// decimal is an exact number: ±digits × 10^exp. digits has neither leading
// nor trailing zeros; zero has no digits.
type decimal struct {
	neg    bool
	digits string
	exp    int
}

// Limits that keep a hostile literal (1e999999999) from becoming a text of
// a billion zeros.
const (
	maxExponent = 1_000_000
	maxPlain    = 64 // digits written without an exponent
)

// parseDecimal reads a JSON number, also with leading zeros ("007").
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	s, d.neg = strings.CutPrefix(s, "-")
	mantissa, exponent, hasExp := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, hasExp = s[:i], s[i+1:], true
	}
	whole, frac, hasDot := strings.Cut(mantissa, ".")
	if !allDigits(whole) || hasDot && !allDigits(frac) {
		return decimal{}, false
	}
	if hasExp {
		n, err := strconv.Atoi(exponent)
		if err != nil || n > maxExponent || n < -maxExponent {
			return decimal{}, false
		}
		d.exp = n
	}
	d.exp -= len(frac)
	all := whole + frac
	d.digits = strings.TrimRight(all, "0")
	d.exp += len(all) - len(d.digits)
	d.digits = strings.TrimLeft(d.digits, "0")
	if d.digits == "" {
		return decimal{}, true
	}
	return d, true
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func (d decimal) integral() bool { return d.exp >= 0 }

// String writes the number in its one normal form.
func (d decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	sign := ""
	if d.neg {
		sign = "-"
	}
	n := len(d.digits)
	switch {
	case d.exp >= 0 && n+d.exp <= maxPlain:
		return sign + d.digits + strings.Repeat("0", d.exp)
	case d.exp < 0 && -d.exp < n:
		return sign + d.digits[:n+d.exp] + "." + d.digits[n+d.exp:]
	case d.exp < 0 && -d.exp <= maxPlain:
		return sign + "0." + strings.Repeat("0", -d.exp-n) + d.digits
	}
	return sign + d.digits + "e" + strconv.Itoa(d.exp)
}

// cmp compares exactly: -1, 0 or 1.
func (d decimal) cmp(o decimal) int {
	if d.sign() != o.sign() {
		if d.sign() < o.sign() {
			return -1
		}
		return 1
	}
	if d.sign() == 0 {
		return 0
	}
	// Same sign: the one with more digits before the point is the larger,
	// and digits without leading zeros then compare like text.
	c := len(d.digits) + d.exp - len(o.digits) - o.exp
	if c == 0 {
		c = strings.Compare(d.digits, o.digits)
	}
	if c == 0 {
		return 0
	}
	if (c > 0) == d.neg {
		return -1
	}
	return 1
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	}
	return 1
}

// numberText is a number in plain digits where that is possible.
func numberText(n json.Number) string {
	if allDigits(string(n)) && (n[0] != '0' || len(n) == 1) {
		return string(n)
	}
	d, ok := parseDecimal(string(n))
	if !ok {
		return string(n)
	}
	return d.String()
}
