package meta

import (
	"fmt"
	"strings"

	"orgflow"
	"orgflow/internal/erp"
	"orgflow/schemas"
)

const formsDir = "forms"

// Form is a form of the company's ERP and how it is loaded: one file below
// companies/<id>/forms, with its defaults filled in.
type Form struct {
	CompanyID int64
	Config    erp.Config
	File      orgflow.UsedFile

	shipped bool
	advice  []orgflow.Problem // what Lint warns of
}

// Forms returns the company's forms in the order of their file names, and
// the problems of those that are broken. A broken form is left out; the
// others are usable.
func (s *Store) Forms(company int64) ([]Form, []orgflow.Problem) {
	var forms []Form
	var problems []orgflow.Problem
	tables := map[string]string{} // name of a table in small letters → file
	for _, id := range s.formIDs(company) {
		form, f, ok, err := s.form(company, id)
		if err != nil {
			problems = append(problems, problemsOf(err)...)
			continue
		}
		if !ok {
			continue
		}
		if other, twice := tables[strings.ToLower(id)]; twice {
			problems = append(problems, schemas.At(f.path, f.raw, "/form_id", fmt.Sprintf("has the table of %s: upper and lower case are alike in names of tables", other)))
			continue
		}
		tables[strings.ToLower(id)] = f.path
		forms = append(forms, form)
	}
	return forms, problems
}

// Form returns how one form of the company is loaded. A form without a file
// is a fault with code not_found that lists those there are; a broken one an
// *orgflow.InvalidError.
func (s *Store) Form(company int64, id string) (erp.Config, error) {
	if err := erp.ParseFormID(id); err != nil { // before it becomes part of a path
		return erp.Config{}, orgflow.Faultf(orgflow.CodeNotFound, "%v; %s", err, s.configured(company))
	}
	form, _, ok, err := s.form(company, id)
	if err != nil {
		return erp.Config{}, err
	}
	if !ok {
		return erp.Config{}, orgflow.Faultf(orgflow.CodeNotFound, "form %s has no file %s%s/%s.json; %s%s",
			id, companyDir(company), formsDir, id, s.configured(company), schemas.DidYouMean(id, s.formIDs(company)))
	}
	return form.Config, nil
}

// configured says which forms there are.
func (s *Store) configured(company int64) string {
	return fmt.Sprintf("forms configured for company %d: %s", company, listed(s.formIDs(company)))
}

// formIDs are the names of the company's form files, broken ones too.
func (s *Store) formIDs(company int64) []string {
	var ids []string
	dir := companyDir(company) + formsDir + "/"
	for _, name := range s.list(strings.TrimSuffix(dir, "/")) {
		id, named := strings.CutSuffix(name, ".json")
		if !named {
			continue
		}
		if _, ok, err := s.read(dir + name); ok || err != nil {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *Store) form(company int64, id string) (form Form, f file, ok bool, err error) {
	f, ok, err = s.read(companyDir(company) + formsDir + "/" + id + ".json")
	if err != nil || !ok {
		return Form{}, f, false, err
	}
	form = Form{CompanyID: company, File: f.used(), shipped: f.shipped}
	if err := s.decode(schemas.Form, f, &form.Config); err != nil {
		return Form{}, f, false, err
	}
	found := erp.Check(form.Config)
	if form.Config.FormID != id {
		found = append(found, orgflow.Problem{Pointer: "/form_id", Message: fmt.Sprintf("must be %q, as the file's name says", id)})
	}
	if len(found) > 0 {
		return Form{}, f, false, configError(located(f, found)...)
	}
	form.Config, form.advice = form.Config.WithDefaults(), located(f, erp.Advise(form.Config))
	return form, f, true, nil
}
