package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
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
	binary      string
}

// pull measures a pull of an organisation beside the least that its calls can
// take at the rate that is allowed: the simulator refuses a call too many of
// one interface in any second, and the connection's budget is as large.
func pull(ctx context.Context, args []string, out io.Writer) (err error) {
	var o pullOptions
	f := flag.NewFlagSet("pull", flag.ContinueOnError)
	f.IntVar(&o.departments, "departments", 3000, "departments, the root included")
	f.IntVar(&o.people, "people", 20000, "people")
	f.DurationVar(&o.latency, "latency", 50*time.Millisecond, "latency of the simulated vendor")
	f.IntVar(&o.qps, "qps", 20, "calls a second: the connection's budget, and the simulator's limit for each interface")
	f.Float64Var(&o.most, "most", 1.1, "fail where the pull takes more than this many times the least; 0: never")
	f.StringVar(&o.binary, "standalone", "", "a built standalone; empty builds one")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.departments < 2 || o.people < 1 || o.qps < 1 {
		return errors.New("at least two departments, one person and one call a second are needed")
	}
	dir, err := workplace(ctx, &o.binary)
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err != nil {
		return err
	}
	p, err := startStandaloneAt(ctx, o.binary, dir, o.qps, nil)
	if err != nil {
		return err
	}
	defer p.stop()
	company := inventCompany(o.departments, o.people)
	state, err := json.Marshal(company)
	if err != nil {
		return err
	}
	settings := fmt.Sprintf(`{"qps": %d, "latency_ms": %d}`, o.qps, o.latency.Milliseconds())
	for path, body := range map[string]string{"dingtalk/state": string(state), "dingtalk/options": settings} {
		if err := put(ctx, p.sim+"/_sim/"+path, body); err != nil {
			return err
		}
	}
	began := time.Now()
	s, err := p.pull(ctx)
	if err != nil {
		return err
	}
	return o.judge(pulled{pullFigures: s, took: time.Since(began), least: leastCalls(company)}, out)
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

// judge prints what was measured and fails where an aim is missed.
func (o pullOptions) judge(p pulled, out io.Writer) error {
	calls := float64(p.Calls) / float64(p.least)
	ideal := time.Duration(float64(p.Calls) / float64(o.qps) * float64(time.Second))
	ratio := p.took.Seconds() / ideal.Seconds()
	fmt.Fprintf(out, "\npull of %d departments and %d people, %d calls a second, vendor latency %v\n", p.Departments, p.Members, o.qps, o.latency)
	fmt.Fprintf(out, "  calls      %8d   %.4f x the least, %d; besides %d others, %d throttled\n", p.Calls, calls, p.least, p.OtherCalls, p.Throttled)
	fmt.Fprintf(out, "  wall time  %8v   %.3f x calls ÷ rate, %v\n", p.took.Round(time.Millisecond), ratio, ideal.Round(time.Millisecond))
	switch {
	case p.Departments != o.departments || p.Members != o.people:
		return fmt.Errorf("there are %d departments and %d people", o.departments, o.people)
	case math.Abs(calls-1) > 0.01:
		return fmt.Errorf("the calls are %.4f times the least; 1.01 are allowed", calls)
	case o.most > 0 && ratio > o.most:
		return fmt.Errorf("the pull took %.3f times calls ÷ rate; %.3f are allowed", ratio, o.most)
	}
	return nil
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
