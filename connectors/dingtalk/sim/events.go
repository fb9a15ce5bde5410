package dtsim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"orgflow/connectors/simctl"
)

// EventPush is the event callback of the console (§ 9.3). Without a URL no
// events are sent.
type EventPush struct {
	URL      string `json:"url"`
	Token    string `json:"token"`
	AESKey   string `json:"aes_key"`
	OwnerKey string `json:"owner_key"` // ends every message; absent it is the first application's key
	Era      string `json:"era"`       // casing of the body (§ 9.2): "current" or "legacy"
	// DeadlineMS is how long an answer may take, RetryMS when a failed
	// delivery is repeated; afterwards the event is in the failed list.
	DeadlineMS int   `json:"deadline_ms"`
	RetryMS    []int `json:"retry_ms"`
}

// defaultPush is DingTalk's (§ 9.3).
func defaultPush() EventPush {
	return EventPush{Era: "current", DeadlineMS: 1500, RetryMS: []int{10_000, 30_000}}
}

func (e EventPush) check() error {
	if e.URL == "" {
		return nil
	}
	if u, err := url.Parse(e.URL); err != nil || u.Host == "" {
		return errors.New("events.url is not an http or https address")
	}
	if e.Era != "current" && e.Era != "legacy" {
		return fmt.Errorf("events.era is %q: allowed are current and legacy", e.Era)
	}
	if e.DeadlineMS < 1 {
		return fmt.Errorf("events.deadline_ms is %d: at least 1 is needed", e.DeadlineMS)
	}
	_, err := newSealer(e.Token, e.AESKey, e.OwnerKey)
	return err
}

// event is what happened to people or departments.
type event struct {
	kind  string
	at    time.Time
	users []string
	depts []int64
}

// events are those that changes of the directory cause, seen before they are
// applied. A reset, which also begins a replaced state, causes none.
func (d *directory) events(changes []simctl.Change, at time.Time) []event {
	var out []event
	var removed []int64
	for _, c := range changes {
		id, _ := strconv.ParseInt(c.ID, 10, 64) // of departments
		switch {
		case c.Kind == kindReset:
			return nil
		case c.Kind == kindUser && c.Value == nil:
			out = append(out, event{kind: "user_leave_org", at: at, users: []string{c.ID}})
		case c.Kind == kindUser && d.users[c.ID] == nil: // observed: both (§ 9.1)
			out = append(out, event{kind: "user_add_org", at: at, users: []string{c.ID}}, event{kind: "user_modify_org", at: at, users: []string{c.ID}})
		case c.Kind == kindUser:
			out = append(out, event{kind: "user_modify_org", at: at, users: []string{c.ID}})
		case c.Kind == kindDept && c.Value == nil:
			removed = append(removed, id)
		case c.Kind == kindDept && d.Depts[id] == nil:
			out = append(out, event{kind: "org_dept_create", at: at, depts: []int64{id}})
		case c.Kind == kindDept:
			out = append(out, event{kind: "org_dept_modify", at: at, depts: []int64{id}})
		}
	}
	if len(removed) > 0 {
		out = append(out, event{kind: "org_dept_remove", at: at, depts: removed})
	}
	return out
}

// body writes an event in the casing of its era (§ 9.2).
func (e event) body(era, corp, id string) []byte {
	ms := strconv.FormatInt(e.at.UnixMilli(), 10)
	out := map[string]any{"EventType": e.kind, "CorpId": corp}
	users, depts := "userId", "deptId"
	if era == "legacy" {
		out["TimeStamp"], out["OptStaffId"] = ms, "manager1"
		users, depts = "UserId", "DeptId"
	} else {
		out["EventTime"], out["timeStamp"], out["eventId"], out["BizId"] = e.at.UnixMilli(), ms, id, id
	}
	if e.users != nil {
		out[users] = e.users
	}
	if e.depts != nil {
		out[depts] = e.depts
	}
	raw, _ := json.Marshal(out) // texts and numbers
	return raw
}

// courier delivers events and keeps those nobody took.
type courier struct {
	client http.Client
	sleep  func(context.Context, time.Duration)

	mu     sync.Mutex
	failed []failedEvent
	sent   int
}

type failedEvent struct {
	event
	corp string
}

// announce delivers events in the order in which they came, without keeping
// the caller waiting.
func (s *Sim) announce(events []event) {
	set := s.settings.Load().Settings
	if set.Events.URL == "" || len(events) == 0 {
		return
	}
	first := s.requests.Add(uint64(len(events)))
	go func() {
		for i, e := range events {
			s.courier.deliver(set, e, fmt.Sprintf("ev-%d-%d", e.at.UnixMilli(), first-uint64(i)))
		}
	}()
}

// deliver posts an event, again after each pause, until it is taken (§ 9.3).
func (c *courier) deliver(set Settings, e event, id string) {
	owner := set.Events.OwnerKey
	if owner == "" {
		owner = set.Apps[0].AppKey
	}
	seal, err := newSealer(set.Events.Token, set.Events.AESKey, owner)
	if err != nil {
		return // the settings were checked
	}
	body := e.body(set.Events.Era, set.CorpID, id)
	for attempt := 0; ; attempt++ {
		if c.post(set.Events, seal, body) == nil {
			c.mu.Lock()
			c.sent++
			c.mu.Unlock()
			return
		}
		if attempt == len(set.Events.RetryMS) {
			c.mu.Lock()
			c.failed = append(c.failed, failedEvent{e, set.CorpID})
			c.mu.Unlock()
			return
		}
		c.sleep(context.Background(), time.Duration(set.Events.RetryMS[attempt])*time.Millisecond)
	}
}

func (c *courier) post(push EventPush, seal *sealer, body []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(push.DeadlineMS)*time.Millisecond)
	defer cancel()
	m := seal.letter(body, time.Now())
	raw, err := json.Marshal(map[string]string{"encrypt": m.Encrypt})
	if err != nil {
		return err
	}
	query := url.Values{"signature": {m.Signature}, "timestamp": {m.Timestamp}, "nonce": {m.Nonce}}
	glue := "?"
	if strings.Contains(push.URL, "?") {
		glue = "&"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, push.URL+glue+query.Encode(), bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer letter
	if err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, 64<<10)).Decode(&answer); err != nil {
		return err
	}
	if text, err := seal.read(answer); err != nil || res.StatusCode != http.StatusOK || text != "success" {
		return fmt.Errorf("answered %d", res.StatusCode)
	}
	return nil
}

// failedEvents is /call_back/get_call_back_failed_result (§ 9.3): up to 200,
// gone once they were read.
func (s *Sim) failedEvents(c *simctl.Call) simctl.Answer {
	if r := s.admit(c); r != nil {
		return s.failed(c, r)
	}
	s.courier.mu.Lock()
	n := min(len(s.courier.failed), 200)
	list := s.courier.failed[:n:n]
	s.courier.failed = s.courier.failed[n:]
	more := len(s.courier.failed) > 0
	s.courier.mu.Unlock()
	out := make([]map[string]any, 0, n)
	for _, f := range list {
		about := map[string]any{"corpid": f.corp}
		if f.users != nil {
			about["userid"] = f.users
		}
		if f.depts != nil {
			about["deptid"] = f.depts
		}
		out = append(out, map[string]any{"call_back_tag": f.kind, "event_time": f.at.UnixMilli(), f.kind: about})
	}
	return simctl.JSON(http.StatusOK, simctl.OK, map[string]any{"errcode": 0, "errmsg": "ok", "has_more": more, "failed_list": out})
}
