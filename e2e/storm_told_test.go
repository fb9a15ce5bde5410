package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	dtsim "orgflow/connectors/dingtalk/sim"
)

// callbacks counts what the board is told, by Idempotency-Key.
type callbacks struct {
	mu   sync.Mutex
	seen map[string]int
}

func (b *callbacks) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var body struct {
		No string `json:"flowRunningNumber"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[body.No+" "+r.Header.Get("Idempotency-Key")]++
}

// keys are those of the calls about a flow.
func (b *callbacks) keys(no string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, k := range slices.Sorted(maps.Keys(b.seen)) {
		if strings.HasPrefix(k, no+" ") {
			out = append(out, strings.TrimPrefix(k, no+" "))
		}
	}
	return out
}

func (s *flowsStrand) losses(ctx context.Context) []string {
	// What is on its way to people is waited for; a message that was refused
	// some times is tried again up to minutes later.
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	defer stop()
	for {
		left, err := s.list(ctx, `SELECT id || ' of ' || flow_no || ' to ' || to_user || ' ' || note FROM outbox WHERE company_id = $1 AND state = 'pending' ORDER BY tries DESC, id`, s.company)
		if err != nil {
			return []string{"messages: " + err.Error()}
		}
		if len(left) == 0 {
			break
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return []string{fmt.Sprintf("%d messages wait in the outbox, the first is %s", len(left), left[0])}
		}
	}
	var out []string
	delivered := s.delivered()
	for _, no := range slices.Sorted(maps.Keys(s.flows)) {
		for _, l := range s.judge(ctx, no, s.flows[no], delivered) {
			out = append(out, "flow "+no+": "+l)
		}
	}
	out = append(out, s.found(ctx, "nobody launched", `SELECT no FROM flow_instance WHERE company_id = $1 AND NOT no = ANY(string_to_array($2, ','))`,
		s.company, strings.Join(slices.Collect(maps.Keys(s.flows)), ","))...)
	return append(out, s.found(ctx, "a message", `SELECT id || ' of ' || flow_no || ' is ' || state || ' ' || note FROM outbox WHERE company_id = $1 AND state IN ('dropped', 'dead')`, s.company)...)
}

// judge compares a flow with its story.
func (s *flowsStrand) judge(ctx context.Context, no string, want story, delivered map[string]int) []string {
	var d flowDetail
	if err := s.ask(ctx, "GET", s.at(no, ""), "", nil, &d); err != nil {
		return []string{err.Error()}
	}
	events := map[string]int{}
	for _, e := range d.Timeline {
		events[e.Type]++
	}
	type outcome struct {
		State  string
		Round  int
		Tasks  []string
		Events map[string]int
		Called int
	}
	out := []string{}
	if diff := cmp.Diff(outcome{want.state, want.round, want.tasks, want.events, want.called},
		outcome{d.State, d.Round, uncast(want.cast, d.tasks()), events, len(s.board.keys(no))}); diff != "" {
		out = append(out, "(-want +got):\n"+diff)
	}
	return append(out, s.untold(ctx, no, want, delivered)...)
}

// uncast takes the cast out of lines.
func uncast(cast string, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.ReplaceAll(l, cast, "")
	}
	return out
}

// untold compares the messages about a flow with its story, and with what
// DingTalk has brought.
func (s *flowsStrand) untold(ctx context.Context, no string, want story, delivered map[string]int) []string {
	stored, err := s.list(ctx, `SELECT kind || ' ' || to_user || ' ' || state FROM outbox WHERE company_id = $1 AND flow_no = $2`, s.company, no)
	if err != nil {
		return []string{err.Error()}
	}
	told, sent, replaced := map[string]int{}, map[string]int{}, map[string]int{}
	for _, m := range stored {
		f := strings.Fields(m)
		told[f[0]+" "+strings.TrimPrefix(f[1], want.cast)]++
		if f[2] == "superseded" {
			replaced[f[1]]++ // it may have been brought, without anybody knowing
		} else {
			sent[f[1]]++
		}
	}
	var out []string
	if d := cmp.Diff(want.told, told); d != "" {
		out = append(out, "messages (-want +got):\n"+d)
	}
	for who, n := range sent {
		if got := delivered[no+" "+who]; got < n || got > n+replaced[who] {
			out = append(out, fmt.Sprintf("%s has %d messages, %d were sent", who, got, n))
		}
	}
	return out
}

// delivered counts what DingTalk has brought to people, by flow and person.
func (s *flowsStrand) delivered() map[string]int {
	out := map[string]int{}
	for _, m := range s.ding.State().(dtsim.State).Messages {
		if m.State != "delivered" {
			continue
		}
		for no := range s.flows {
			if strings.Contains(string(m.Msg), no+" ") || strings.Contains(string(m.Msg), no+"\\") || strings.Contains(string(m.Msg), no+"\"") {
				out[no+" "+m.UserID]++
			}
		}
	}
	return out
}
