package dingtalk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/wire"
)

var _ connectors.Listener = (*Client)(nil)

// EventConfig is the event callback of the developer console (DingTalk
// reference § 9.3).
type EventConfig struct {
	Token  string `json:"token"`
	AESKey string `json:"aes_key"`
	// Owner names the key that ends every message: "appkey" (default) of an
	// application set up in the console, "corp_id" of events registered by API.
	Owner string `json:"owner"`
	// OnChange is off (default), report or repair.
	OnChange orgflow.OnChange `json:"on_change"`
	// Pull makes contact events start a pull of the organisation.
	Pull bool `json:"pull"`
}

const (
	ownerApp  = "appkey"
	ownerCorp = "corp_id"
)

var (
	tokenText  = regexp.MustCompile(`^[A-Za-z0-9]{3,64}$`)
	aesKeyText = regexp.MustCompile(`^[A-Za-z0-9]{43}$`)
)

// problems refuses what DingTalk would not have given.
func (e *EventConfig) problems(c Config, refuse func(key, message string)) {
	if !tokenText.MatchString(e.Token) {
		refuse("events/token", "must be the callback's token, 3 to 64 letters or digits")
	}
	if !aesKeyText.MatchString(e.AESKey) {
		refuse("events/aes_key", "must be the callback's AES key, 43 letters or digits")
	}
	if !slices.Contains([]string{"", ownerApp, ownerCorp}, e.Owner) {
		refuse("events/owner", fmt.Sprintf("%q is unknown; allowed: %q, %q", e.Owner, ownerApp, ownerCorp))
	}
	if e.Owner == ownerCorp && c.CorpID == "" {
		refuse("events/owner", "is corp_id, but the connection has no corp_id")
	}
	allowed := []orgflow.OnChange{"", orgflow.ChangeOff, orgflow.ChangeReport, orgflow.ChangeRepair}
	if !slices.Contains(allowed, e.OnChange) {
		refuse("events/on_change", fmt.Sprintf("%q is unknown; allowed: \"off\", \"report\", \"repair\"", e.OnChange))
	}
}

// Hear implements connectors.Listener.
func (c *Client) Hear(p connectors.Push) (connectors.Notice, error) {
	if c.callback == nil {
		return connectors.Notice{}, orgflow.Faultf(orgflow.CodeNotFound, "no event callback is configured for this connection")
	}
	message, err := c.callback.receive(p.Query, p.Body)
	if err != nil {
		return connectors.Notice{}, err
	}
	notice, err := decodeEvent(message)
	if err != nil {
		return notice, err
	}
	notice.Act = cmp.Or(c.cfg.Events.OnChange, orgflow.ChangeOff)
	notice.Pull = c.cfg.Events.Pull && len(notice.Records) > 0
	notice.Answer, err = c.callback.success(c.link.Now())
	return notice, err
}

// event is what HTTP events have in common. Their keys are written in two
// ways (DingTalk reference § 9.2); encoding/json matches either.
type event struct {
	Type  wire.Text  `json:"EventType"`
	ID    wire.Text  `json:"EventId"`
	Corp  wire.Text  `json:"CorpId"`
	Stamp wire.Text  `json:"TimeStamp"`
	Time  wire.Int   `json:"EventTime"`
	Users wire.Texts `json:"UserId"`
	Depts wire.Texts `json:"DeptId"`
}

// contactKinds are the contact events that say that records of ours may have
// changed (DingTalk reference § 9.1). org_change names no record.
var contactKinds = map[string]orgflow.Kind{
	"user_add_org": orgflow.Person, "user_modify_org": orgflow.Person,
	"user_leave_org": orgflow.Person, "user_active_org": orgflow.Person,
	"org_dept_create": orgflow.Org, "org_dept_modify": orgflow.Org, "org_dept_remove": orgflow.Org,
}

// decodeEvent reads an event. One that is about nothing we keep has no
// records; one that cannot be read is no event, because it came signed.
func decodeEvent(message []byte) (connectors.Notice, error) {
	var e event
	if err := json.Unmarshal(message, &e); err != nil || e.Type == "" {
		return connectors.Notice{}, orgflow.Faultf(orgflow.CodeInvalidRecord, "the event is not the JSON object that is documented")
	}
	n := connectors.Notice{Type: string(e.Type), At: e.at()}
	kind, known := contactKinds[n.Type]
	if !known {
		return n, nil
	}
	ids := e.Users
	if kind == orgflow.Org {
		ids = e.Depts
	}
	for _, id := range ids {
		key := orgflow.RemoteKey{Kind: kind, ID: id}
		if plausible(key) && !slices.Contains(n.Records, key) {
			n.Records = append(n.Records, key)
		}
	}
	n.ID = e.identity(ids)
	return n, nil
}

// plausible tells whether a text can be an id: what cannot is nobody's.
func plausible(k orgflow.RemoteKey) bool {
	if k.Kind == orgflow.Org {
		n, err := strconv.ParseInt(k.ID, 10, 64)
		return err == nil && n > 0 && strconv.FormatInt(n, 10) == k.ID
	}
	return k.ID != "" && len(k.ID) <= 255 && utf8.ValidString(k.ID) && !strings.ContainsRune(k.ID, 0)
}

// identity is what two deliveries of an event have in common: its id, or
// what stands for one in events that have none.
func (e event) identity(ids []string) string {
	if e.ID != "" && len(e.ID) <= 200 && !strings.ContainsRune(string(e.ID), 0) {
		return string(e.ID)
	}
	ids = slices.Sorted(slices.Values(ids))
	sum := sha256.Sum256([]byte(strings.Join(append([]string{string(e.Corp), string(e.Type), string(e.Stamp)}, ids...), "\x00")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// at is when it happened, zero if the event does not say in milliseconds.
func (e event) at() time.Time {
	ms, err := strconv.ParseInt(string(e.Stamp), 10, 64)
	if err != nil {
		ms = int64(e.Time)
	}
	const y2001, y2100 = 1e12, 4.1e12
	if ms < y2001 || ms > y2100 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
