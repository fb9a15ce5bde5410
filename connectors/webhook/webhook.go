// Package webhook posts notices to operators to an address of theirs, as
// signed JSON.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/transport"
)

// Headers of a post.
const (
	// HeaderKey is the same at every try: the receiver knows a repetition by it.
	HeaderKey = "Idempotency-Key"
	// HeaderTimestamp is when it was signed, in seconds since 1970.
	HeaderTimestamp = "X-Orgflow-Timestamp"
	// HeaderSignature is "sha256=" and the HMAC-SHA256 of timestamp, a dot and
	// the body, with the secret as key, in hex. Without a secret it is missing.
	HeaderSignature = "X-Orgflow-Signature"
)

const (
	timeout = 15 * time.Second
	maxBody = 1 << 20 // of an answer, whose content is of no interest
)

// Client posts notices. It is safe for many goroutines.
type Client struct {
	url, secret string
	link        *transport.Link
}

var _ connectors.Messenger = (*Client)(nil)

// New returns a client that posts to url and signs with secret, if there is
// one.
func New(url, secret string, opt transport.Options) *Client {
	return &Client{url, secret, transport.NewLink(transport.Vendor{Name: "webhook", QPS: 10, Timeout: timeout, MaxBody: maxBody}, opt)}
}

// MessageLimits implements connectors.Messenger: there are none.
func (c *Client) MessageLimits() []connectors.MessageLimit { return nil }

// body is what is posted: the text as people read it, and the same for
// programs.
type body struct {
	ID string `json:"id"`
	orgflow.MessageText
}

// SendMessage implements connectors.Messenger. Equal messages have equal
// bodies and keys; only the signature is of the time it was made. Whatever
// the receiver refuses for its own reasons (4xx) is not posted again; a wrong
// address or secret waits for somebody to repair it.
func (c *Client) SendMessage(ctx context.Context, m connectors.Message) (string, connectors.Receipt, error) {
	var r connectors.Receipt
	raw, err := json.Marshal(body{m.Key, m.MessageText})
	if err != nil {
		return "", r, connectors.Refuse("notice", "cannot be written as JSON")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(raw))
	if err != nil {
		return "", r, invalid("", "the address cannot be used") // err would show it
	}
	req.GetBody = nil // net/http must not repeat it on its own
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set(HeaderKey, m.Key)
	if c.secret != "" {
		at := strconv.FormatInt(c.link.Now().Unix(), 10)
		req.Header.Set(HeaderTimestamp, at)
		req.Header.Set(HeaderSignature, "sha256="+Sign(c.secret, at, raw))
	}
	var status int
	call := &transport.Call{Path: "notice", Write: true, Decode: func(got int, _ []byte) string { status = got; return refusal(got) }}
	_, err = c.link.Send(req, call)
	r.Calls, r.Writes = 1, 1
	if f, ok := errors.AsType[*orgflow.Fault](err); ok {
		f.Advice = "check notify.webhook.url in company.json, network and TLS; the same notice is posted again"
	}
	if err != nil {
		return "", r, err
	}
	if f := fault(status); f != nil {
		return "", r, f
	}
	return m.Key, r, nil
}

// Sign returns the HMAC-SHA256 of timestamp, a dot and body, in hex.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// refusal is the code of an answer in logs and metrics; "" for success.
func refusal(status int) string {
	if status/100 == 2 {
		return ""
	}
	return strconv.Itoa(status)
}

// fault returns what an answer means; nil is success.
func fault(status int) *orgflow.Fault {
	code := refusal(status)
	switch {
	case code == "":
		return nil
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return &orgflow.Fault{Code: orgflow.CodeUnauthorized, VendorCode: code, Message: "the receiver refuses the notice",
			Advice: "check notify.webhook.secret in company.json, and how the receiver verifies signatures"}
	case status == http.StatusNotFound, status == http.StatusGone, status == http.StatusMethodNotAllowed, status/100 == 3:
		return invalid(code, "nobody takes notices at the address; redirects are not followed")
	case status == http.StatusTooManyRequests:
		return &orgflow.Fault{Code: orgflow.CodeThrottled, VendorCode: code, Message: "the receiver gets too many notices", RetryAfter: time.Minute}
	case status == http.StatusRequestTimeout, status/100 != 4:
		return &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: code, Message: "the receiver is busy"}
	}
	return &orgflow.Fault{Code: orgflow.CodeInvalidRecord, VendorCode: code, Message: "the receiver refuses this notice"}
}

func invalid(code, message string) *orgflow.Fault {
	return &orgflow.Fault{Code: orgflow.CodeInvalidConfig, VendorCode: code, Message: message, Advice: "correct notify.webhook.url in company.json"}
}
