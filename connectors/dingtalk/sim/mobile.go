package dtsim

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
)

// mobilePattern is a mainland number of 11 digits or a foreign one,
// +xx-xxxxxx (§ 4.6).
var mobilePattern = regexp.MustCompile(`^(1[0-9]{10}|\+[0-9]{1,4}-[0-9]{4,14})$`)

var mainland = regexp.MustCompile(`^\+86-(1[0-9]{10})$`)

// normalMobile drops the mainland prefix, so that one number has one spelling.
func normalMobile(m string) string {
	if p := mainland.FindStringSubmatch(m); p != nil {
		return p[1]
	}
	return m
}

func stateCode(mobile string) string {
	if code, _, foreign := strings.Cut(mobile, "-"); foreign {
		return code[1:]
	}
	return "86"
}

// unionID is stable per person, who is their mobile number (§ 13).
func unionID(mobile string) string {
	sum := sha256.Sum256([]byte("union:" + mobile))
	return base64.RawURLEncoding.EncodeToString(sum[:15]) + "iEiE"
}

// checkMobileChange: a number cannot be changed (§ 5.1), in v1 that of
// somebody who has logged in; the same is ignored.
func (s *Sim) checkMobileChange(u *User, a *args) *refusal {
	m, sent := a.str("mobile")
	m = normalMobile(m)
	switch {
	case !sent || m == "" || m == u.Mobile:
		return nil
	case u.Active:
		return refuse(40022, "企业中的手机号码和登录钉钉的手机号码不一致，暂时不支持修改用户信息，可以删除后重新添加")
	case s.settings.Load().registered[m]:
		return refuse(40021, "更换的号码已注册过钉钉，无法使用该号码")
	case a.old != nil: // who never logged in gets the number (§ 5.1)
		return s.renumber(u, m)
	}
	return refuse(41054, "暂时无法更换手机号，如需修改请删除用户后重试")
}

// renumber gives somebody who never logged in another number.
func (s *Sim) renumber(u *User, mobile string) *refusal {
	if !mobilePattern.MatchString(mobile) {
		return refuse(60103, "不合法的手机号码")
	}
	if s.dir.byMobile[mobile] != "" {
		return refuse(60104, "手机号码在公司中已存在")
	}
	u.Mobile, u.StateCode, u.UnionID = mobile, stateCode(mobile), unionID(mobile)
	return nil
}
