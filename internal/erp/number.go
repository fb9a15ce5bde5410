package erp

import (
	"regexp"
	"strconv"
	"strings"
)

// maxDigits bounds a number written out: an exponent of a few characters must
// not become megabytes.
const maxDigits = 1000

var numeral = regexp.MustCompile(`^([+-]?)([0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,6}))?$`)

// digits writes the number out: sign, whole part, fraction; exponents are
// applied to the text, so that no digit is lost.
func (v value) digits(expected string) (Decimal, error) {
	m := numeral.FindStringSubmatch(v.text)
	if m == nil || len(v.text) > maxDigits {
		return "", v.wrong(expected)
	}
	sign, whole, fraction := strings.TrimPrefix(m[1], "+"), m[2], m[3]
	exponent := 0
	if m[4] != "" {
		exponent, _ = strconv.Atoi(m[4]) // at most six digits
	}
	if max(exponent, -exponent) > maxDigits {
		return "", v.wrong(expected + " of fewer digits")
	}
	if exponent > 0 {
		fraction += strings.Repeat("0", max(0, exponent-len(fraction)))
		whole, fraction = whole+fraction[:exponent], fraction[exponent:]
	} else {
		whole = strings.Repeat("0", max(0, 1-exponent-len(whole))) + whole
		cut := len(whole) + exponent
		whole, fraction = whole[:cut], whole[cut:]+fraction
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if strings.Trim(whole+fraction, "0") == "" {
		sign = ""
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return Decimal(sign + whole + fraction), nil
}
