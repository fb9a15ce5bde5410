package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	dtsim "orgflow/connectors/dingtalk/sim"
)

// syncStrand pushes an organisation that is never the same from the HCM to
// DingTalk.
type syncStrand struct {
	*premises
	rows   syncOrg
	known  map[int64]string // dept_id → source id, those that are gone included
	judged int64            // sequence number of the newest call that was compared
	wrong  []string         // what turns wrote otherwise than they should
	begun  int              // runs
}

func newSyncStrand(c *cluster) *syncStrand {
	s := &syncStrand{premises: newPremises(c, syncCompany, nil), rows: newSyncOrg(), known: map[int64]string{}}
	return s
}

func (s *syncStrand) name() string { return "sync" }

// hcmRows are the rows as JSON has them.
func (s *syncStrand) hcmRows() hcm {
	var rows hcm
	if err := json.Unmarshal([]byte(encode(s.t, object{"Organization": s.rows.units, "Employee": s.rows.people})), &rows); err != nil {
		s.t.Error(err)
	}
	return rows
}

func (s *syncStrand) wanted() picture { return wanted(s.t, s.hcmRows()) }

// held is what DingTalk holds, and notes which department is which.
func (s *syncStrand) held() picture {
	var state dingState
	if err := json.Unmarshal([]byte(encode(s.t, s.ding.State())), &state); err != nil {
		s.t.Error(err)
	}
	for _, d := range state.Departments {
		s.known[d.ID] = sourceID(d.Source)
	}
	return drawn(s.t, s.company, state)
}

const syncJob = `{"services": ["org_new", "person_new"], "consumer": "ding_talk", "company_id": %d, "params": {"delete_limit": {"percent": 100, "count": 100000}}}`

func (s *syncStrand) turn(ctx context.Context, n int) error {
	before := s.held() // notes the departments that will be gone
	if n > 0 {         // the first turn brings everything there
		s.rows.change(n, s.dice(n).IntN)
	}
	if err := s.hcmSim(s.hcmRows()); err != nil {
		return err
	}
	// Deletes count for seven days against the limit: let a week go by.
	if _, err := s.list(ctx, `UPDATE provisioning_log SET at = at - interval '8 days' WHERE company_id = $1 RETURNING ''`, s.company); err != nil {
		return err
	}
	if err := s.push(ctx, n); err != nil {
		return fmt.Errorf("turn %d: %w", n, err)
	}
	for _, what := range s.miswritten(written(before, s.wanted())) {
		s.wrong = append(s.wrong, fmt.Sprintf("turn %d: %s", n, what))
	}
	return nil
}

func (s *syncStrand) hcmSim(rows hcm) error {
	return s.hcm.PutState([]byte(encode(s.t, object{"models": rows})))
}

// push runs the job until a run completes. A vendor that is away or lies, and
// a database that is away while a run reads, may cost a run: it says so, keeps
// what it has done, and the next one does the rest.
func (s *syncStrand) push(ctx context.Context, n int) error {
	for try := 0; ; try++ {
		var started struct{ ID string }
		key := fmt.Sprintf("storm-%d-%d-%d", s.company, n, try)
		if err := s.ask(ctx, "POST", "/api/v1/sync-runs", key, json.RawMessage(fmt.Sprintf(syncJob, s.company)), &started); err != nil {
			return err
		}
		s.begun++
		var sum summary
		if err := s.ended(ctx, "/api/v1/sync-runs/"+started.ID, &sum, func() string { return sum.Status }); err != nil {
			return err
		}
		switch sum.Status {
		case "completed":
			return nil
		case "completed_with_failures", "failed":
			why := fmt.Sprintf("%s: %v %+v", sum.Status, sum.Notes, sum.Applied)
			if sum.Error != nil {
				why = fmt.Sprintf("failed: %s", sum.Error.Code)
			}
			s.met("a run " + why)
		default:
			return fmt.Errorf("run %s is %s", started.ID, sum.Status)
		}
		if err := pause(ctx, 0); err != nil {
			return fmt.Errorf("%d runs were not enough: %w", try+1, err)
		}
	}
}

// written are the writes that lead from one picture to another, by path and
// record.
func written(from, to picture) map[string]int {
	out := map[string]int{}
	for id, d := range to.Departments {
		was, there := from.Departments[id]
		switch {
		case !there:
			out[deptCreate+" org:"+id]++
			if len(d.Managers) > 0 {
				out[deptUpdate+" org:"+id]++ // once its people are there
			}
		case !cmp.Equal(was, d):
			out[deptUpdate+" org:"+id]++
		}
	}
	for id := range from.Departments {
		if _, stays := to.Departments[id]; !stays {
			out[deptDelete+" org:"+id]++
		}
	}
	for id, p := range to.People {
		was, there := from.People[id]
		switch {
		case !there:
			out[userCreate+" person:"+id]++
		case was.Mobile != p.Mobile: // goes and comes
			out[userDelete+" person:"+id]++
			out[userCreate+" person:"+id]++
		case !cmp.Equal(was, p):
			out[userUpdate+" person:"+id]++
		}
	}
	for id := range from.People {
		if _, stays := to.People[id]; !stays {
			out[userDelete+" person:"+id]++
		}
	}
	return out
}

// miswritten compares the writes that DingTalk has done since the last turn
// with those that should have been done.
func (s *syncStrand) miswritten(want map[string]int) []string {
	s.held() // notes the departments that are new
	calls := s.ding.Desk().Requests().Log
	if len(calls) > 0 && s.judged > 0 && calls[0].Seq > s.judged+1 {
		return []string{"DingTalk's log has overflowed: a turn makes too many calls to be compared"}
	}
	got := map[string]int{}
	for _, e := range calls {
		if e.Seq > s.judged && isWrite(e.Path) && e.Outcome == "ok" {
			got[e.Path+" "+s.record(e.Path, e.Key)]++
		}
	}
	if len(calls) > 0 {
		s.judged = calls[len(calls)-1].Seq
	}
	var out []string
	for _, what := range slices.Sorted(maps.Keys(union(want, got))) {
		if want[what] != got[what] {
			out = append(out, fmt.Sprintf("%s was done %d times, not %d", what, got[what], want[what]))
		}
	}
	return out
}

func union(a, b map[string]int) map[string]int {
	out := map[string]int{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// record is the record of a line of the simulator's log.
func (s *syncStrand) record(path, key string) string {
	if strings.Contains(path, "/user/") {
		return "person:" + key
	}
	if id, err := strconv.ParseInt(key, 10, 64); err == nil {
		return "org:" + s.known[id]
	}
	return "org:" + sourceID(key)
}

func (s *syncStrand) losses(ctx context.Context) []string {
	out := slices.Concat(s.wrong, s.miswritten(nil))
	if d := cmp.Diff(s.wanted(), s.held()); d != "" {
		out = append(out, "DingTalk is not what the source says (-want +got):\n"+d)
	}
	if n := len(s.ding.State().(dtsim.State).Invites); n > 0 {
		out = append(out, fmt.Sprintf("%d invitations are open", n))
	}
	out = append(out, s.found(ctx, "in doubt", `SELECT c.kind || ':' || c.source_id || ' ' || c.op || ' of ' || c.run_id FROM sync_change c JOIN sync_run r ON r.id = c.run_id WHERE r.company_id = $1 AND c.in_flight`, s.company)...)
	out = append(out, s.found(ctx, "has not ended", `SELECT id || ' ' || status FROM sync_run WHERE company_id = $1 AND (finished_at IS NULL OR status NOT IN ('completed', 'completed_with_failures', 'failed'))`, s.company)...)
	out = append(out, s.found(ctx, "runs", `SELECT 'recorded are ' || count(*) FROM sync_run WHERE company_id = $1 HAVING count(*) <> $2`, s.company, s.begun)...)
	out = append(out, s.found(ctx, "held", `SELECT run_id FROM target_hold WHERE company_id = $1 AND run_id <> ''`, s.company)...)
	return append(out, s.bindings(ctx)...)
}

// bindings wants one for everybody at DingTalk, and no other.
func (s *syncStrand) bindings(ctx context.Context) []string {
	got, err := s.list(ctx, `SELECT kind || ':' || source_id || ' ' || consumer_id || ' ' || state FROM binding WHERE company_id = $1 ORDER BY 1`, s.company)
	if err != nil {
		return []string{"bindings: " + err.Error()}
	}
	want := []string{"org:1 1 root"}
	for _, d := range s.ding.State().(dtsim.State).Departments {
		if d.ID != 1 {
			want = append(want, fmt.Sprintf("org:%s %d active", s.known[d.ID], d.ID))
		}
	}
	for _, e := range s.rows.people {
		want = append(want, fmt.Sprintf("person:%d %s active", e["id"], e["number"]))
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		return []string{"bindings (-want +got):\n" + d}
	}
	return nil
}
