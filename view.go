package orgflow

import "time"

// Viewed is what a live view shows, with its age and price.
type Viewed[T any] struct {
	Data   T
	ReadAt time.Time // when the origin was asked; earlier than now for a kept answer
	Calls  int       // calls to the origin that the read took
}

// LiveDepartment is a department as the origin has it now.
type LiveDepartment struct {
	ID       int64            `json:"id" doc:"its id at the origin"`
	Name     string           `json:"name"`
	ParentID int64            `json:"parent_id" doc:"0 for the organisation itself"`
	Children []LiveDepartment `json:"children" doc:"in the origin's order"`
}

// LiveTree is a department with all below it.
type LiveTree struct {
	LiveDepartment
	Departments int    `json:"departments" doc:"all that are shown, the first included"`
	Complete    bool   `json:"complete" doc:"the application's contact scope shows everything"`
	Cause       string `json:"cause,omitempty" doc:"why it may be incomplete"`
}

// LiveMembers are the direct members of a department.
type LiveMembers struct {
	DepartmentID int64        `json:"department_id"`
	Count        int          `json:"count"`
	Members      []LiveMember `json:"members" doc:"all of them, in the origin's order"`
}

// LiveMember is a person as the origin has them now.
type LiveMember struct {
	UserID         string `json:"user_id"`
	Name           string `json:"name"`
	JobNumber      string `json:"job_number"`
	Title          string `json:"title"`
	Mobile         string `json:"mobile" doc:"empty where the application may not see it"`
	Active         bool   `json:"active" doc:"has ever signed in at the origin"`
	Leader         bool   `json:"leader" doc:"manages the department"`
	MainDepartment int64  `json:"main_department" doc:"0: not said"`
}
