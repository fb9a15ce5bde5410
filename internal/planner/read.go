package planner

import (
	"cmp"
	"fmt"
	"slices"

	"orgflow"
)

// people is what a plan keeps of persons: those that may change, and the
// answers to what these ask about all others.
type people struct {
	touched map[string]*member
	order   []*member // touched, in source order, those who left last
	records int
	managed int
	nothing content // of everybody who is packed

	seats map[string]seat     // untouched persons who lead or shall lead
	kept  map[value]string    // wanted values and the untouched persons who have them
	known map[string]bool     // wanted managers among the untouched
	stay  map[string][]string // departments to be deleted and untouched members
	ids   map[string]string   // consumer ids of leaders; with Remote, of everybody
}

func newPeople() *people {
	return &people{
		touched: map[string]*member{}, seats: map[string]seat{}, kept: map[value]string{},
		ids: map[string]string{}, known: map[string]bool{}, stay: map[string][]string{},
	}
}

// seat is where a person sits.
type seat struct {
	orgs    []orgflow.RecordKey
	pending bool
}

// readPeople walks records and bindings once to find who may change, and the
// bindings once more to answer what those changes depend on. Nothing is kept
// of anybody else.
func (b *builder) readPeople() error {
	side, ps := &b.in.People, b.people
	leaders := b.namedLeaders()
	if err := b.indexRemotePeople(); err != nil {
		return err
	}
	missing := 0
	for p, err := range b.pairs() {
		if err != nil {
			return fmt.Errorf("people: %w", err)
		}
		if p.HasBinding && b.manages(&p.Binding) {
			ps.managed++
		}
		if p.HasRecord {
			ps.records++
		}
		if leaders[p.SourceID()] && p.HasBinding {
			ps.ids[p.SourceID()] = p.Binding.ConsumerID
		}
		switch touched := b.touch(&p); {
		case touched != nil && touched.gone && !side.Complete:
			missing++
		case touched != nil:
			ps.touched[p.SourceID()] = touched
			ps.order = append(ps.order, touched)
			continue
		}
		if leaders[p.SourceID()] && p.HasBinding {
			ps.seats[p.SourceID()] = seat{b.orgsOf(b.payloadOf(&p)), p.Binding.State == orgflow.BindingPending}
		}
	}
	b.noteIncomplete(orgflow.Person, side, missing)
	slices.SortStableFunc(ps.order, sourceOrder)
	b.settleAdoptions()
	return b.askTheRest()
}

// sourceOrder is the order of the records; who has none comes last.
func sourceOrder(x, y *member) int {
	if x.has != y.has {
		if x.has {
			return -1
		}
		return 1
	}
	return cmp.Compare(x.position, y.position)
}

// pairs compares the people; a job without persons has no records.
func (b *builder) pairs() func(func(Pair, error) bool) {
	records := b.in.People.records()
	if !b.in.People.Present {
		records = func(func(Item, error) bool) {}
	}
	return func(yield func(Pair, error) bool) {
		for p, err := range Compare(records, b.in.People.bindings()) {
			if p.HasRecord {
				p.Record.Payload = b.inRoot(p.Record.Payload)
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// touch returns the person if a change may come of the pair, else nil.
func (b *builder) touch(p *Pair) *member {
	if !p.HasRecord {
		if b.isGone(&b.in.People, &p.Binding) && !b.takeOver(&b.in.People, &p.Binding) {
			bd := p.Binding
			return &member{id: bd.SourceID, bd: &bd, base: bd.Hash, content: &content{before: b.before(&bd)}, gone: true}
		}
		return nil
	}
	if !b.selected(personKey(p.SourceID())) {
		return nil
	}
	if b.untouched(p) {
		b.count(orgflow.Person).Unchanged++
		if _, failed := b.in.People.Failed[p.SourceID()]; failed {
			b.idle[personKey(p.SourceID())] = true
		}
		return nil
	}
	t := b.newMember(p)
	b.meetRemote(t)
	if t.bd != nil && t.before.Fields == nil {
		t.before = b.before(t.bd)
	}
	b.shall(t, b.keep(t.before, t.said))
	if t.bd == nil && !t.met {
		b.pack(t)
	}
	return t
}

// untouched tells whether a record needs no second look.
func (b *builder) untouched(p *Pair) bool {
	if b.in.Job.Params.Mode == orgflow.Full || !p.Unchanged() || b.in.People.Remote != nil {
		return false
	}
	if len(b.orgDelete) == 0 {
		return true
	}
	for _, dept := range b.orgsOf(p.Record.Payload) {
		if b.orgDelete[dept.ID] {
			return false
		}
	}
	return true
}

// payloadOf is what the consumer holds of somebody nothing happens to.
func (b *builder) payloadOf(p *Pair) orgflow.Payload {
	switch {
	case !p.HasBinding:
		return orgflow.Payload{}
	case p.HasRecord && b.selected(personKey(p.SourceID())):
		return p.Record.Payload // unchanged, else the person were touched
	}
	return b.before(&p.Binding)
}

// askTheRest looks through everybody who is not touched for what the touched
// want: values, managers, and seats in departments that are deleted.
func (b *builder) askTheRest() error {
	ps := b.people
	wanted, managers := b.wanted()
	if len(wanted) == 0 && len(managers) == 0 && len(b.orgDelete) == 0 {
		return nil
	}
	// Records need no second reading: of whom nothing happens to, the consumer
	// holds what it accepted.
	for bd, err := range b.in.People.bindings() {
		if err != nil {
			return fmt.Errorf("people, second reading: %w", err)
		}
		id := bd.SourceID
		if ps.touched[id] != nil {
			continue
		}
		if managers[id] {
			ps.known[id] = bd.State != orgflow.BindingPending
		}
		payload := b.before(&bd)
		for _, v := range b.values(payload, bd.ConsumerID) {
			if wanted[v] {
				ps.kept[v] = id
			}
		}
		if len(b.orgDelete) > 0 {
			for _, dept := range b.orgsOf(payload) {
				if b.orgDelete[dept.ID] {
					ps.stay[dept.ID] = append(ps.stay[dept.ID], id)
				}
			}
		}
	}
	b.keepRemoteValues(wanted)
	return nil
}

// wanted lists the values and managers the touched would have.
func (b *builder) wanted() (map[value]bool, map[string]bool) {
	values, managers := map[value]bool{}, map[string]bool{}
	for _, p := range b.people.order {
		if !p.has {
			continue
		}
		for _, v := range p.wants {
			values[v] = true
		}
		for _, m := range b.named(p) {
			if b.people.touched[m.ID] == nil {
				managers[m.ID] = true
			}
		}
	}
	return values, managers
}

func (b *builder) orgsOf(p orgflow.Payload) []orgflow.RecordKey {
	return orgflow.RefsIn(p.Fields[b.in.Profile.PersonFields.Orgs])
}
