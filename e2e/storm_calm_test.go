package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	dtsim "orgflow/connectors/dingtalk/sim"
)

// calm lets the strands of a storm work without any fault: nothing is lost,
// and no turn meets anything. Then each comparison is shown something that is
// wrong.
func (c *cluster) calm(turns int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Minute)
	defer cancel()
	var all sync.WaitGroup
	strands := newStrands(c)
	for _, s := range strands {
		all.Go(func() {
			for n := range turns {
				if err := s.turn(ctx, n); err != nil {
					c.t.Errorf("%s: %v", s.name(), err)
					return
				}
			}
			for _, l := range s.losses(ctx) {
				c.t.Errorf("%s: %s", s.name(), l)
			}
			if met := fmt.Sprint(s); met != "" {
				c.t.Errorf("%s met %s", s.name(), met)
			}
		})
	}
	all.Wait()
	for _, s := range strands {
		c.spoils(ctx, s)
	}
}

// spoil is something wrong, and a word of what is said of it.
type spoil struct {
	what, said string
	do         func(context.Context) error
}

// spoils wants a strand to tell of everything that is wrong.
func (c *cluster) spoils(ctx context.Context, s strand) {
	c.t.Helper()
	for _, wrong := range s.(interface{ spoils() []spoil }).spoils() {
		if err := wrong.do(ctx); err != nil {
			c.t.Errorf("%s: %s: %v", s.name(), wrong.what, err)
			continue
		}
		if got := strings.Join(s.losses(ctx), "\n"); !strings.Contains(got, wrong.said) {
			c.t.Errorf("%s: nothing is said of %s:\n%s", s.name(), wrong.what, got)
		}
	}
}

// sql is something wrong in the database.
func (p *premises) sql(query string, args ...any) func(context.Context) error {
	return func(ctx context.Context) error {
		res, err := p.db.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); n == 0 || err != nil {
			return fmt.Errorf("%d rows were changed: %w", n, err)
		}
		return nil
	}
}

func (s *syncStrand) spoils() []spoil {
	someone := s.rows.people[0]
	return []spoil{
		{"a write that was done twice", userUpdate + " person:" + text(someone["number"]) + " was done 1 times, not 0", func(context.Context) error {
			return s.writes(userUpdate, object{"userid": someone["number"], "title": "重复"})
		}},
		{"a record that is different", "DingTalk is not what the source says", func(context.Context) error { return nil }},
		{"a record that is lost", userDelete + " person:" + text(someone["number"]) + " was done 1 times, not 0", func(context.Context) error {
			return s.writes(userDelete, object{"userid": someone["number"]})
		}},
		{"a binding that is lost", "bindings", s.sql(`DELETE FROM binding WHERE company_id = $1 AND source_id = '2000'`, s.company)},
		{"a run that has not ended", "has not ended", s.sql(`UPDATE sync_run SET finished_at = NULL WHERE company_id = $1`, s.company)},
		{"a call in doubt", "in doubt", s.sql(`UPDATE sync_change SET in_flight = true WHERE run_id = (SELECT max(r.id) FROM sync_run r JOIN sync_change c ON c.run_id = r.id WHERE r.company_id = $1)`, s.company)},
	}
}

// writes changes something at DingTalk as no run has asked for.
func (s *syncStrand) writes(path string, body object) error {
	at := "http://" + s.sims + s.path() + "dingtalk"
	var token struct {
		Token string `json:"access_token"`
	}
	must(s.t, http.MethodGet, at+"/gettoken?appkey="+appKey+"&appsecret="+appSecret, "", &token)
	must(s.t, http.MethodPost, at+path+"?access_token="+token.Token, encode(s.t, body), nil)
	return nil
}

func (s *flowsStrand) spoils() []spoil {
	return []spoil{
		{"a decision that counted twice", `"decided":`, s.sql(`INSERT INTO flow_event SELECT * FROM (SELECT (jsonb_populate_record(e, jsonb_build_object('n', e.n + 100))).* FROM flow_event e WHERE company_id = $1 AND type = 'decided' LIMIT 1) again`, s.company)},
		{"a message that was stored twice", "messages (-want", s.sql(`INSERT INTO outbox (company_id, dedup_key, channel, to_user, subject, kind, flow_no, body, state, created_at)
			SELECT company_id, 'again', channel, to_user, subject, kind, flow_no, body, 'dead', now() FROM outbox WHERE company_id = $1 LIMIT 1`, s.company)},
		{"a message that was not brought", "messages, ", func(context.Context) error {
			return s.ding.PutState([]byte(encode(s.t, object{"departments": s.ding.State().(dtsim.State).Departments, "users": s.ding.State().(dtsim.State).Users, "pending_invites": []any{}})))
		}},
		{"a board that was not told", "Called", func(context.Context) error {
			s.board.mu.Lock()
			defer s.board.mu.Unlock()
			clear(s.board.seen)
			return nil
		}},
		{"a flow that nobody launched", "nobody launched", func(context.Context) error {
			for no := range s.flows {
				delete(s.flows, no)
				return nil
			}
			return errors.New("there is none")
		}},
	}
}

func (s *pullStrand) spoils() []spoil {
	return []spoil{
		{"a department under another name", "the local organisation", func(context.Context) error {
			s.units[1]["name"] = "别的名字"
			return s.ding.PutState([]byte(encode(s.t, object{"departments": s.units, "users": s.users, "pending_invites": []any{}})))
		}},
		{"a department under another id", "dept 11 was", func(context.Context) error { s.ids["11"]++; return nil }},
		{"a version nobody asked for", "versions", s.sql(`INSERT INTO org_version SELECT company_id, origin, version + 1000, pull_id, at, units, members, 0, 0 FROM org_version WHERE company_id = $1 AND version = 1`, s.company)},
	}
}

func (s *loadStrand) spoils() []spoil {
	return []spoil{
		{"a row that is different", "the table is not what the ERP has", s.sql(`UPDATE "ERP_` + stormForm + `" SET "FNote" = 'x' WHERE "FID" = 7`)},
		{"a row that is lost", "9 STORM000009", s.sql(`DELETE FROM "ERP_` + stormForm + `" WHERE "FID" = 9`)},
		{"a load that has not ended", "has not ended", s.sql(`UPDATE erp_run SET finished_at = NULL WHERE company_id = $1`, s.company)},
	}
}
