package rest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// refusal is an answer that is not success, and what is to be done.
type refusal struct {
	action Action
	fault  *orgflow.Fault
}

// judge decides what an answer means; nil is success.
func (c *Client) judge(q request, a *answer) *refusal {
	for i, rules := range [][]Rule{q.call.Errors, c.def.Errors, q.call.Errors, c.def.Errors} {
		if i == 2 && c.succeeds(q.call, a) {
			return nil
		}
		for j := range rules {
			// Rules for answers that look like success come before it.
			if r := &rules[j]; (i < 2) == r.Always && r.holds(a) && c.speaks(a, r.Do) {
				return c.apply(r, q, a)
			}
		}
	}
	return c.byStatus(q, a)
}

// succeeds tells whether the answer is what the definition calls success. A
// body that is not JSON never is.
func (c *Client) succeeds(call *Call, a *answer) bool {
	if !a.json && !(a.blank && c.def.Answer.Empty && a.status >= 200 && a.status < 300) {
		return false
	}
	p := call.Success
	if p == nil {
		p = c.def.Answer.Success
	}
	if p == nil {
		p = &Predicate{Status: []Status{{200, 299}}}
	}
	return p.holds(a)
}

// speaks keeps a gateway's or another server's page from deciding that
// something is as wanted: only the consumer itself can say so.
func (c *Client) speaks(a *answer, do Action) bool {
	switch do {
	case Success, Gone, InsertInstead, UpdateInstead, SkipRecord:
		return a.json || a.blank && c.def.Answer.Empty
	default:
		return true
	}
}

func (r *Rule) holds(a *answer) bool {
	if len(r.Status) > 0 && !slices.ContainsFunc(r.Status, func(s Status) bool { return s.holds(a.status) }) {
		return false
	}
	if len(r.Codes) > 0 && !slices.Contains(r.Codes, a.code) {
		return false
	}
	return strings.Contains(a.text, r.Message) && r.When.holds(a)
}

// apply turns a rule into a refusal; nil is success.
func (c *Client) apply(r *Rule, q request, a *answer) *refusal {
	f := &orgflow.Fault{VendorCode: codeOf(a), Message: c.words(a), Advice: r.Advice, Field: r.Field}
	switch r.Do {
	case Success:
		return nil
	case RefreshToken:
		f.Code = orgflow.CodeUnauthorized
		f.Advice = cmp.Or(f.Advice, "the consumer refuses the credentials, a renewed token too; check the settings of "+c.name+" in company.json")
	case RetryAfter:
		f.Code, f.RetryAfter = orgflow.CodeThrottled, r.after(a, c.link.Now())
		f.Advice = cmp.Or(f.Advice, "the run slows down by itself; lower qps of "+c.name+" if this is frequent")
	case Retry:
		f.Code = orgflow.CodeUnavailable
	case Gone, InsertInstead:
		f.Code = orgflow.CodeNotFound
	case UpdateInstead:
		f.Code = orgflow.CodeConflict
	case RestartTask:
		f.Code, f.Err = orgflow.CodeUnavailable, connectors.ErrTaskGone
	case FailRun:
		f.Code = orgflow.Code(cmp.Or(r.Fault, string(orgflow.CodeInvalidConfig)))
	case NeedsHuman:
		f.Code = orgflow.CodeNeedsHuman
	case ReadAgain:
		f.Code = orgflow.CodeUnavailable
	case Unknown:
		f.Code = doubt(q.write)
	default: // FailRecord, Bisect, SkipRecord
		f.Code = orgflow.Code(cmp.Or(r.Fault, string(orgflow.CodeInvalidRecord)))
	}
	return &refusal{r.Do, f}
}

// words is the vendor's text, or that there is none.
func (c *Client) words(a *answer) string {
	if a.text != "" {
		return a.text
	}
	return c.name + " answered without a text"
}

// doubt is the fault of an outcome that is not known: a read can simply be
// repeated.
func doubt(write bool) orgflow.Code {
	if write {
		return orgflow.CodeUnknownOutcome
	}
	return orgflow.CodeUnavailable
}

const (
	defaultWait = time.Second
	longestWait = time.Hour // what a header asks for beyond that is not believed
)

// after is how long a throttled call waits.
func (r *Rule) after(a *answer, now time.Time) time.Duration {
	if r.AfterHeader != "" {
		if d, given := headerWait(a.header.Get(r.AfterHeader), now); given {
			return d
		}
	}
	return max(defaultWait, time.Duration(r.AfterSeconds*float64(time.Second)))
}

// headerWait reads Retry-After (RFC 9110 § 10.2.3): seconds or a date.
func headerWait(v string, now time.Time) (time.Duration, bool) {
	if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 && n < 1e9 {
		return min(time.Duration(n*float64(time.Second)), longestWait), true
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), longestWait), true
	}
	return 0, false
}

// byStatus decides where no rule does. What is not recognised is a failure,
// and where the effect may have happened, an unknown outcome.
func (c *Client) byStatus(q request, a *answer) *refusal {
	f := &orgflow.Fault{VendorCode: codeOf(a), Message: c.words(a), Code: orgflow.CodeInternal,
		Advice: "the definition of " + c.name + " has no rule for this answer; look the code up in the vendor's table and add one"}
	do := FailRecord
	say := func(code orgflow.Code, action Action, advice string) {
		f.Code, do, f.Advice = code, action, advice
	}
	switch s := a.status; {
	case s >= 200 && s < 300 && (a.code == "" || c.nearSuccess(q.call, a)):
		f.VendorCode = vendorcode.Malformed
		say(doubt(q.write), Unknown, "the answer is not as the definition says; the effect is read back before anything is repeated")
	case s >= 300 && s < 400:
		say(orgflow.CodeInvalidConfig, FailRun, "the address redirects; check base_url of "+c.name+" in company.json")
	case s == http.StatusNotFound && q.call == c.def.Check:
		say(orgflow.CodeInvalidConfig, FailRun, "nothing of this interface answers at the address; check base_url of "+c.name+" in company.json")
	case s == http.StatusUnauthorized:
		say(orgflow.CodeUnauthorized, RefreshToken, "the consumer refuses the credentials; check the settings of "+c.name+" in company.json")
	case s == http.StatusForbidden:
		say(orgflow.CodeForbidden, FailRun, "the consumer does not allow this call; grant the application what it needs")
	case s == http.StatusTooManyRequests:
		say(orgflow.CodeThrottled, RetryAfter, "the run slows down by itself; lower qps of "+c.name+" if this is frequent")
		f.RetryAfter = (&Rule{AfterHeader: "Retry-After"}).after(a, c.link.Now())
	case s == http.StatusRequestTimeout, s >= http.StatusInternalServerError:
		say(doubt(q.write), Unknown, "the consumer or a gateway failed; the effect is read back before anything is repeated")
	case s == http.StatusRequestEntityTooLarge:
		say(orgflow.CodeInvalidRecord, Bisect, "the call is too large for the consumer; lower max_bytes in the definition")
	case s == http.StatusPreconditionFailed:
		say(orgflow.CodeUnavailable, ReadAgain, "the record changed at the consumer meanwhile; it is tried again")
	}
	return &refusal{do, f}
}

// nearSuccess tells whether the answer says what success says in another
// type, "0" for 0: it is then no failure that we know, but not believed.
func (c *Client) nearSuccess(call *Call, a *answer) bool {
	p := call.Success
	if p == nil {
		p = c.def.Answer.Success
	}
	return p != nil && p.near(a)
}

func (p *Predicate) near(a *answer) bool {
	if p.Path != "" {
		for _, raw := range append(slices.Clone(p.In), p.Equals) {
			if want, err := wire.Decode(raw); err == nil && plain(want) != "" && strings.EqualFold(plain(want), textAt(a.body, p.Path)) {
				return true
			}
		}
	}
	near := func(q Predicate) bool { return q.near(a) }
	return slices.ContainsFunc(p.All, near) || slices.ContainsFunc(p.Any, near)
}
