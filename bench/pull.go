package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	dtsim "orgflow/connectors/dingtalk/sim"
)

// pageOf is how many people one call at DingTalk shows.
const pageOf = 100

// pullOptions are what is measured.
type pullOptions struct {
	departments int
	people      int
	latency     time.Duration
	qps         int
	most        float64
	programs    string
}

// pull measures a pull of an organisation beside the least that its calls can
// take at the rate that is allowed: the simulator refuses a call too many of
// one interface in any second, and the connection's budget is as large.
func pull(ctx context.Context, args []string, out io.Writer) (rows []row, err error) {
	var o pullOptions
	f := flag.NewFlagSet("pull", flag.ContinueOnError)
	f.IntVar(&o.departments, "departments", 3000, "departments, the root included")
	f.IntVar(&o.people, "people", 20000, "people")
	f.DurationVar(&o.latency, "latency", 50*time.Millisecond, "latency of the simulated vendor")
	f.IntVar(&o.qps, "qps", 20, "calls a second: the connection's budget, and the simulator's limit for each interface")
	f.Float64Var(&o.most, "most", 1.1, "fail where the pull takes more than this many times the least; 0: never")
	f.StringVar(&o.programs, "programs", "", programsFlag)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if o.departments < 2 || o.people < 1 || o.qps < 1 {
		return nil, errors.New("at least two departments, one person and one call a second are needed")
	}
	dir, err := workplace(ctx, &o.programs, "standalone")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return nil, err
	}
	p, err := startStandaloneAt(ctx, o.programs, dir, o.qps, nil)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	company := inventCompany(o.departments, o.people)
	state, err := json.Marshal(company)
	if err != nil {
		return nil, err
	}
	settings := fmt.Sprintf(`{"qps": %d, "latency_ms": %d}`, o.qps, o.latency.Milliseconds())
	for path, body := range map[string]string{"dingtalk/state": string(state), "dingtalk/options": settings} {
		if err := put(ctx, p.sim+"/_sim/"+path, body); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	s, err := p.pull(ctx)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	seen, err := p.requests(ctx)
	return o.rows(pulled{pullFigures: s, took: took, least: leastCalls(company), most: seen.MaxRate}), errors.Join(err, o.whole(s))
}

// pullFigures are what is looked at of a pull's summary.
type pullFigures struct {
	Status      string
	Departments int
	Members     int
	Calls       int
	OtherCalls  int `json:"other_calls"`
	Throttled   int
	Error       any
}

// pulled is what was measured.
type pulled struct {
	pullFigures
	took  time.Duration // from the request to the summary
	least int           // calls that show everything
	most  int           // calls in any second, the token's included
}

// pull pulls the organisation by HTTP.
func (p *process) pull(ctx context.Context) (s pullFigures, err error) {
	started, err := postJSON[struct{ ID string }](ctx, p.api+"/api/v1/org/pulls", fmt.Sprintf(`{"company_id": %d}`, companyID))
	if err != nil {
		return s, err
	}
	err = poll(ctx, func() (bool, error) {
		s, err = get[pullFigures](ctx, p.api+"/api/v1/org/pulls/"+started.ID)
		return s.Status != "running", err
	})
	if err == nil && s.Status != "completed" {
		err = fmt.Errorf("the pull ended %s: %v", s.Status, s.Error)
	}
	return s, err
}

// whole is an error where the pull did not show everybody.
func (o pullOptions) whole(s pullFigures) error {
	if s.Departments != o.departments || s.Members != o.people {
		return fmt.Errorf("there are %d departments and %d people", s.Departments, s.Members)
	}
	return nil
}

func (o pullOptions) rows(p pulled) []row {
	calls, rate := float64(p.Calls), float64(o.qps)
	ideal, took := calls/rate, p.took.Seconds()
	what := fmt.Sprintf("pull of %s people, %s departments, %d calls/s allowed, latency %v: ", count(int64(p.Members)), count(int64(p.Departments)), o.qps, o.latency)
	return []row{
		{what + "time", seconds(took), "calls ÷ rate: " + seconds(ideal), took / ideal, aim{most: o.most}},
		{what + "calls", count(int64(p.Calls)), "least: " + count(int64(p.least)), calls / float64(p.least), aim{most: 1.01}},
		{what + "rate budget used", fmt.Sprintf("%.1f%%", 100*ideal/took), "all of it", ideal / took, aim{}},
		{what + "calls in any second", fmt.Sprintf("%d, %d refused", p.most, p.Throttled), fmt.Sprintf("allowed: %d", o.qps), float64(p.most) / rate, aim{}},
	}
}

// leastCalls is how many calls show an organisation: one a department for
// those below it, one for each page of its members, an empty one included.
func leastCalls(s dtsim.State) int {
	members := map[int64]int{}
	for _, u := range s.Users {
		for _, d := range u.DeptIDs {
			members[d]++
		}
	}
	calls := 0
	for _, d := range s.Departments {
		calls += 1 + max(1, (members[d.ID]+pageOf-1)/pageOf)
	}
	return calls
}

// inventCompany invents an organisation: 20 departments below the root, ten
// below each further one; most departments with a few people, every
// hundredth with more than one page, one person in ten in a second department.
func inventCompany(departments, people int) dtsim.State {
	const first = 1000
	state := dtsim.State{Departments: []dtsim.Department{{ID: 1, Name: "示例公司", Order: 1}}}
	for i := range int64(departments - 1) {
		parent := int64(1)
		if i >= 20 {
			parent = first + (i-20)/10
		}
		state.Departments = append(state.Departments, dtsim.Department{ID: first + i, ParentID: parent, Name: fmt.Sprintf("部门%d", i)})
	}
	count := len(state.Departments)
	for i := range people {
		at := i % count
		if i%4 == 0 {
			at = i / 4 % max(1, count/100) * 100 % count
		}
		in := []int64{state.Departments[at].ID}
		if second := state.Departments[(at+7)%count].ID; i%10 == 1 && second != in[0] {
			in = append(in, second)
		}
		state.Users = append(state.Users, dtsim.StateUser{User: dtsim.User{
			UserID: fmt.Sprintf("E%d", i), Name: fmt.Sprintf("员工%d", i), Mobile: fmt.Sprintf("100%08d", i),
			JobNumber: fmt.Sprintf("N%d", i), Title: "工程师", DeptIDs: in, Active: true,
		}})
	}
	return state
}
