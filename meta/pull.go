package meta

import (
	"encoding/json"
	"errors"
	"fmt"

	"orgflow"
	"orgflow/schemas"
)

// DecodePull reads what a pull is asked for, checks it and fills in the
// defaults. HTTP, CLI, schedules and the workflow itself use it. The error is
// an *orgflow.InvalidError with all problems at once, each pointing into raw.
func (s *Store) DecodePull(raw []byte) (orgflow.PullInput, error) {
	var in orgflow.PullInput
	limit := *orgflow.PullInput{}.WithDefaults().DeleteLimit
	in.DeleteLimit = &limit // parts that are not given stay
	if problems := schemas.Decode(schemas.Pull, "", raw, &in); len(problems) > 0 {
		return orgflow.PullInput{}, invalidJob(problems)
	}
	in = in.WithDefaults()
	at := func(pointer, message string) (orgflow.PullInput, error) {
		return orgflow.PullInput{}, invalidJob([]orgflow.Problem{schemas.At("", raw, pointer, message)})
	}
	company, err := s.Company(in.CompanyID)
	var fault *orgflow.Fault
	if errors.As(err, &fault) && fault.Code == orgflow.CodeNotFound {
		return at("/company_id", fault.Message)
	}
	if err != nil {
		return orgflow.PullInput{}, err
	}
	switch {
	case !company.HasConsumer(in.Origin) && !givesOrigin(raw):
		return at("/company_id", fmt.Sprintf(`"origin" is ding_talk unless given, and %s`, company.noConsumer(in.Origin)))
	case !company.HasConsumer(in.Origin):
		return at("/origin", company.noConsumer(in.Origin))
	case !s.connects(company.ID, in.Origin):
		return at("/origin", fmt.Sprintf("this build has no connector for consumer %q; it has: %s", in.Origin, listed(s.connectors)))
	}
	return in, nil
}

func givesOrigin(raw []byte) bool {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(schemas.TrimBOM(raw), &given); err != nil {
		return false // the schema has complained
	}
	_, ok := given["origin"]
	return ok
}
