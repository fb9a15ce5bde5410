package meta

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
	"orgflow/schemas"
)

const (
	extraPointer = "/params/extra_property"
	statePointer = extraPointer + "/state"
)

// DecodeJob reads a job as a user wrote it, checks it and fills in the
// defaults. HTTP, CLI, schedules and the workflow itself use it, so that all
// refuse the same things with the same words.
//
// The error is an *orgflow.InvalidError with all problems at once: with
// CodeInvalidJob, each problem points into the job and says what is allowed;
// with CodeInvalidConfig the job is right but a meta file it needs is broken.
func (s *Store) DecodeJob(raw []byte) (orgflow.Job, error) {
	problems := schemas.Decode(schemas.Job, "", raw, new(orgflow.Job))
	job, readable := readJob(raw)
	if !readable {
		return orgflow.Job{}, invalidJob(problems)
	}
	found, err := s.checkJob(job)
	found = append(found, checkUndo(raw, job)...)
	for _, p := range found {
		if !covered(problems, p.Pointer) {
			problems = append(problems, schemas.At("", raw, p.Pointer, p.Message))
		}
	}
	switch {
	case len(problems) > 0:
		return orgflow.Job{}, invalidJob(problems)
	case err != nil:
		return orgflow.Job{}, err
	}
	if job.Params.Undo != "" {
		return job, nil // it uses no files: what it sends, the consumer held before
	}
	if _, err := s.Resolve(job); err != nil {
		return orgflow.Job{}, placed(raw, err)
	}
	return job, nil
}

// checkUndo refuses what has no meaning beside the run that is undone: that
// run says which records it is about and what becomes of them.
func checkUndo(raw []byte, job orgflow.Job) []orgflow.Problem {
	if job.Params.Undo == "" {
		return nil
	}
	var given struct {
		Params map[string]json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(schemas.TrimBOM(raw), &given); err != nil {
		return nil // the schema complains
	}
	var problems []orgflow.Problem
	for _, key := range []string{"extra_property", "filter_dict", "stages", "operations", "mode", "source_ids"} {
		if _, ok := given.Params[key]; ok {
			problems = append(problems, orgflow.Problem{Pointer: "/params/" + key, Message: fmt.Sprintf(
				"cannot stand beside \"undo\": the undone run says which records change and how; beside it are allowed: %s", undoKeys)})
		}
	}
	return problems
}

const undoKeys = "approval, delete_limit, dry_run, mobile_change, on_limit, on_running, scope"

func invalidJob(problems []orgflow.Problem) error {
	return &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: problems}
}

// readJob fills in as much as can be read: a key of a wrong type is left
// out, so that the rest can be checked in the same go.
func readJob(raw []byte) (job orgflow.Job, readable bool) {
	err := json.Unmarshal(schemas.TrimBOM(raw), &job)
	var wrong *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &wrong) {
		return orgflow.Job{}, false
	}
	limit := job.Params.DeleteLimit
	job.Params.DeleteLimit = nil
	job = job.WithDefaults()
	if limit != nil {
		job.Params.DeleteLimit = partLimit(raw, *job.Params.DeleteLimit)
	}
	return job, true
}

// partLimit lays the given parts of delete_limit over the default.
func partLimit(raw []byte, def orgflow.DeleteLimit) *orgflow.DeleteLimit {
	part := struct {
		Params struct {
			DeleteLimit *orgflow.DeleteLimit `json:"delete_limit"`
		} `json:"params"`
	}{}
	part.Params.DeleteLimit = &def
	_ = json.Unmarshal(schemas.TrimBOM(raw), &part) // wrong types are the schema's business
	return &def
}

// covered tells whether a place has been complained about already.
func covered(problems []orgflow.Problem, pointer string) bool {
	return slices.ContainsFunc(problems, func(p orgflow.Problem) bool {
		return p.Pointer == pointer || strings.HasPrefix(pointer, p.Pointer+"/")
	})
}

// placed adds line and column to the problems of a job found by Resolve.
func placed(raw []byte, err error) error {
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) || invalid.Code != orgflow.CodeInvalidJob {
		return err
	}
	problems := make([]orgflow.Problem, len(invalid.Problems))
	for i, p := range invalid.Problems {
		problems[i] = schemas.At("", raw, p.Pointer, p.Message)
	}
	return invalidJob(problems)
}

// checkJob finds what the schema cannot know: names that do not exist. An
// error means that the tables themselves are broken.
func (s *Store) checkJob(job orgflow.Job) ([]orgflow.Problem, error) {
	problems, company, err := s.checkCompany(job)
	if err != nil {
		return problems, err
	}
	// The layers of a company that does not exist are those of all companies.
	services, _, err := s.services(company.ID)
	if err != nil {
		return problems, err
	}
	consumers, err := s.consumers(company.ID)
	if err != nil {
		return problems, err
	}
	problems = append(problems, s.checkConsumer(job, company, consumers)...)
	for i, name := range job.Services {
		if _, ok := services[name]; !ok && name != "" {
			problems = append(problems, orgflow.Problem{Pointer: fmt.Sprintf("/services/%d", i), Message: unknown("service", name, keys(services))})
		}
	}
	problems = append(problems, checkOperations(job, services)...)
	problems = append(problems, checkExtra(job)...)
	problems = append(problems, checkFilter(job, services)...)
	problems = append(problems, checkSourceIDs(job, services)...)
	return problems, nil
}

func (s *Store) checkCompany(job orgflow.Job) ([]orgflow.Problem, Company, error) {
	if job.CompanyID <= 0 {
		return nil, Company{}, nil // the schema complains
	}
	company, err := s.Company(job.CompanyID)
	var fault *orgflow.Fault
	if errors.As(err, &fault) && fault.Code == orgflow.CodeNotFound {
		return []orgflow.Problem{{Pointer: "/company_id", Message: fault.Message}}, Company{}, nil
	}
	if err != nil {
		return nil, Company{}, err
	}
	if company.SourceType() == "" && job.Has(orgflow.StageFetch) {
		return []orgflow.Problem{{Pointer: "/company_id", Message: fmt.Sprintf(
			"company %d has no \"source\" in %s, which stage \"fetch\" reads from", company.ID, company.file.path)}}, company, nil
	}
	if kind := company.SourceType(); s.sources != nil && kind != "" && !slices.Contains(s.sources, kind) {
		return []orgflow.Problem{{Pointer: "/company_id", Message: fmt.Sprintf(
			"company %d has a source of type %q in %s; this build reads: %s", company.ID, kind, company.file.path, listed(s.sources))}}, company, nil
	}
	return nil, company, nil
}

func (s *Store) checkConsumer(job orgflow.Job, company Company, consumers map[string]consumer) []orgflow.Problem {
	if job.Consumer == "" {
		return nil // the schema complains
	}
	at := func(message string) []orgflow.Problem {
		return []orgflow.Problem{{Pointer: "/consumer", Message: message}}
	}
	_, known := consumers[job.Consumer]
	switch {
	case !known:
		return at(s.unknownConsumer(job.Consumer, consumers))
	case !s.connects(company.ID, job.Consumer):
		return at(fmt.Sprintf("this build has no connector for consumer %q; it has: %s", job.Consumer, listed(s.connectors)))
	case company.ID > 0 && !company.HasConsumer(job.Consumer):
		return at(company.noConsumer(job.Consumer))
	}
	return nil
}

func (s *Store) unknownConsumer(name string, consumers map[string]consumer) string {
	return unknown("consumer", name, keys(consumers))
}

// checkOperations refuses a job none of whose services has anything to do.
func checkOperations(job orgflow.Job, services map[string]Service) []orgflow.Problem {
	able := map[orgflow.Op]bool{}
	for _, name := range job.Services {
		service, ok := services[name]
		if !ok || len(allowed(service, job)) > 0 {
			return nil
		}
		for _, op := range service.Operations {
			able[op] = true
		}
	}
	if len(job.Services) == 0 {
		return nil
	}
	var ops []string
	for _, op := range slices.SortedFunc(maps.Keys(able), compareOps) {
		ops = append(ops, string(op))
	}
	return []orgflow.Problem{{Pointer: "/params/operations", Message: fmt.Sprintf(
		"leaves nothing to do: %s can run %s only", listed(job.Services), listed(ops))}}
}

// checkExtra looks at the keys of extra_property that mean something to us.
func checkExtra(job orgflow.Job) []orgflow.Problem {
	var problems []orgflow.Problem
	if _, ok := job.Params.ExtraProperty["fields"]; ok {
		problems = append(problems, orgflow.Problem{Pointer: extraPointer + "/fields",
			Message: "is made from the fetch meta file and cannot be given by a job; choose a file with \"state\" instead"})
	}
	raw, given := job.Params.ExtraProperty["state"]
	if !given {
		return problems
	}
	var state *string
	if err := json.Unmarshal(raw, &state); err != nil || state == nil || !plainName.MatchString(*state) {
		problems = append(problems, orgflow.Problem{Pointer: statePointer,
			Message: "must be a plain name (letters, digits, \"_\", at most 64), as it names the file <Model>.meta.list.<state>.json"})
	}
	return problems
}

// checkSourceIDs checks "2", "person:2" and "org:2" against the kinds of the
// job's services.
func checkSourceIDs(job orgflow.Job, services map[string]Service) []orgflow.Problem {
	kinds := map[string]bool{}
	for _, name := range job.Services {
		service, ok := services[name]
		if !ok { // complained about; its kind is not known
			return nil
		}
		kinds[string(service.Kind)] = true
	}
	var problems []orgflow.Problem
	for i, id := range job.Params.SourceIDs {
		kind, rest, prefixed := strings.Cut(id, ":")
		message := ""
		switch {
		case strings.TrimSpace(id) == "" || prefixed && strings.TrimSpace(rest) == "":
			message = "must name a record: \"2\", \"person:2\" or \"org:2\""
		case prefixed && kind != string(orgflow.Org) && kind != string(orgflow.Person):
			message = fmt.Sprintf("has the unknown prefix %q; allowed: \"org:\", \"person:\" or none", kind+":")
		case prefixed && !kinds[kind]:
			message = fmt.Sprintf("names a record of kind %q, which no service of this job moves; its kinds: %s", kind, listed(slices.Sorted(maps.Keys(kinds))))
		}
		if message != "" {
			problems = append(problems, orgflow.Problem{Pointer: fmt.Sprintf("/params/source_ids/%d", i), Message: message})
		}
	}
	return problems
}
