package connectors

import "context"

// Organisation is implemented by consumers whose organisation can be read as
// a tree of named departments with their people, with as few calls as the
// system allows, into a directory of our own. (Directory serves another end:
// it shows records as payloads, to be compared.) It only reads, and the walk
// is the caller's, who can keep its place.
//
// Where a part may not be seen the fault is CodePartialRead, for a department
// that was deleted meanwhile CodeNotFound. Calls are counted beside an error
// too.
type Organisation interface {
	// ReadScope shows the root and says whether everything below it can be
	// seen. A system whose people cannot be named is CodeForbidden.
	ReadScope(ctx context.Context) (OrganisationScope, error)
	// ReadUnits returns the departments directly below one.
	ReadUnits(ctx context.Context, id string) (Units, error)
	// ReadPeople returns a page of the people directly in a department, the
	// first for an empty cursor.
	ReadPeople(ctx context.Context, unit, cursor string) (People, error)
}

// Supervised is implemented by consumers that show a person's supervisor in
// the record of that person only.
type Supervised interface {
	// ReadSupervisor returns the userid of the person's supervisor, empty
	// without one, and the calls spent, beside an error too.
	ReadSupervisor(ctx context.Context, userID string) (supervisor string, calls int, err error)
}

// OrganisationScope is what a connection may see of an organisation.
type OrganisationScope struct {
	Root  Unit
	Whole bool
	Cause string // why it is not whole
	Calls int
}

// Units are departments below another.
type Units struct {
	Units []Unit
	// Deep: the list holds all levels below, with their parents; nothing more
	// need be asked for any of them.
	Deep  bool
	Calls int
}

// Unit is a department.
type Unit struct {
	ID       string
	Parent   string // empty for the root
	Name     string
	Key      string // another system's key for it, or Effect.Key
	Position int64  // among its siblings, smaller first
}

// People are a page of the people in a department.
type People struct {
	People []Person
	Next   string // empty on the last page
	Calls  int
}

// Person is somebody, as seen in one department.
type Person struct {
	UserID    string
	Name      string
	JobNumber string
	Title     string
	Mobile    string // empty where it may not be seen
	Active    bool   // has ever signed in
	// Supervisor is a userid; nil where the list does not show it.
	Supervisor *string
	Main       string // the department that is the person's main one; empty: not said
	Position   int64  // in the department asked for, larger first
	Leader     bool   // of the department asked for
}
