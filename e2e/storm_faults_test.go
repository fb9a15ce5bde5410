//go:build linux

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"orgflow/connectors/simctl"
)

// fault is one disturbance of one target.
type fault interface {
	kind() string   // what the report counts
	target() string // two at a time never meet the same
	inject() error
	heal() error
}

// kind is a fault of several possible targets, with how long it may last.
type kind struct {
	of          []fault
	least, most time.Duration
}

// killed is a program that gets SIGKILL and is started again later.
type killed struct{ p *program }

func (f killed) kind() string   { return "SIGKILL of " + strings.TrimRight(f.p.name, " 12") }
func (f killed) target() string { return f.p.name }
func (f killed) inject() error  { f.p.kill(); return nil }
func (f killed) heal() error    { f.p.release(); return nil }

// frozen is a program that gets no processor for longer than its heartbeat
// allows, and then goes on as if nothing had been.
type frozen struct{ p *program }

func (f frozen) kind() string   { return "SIGSTOP of " + strings.TrimRight(f.p.name, " 12") }
func (f frozen) target() string { return f.p.name }
func (f frozen) inject() error  { return f.p.signal(syscall.SIGSTOP) }
func (f frozen) heal() error    { return f.p.signal(syscall.SIGCONT) }

// crashed is PostgreSQL stopped at once, and started again.
type crashed struct{ s *storm }

func (f crashed) kind() string   { return "crash of PostgreSQL" }
func (f crashed) target() string { return "PostgreSQL" }
func (f crashed) inject() error  { f.s.postgres.Crash(); return nil }
func (f crashed) heal() error    { return f.s.postgres.Start() }

// disturbed is a link in a state that is not good.
type disturbed struct {
	what  string
	l     *link
	state linkState
}

func (f disturbed) kind() string   { return f.what + " to " + f.l.to }
func (f disturbed) target() string { return f.l.String() }
func (f disturbed) inject() error  { f.l.disturb(f.state); return nil }
func (f disturbed) heal() error    { f.l.disturb(linkState{}); return nil }

// lying is a vendor that answers some calls otherwise than it should. What it
// may not do is answer a read with a valid list that is wrong: nobody could
// know.
type lying struct {
	how, who string
	desk     *simctl.Desk
	lie      simctl.Fault
}

func (f lying) kind() string   { return "vendor: " + f.how }
func (f lying) target() string { return f.who }
func (f lying) inject() error  { return f.desk.AddFaults(f.lie) }
func (f lying) heal() error    { f.desk.ClearFaults(); return nil }

// jumped is a process whose clock is wrong for a while.
type jumped struct {
	s    *storm
	name string
	by   time.Duration
}

func (f jumped) kind() string   { return "clock jump of " + strings.TrimRight(f.name, " 12") }
func (f jumped) target() string { return "clock of " + f.name }
func (f jumped) inject() error  { return f.s.clocks[f.name].set(f.by) }
func (f jumped) heal() error    { return f.s.clocks[f.name].set(0) }

// full is PostgreSQL's disk without any room. It may end by it, as in life.
type full struct {
	s       *storm
	ballast *string
}

func (f full) kind() string   { return "full disk of PostgreSQL" }
func (f full) target() string { return "PostgreSQL" }
func (f full) inject() (err error) {
	*f.ballast, err = f.s.postgres.Fill()
	return err
}

func (f full) heal() error {
	if err := os.Remove(*f.ballast); err != nil {
		return err
	}
	return f.s.postgres.Start()
}

// named are the programs of a name.
func (s *storm) named(name string) []*program {
	var out []*program
	for _, p := range s.programs {
		if strings.HasPrefix(p.name, name) {
			out = append(out, p)
		}
	}
	return out
}

// kinds are all faults there are.
func (s *storm) kinds() []kind {
	var kills, clocks []kind
	for _, name := range []string{"worker", "starter", "temporal"} {
		kills = append(kills, kind{faultsOf(s.named(name), func(p *program) fault { return killed{p} }), time.Second, 12 * time.Second})
	}
	for _, name := range []string{"worker", "starter"} {
		k := kind{least: 5 * time.Second, most: 25 * time.Second}
		for _, p := range s.named(name) {
			for _, by := range []time.Duration{-time.Hour, -5 * time.Minute, -20 * time.Second, 20 * time.Second, 5 * time.Minute, time.Hour} {
				k.of = append(k.of, jumped{s, p.name, by})
			}
		}
		clocks = append(clocks, k)
	}
	all := slices.Concat(kills, clocks, s.connections(), s.lies())
	all = append(all,
		kind{faultsOf(s.named("worker"), func(p *program) fault { return frozen{p} }), 25 * time.Second, 40 * time.Second},
		kind{[]fault{crashed{s}}, time.Second, 10 * time.Second})
	if s.postgres.Disk() {
		all = append(all, kind{[]fault{full{s, new(string)}}, 3 * time.Second, 12 * time.Second})
	} else {
		s.logf("no disk of its own for PostgreSQL: file systems cannot be mounted here, so that it is never full")
	}
	return all
}

func faultsOf[T any](list []T, do func(T) fault) []fault {
	out := make([]fault, len(list))
	for i, one := range list {
		out[i] = do(one)
	}
	return out
}

// connections are what may happen to links, of each kind of peer.
func (s *storm) connections() []kind {
	var out []kind
	for _, to := range []string{"PostgreSQL", "Temporal", "vendors"} {
		var links []*link
		for _, l := range s.links {
			if l.to == to {
				links = append(links, l)
			}
		}
		for _, d := range []struct {
			what        string
			state       linkState
			least, most time.Duration
		}{
			{"dropped connections", linkState{refuses: true}, 500 * time.Millisecond, 10 * time.Second},
			{"half-open connections", linkState{swallows: true}, 15 * time.Second, 40 * time.Second},
			{"stalled connections", linkState{stalls: true}, 2 * time.Second, 15 * time.Second},
			{"slow connections", linkState{delay: 150 * time.Millisecond}, 5 * time.Second, 20 * time.Second},
		} {
			out = append(out, kind{faultsOf(links, func(l *link) fault { return disturbed{d.what, l, d.state} }), d.least, d.most})
		}
	}
	return out
}

// lies are what vendors may do, every few calls. DingTalk's codes: DingTalk
// reference § 10.
func (s *storm) lies() []kind {
	var out []kind
	add := func(how, only string, lie simctl.Fault) { // "-X": all but X
		k := kind{least: 4 * time.Second, most: 15 * time.Second}
		lie.Path = "*"
		for i, desk := range s.desks {
			who := []string{"HCM", "DingTalk", "Kingdee"}[i%3]
			if asked := desk.Requests().Total > 0; asked && (only == "" || only == who || only[0] == '-' && only[1:] != who) {
				k.of = append(k.of, lying{how, fmt.Sprintf("%s of strand %d", who, i/3+1), desk, lie})
			}
		}
		if len(k.of) > 0 {
			out = append(out, k)
		}
	}
	add("slow", "", simctl.Fault{DelayMS: 2500, Every: 3})
	add("done, answered with 500", "", simctl.Fault{AfterCommit: true, HTTPStatus: 500, Every: 7})
	add("done, connection cut", "", simctl.Fault{AfterCommit: true, Every: 7})
	// A page of HTML from DingTalk is a ban of five minutes, which is kept.
	add("done, answered with HTML and 200", "-DingTalk", simctl.Fault{AfterCommit: true, Body: []byte(`"<html><body>Bad Gateway</body></html>"`), Every: 7})
	add("not done, connection cut", "", simctl.Fault{DropConnection: true, Every: 5})
	add("not done, busy (-1)", "DingTalk", simctl.Fault{Errcode: "-1", Every: 7})
	add("throttled (90018)", "DingTalk", simctl.Fault{Errcode: "90018", Every: 9})
	add("token refused (40014)", "DingTalk", simctl.Fault{Errcode: "40014", Every: 20})
	return out
}

// shortList is what every run of the tests meets: one kill of each, one drop,
// one lie.
func (s *storm) shortList() []fault {
	return []fault{
		killed{s.named("worker")[0]},
		lying{"done, answered with 500", "DingTalk of the first strand", s.desks[1], simctl.Fault{Path: "*", AfterCommit: true, HTTPStatus: 500, Every: 7}},
		killed{s.named("starter")[0]},
		disturbed{"dropped connections", s.links[4], linkState{refuses: true}}, // worker 1 to PostgreSQL
		killed{s.named("temporal")[0]},
		crashed{s},
	}
}
