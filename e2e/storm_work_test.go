package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lib/pq"

	dtsim "orgflow/connectors/dingtalk/sim"
	hcmsim "orgflow/connectors/hcm/sim"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/connectors/simctl"
)

// Companies of the storm: each strand has its own, with vendors of its own, so
// that what one does is nothing to another's comparison.
const (
	syncCompany  = 201
	flowsCompany = 202
	pullCompany  = 203
	loadCompany  = 204
)

// newStrands makes the work of a storm on a running cluster: syncs, flows,
// pulls and loads.
func newStrands(c *cluster) []strand {
	c.t.Helper()
	return []strand{newSyncStrand(c), newFlowsStrand(c), newPullStrand(c), newLoadStrand(c)}
}

// premises are a company of a cluster and its vendors, which live in this
// process and outlive everything else. orgflow reaches them at the cluster's
// vendors, below a path of their own.
type premises struct {
	*cluster
	company int
	hcm     *hcmsim.Sim
	ding    *dtsim.Sim
	kingdee *kdsim.Sim

	mu      sync.Mutex
	asked   int            // how often somebody was asked, to take turns
	trouble map[string]int // what came instead of an answer, and how runs ended that had to be repeated
}

// newPremises puts a company's file and vendors in place. change adapts the
// file.
func newPremises(c *cluster, company int, change func(file, ding object)) *premises {
	c.t.Helper()
	p := &premises{
		cluster: c, company: company, trouble: map[string]int{},
		hcm: hcmsim.New(hcmsim.Options{}), ding: dtsim.New(dtsim.Options{}), kingdee: kdsim.New(kdsim.Options{}),
	}
	c.mount(p.path(), http.StripPrefix(strings.TrimSuffix(p.path(), "/"), simctl.NewHost(p.hcm, p.ding, p.kingdee)))
	c.desks = append(c.desks, p.hcm.Desk(), p.ding.Desk(), p.kingdee.Desk())
	ding := object{
		"base_url": p.vendor("dingtalk"), "api_base_url": p.vendor("dingtalk"),
		"appkey": "${DINGTALK_APPKEY}", "appsecret": "${DINGTALK_APPSECRET}", "root_department_id": 1, "qps": 40,
	}
	file := object{
		"company_id": company, "name": "storm", "time_zone": "Asia/Shanghai",
		"source":    object{"type": "hcm", "base_url": p.vendor("hcm"), "page_size": 50, "auth": object{"mode": "bearer", "token": "${HCM_TOKEN}"}},
		"consumers": object{"ding_talk": ding},
		"erp":       object{"type": "kingdee", "base_url": p.vendor("kingdee/k3cloud/"), "acct_id": "kingdee-sim-account-set", "username": "orgflow", "password": "${K3_PASSWORD}"},
	}
	if change != nil {
		change(file, ding)
	}
	if err := p.ding.SetOptions([]byte(`{"qps": 0}`)); err != nil {
		c.t.Fatal(err)
	}
	c.put(fmt.Sprintf("companies/%d/company.json", company), encode(c.t, file))
	return p
}

func (p *premises) path() string { return fmt.Sprintf("/c%d/", p.company) }

// vendor is the address of one of the company's vendors, as orgflow has it.
func (p *premises) vendor(name string) string { return "http://" + p.vendorsAt() + p.path() + name }

// dice are the same for every storm: the n-th turn always asks for the same.
func (p *premises) dice(n int) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(p.company), uint64(n)))
}

// turnedDown is an answer that asking again would not change.
type turnedDown struct {
	call   string
	status int
	body   string
}

func (r *turnedDown) Error() string {
	return fmt.Sprintf("%s was refused: %d %s", r.call, r.status, r.body)
}

// code is the code of a refusal.
func (r *turnedDown) code() string {
	var body struct{ Code any }
	if json.Unmarshal([]byte(r.body), &body) != nil {
		return ""
	}
	return fmt.Sprint(body.Code)
}

var patientClient = &http.Client{Timeout: 40 * time.Second}

// ask asks the starters in turn until one answers: whoever is away, breaks off
// or says that something else is away is asked again. With a key the request
// is one however often it is sent. Other refusals are returned.
func (p *premises) ask(ctx context.Context, method, path, key string, body, into any) error {
	var raw string
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		raw = string(b)
	}
	call := method + " " + path
	for {
		status, answer, err := p.once(ctx, method, path, key, raw)
		switch {
		case err == nil && status < 300:
			if into == nil {
				return nil
			}
			if err := json.Unmarshal([]byte(answer), into); err != nil {
				return fmt.Errorf("%s answered %s: %w", call, answer, err)
			}
			return nil
		case err == nil && status < 500 && status != http.StatusTooManyRequests:
			return &turnedDown{call, status, answer}
		}
		said := "no answer"
		if err == nil {
			said = fmt.Sprint("answer ", status)
		}
		p.met(said)
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return fmt.Errorf("%s: %s in the end: %w", call, said, err)
		}
	}
}

// once asks one starter, the next.
func (p *premises) once(ctx context.Context, method, path, key, body string) (int, string, error) {
	p.mu.Lock()
	p.asked++
	addr := p.https[p.asked%len(p.https)]
	p.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := patientClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, string(raw), err
}

// met counts what an undisturbed turn would not have met.
func (p *premises) met(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble[what]++
}

// String says what was met, each with how often.
func (p *premises) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, what := range slices.Sorted(maps.Keys(p.trouble)) {
		list = append(list, fmt.Sprintf("%d × %s", p.trouble[what], what))
	}
	return strings.Join(list, ", ")
}

// pause waits, or says why not.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ended asks for a run, pull or load until it neither runs nor is paused.
func (p *premises) ended(ctx context.Context, path string, into any, status func() string) error {
	for {
		if err := p.ask(ctx, http.MethodGet, path, "", nil, into); err != nil {
			return err
		}
		if s := status(); s != "running" && s != "paused" {
			return nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%s is %s: %w", path, status(), err)
		}
	}
}

// list is what a query answers, a text for each row, as soon as the database
// answers at all.
func (p *premises) list(ctx context.Context, query string, args ...any) ([]string, error) {
	for {
		out, err := texts(ctx, p.db, query, args...)
		if refusal := (*pq.Error)(nil); err == nil || errors.As(err, &refusal) && refusal.Code.Class() == "42" { // the query is wrong
			return out, err
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return nil, err
		}
	}
}

func texts(ctx context.Context, db *sql.DB, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// found are the rows of queries that should find none, each with what it
// means.
func (p *premises) found(ctx context.Context, means, query string, args ...any) []string {
	list, err := p.list(ctx, query, args...)
	if err != nil {
		return []string{means + ": " + err.Error()}
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = means + ": " + s
	}
	return out
}
