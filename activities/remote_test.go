package activities

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"orgflow"
	"orgflow/connectors"
)

// directory is an executable model of a remote directory: it chooses the ids
// of departments, checks what it is sent, and creates whatever it is asked to
// create, twice if asked twice. Only an effect in doubt makes it look first.
type directory struct {
	mu      sync.Mutex
	orgs    map[string]*entry // by remote id
	people  map[string]*entry // by userid
	next    int
	script  map[string][]reply // what the next calls about a record meet, by "person:7"
	calls   []call
	twice   []string // records that were created although they existed
	inside  int
	crowd   int                     // most calls at a time
	observe func(connectors.Effect) // before anything else, outside the lock
	asked   map[string]bool         // records that have to agree to an invitation
	invited []string                // invitations sent
	strict  bool                    // only members lead a department, and whoever goes leads none
}

// entry is a record at the consumer.
type entry struct {
	key    string // whose it is: "org:11"
	fields map[string]any
	ext    map[string]any
}

// call is an effect as it arrived.
type call struct {
	record string
	connectors.Effect
}

// reply is how one call ends. With a fault, effect says whether the write
// happened nevertheless.
type reply struct {
	fault   error
	effect  bool
	pending bool
	dropped []string
	meet    func() // called before the answer, outside the lock: a barrier
}

func newDirectory() *directory {
	return &directory{
		orgs: map[string]*entry{"1": {key: "root", fields: map[string]any{"name": "root"}}}, people: map[string]*entry{},
		next: 9000, script: map[string][]reply{},
	}
}

// on scripts the next calls about a record; afterwards it behaves again.
func (d *directory) on(record string, replies ...reply) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.script[record] = append(d.script[record], replies...)
}

func (d *directory) Profile() orgflow.Profile {
	return orgflow.Profile{
		OrgNameMax: 64, SiblingNamesUnique: true, DepthMax: 20,
		OrgFields:     orgflow.OrgFields{Name: "name", Parent: "parent_id", Leaders: "dept_manager_userid_list"},
		PersonFields:  orgflow.PersonFields{ID: "userid", Name: "name", Mobile: "mobile", JobNumber: "job_number", Email: "email", Orgs: "dept_id_list", Manager: "manager_userid"},
		AssignsOrgIDs: true, PersonImmutable: []string{"mobile", "userid"}, UniquePersonFields: []string{"mobile"},
		LeadersMustBeMembers: d.strict, PersonNeedsOrg: true, RequiredPerson: []string{"name", "mobile", "dept_id_list"},
	}
}

func (d *directory) Apply(_ context.Context, e connectors.Effect) (connectors.Receipt, error) {
	record := strings.TrimPrefix(e.Key, fmt.Sprintf("orgflow:%d:", company))
	if d.observe != nil {
		d.observe(e)
	}
	d.mu.Lock()
	d.calls = append(d.calls, call{record, e})
	d.inside++
	d.crowd = max(d.crowd, d.inside)
	var r reply
	if q := d.script[record]; len(q) > 0 {
		r, d.script[record] = q[0], q[1:]
	}
	d.mu.Unlock()
	if r.meet != nil {
		r.meet()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside--
	if r.fault != nil && !r.effect {
		return connectors.Receipt{Calls: 1}, r.fault
	}
	receipt, err := d.write(record, e, r.dropped)
	receipt.Calls, receipt.Pending, receipt.Dropped = 1, receipt.Pending || r.pending, r.dropped
	if r.fault != nil {
		return connectors.Receipt{Calls: 1}, r.fault
	}
	return receipt, err
}

func (d *directory) write(record string, e connectors.Effect, dropped []string) (connectors.Receipt, error) {
	for _, name := range dropped {
		delete(e.Fields, name)
	}
	if missing := d.dangling(e); missing != "" {
		return connectors.Receipt{}, &orgflow.Fault{Code: orgflow.CodeInvalidRecord, VendorCode: "60003", Message: missing + " does not exist"}
	}
	side := d.people
	if e.Kind == orgflow.Org {
		side = d.orgs
	}
	switch e.Op {
	case orgflow.Insert:
		if e.Invited || d.asked[record] {
			return d.invite(record, e)
		}
		return d.insert(side, record, e)
	case orgflow.Update:
		at := side[e.ConsumerID]
		if at == nil {
			return connectors.Receipt{}, &orgflow.Fault{Code: orgflow.CodeNotFound, VendorCode: "60121", Message: "no such record"}
		}
		at.take(e)
	case orgflow.Delete:
		if e.Kind == orgflow.Org && d.occupied(e.ConsumerID) {
			return connectors.Receipt{}, &orgflow.Fault{Code: orgflow.CodeConflict, VendorCode: "60005", Message: "the department is not empty"}
		}
		delete(side, e.ConsumerID)
		if d.strict {
			d.leadsNone(e.ConsumerID)
		}
	}
	return connectors.Receipt{ConsumerID: e.ConsumerID, Writes: 1}, nil
}

// insert creates what it is asked for. Who is not in doubt is not looked for.
func (d *directory) insert(side map[string]*entry, record string, e connectors.Effect) (connectors.Receipt, error) {
	for id, at := range side {
		if at.key != record {
			continue
		}
		if !e.InDoubt {
			d.twice = append(d.twice, record)
			break
		}
		at.take(e)
		return connectors.Receipt{ConsumerID: id}, nil
	}
	id, _ := e.Fields["userid"].(string)
	if e.Kind == orgflow.Org {
		d.next++
		id = strconv.Itoa(d.next)
	}
	if _, taken := side[id]; taken || id == "" {
		return connectors.Receipt{}, &orgflow.Fault{Code: orgflow.CodeConflict, VendorCode: "60102", Message: "the id is taken or missing"}
	}
	side[id] = &entry{key: record}
	side[id].take(e)
	return connectors.Receipt{ConsumerID: id, Writes: 1}, nil
}

func (at *entry) take(e connectors.Effect) {
	fields := maps.Clone(at.fields)
	if fields == nil {
		fields = map[string]any{}
	}
	maps.Copy(fields, e.Fields)
	for _, name := range e.Clear {
		delete(fields, name)
	}
	at.fields = fields
	if len(e.Ext) > 0 {
		at.ext = maps.Clone(e.Ext)
	}
}

// dangling names a reference of an effect to something that is not there.
func (d *directory) dangling(e connectors.Effect) string {
	if parent, given := e.Fields["parent_id"]; given && d.orgs[fmt.Sprint(parent)] == nil {
		return "department " + fmt.Sprint(parent)
	}
	for _, id := range listed(e.Fields["dept_id_list"]) {
		if d.orgs[id] == nil {
			return "department " + id
		}
	}
	for _, id := range append(listed(e.Fields["manager_userid"]), listed(e.Fields["dept_manager_userid_list"])...) {
		if d.people[id] == nil {
			return "person " + id
		}
	}
	return ""
}

func (d *directory) occupied(dept string) bool {
	for _, o := range d.orgs {
		if fmt.Sprint(o.fields["parent_id"]) == dept {
			return true
		}
	}
	for _, p := range d.people {
		if slices.Contains(listed(p.fields["dept_id_list"]), dept) {
			return true
		}
	}
	return false
}

func listed(v any) []string {
	if s, _ := v.(string); s != "" {
		return strings.Split(s, ",")
	}
	return nil
}

// picture is the directory as a person would compare it: department ids,
// which depend on who came first, are replaced by whose they are.
func (d *directory) picture() map[string]map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := map[string]map[string]any{}
	named := func(name string, v any) any {
		switch name {
		case "parent_id":
			return d.orgs[fmt.Sprint(v)].key
		case "dept_id_list":
			ids := listed(v)
			for i, id := range ids {
				ids[i] = d.orgs[id].key
			}
			return strings.Join(ids, ",")
		}
		return fmt.Sprint(v)
	}
	for side, records := range map[string]map[string]*entry{"org": d.orgs, "person": d.people} {
		for id, at := range records {
			shown := map[string]any{}
			for name, v := range at.fields {
				shown[name] = named(name, v)
			}
			for label, v := range at.ext {
				shown["ext."+label] = v
			}
			if _, again := out[at.key]; again {
				shown["twice"] = side + " " + id
			}
			out[at.key] = shown
		}
	}
	return out
}

// sent lists the records that were called for, in order.
func (d *directory) sent() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]string, len(d.calls))
	for i, c := range d.calls {
		out[i] = c.record
	}
	return out
}

// callsAbout returns the calls about one record.
func (d *directory) callsAbout(record string) []call {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []call
	for _, c := range d.calls {
		if c.record == record {
			out = append(out, c)
		}
	}
	return out
}

// clone is the same directory at the same moment, without its past.
func (d *directory) clone() *directory {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := newDirectory()
	out.next = d.next
	out.asked, out.invited = maps.Clone(d.asked), slices.Clone(d.invited)
	for id, at := range d.orgs {
		out.orgs[id] = &entry{at.key, maps.Clone(at.fields), maps.Clone(at.ext)}
	}
	for id, at := range d.people {
		out.people[id] = &entry{at.key, maps.Clone(at.fields), maps.Clone(at.ext)}
	}
	return out
}
