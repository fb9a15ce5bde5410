package aghsim

import (
	"crypto/md5" //nolint:gosec // makes ids that look like the vendor's
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"orgflow/connectors/signing"
	"orgflow/connectors/simctl"
)

// refusal is an error answer: a code with the vendor's words.
type refusal struct {
	code int
	text string
}

func refuse(code int, format string, args ...any) *refusal {
	return &refusal{code, texts[code] + fmt.Sprintf(format, args...)}
}

// texts are the vendor's words (reference § A.2).
var texts = map[int]string{
	200003: "签名错误", 200004: "partnerId不存在", 200005: "公司不存在", 200006: "任务id不存在",
	200007: "系统错误", 200008: "数据格式错误", 200009: "数据为空",
}

// endpoint is a call of the interface; run answers its body, nil for none.
type endpoint struct {
	method string
	run    func(*Sim, *simctl.Call, *compiled) (any, *refusal)
}

const prefix = "/v3/oms/"

func endpoints() map[string]endpoint {
	return map[string]endpoint{
		prefix + "add-prepare":  {http.MethodGet, (*Sim).prepare},
		prefix + "add":          {http.MethodPost, (*Sim).add},
		prefix + "add-complete": {http.MethodGet, (*Sim).complete},
		prefix + "update":       {http.MethodPost, (*Sim).update},
	}
}

// Handle implements simctl.Handler.
func (s *Sim) Handle(c *simctl.Call) simctl.Answer {
	set := s.settings.Load()
	e, known := endpoints()[c.Path]
	if !known || e.method != c.Method {
		return simctl.Answer{Status: http.StatusNotFound, Outcome: "http_404", ContentType: "text/html; charset=utf-8", Body: []byte("<html>404</html>")}
	}
	if set.MaxBytes > 0 && len(c.Body) > set.MaxBytes {
		return simctl.Answer{Status: http.StatusRequestEntityTooLarge, Outcome: "http_413", ContentType: "text/html", Body: []byte("<html>413</html>")}
	}
	if r := s.admit(c, set); r != nil {
		return failed(r)
	}
	body, r := e.run(s, c, set)
	if r != nil {
		return failed(r)
	}
	out := map[string]any{"errno": 0, "error": "ok"}
	if body != nil {
		out["body"] = body
	}
	return simctl.JSON(http.StatusOK, simctl.OK, out)
}

// Refuse implements simctl.Handler.
func (s *Sim) Refuse(_ *simctl.Call, code string) simctl.Answer {
	n, _ := strconv.Atoi(code)
	return failed(refuse(n, ""))
}

// Key implements simctl.Handler: kind and number of a batch's records.
func (s *Sim) Key(c *simctl.Call) string { return c.Key }

func failed(r *refusal) simctl.Answer {
	return simctl.JSON(http.StatusOK, strconv.Itoa(r.code), map[string]any{"errno": r.code, "error": r.text})
}

// admit checks signature, partner and company.
func (s *Sim) admit(c *simctl.Call, set *compiled) *refusal {
	if !s.genuine(c, set) {
		return refuse(200003, "")
	}
	if len(set.Partners) > 0 && !slices.Contains(set.Partners, c.Query.Get("partnerId")) {
		return refuse(200004, "")
	}
	if !slices.Contains(set.Companies, c.Query.Get("corpId")) {
		return refuse(200005, "")
	}
	return nil
}

// genuine signs the call again, at the moment it says, and compares.
func (s *Sim) genuine(c *simctl.Call, set *compiled) bool {
	cfg := set.Signing
	if cfg.Preset == "" || cfg.Preset == signing.PresetNone {
		return true
	}
	at := signing.Moment{Now: s.desk.Now()}
	if p := cfg.TimestampParam; p != "" {
		n, err := strconv.ParseInt(c.Query.Get(p), 10, 64)
		if err != nil {
			return false
		}
		at.Now = time.Unix(n, 0)
		if cfg.Clock == "ms" {
			at.Now = time.UnixMilli(n)
		}
		if skew := s.desk.Now().Sub(at.Now); skew.Abs() > 5*time.Minute {
			return false
		}
	}
	if cfg.NonceParam != "" {
		at.Nonce = c.Query.Get(cfg.NonceParam)
	}
	query := url.Values{}
	for name, v := range c.Query {
		query[name] = v
	}
	param := cfg.Param
	if param == "" {
		param = "sign"
	}
	query.Del(param)
	again, err := set.signer.Sign(signing.Request{Method: c.Method, Path: c.Path, Query: query, Body: c.Body}, at)
	return err == nil && again.Signature == c.Query.Get(param)
}

// prepare opens a task.
func (s *Sim) prepare(c *simctl.Call, set *compiled) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.held.counters
	n.Tasks++
	sum := md5.Sum([]byte("task " + strconv.Itoa(n.Tasks))) //nolint:gosec // see the import
	t := &task{ID: hex.EncodeToString(sum[:]), Ends: s.desk.Now().Add(time.Duration(set.TaskSeconds) * time.Second)}
	changes := []simctl.Change{{Kind: kindCounters, Value: n}}
	if set.SingleTask {
		for id := range s.held.tasks {
			changes = append(changes, simctl.Change{Kind: kindTask, ID: id})
		}
	}
	if err := s.commit(append(changes, simctl.Change{Kind: kindTask, ID: t.ID, Value: t})...); err != nil {
		return nil, refuse(200007, ": %v", err)
	}
	c.Wrote = true
	return map[string]string{"taskId": t.ID}, nil
}

// open returns the task a call names, if it is one.
func (s *Sim) open(c *simctl.Call, set *compiled) *task {
	id := ""
	for _, name := range []string{"taskId", "task_id"} {
		if set.TaskParam == name || set.TaskParam == "both" {
			id = max(id, c.Query.Get(name))
		}
	}
	t := s.held.tasks[id]
	if t == nil || !s.desk.Now().Before(t.Ends) {
		return nil
	}
	return t
}

// add puts a batch into a task.
func (s *Sim) add(c *simctl.Call, set *compiled) (any, *refusal) {
	b, r := readBatch(c)
	if r != nil {
		return nil, r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.open(c, set)
	if t == nil {
		return nil, refuse(200006, "")
	}
	depts, people, r := s.check(b, set, t)
	if r != nil {
		return nil, r
	}
	changes := make([]simctl.Change, 0, len(depts)+len(people))
	for _, d := range depts {
		changes = append(changes, simctl.Change{Kind: kindTaskDept, Value: taskRecord{Task: t.ID, Dept: d}})
	}
	for _, p := range people {
		changes = append(changes, simctl.Change{Kind: kindTaskPerson, Value: taskRecord{Task: t.ID, Person: p}})
	}
	if err := s.commit(changes...); err != nil {
		return nil, refuse(200007, ": %v", err)
	}
	c.Wrote = true
	return nil, nil
}

// update takes a batch at once.
func (s *Sim) update(c *simctl.Call, set *compiled) (any, *refusal) {
	b, r := readBatch(c)
	if r != nil {
		return nil, r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	depts, people, r := s.check(b, set, nil)
	if r != nil {
		return nil, r
	}
	changes := make([]simctl.Change, 0, len(depts)+len(people))
	for _, d := range depts {
		changes = append(changes, simctl.Change{Kind: kindDept, ID: d.ID, Value: d})
	}
	for _, p := range people {
		changes = append(changes, simctl.Change{Kind: kindPerson, ID: p.UserID, Value: p})
	}
	if err := s.commit(changes...); err != nil {
		return nil, refuse(200007, ": %v", err)
	}
	c.Wrote = true
	return nil, nil
}

// complete makes a task's records the truth and forgets the task.
func (s *Sim) complete(c *simctl.Call, set *compiled) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.open(c, set)
	if t == nil {
		return nil, refuse(200006, "")
	}
	changes := records(t.depts, t.people)
	if set.FullReplace {
		changes = append(changes, s.held.absent(t)...)
	}
	n := s.held.counters
	n.Completed++
	changes = append(changes, simctl.Change{Kind: kindCounters, Value: n}, simctl.Change{Kind: kindTask, ID: t.ID})
	if err := s.commit(changes...); err != nil {
		return nil, refuse(200007, ": %v", err)
	}
	c.Wrote = true
	return nil, nil
}

// absent disables what a task does not mention.
func (h *held) absent(t *task) []simctl.Change {
	var changes []simctl.Change
	for id, d := range h.depts {
		if t.depts[id] == nil && d.Status != statusOff {
			off := *d
			off.Status = statusOff
			changes = append(changes, simctl.Change{Kind: kindDept, ID: id, Value: &off})
		}
	}
	for id, p := range h.people {
		if t.people[id] == nil && p.Status != statusOff {
			off := *p
			off.Status = statusOff
			changes = append(changes, simctl.Change{Kind: kindPerson, ID: id, Value: &off})
		}
	}
	return changes
}
