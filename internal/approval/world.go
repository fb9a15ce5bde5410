package approval

import "time"

// World is what the state machine asks while it works. It is read only and
// answers for one instant: asked twice within a step it answers the same. An
// empty answer means that there is nobody; an *Unmet or *ExpressionError that
// there is no answer, which asking again does not cure; any other error that
// it could not look, which fails the step so that it is tried again.
type World interface {
	// Now is the instant of the step.
	Now() time.Time
	Forms
	Directory
	Absences
	Calendars
}

// Forms answers from the form's snapshot; Bound does.
type Forms interface {
	// Holds evaluates a condition of an edge.
	Holds(when string) (bool, error)
	// People evaluates an expression that yields user codes.
	People(expr string) ([]string, error)
	// Field returns a field that holds one text or a list of texts.
	Field(name string) ([]string, error)
}

// Directory answers from the organisation.
type Directory interface {
	// InitiatorDept returns the code of the department the flow was launched
	// for, "" if there is none.
	InitiatorDept() (string, error)
	// Employed tells whether a user code belongs to somebody who has not left.
	// Whether that person has ever signed in anywhere does not matter.
	Employed(user string) (bool, error)
	RoleMembers(role string) ([]string, error)
	// Department returns the code of the department with a code or exact name.
	Department(codeOrName string) (string, error)
	DeptMembers(dept string) ([]string, error)
	// DeptManagers returns the managers of a department (level 1) or of the
	// one so many levels above it; with climb those of the next department
	// upwards that has any.
	DeptManagers(dept string, level int, climb bool) ([]string, error)
	// Supervisors does the same for a person's supervisors.
	Supervisors(user string, level int, climb bool) ([]string, error)
	// SupervisorChain returns one person per level, upwards.
	SupervisorChain(user string, from int, to ChainEnd) ([]string, error)
}

// Absences answers who stands in for whom.
type Absences interface {
	// Agent returns who stands in for a person at an instant in flows of a
	// code; "" if the person is there.
	Agent(user, flowCode string, at time.Time) (string, error)
}

// Calendars reckons with time.
type Calendars interface {
	// Deadline returns the instant a duration after another one.
	Deadline(from time.Time, after Duration, calendar Calendar) (time.Time, error)
}
