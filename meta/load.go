package meta

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/internal/erp"
	"orgflow/schemas"
)

// DecodeLoad reads what a load is asked for, checks it and fills in the
// company where only one has an ERP. HTTP, CLI, schedules and the workflow
// itself use it. The error is an *orgflow.InvalidError with all problems at
// once, each pointing into raw; a form file that is broken is one of code
// invalid_config.
func (s *Store) DecodeLoad(raw []byte) (orgflow.LoadInput, error) {
	var in orgflow.LoadInput
	if problems := schemas.Decode(schemas.Load, "", raw, &in); len(problems) > 0 {
		return orgflow.LoadInput{}, invalidJob(problems)
	}
	at := func(pointer, message string) (orgflow.LoadInput, error) {
		return orgflow.LoadInput{}, invalidJob([]orgflow.Problem{schemas.At("", raw, pointer, message)})
	}
	var err error
	if in.CompanyID, err = s.ERPCompany(in.CompanyID); err != nil {
		if fault := asNotFound(err); fault != nil {
			return at("/company_id", fault.Message)
		}
		return orgflow.LoadInput{}, err
	}
	if err := erp.ParseFormID(in.FormID); err != nil {
		return at("/form_id", fmt.Sprintf("%v; %s", err, s.configured(in.CompanyID)))
	}
	if _, err := s.Form(in.CompanyID, in.FormID); err != nil {
		if fault := asNotFound(err); fault != nil {
			return at("/form_id", fault.Message)
		}
		return orgflow.LoadInput{}, err
	}
	if in.Deep && in.Kind != orgflow.LoadUpdate {
		return at("/deep", "goes with kind update only: a create reads everything as it is")
	}
	return in, nil
}

// ERPCompany returns the company whose ERP is meant: the given one, else the
// only one that has an ERP. None is a fault with code not_found.
func (s *Store) ERPCompany(given int64) (int64, error) {
	if given != 0 {
		company, err := s.Company(given)
		if err == nil && !company.HasERP() {
			err = orgflow.Faultf(orgflow.CodeNotFound, "company %d has no connection to an ERP: %s has no key \"erp\"", given, company.file.path)
		}
		return given, err
	}
	var having []string
	for _, id := range s.Companies() {
		company, err := s.Company(id)
		if err != nil {
			return 0, err
		}
		if company.HasERP() {
			given = id
			having = append(having, strconv.FormatInt(id, 10))
		}
	}
	switch len(having) {
	case 0:
		return 0, orgflow.Faultf(orgflow.CodeNotFound, "no company has a connection to an ERP")
	case 1:
		return given, nil
	}
	return 0, orgflow.Faultf(orgflow.CodeNotFound, "is required: several companies have an ERP: %s", strings.Join(having, ", "))
}

func asNotFound(err error) *orgflow.Fault {
	var fault *orgflow.Fault
	if errors.As(err, &fault) && fault.Code == orgflow.CodeNotFound {
		return fault
	}
	return nil
}
