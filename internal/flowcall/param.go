package flowcall

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"orgflow/internal/approval"
)

// maxParam bounds parameters, in characters.
const maxParam = 128

// number is what flows may be numbered with: signs that need no escaping in
// addresses and workflow ids.
var number = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}_.\-]{0,127}$`)

// params checks parameters and remembers the first that is wrong.
type params struct{ err *Error }

func (p *params) bad(name, format string, args ...any) {
	if p.err == nil {
		p.err = refuse(approval.BadParam, name+" "+fmt.Sprintf(format, args...), 0)
		p.err.Field = name
	}
}

// text trims a parameter and refuses what no board can mean.
func (p *params) text(name, value string, required bool) string {
	value = strings.TrimSpace(value)
	switch {
	case value == "" && required:
		p.bad(name, "is missing")
	case !utf8.ValidString(value):
		p.bad(name, "is not UTF-8")
	case utf8.RuneCountInString(value) > maxParam:
		p.bad(name, "is longer than %d characters", maxParam)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		p.bad(name, "has control characters")
	}
	return value
}

func (p *params) number(name, value string, required bool) string {
	value = p.text(name, value, required)
	if value != "" && !number.MatchString(value) {
		p.bad(name, `may have letters, digits, "_", "-" and "." only`)
	}
	return value
}

// seq reads a node's seq; an empty one is not given.
func (p *params) seq(name, value string) *int {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		p.bad(name, "must be a whole number")
		return nil
	}
	seq := int(n)
	return &seq
}

// maxDepts bounds taskDeptManager.
const maxDepts = 100

// depts reads names of departments between commas, ASCII or Chinese.
func (p *params) depts(name, value string) []string {
	var out []string
	for _, dept := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '，' }) {
		if dept = p.text(name, dept, false); dept != "" {
			out = append(out, dept)
		}
	}
	if len(out) > maxDepts {
		p.bad(name, "names more than %d departments", maxDepts)
	}
	return out
}

// checked returns the first thing that is wrong.
func (p *params) checked() error {
	if p.err == nil {
		return nil
	}
	return p.err
}

// company is the one a call means: the one it names, else the only one
// there is.
func (s *Service) company(p *params, named string) int64 {
	all := s.Files.Companies()
	if named = strings.TrimSpace(named); named != "" {
		id, err := strconv.ParseInt(named, 10, 64)
		if err != nil || id < 1 {
			p.bad("company_id", "must be a positive whole number")
			return 0
		}
		if !slices.Contains(all, id) {
			p.bad("company_id", "%d is not configured; there are: %s", id, strings.Trim(fmt.Sprint(all), "[]"))
		}
		return id
	}
	if len(all) != 1 {
		p.bad("company_id", "is needed: configured are %s", strings.Trim(fmt.Sprint(all), "[]"))
		return 0
	}
	return all[0]
}
