package meta

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/schemas"
)

// SourceRow is one row that somebody gave in the source's place, mapped to
// the standard format.
type SourceRow struct {
	Service string
	Row     int // place in the service's list, from 0
	Record  orgflow.Record
	// Issues are the mapping's; a fatal one would set the row aside.
	Issues []mapping.Issue
}

// maxRowProblems bounds the answer to a hopeless file.
const maxRowProblems = 100

// Rejected tells whether a fetch would set the row aside.
func (r SourceRow) Rejected() bool {
	return slices.ContainsFunc(r.Issues, func(i mapping.Issue) bool { return i.Fatal })
}

// Rows reads rows of the source by service, {"person_new": [{…}]}, and maps
// them. The error is an *orgflow.InvalidError with CodeInvalidJob that lists
// all problems by their place in raw: a service the job does not have, what
// is no list of objects, rows without an id or with one that stands twice.
func (r *Resolved) Rows(raw []byte) ([]SourceRow, error) {
	var lists map[string][]json.RawMessage
	if problems := schemas.Decode(schemas.Rows, "", raw, &lists); len(problems) > 0 {
		return nil, invalidJob(problems)
	}
	services := map[string]ResolvedService{}
	for _, service := range r.Services {
		services[service.Service.Name] = service
	}
	var problems []orgflow.Problem
	at := func(pointer, message string) {
		if len(problems) < maxRowProblems {
			problems = append(problems, schemas.At("", raw, pointer, message))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if _, ok := services[name]; !ok {
			at("/"+schemas.Escape(name), unknown("service of this job", name, keys(services)))
		}
	}
	var rows []SourceRow
	first := map[orgflow.RecordKey]string{}
	for _, service := range r.Services {
		name := service.Service.Name
		for i, row := range lists[name] {
			pointer := fmt.Sprintf("/%s/%d", schemas.Escape(name), i)
			record, issues := service.Standard.Map(row)
			key := orgflow.RecordKey{Kind: service.Service.Kind, ID: record.SourceID}
			switch other, twice := first[key]; {
			case record.SourceID == "":
				at(pointer, "has no id: "+aboutIdentity(issues, service.Identity)+"; a record that does not exist yet gets any id that is free")
			case twice:
				at(pointer, "has the same id as "+other)
			default:
				first[key] = pointer
			}
			rows = append(rows, SourceRow{Service: name, Row: i, Record: record, Issues: issues})
		}
	}
	if len(problems) > 0 {
		return nil, invalidJob(problems)
	}
	return rows, nil
}

func aboutIdentity(issues []mapping.Issue, identity string) string {
	for _, i := range issues {
		if i.Key == identity && i.Fatal {
			return i.Message
		}
	}
	return fmt.Sprintf("%q has no value", identity)
}
