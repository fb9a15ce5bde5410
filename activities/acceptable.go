package activities

import (
	"fmt"

	"orgflow"
	"orgflow/internal/store"
	"orgflow/meta"
)

// acceptable judges all templates of a run; an undo has none.
func (s *Sync) acceptable(run store.Run, profile orgflow.Profile) error {
	if run.Job.Params.Undo != "" {
		return nil
	}
	resolved, err := s.Files.Thaw(run.Frozen, nil)
	if err != nil {
		return err
	}
	for _, svc := range resolved.Services {
		if err := acceptable(profile, svc); err != nil {
			return err
		}
	}
	return nil
}

// acceptable refuses a template that fills names which the consumer's
// connection does not take (orgflow.Profile), all of them at once. They are
// never left out silently: the directory would look complete and not be.
func acceptable(profile orgflow.Profile, svc meta.ResolvedService) error {
	refused := profile.PersonRefused
	if svc.Service.Kind == orgflow.Org {
		refused = profile.OrgRefused
	}
	if svc.Template == nil || len(refused) == 0 {
		return nil
	}
	var problems []orgflow.Problem
	for i, name := range svc.Template.Targets() {
		if why, ok := refused[name]; ok {
			problems = append(problems, orgflow.Problem{
				File: svc.TemplateFile.Name, Pointer: fmt.Sprintf("/fields/%d/map", i), Message: fmt.Sprintf("%q %s", name, why),
			})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
}
