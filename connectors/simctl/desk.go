package simctl

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Desk is a simulator's control desk: it reads each call, lets faults and
// latency have their way, counts, and writes the answer.
type Desk struct {
	now      func() time.Time
	sleep    func(context.Context, time.Duration)
	latency  atomic.Int64 // nanoseconds
	requests requestLog
	faults   faultSet
	journal  atomic.Pointer[Journal]
}

// NewDesk makes a desk. A nil clock is the wall clock; a nil sleep waits for
// real and stops waiting when the caller has gone.
func NewDesk(now func() time.Time, sleep func(context.Context, time.Duration)) *Desk {
	if now == nil {
		now = time.Now
	}
	if sleep == nil {
		sleep = wait
	}
	return &Desk{now: now, sleep: sleep}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Now is the simulator's clock.
func (d *Desk) Now() time.Time { return d.now() }

// Sleep waits as the simulator was told to.
func (d *Desk) Sleep(ctx context.Context, pause time.Duration) { d.sleep(ctx, pause) }

// SetLatency delays every call.
func (d *Desk) SetLatency(l time.Duration) { d.latency.Store(int64(l)) }

// Requests returns the request log.
func (d *Desk) Requests() Requests { return d.requests.snapshot() }

// ClearRequests empties the request log.
func (d *Desk) ClearRequests() { d.requests.clear() }

// AddFaults puts checked faults in force, after those already there.
func (d *Desk) AddFaults(faults ...Fault) error {
	for i := range faults {
		if err := faults[i].check(); err != nil {
			return err
		}
	}
	d.faults.add(faults)
	return nil
}

// ClearFaults removes all faults.
func (d *Desk) ClearFaults() { d.faults.clear() }

// Faults lists the faults in force with what became of them.
func (d *Desk) Faults() []FaultStatus { return d.faults.status() }

// Commit makes changes durable as one unit, before they are applied in
// memory; without a journal it does nothing. On an error nothing was kept.
// Calls must come in the order in which the changes are applied.
func (d *Desk) Commit(changes ...Change) error {
	if j := d.journal.Load(); j != nil {
		return j.Append(changes)
	}
	return nil
}

// Perform makes changes durable as one unit and then applies them, in order.
// On an error nothing was changed. The caller sees to it that nobody else
// applies changes meanwhile.
func (d *Desk) Perform(apply func(Change), changes ...Change) error {
	if len(changes) == 0 {
		return nil
	}
	if err := d.Commit(changes...); err != nil {
		return err
	}
	for _, c := range changes {
		apply(c)
	}
	return nil
}

// Serve answers one vendor call through h.
func (d *Desk) Serve(w http.ResponseWriter, r *http.Request, h Handler) {
	at := d.now() // before anything that may take time
	c, err := readCall(r)
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, errBodyTooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, err.Error(), status)
		return
	}
	c.At = at
	d.requests.arrive(c.Path, at)
	if l := d.latency.Load(); l > 0 {
		d.sleep(r.Context(), time.Duration(l))
	}
	fault := d.faults.pick(c)
	if fault == nil {
		d.finish(c, h.Handle(c), "", w)
		return
	}
	d.serveFault(w, r, c, fault, h)
}

func (d *Desk) serveFault(w http.ResponseWriter, r *http.Request, c *Call, f *Fault, h Handler) {
	ctx := r.Context()
	pause := func() {
		if f.DelayMS > 0 {
			d.sleep(ctx, time.Duration(f.DelayMS)*time.Millisecond)
		}
	}
	var a Answer
	if !f.AfterCommit {
		pause()
	}
	if f.AfterCommit || !f.fails() {
		a = h.Handle(c)
	} else {
		c.Key = h.Key(c)
		a.Outcome = f.label()
	}
	d.record(c, a.Outcome, f.label())
	if f.AfterCommit {
		pause()
	}
	switch {
	case f.drops():
		drop(w)
	case f.fails():
		write(w, f.answer(c, h))
	default:
		write(w, a)
	}
}

// finish records before it answers, so that a caller who has the answer
// finds the call in the log.
func (d *Desk) finish(c *Call, a Answer, fault string, w http.ResponseWriter) {
	d.record(c, a.Outcome, fault)
	write(w, a)
}

func (d *Desk) record(c *Call, outcome, fault string) {
	d.requests.done(LogEntry{At: c.At, Path: c.Path, Outcome: outcome, Key: c.Key, Fault: fault}, c.Wrote, c.Throttled)
}

func write(w http.ResponseWriter, a Answer) {
	h := w.Header()
	if a.ContentType == "" {
		a.ContentType = "application/json; charset=utf-8"
	}
	for name, value := range a.Header {
		h.Set(name, value)
	}
	h.Set("Content-Type", a.ContentType)
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a caller who has gone is no concern of ours
}

// drop closes the connection without an answer.
func drop(w http.ResponseWriter) {
	if hj, ok := w.(http.Hijacker); ok {
		if conn, _, err := hj.Hijack(); err == nil {
			conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler) // net/http's way for HTTP/2 and wrapped writers
}
