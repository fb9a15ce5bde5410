package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// moment is when the worker dies, seen from one write to the vendor.
type moment string

const (
	before   moment = "before"   // the vendor never sees the call
	called   moment = "called"   // the vendor has done it, the worker never learns
	recorded moment = "recorded" // the worker has stored the outcome
)

var moments = []moment{before, called, recorded}

// operation is one write, by what does not change from run to run: Key is
// "person:<userid>" or "org:<source id>", Nth counts the writes of one path
// and key within a run.
type operation struct {
	Path, Key string
	Nth       int
}

func (o operation) String() string { return fmt.Sprintf("%s %s #%d", o.Path, o.Key, o.Nth) }

// gate stands between worker and vendor. It knows every write that arrives,
// and at the armed one it calls for the kill at the right moment.
type gate struct {
	vendor  http.Handler
	sources func() map[int64]string // dept_id → source id, as the vendor has it now

	mu    sync.Mutex
	seen  []operation // writes since arm, in order of arrival
	count map[operation]int
	ids   map[int64]string
	trap  *trap
}

// trap is an armed kill.
type trap struct {
	at     operation
	moment moment
	sprung chan struct{} // closed: the moment has come (recorded: the answer is out)
	dead   chan struct{} // closed by the killer once the worker is dead
	closed bool          // recorded: no further write passes before the kill
}

// arm forgets the writes seen so far; the next run is killed at the point,
// or by nobody when at is nil.
func (g *gate) arm(at *operation, m moment) *trap {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen, g.count, g.ids, g.trap = nil, map[operation]int{}, nil, nil
	if at != nil {
		g.trap = &trap{at: *at, moment: m, sprung: make(chan struct{}), dead: make(chan struct{})}
	}
	return g.trap
}

// writes returns the operations seen since arm.
func (g *gate) writes() []operation {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]operation(nil), g.seen...)
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/dingtalk")
	if !isWrite(path) {
		g.vendor.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the worker died while it sent
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	mine, other := g.arrive(path, body)
	switch {
	case mine != nil:
		g.spring(mine, w, r)
	case other != nil: // held at the gate until the worker is dead
		select {
		case <-other.dead:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	default:
		g.vendor.ServeHTTP(w, r)
	}
}

// arrive notes a write. It returns the trap if this is the armed one, or as
// other if the gate is closed.
func (g *gate) arrive(path string, body []byte) (mine, other *trap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	op := operation{Path: path, Key: g.key(body)}
	op.Nth = g.count[op] + 1
	g.count[operation{Path: path, Key: op.Key}] = op.Nth
	g.seen = append(g.seen, op)
	t := g.trap
	if t == nil {
		return nil, nil
	}
	if op == t.at {
		t.closed = t.moment == recorded
		return t, nil
	}
	if t.closed {
		select {
		case <-t.dead:
		default:
			return nil, t
		}
	}
	return nil, nil
}

// key reads the record from a write's body. The caller holds g.mu.
func (g *gate) key(body []byte) string {
	var b struct {
		UserID string      `json:"userid"`
		Source string      `json:"source_identifier"`
		DeptID json.Number `json:"dept_id"`
	}
	if json.Unmarshal(body, &b) != nil {
		return "?"
	}
	id, _ := b.DeptID.Int64() // absent for people and new departments
	switch {
	case b.UserID != "":
		return "person:" + b.UserID
	case id == 0:
		return "org:" + sourceID(b.Source)
	}
	if g.ids[id] == "" { // new, or the first of the run
		g.ids = g.sources()
	}
	return "org:" + g.ids[id]
}

// sourceID takes the source id out of orgflow:<company>:org:<id>.
func sourceID(identifier string) string {
	return identifier[strings.LastIndexByte(identifier, ':')+1:]
}

// A worker stores outcomes once a second, with the next answer that comes.
const outcomesWithin = time.Second

// spring lets the call come as far as the moment says, calls for the kill,
// and never answers a worker that is to die before it knows.
func (g *gate) spring(t *trap, w http.ResponseWriter, r *http.Request) {
	if t.moment != before {
		answer := httptest.NewRecorder()
		g.vendor.ServeHTTP(answer, r)
		if t.moment == recorded {
			// No other write passes; so that this one's outcome is stored at
			// once, the answer comes when the next storing is due.
			timer := time.NewTimer(outcomesWithin + 50*time.Millisecond)
			defer timer.Stop()
			<-timer.C
			w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
			w.WriteHeader(answer.Code)
			_, _ = w.Write(answer.Body.Bytes()) // whether it arrived, the database tells
			close(t.sprung)
			return
		}
	}
	close(t.sprung)
	select {
	case <-t.dead:
	case <-r.Context().Done(): // the worker's end, or the test's
	}
	panic(http.ErrAbortHandler)
}
