package meta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"orgflow"
	"orgflow/schemas"
)

const filterPointer = "/params/filter_dict"

// addressed tells whether a filter names services: {"person_new": {…}}.
func addressed(filter map[string]json.RawMessage, services map[string]Service) bool {
	for key := range filter {
		if _, ok := services[key]; ok {
			return true
		}
	}
	return false
}

// checkFilter finds what is wrong with a job's filter_dict (spec § 3.3).
func checkFilter(job orgflow.Job, services map[string]Service) []orgflow.Problem {
	filter := job.Params.FilterDict
	if !addressed(filter, services) {
		return checkFlat(filterPointer, filter, slices.Sorted(maps.Keys(services)))
	}
	var problems []orgflow.Problem
	for _, key := range slices.Sorted(maps.Keys(filter)) {
		at := filterPointer + "/" + schemas.Escape(key)
		var inner map[string]json.RawMessage
		switch {
		case services[key].Name == "":
			problems = append(problems, orgflow.Problem{Pointer: at, Message: fmt.Sprintf(
				"is no service, while other keys are; write either one flat filter or one filter per service: {%s: {…}}", listed(job.Services))})
		case !slices.Contains(job.Services, key):
			problems = append(problems, orgflow.Problem{Pointer: at, Message: fmt.Sprintf(
				"service %q is not in /services of this job; allowed: %s", key, listed(job.Services))})
		case json.Unmarshal(filter[key], &inner) != nil || inner == nil:
			problems = append(problems, orgflow.Problem{Pointer: at, Message: fmt.Sprintf(
				"must be the filter of service %q, an object", key)})
		default:
			problems = append(problems, checkFlat(at, inner, nil)...)
		}
	}
	return problems
}

// checkFlat accepts what the gateway's filters look like (HCM reference
// § 1.5); operators are passed on untouched. A key that all but names a
// service, with an object, is taken for a slip.
func checkFlat(at string, filter map[string]json.RawMessage, serviceNames []string) []orgflow.Problem {
	var problems []orgflow.Problem
	for _, key := range slices.Sorted(maps.Keys(filter)) {
		pointer := at + "/" + schemas.Escape(key)
		if key == "" {
			problems = append(problems, orgflow.Problem{Pointer: pointer, Message: "must name a field"})
			continue
		}
		if similar := schemas.DidYouMean(key, serviceNames); similar != "" && isObject(filter[key]) {
			problems = append(problems, orgflow.Problem{Pointer: pointer, Message: fmt.Sprintf("%q is neither a service nor likely a field%s", key, similar)})
			continue
		}
		if message := checkFilterValue(filter[key]); message != "" {
			problems = append(problems, orgflow.Problem{Pointer: pointer, Message: message})
		}
	}
	return problems
}

func isObject(raw json.RawMessage) bool { return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) }

func checkFilterValue(raw json.RawMessage) string {
	const shape = "must be a value, a list of values, or an object of operators such as {\"gte\": …}"
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return shape
	}
	switch raw[0] {
	case '{':
		if schemas.IsEmptyObject(raw) {
			return "must name an operator, such as {\"gte\": …}, or be left out"
		}
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return shape
		}
		if len(list) == 0 {
			return "must not be an empty list: some gateways ignore it and answer every record; leave the key out instead"
		}
		for _, item := range list {
			if item = bytes.TrimSpace(item); item[0] == '{' || item[0] == '[' {
				return shape
			}
		}
	}
	return ""
}

// filterOf returns the part of the job's filter that is meant for a service:
// its own if the filter names services; a flat filter is for persons where
// the job has services of both kinds, else for the one kind there is.
func filterOf(job orgflow.Job, service Service, kinds map[orgflow.Kind]bool, services map[string]Service) map[string]json.RawMessage {
	filter := job.Params.FilterDict
	if addressed(filter, services) {
		var own map[string]json.RawMessage
		_ = json.Unmarshal(filter[service.Name], &own) // its shape was checked; absent leaves none
		return own
	}
	if len(kinds) > 1 && service.Kind != orgflow.Person {
		return nil
	}
	return filter
}
