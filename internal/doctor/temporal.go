package doctor

import (
	"fmt"
	"strings"
	"time"
)

// leastRetention is how long Temporal should keep ended workflows. orgflow's
// own records stay readable without them; what is lost is the history by
// which somebody finds out why a workflow failed.
const leastRetention = 7 * 24 * time.Hour

// Retention judges how long the namespace keeps ended workflows.
func Retention(namespace string, d time.Duration) Finding {
	f := Finding{State: OK, Check: "retention", Found: fmt.Sprintf("ended workflows are kept for %s", days(d))}
	if d < leastRetention {
		f.State = Warning
		f.Found += ", then nobody can look at their histories; orgflow's own records stay"
		f.Advice = fmt.Sprintf("temporal operator namespace update --namespace %s --retention 30d", namespace)
	}
	return f
}

func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return plural(int(d/(24*time.Hour)), "day")
	}
	return d.String()
}

// Attributes judges which of the search attributes are missing.
func Attributes(namespace string, missing []string) Finding {
	f := Finding{State: OK, Check: "search attributes", Found: "all exist"}
	if len(missing) > 0 {
		f.State = Failed
		f.Found = fmt.Sprintf("missing in namespace %s: %s; no run can be started without them", namespace, strings.Join(missing, ", "))
		f.Advice = "start a worker or the server once, which adds them, or: temporal operator search-attribute create --type Keyword --name " + strings.Join(missing, " --name ")
	}
	return f
}

// Poller is a worker as Temporal has seen it.
type Poller struct {
	Identity string
	Seen     time.Time // when it last asked for work
}

// A worker asks again after a minute at most (Temporal reference § 3), and
// Temporal lists it for five.
const stale = 90 * time.Second

// Workers judges who asks for the work of a task queue.
func Workers(queue string, pollers []Poller, now time.Time) Finding {
	f := Finding{State: OK, Check: "workers"}
	alive := map[string]bool{}
	var last time.Time
	for _, p := range pollers {
		if now.Sub(p.Seen) < stale {
			alive[p.Identity] = true
		}
		if p.Seen.After(last) {
			last = p.Seen
		}
	}
	switch {
	case len(alive) > 0:
		f.Found = fmt.Sprintf("%s on the task queue %s", plural(len(alive), "worker"), queue)
	case len(pollers) > 0:
		f.State = Warning
		f.Found = fmt.Sprintf("the last worker on the task queue %s asked for work %s ago; one that lives asks every minute", queue, now.Sub(last).Round(time.Second))
		f.Advice = adviceWorker
	default:
		f.State, f.Found, f.Advice = Failed, "no worker on the task queue "+queue+"; runs are started and stand still", adviceWorker
	}
	return f
}

const adviceWorker = "start a worker with the same ORGFLOW_TEMPORAL_NAMESPACE and ORGFLOW_TEMPORAL_TASK_QUEUE"

// Difference is a schedule that is not as its file says.
type Difference struct{ ID, Action string }

// Missed is how many runs a schedule did not start since it was made.
type Missed struct {
	ID   string
	Runs int
}

// Schedules judges whether Temporal has the schedules of the files. Runs that
// were missed are past, and said only.
func Schedules(differ []Difference, same int, missed []Missed) Finding {
	said := make([]string, len(missed))
	for i, m := range missed {
		said[i] = fmt.Sprintf("%d of %s", m.Runs, m.ID)
	}
	if len(differ) == 0 {
		f := Finding{State: OK, Check: "schedules", Found: plural(same, "schedule") + ", as the files say"}
		if len(said) > 0 {
			f.Found += "; missed since they were made: " + strings.Join(said, ", ")
			f.Advice = "starter schedules list tells why, starter schedules backfill runs what is still wanted"
		}
		return f
	}
	list := make([]string, len(differ))
	for i, d := range differ {
		list[i] = d.Action + " " + d.ID
	}
	return Finding{
		State: Warning, Check: "schedules", Found: "not as the files say; to be done: " + strings.Join(list, ", "),
		Advice: "starter schedules apply --dry-run, then starter schedules apply",
	}
}

// Payloads are the inputs of the newest workflows.
type Payloads struct {
	Key        bool // one is set here
	Looked     int
	Unreadable int
	Plain      int    // not encrypted
	Cause      string // of the first that cannot be read
}

// Payload judges whether this program and those that start workflows have
// the same payload key.
func Payload(p Payloads) Finding {
	f := Finding{State: OK, Check: "payload key"}
	switch {
	case p.Unreadable > 0 && !p.Key:
		f.State = Failed
		f.Found = "ORGFLOW_PAYLOAD_KEY is not set here, and workflows are encrypted: this program can neither read them nor work on them"
		f.Advice = "set the same ORGFLOW_PAYLOAD_KEY for every program"
	case p.Unreadable > 0:
		f.State = Failed
		f.Found = fmt.Sprintf("%d of the %d newest workflows cannot be read: %s", p.Unreadable, p.Looked, p.Cause)
		f.Advice = "set the ORGFLOW_PAYLOAD_KEY that the other programs have; histories of a lost key stay unreadable"
	case !p.Key:
		f.Found = "none is set; workflows carry ids and counts in clear text"
	case p.Plain > 0:
		f.State = Warning
		f.Found = fmt.Sprintf("%d of the %d newest workflows are not encrypted: a program without the key started them, or they are older than it", p.Plain, p.Looked)
		f.Advice = "set ORGFLOW_PAYLOAD_KEY for every program"
	case p.Looked == 0:
		f.Found = "encrypts and decrypts; there is no workflow to try it on"
	default:
		f.Found = fmt.Sprintf("encrypts and decrypts; the %s can be read", plural(p.Looked, "newest workflow"))
	}
	return f
}
