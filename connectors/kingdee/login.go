package kingdee

import (
	"cmp"
	"context"
	"crypto/sha1" //nolint:gosec // the vendor's recipe for old servers (Kingdee reference § 2)
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// The services of a login (Kingdee reference § 2); their arguments are
// positional.
const (
	serviceValidate    = "AuthService.ValidateUser"
	serviceValidateOrg = "AuthService.ValidateUserByOrgNumber"
	serviceAppSecret   = "AuthService.LoginByAppSecret"
	serviceSign        = "AuthService.LoginBySign"
	serviceSwitchOrg   = "DynamicFormService.SwitchOrg"
)

// loggedIn is the answer of all of them.
type loggedIn struct {
	Result      *wire.Int  `json:"LoginResultType"`
	Message     wire.Text  `json:"Message"`
	MessageCode wire.Text  `json:"MessageCode"`
	SessionID   wire.Text  `json:"KDSVCSessionId"`
	ByAPI       *wire.Bool `json:"IsSuccessByAPI"`
}

// login logs in and returns the session's id. It is called by the session
// only. That the session is lost during a login means most often that the
// account set is wrong: it is tried once more, and then a fault.
func (c *Client) login(ctx context.Context) (string, error) {
	a, err := c.send(ctx, c.loginRequest(), "")
	if err == nil && a.lost() {
		a, err = c.send(ctx, c.loginRequest(), "")
	}
	if err != nil {
		return "", err
	}
	switch a.code {
	case codeSession, codeEmpty:
		a.code = codeLoginLost
	case codeForm, codeField, codeNoData: // words about queries: no form was asked for
		a.code = codeLoginOthers
	}
	if f := c.fault(ctx, &a); f != nil {
		return "", f
	}
	id, f := c.sessionOf(a)
	if f != nil {
		return "", f
	}
	return id, c.switchOrg(ctx, id)
}

func (c *Client) loginRequest() request {
	cfg := c.cfg
	switch {
	case cfg.Sign:
		at := strconv.FormatInt(c.link.Now().Unix(), 10)
		return request{service: serviceSign, args: []any{cfg.AcctID, cfg.Username, cfg.AppID, at, cfg.signature(at), cfg.LCID}}
	case cfg.AppID != "":
		return request{service: serviceAppSecret, args: []any{cfg.AcctID, cfg.Username, cfg.AppID, cfg.AppSecret, cfg.LCID}}
	case cfg.OrgNumber != "":
		return request{service: serviceValidateOrg, args: []any{cfg.AcctID, cfg.Username, cfg.Password, cfg.LCID, cfg.OrgNumber}}
	}
	return request{service: serviceValidate, args: []any{cfg.AcctID, cfg.Username, cfg.Password, cfg.LCID}}
}

// signature is LoginBySign's: the five values in the order of their bytes,
// one after the other (Kingdee reference § 2).
func (c Config) signature(at string) string {
	values := []string{c.AcctID, c.Username, c.AppID, c.AppSecret, at}
	slices.Sort(values)
	text := []byte(strings.Join(values, ""))
	if c.SignDigest == digestSHA1 {
		sum := sha1.Sum(text) //nolint:gosec // see above
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// switchOrg changes to the configured organisation where the login could not.
func (c *Client) switchOrg(ctx context.Context, id string) error {
	if c.cfg.OrgNumber == "" || c.cfg.AppID == "" {
		return nil
	}
	arg, err := text(map[string]string{"OrgNumber": c.cfg.OrgNumber})
	if err != nil {
		return err
	}
	a, err := c.send(ctx, request{service: serviceSwitchOrg, args: []any{arg}}, id)
	if err != nil {
		return err
	}
	if a.code != "" {
		f := c.fault(ctx, &a)
		f.Field = "/erp/org_number"
		return f
	}
	return nil
}

// sessionOf reads the answer of a login. LoginResultType 1 is success, and
// so is -5, "needs a form", for calls of the API; a warning or the advice to
// change the password are where the answer says so itself.
func (c *Client) sessionOf(a answer) (string, *orgflow.Fault) {
	var got loggedIn
	if err := json.Unmarshal(a.body, &got); err != nil || got.Result == nil || a.body[0] != '{' {
		return "", vendorcode.MalformedRead("the answer to the login is not as documented")
	}
	kind := int(*got.Result)
	byAPI := got.ByAPI != nil && bool(*got.ByAPI)
	if kind == 1 || kind == -5 || byAPI && (kind == -2 || kind == -4) {
		id := string(got.SessionID)
		if !headerValue(id) {
			return "", vendorcode.MalformedRead("the login was accepted without a session id (KDSVCSessionId) that can be sent")
		}
		return id, nil
	}
	a.code, a.text = loginCode(kind, string(got.Message), string(got.MessageCode)), cmp.Or(string(got.Message), "no message")
	return "", a.meant(c.secrets()...)
}

// headerValue tells whether a text may stand in a header.
func headerValue(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}
