package app

import (
	"errors"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/meta"
	"orgflow/schemas"
)

// fileKnown is what a company's files tell definitions: roles, templates,
// where messages lead to, which hosts triggers may call. References to an
// environment that is not this one's are no problem of a definition.
func fileKnown(c meta.Company) (approval.Known, []orgflow.Problem) {
	templates, err := flow.Templates(c)
	problems := problemsIn(err)
	roles := c.Roles()
	link, taskLink, err := c.Links()
	known := approval.Known{
		Role:      func(code string) bool { _, ok := roles[code]; return ok },
		Templates: templates, Link: link != "" || err != nil, TaskLink: taskLink != "" || err != nil,
		Call: triggerCheck(c),
	}
	problems = append(problems, linkProblems(c, link, taskLink)...)
	if templates == nil {
		return known, problems
	}
	if err := templates.CheckBoardTask(known.TaskLink); err != nil {
		f, _, _ := c.FlowFile(meta.FlowTemplatesFile) // it was read a moment ago
		problems = append(problems, schemas.At(f.Path, f.Raw, "/"+approval.BoardTask, err.Error()))
	}
	return known, problems
}

func linkProblems(c meta.Company, link, taskLink string) (problems []orgflow.Problem) {
	if err := approval.CheckLink(link, false); link != "" && err != nil {
		problems = append(problems, c.At("/notify/link", err.Error()))
	}
	if err := approval.CheckLink(taskLink, true); taskLink != "" && err != nil {
		problems = append(problems, c.At("/notify/task_link", err.Error()))
	}
	return problems
}

// triggerCheck tells why a trigger's call would not be made. An address that
// this environment does not know is checked where the call is made.
func triggerCheck(c meta.Company) func(approval.HTTPCall) error {
	return func(call approval.HTTPCall) error {
		hosts, err := c.TriggerHosts()
		if err != nil {
			return nil //nolint:nilerr // a reference that is not set here
		}
		var resolved struct{ URL string }
		if err := c.Expand(struct{ URL string }{call.URL}, &resolved); err != nil {
			return nil //nolint:nilerr // the same
		}
		return approval.Hosts(hosts).CheckURL(resolved.URL)
	}
}

// problemsIn returns the problems inside an error, none for nil.
func problemsIn(err error) []orgflow.Problem {
	var invalid *orgflow.InvalidError
	var fault *orgflow.Fault
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		return invalid.Problems
	case errors.As(err, &fault):
		return []orgflow.Problem{{Message: fault.Message}}
	}
	return []orgflow.Problem{{Message: err.Error()}}
}
