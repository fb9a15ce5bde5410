package orgflow

import "strings"

// BareMobile is a mobile number's digits without the prefix of the mainland,
// so that the ways of writing one number are alike: "+86 100-0000-0001" and
// "10000000001". The prefix of another country stays. It is empty where there
// is no digit.
func BareMobile(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	const mainland = 11
	if len(digits) == mainland+2 && strings.HasPrefix(digits, "86") {
		return digits[2:]
	}
	return digits
}
