package wcsim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strconv"
	"time"

	"orgflow/connectors/simctl"
)

// job is an import (§ 6).
type job struct {
	ID     string    `json:"id"`
	Seq    int       `json:"seq"`
	Type   string    `json:"type"`
	Media  string    `json:"media"`
	Invite bool      `json:"invite,omitempty"`
	Began  time.Time `json:"began"`
	Ends   time.Time `json:"ends"`
	Done   bool      `json:"done,omitempty"`
	Lines  []jobLine `json:"lines,omitempty"`
}

// jobLine is a line of a job's result.
type jobLine struct {
	UserID  string `json:"userid,omitempty"`
	PartyID int64  `json:"partyid,omitempty"`
	Action  int    `json:"action,omitempty"`
	ErrCode int    `json:"errcode"`
	ErrMsg  string `json:"errmsg"`
}

// putJob keeps the last jobs.
func (d *directory) putJob(j *job) {
	if d.jobs[j.ID] == nil {
		d.jobOrder = append(d.jobOrder, j.ID)
	}
	d.jobs[j.ID] = j
	d.lastJob = max(d.lastJob, j.Seq)
	for len(d.jobOrder) > maxJobs {
		delete(d.jobs, d.jobOrder[0])
		d.jobOrder = d.jobOrder[1:]
	}
}

// upload is media/upload. What is stored bears the content's hash.
func (s *Sim) upload(c *simctl.Call, _ *args) simctl.Answer {
	kind, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || c.Query.Get("type") != "file" {
		return failed(coded(40063))
	}
	part, err := multipart.NewReader(bytes.NewReader(c.Body), params["boundary"]).NextPart()
	if err != nil || part.FormName() != "media" || part.FileName() == "" {
		return failed(coded(40063))
	}
	content, err := io.ReadAll(part)
	if err != nil || len(content) <= 5 || len(content) > 20<<20 {
		return failed(coded(40092))
	}
	sum := sha256.Sum256(content)
	id := hex.EncodeToString(sum[:16])
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.commit(simctl.Change{Kind: kindMedia, ID: id, Value: content}); err != nil {
		return failed(coded(-1))
	}
	return succeeded("ok", map[string]any{"type": "file", "media_id": id, "created_at": strconv.FormatInt(s.desk.Now().Unix(), 10)})
}

func (s *Sim) syncUsers(c *simctl.Call, a *args) simctl.Answer { return s.startJob(c, a, "sync_user") }

func (s *Sim) replaceUsers(c *simctl.Call, a *args) simctl.Answer {
	return s.startJob(c, a, "replace_user")
}

func (s *Sim) replaceParties(c *simctl.Call, a *args) simctl.Answer {
	return s.startJob(c, a, "replace_party")
}

// startJob checks the file and begins an import, one at a time.
func (s *Sim) startJob(c *simctl.Call, a *args, kind string) simctl.Answer {
	media, _ := a.str("media_id")
	invite := true
	a.into("to_invite", &invite)
	s.mu.Lock()
	defer s.mu.Unlock()
	d, now := s.dir, s.desk.Now()
	for _, j := range d.jobs {
		if !j.Done {
			return failed(coded(302008))
		}
	}
	table, r := readTable(d.media[media], kind)
	if r != nil {
		return failed(r)
	}
	if kind == "replace_user" && d.massDelete(table) {
		return failed(coded(45026))
	}
	j := &job{
		ID: fmt.Sprintf("wcjob%011d", d.lastJob+1), Seq: d.lastJob + 1, Type: kind, Media: media, Invite: invite,
		Began: now, Ends: now.Add(time.Duration(s.settings.Load().JobSeconds) * time.Second),
	}
	if err := s.commit(simctl.Change{Kind: kindJob, ID: j.ID, Value: j}); err != nil {
		return failed(coded(-1))
	}
	c.Wrote, c.Key = true, j.ID
	return succeeded("ok", map[string]any{"jobid": j.ID})
}

// massDelete is the safety stop of a full import (§ 6).
func (d *directory) massDelete(t table) bool {
	staff, deletes := len(d.users), len(d.absent(t))
	return deletes > 50 && deletes*5 > staff || deletes < 50 && deletes*5 > staff*4
}

// absent lists the members that a file does not name.
func (d *directory) absent(t table) []string {
	named := map[string]bool{}
	for _, row := range t.rows {
		if u := d.user(t.cell(row, "帐号")); u != nil {
			named[u.UserID] = true
		}
	}
	var out []string
	for _, u := range d.users {
		if !named[u.UserID] {
			out = append(out, u.UserID)
		}
	}
	slices.Sort(out)
	return out
}

// finishJobs performs what is due. It is called before every call.
func (s *Sim) finishJobs(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Clone(s.dir.jobOrder) {
		j := s.dir.jobs[id]
		if j.Done || now.Before(j.Ends) {
			continue
		}
		done := *j
		done.Done = true
		if t, r := readTable(s.dir.media[j.Media], j.Type); r == nil {
			done.Lines = s.perform(&done, t)
		}
		_ = s.commit(simctl.Change{Kind: kindJob, ID: j.ID, Value: &done}) // else it is due at the next call again
	}
}

// jobResult is batch/getresult: lines only once the job is done.
func (s *Sim) jobResult(c *simctl.Call, _ *args) simctl.Answer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id := c.Query.Get("jobid")
	j := s.dir.jobs[id]
	if j == nil {
		var seq int
		if n, err := fmt.Sscanf(id, "wcjob%d", &seq); n == 1 && err == nil && seq <= s.dir.lastJob {
			return failed(coded(40089))
		}
		return failed(coded(40088))
	}
	status, percentage, lines := 3, 100, j.Lines
	if !j.Done {
		status, percentage, lines = 2, 0, nil
		if whole := j.Ends.Sub(j.Began); whole > 0 {
			percentage = int(100 * s.desk.Now().Sub(j.Began) / whole)
		}
	}
	return succeeded("ok", map[string]any{
		"status": status, "type": j.Type, "total": len(j.Lines), "percentage": percentage, "remaintime": 0, "result": shown(j.Type, lines),
	})
}

// shown lists lines with the keys their kind of job has.
func shown(kind string, lines []jobLine) []any {
	out := []any{}
	for _, l := range lines {
		if kind == "replace_party" {
			out = append(out, map[string]any{"action": l.Action, "partyid": l.PartyID, "errcode": l.ErrCode, "errmsg": l.ErrMsg})
			continue
		}
		out = append(out, map[string]any{"userid": l.UserID, "errcode": l.ErrCode, "errmsg": l.ErrMsg})
	}
	return out
}

// encoded is a value that always encodes.
func encoded(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}
