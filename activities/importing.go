package activities

import (
	"context"
	"errors"
	"slices"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// style says how the waves of a plan are sent.
type style struct {
	above  int // changes of a wave above which it goes as import jobs; 0: none does
	limit  int // changes of a slice
	remove int // deletes of persons that one call takes; 0: each goes by itself
}

// pageSize is how many changes of a wave one call takes; 0 leaves it to the
// plan.
func (i style) pageSize(w store.Wave) int {
	if w.Kind != orgflow.Person || w.Op != orgflow.Delete {
		return 0
	}
	return i.remove
}

// slice is how many changes of a wave make a slice; 0: they go by themselves.
// It is judged by the whole wave, so that one that was begun goes on alike.
func (i style) slice(w store.Wave) int {
	if i.above <= 0 || w.Kind != orgflow.Person || w.Op == orgflow.Delete || w.Total <= i.above {
		return 0
	}
	return i.limit
}

// slice is a page's way into import files.
type slice struct {
	*page
	importer connectors.Importer
	open     []waiting                        // not decided yet
	sent     map[int]bool                     // changes that a job may carry
	own      []string                         // jobs of this run whose outcomes are not recorded yet
	left     []store.ClaimedChange            // to be sent by themselves
	told     map[string]connectors.ImportLine // by consumer id in small letters
}

// imports sends what it can of a page as import jobs, where wanted, and
// leaves the rest of it to send. Before anything is sent, jobs of the target
// that are still under way are waited for, whichever run started them: what
// they do at the consumer would otherwise come after what is newer.
//
// Repeating it is harmless: a job is stored as soon as it has an id, and an
// attempt that finds one goes on asking for it. One whose id was lost is
// handed over again, which changes nothing more; while the first one runs,
// the consumer takes no other. A cancelled or paused run stops between two
// jobs.
func (p *page) imports(ctx context.Context, importer connectors.Importer, wanted bool) error {
	s := &slice{page: p, importer: importer, sent: map[int]bool{}, told: map[string]connectors.ImportLine{}}
	err := s.send(ctx, wanted)
	if err == nil {
		p.changes = s.left
		return nil
	}
	detached := context.WithoutCancel(ctx)
	var untried []int
	for _, w := range s.open {
		if !s.sent[w.change.ID] && !w.change.InDoubt {
			untried = append(untried, w.change.ID)
		}
	}
	for _, c := range s.left {
		if !s.sent[c.ID] && !c.InDoubt {
			untried = append(untried, c.ID)
		}
	}
	return errors.Join(err, p.sync.Store.AddCounters(detached, p.run.ID, p.counters), p.sync.Store.ReleaseClaims(detached, p.run.ID, untried))
}

func (s *slice) send(ctx context.Context, wanted bool) error {
	s.left = s.changes
	jobs, err := s.sync.Store.OpenImports(ctx, s.target)
	if err != nil || len(jobs) == 0 && !wanted {
		return err
	}
	defer keepAlive(context.WithoutCancel(ctx))() // beyond a cancellation, too
	for _, j := range jobs {
		if err := s.follow(ctx, j); err != nil {
			return err
		}
	}
	if len(s.own) == 0 && !wanted {
		return nil
	}
	s.left = nil
	if err := s.admit(ctx); err != nil {
		return err
	}
	if err := s.settle(ctx, func(w waiting) bool { return w.change.InDoubt }); err != nil {
		return err
	}
	if wanted {
		err = s.hand(ctx)
	}
	for _, w := range s.open {
		s.left = append(s.left, w.change)
	}
	s.open = nil
	return err
}

// follow waits for a job that was found under way. What it says of changes
// of another run is of no use here: they are in doubt, and read back.
func (s *slice) follow(ctx context.Context, j store.ImportJob) error {
	lines, err := s.await(ctx, connectors.ImportJob{ID: j.ID, Kind: j.Kind})
	if err != nil {
		return err
	}
	if j.RunID != s.run.ID {
		return s.sync.Store.SettleImport(ctx, s.target, j.ID)
	}
	s.hear(j.ID, lines)
	return nil
}

func (s *slice) hear(job string, lines []connectors.ImportLine) {
	s.own = append(s.own, job)
	for _, line := range lines {
		s.told[strings.ToLower(line.ID)] = line
	}
}

// admit makes the page's changes ready, and records those that are decided
// without a call.
func (s *slice) admit(ctx context.Context) error {
	var decided []result
	for _, c := range s.changes {
		r, final := s.judgeBefore(c)
		var ready prepared
		if !final {
			if r, ready, final = s.ready(ctx, r); r.stop != nil {
				return r.stop
			}
		}
		if final {
			decided = append(decided, r)
		} else {
			s.open = append(s.open, waiting{r, ready})
		}
	}
	return s.record(ctx, decided)
}

// hand gives the open changes to the consumer, a file at a time. What no
// file carries stays open.
func (s *slice) hand(ctx context.Context) error {
	effects := make([]connectors.Effect, len(s.open))
	for i, w := range s.open {
		effects[i] = w.ready.effect
	}
	plan, err := s.importer.PlanImport(ctx, effects)
	s.counters.Calls += plan.Calls
	if err != nil {
		return err
	}
	ids := make([]int, len(s.open)) // changes by index: what is open shrinks
	for i, w := range s.open {
		ids[i] = w.change.ID
	}
	if err := s.refuse(ctx, plan, ids); err != nil {
		return err
	}
	for _, file := range plan.Files {
		in := make(map[int]bool, len(file.Effects))
		for _, i := range file.Effects {
			in[ids[i]] = true
		}
		if err := s.job(ctx, file, in); err != nil {
			return err
		}
	}
	return nil
}

// refuse records what the connector does not let out.
func (s *slice) refuse(ctx context.Context, plan connectors.ImportPlan, ids []int) error {
	faults := map[int]*orgflow.Fault{}
	for i, f := range plan.Refused {
		faults[ids[i]] = f
	}
	return s.decide(ctx, func(w waiting) (*orgflow.Fault, bool) {
		f, refused := faults[w.change.ID]
		return f, refused
	})
}

// job sends one file and records what became of its lines. in holds its
// changes.
func (s *slice) job(ctx context.Context, file connectors.Import, in map[int]bool) error {
	if err := s.mayGoOn(ctx); err != nil {
		return err
	}
	job, fault := s.start(ctx, file, in)
	switch {
	case fault == nil:
	case errors.Is(fault, errNotStarted):
		return context.Cause(ctx)
	case fault.StopsRun() || fault.Transient():
		return fault
	default:
		return nil // the file is refused as a whole: its records go by themselves
	}
	detached := context.WithoutCancel(ctx)
	if err := s.sync.Store.PutImport(detached, s.target, store.ImportJob{ID: job.ID, Kind: job.Kind, RunID: s.run.ID}); err != nil {
		return err
	}
	lines, err := s.await(ctx, job)
	if err != nil {
		return err
	}
	s.hear(job.ID, lines)
	return s.settle(detached, func(w waiting) bool { return in[w.change.ID] })
}

// settle records what the jobs have told of those changes that were in one.
// Of whom they said nothing, or that a call may do better with, the change
// stays open: it goes by itself, in doubt.
func (s *slice) settle(ctx context.Context, in func(waiting) bool) error {
	err := s.decide(ctx, func(w waiting) (*orgflow.Fault, bool) {
		line, told := s.told[strings.ToLower(s.idOf(w))]
		return s.veiled(line.Fault, w), in(w) && told && !line.Again
	})
	if err != nil {
		return err
	}
	for i, w := range s.open {
		line, told := s.told[strings.ToLower(s.idOf(w))]
		if in(w) && (!told || line.Fault != nil && line.Fault.Code == orgflow.CodeUnknownOutcome) {
			s.open[i].change.InDoubt = true
		}
	}
	for _, id := range s.own {
		if err := s.sync.Store.SettleImport(ctx, s.target, id); err != nil {
			return err
		}
	}
	s.own = nil
	clear(s.told)
	return nil
}

// veiled is a line's fault without what it tells of the person: it is stored
// and shown (fault.go of the root).
func (s *slice) veiled(fault *orgflow.Fault, w waiting) *orgflow.Fault {
	if fault == nil {
		return nil
	}
	own := *fault
	own.Message = s.importer.Veil(fault.Message, w.ready.effect)
	return &own
}

// decide records outcomes: of whom final says true, its fault or success.
func (s *slice) decide(ctx context.Context, final func(waiting) (*orgflow.Fault, bool)) error {
	var decided []result
	s.open = slices.DeleteFunc(s.open, func(w waiting) bool {
		fault, ok := final(w)
		if !ok {
			return false
		}
		s.judge(&w.result, w.ready, connectors.Receipt{ConsumerID: s.idOf(w)}, fault)
		w.outcome.Log = s.logEntry(w.change, w.ready, w.outcome, s.sync.Now(), 1)
		decided = append(decided, w.result)
		return true
	})
	return s.record(ctx, decided)
}

// idOf is the consumer id of a change's record.
func (s *slice) idOf(w waiting) string {
	if w.ready.effect.ConsumerID != "" {
		return w.ready.effect.ConsumerID
	}
	id, _ := w.ready.effect.Fields[s.consumer.Profile().PersonFields.ID].(string)
	return id
}

func (s *slice) record(ctx context.Context, decided []result) error {
	for chunk := range slices.Chunk(decided, outcomesOfBatch) {
		outcomes := make([]store.Outcome, len(chunk))
		for i, r := range chunk {
			outcomes[i] = r.outcome
		}
		if _, err := s.sync.Store.RecordOutcomes(context.WithoutCancel(ctx), s.run.ID, outcomes); err != nil {
			return err
		}
	}
	return nil
}
