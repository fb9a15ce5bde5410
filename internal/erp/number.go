package erp

import (
	"strconv"
	"strings"
)

// maxDigits bounds a number written out: an exponent of a few characters must
// not become megabytes.
const maxDigits = 1000

// digits writes the number out: sign, whole part, fraction; exponents are
// applied to the text, so that no digit is lost.
func (v value) digits(expected string) (Decimal, error) {
	n, ok := parseNumeral(v.text)
	if !ok || len(v.text) > maxDigits {
		return "", v.wrong(expected)
	}
	if max(n.exponent, -n.exponent) > maxDigits {
		return "", v.wrong(expected + " of fewer digits")
	}
	return n.plain(), nil
}

// numeral is a number taken apart, nothing about it changed.
type numeral struct {
	negative        bool
	whole, fraction string
	exponent        int
}

func parseNumeral(s string) (n numeral, ok bool) {
	n.negative, s = strings.HasPrefix(s, "-"), strings.TrimLeft(s[:min(1, len(s))], "+-")+s[min(1, len(s)):]
	mantissa := s
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		exponent, err := strconv.Atoi(s[i+1:])
		if err != nil {
			return numeral{}, false
		}
		n.exponent = exponent
	}
	n.whole, n.fraction, _ = strings.Cut(mantissa, ".")
	return n, n.whole != "" && onlyDigits(n.whole) && onlyDigits(n.fraction)
}

func onlyDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (n numeral) plain() Decimal {
	whole, fraction := n.whole, n.fraction
	switch {
	case n.exponent > 0:
		fraction += strings.Repeat("0", max(0, n.exponent-len(fraction)))
		whole, fraction = whole+fraction[:n.exponent], fraction[n.exponent:]
	case n.exponent < 0:
		whole = strings.Repeat("0", max(0, -n.exponent-len(whole))) + whole
		point := len(whole) + n.exponent
		whole, fraction = whole[:point], whole[point:]+fraction
	}
	whole = strings.TrimLeft(whole, "0")
	if n.negative && strings.Trim(whole+fraction, "0") == "" {
		n.negative = false
	}
	if whole == "" {
		whole = "0"
	}
	if n.negative {
		whole = "-" + whole
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return Decimal(whole)
}
