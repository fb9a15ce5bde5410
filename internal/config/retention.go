package config

import (
	"strconv"

	"orgflow"
)

// keepForever is the value that keeps rows for ever.
const keepForever = "forever"

// retention reads how many days rows are kept.
func (p *problems) retention(e environment) orgflow.Retention {
	keep := orgflow.DefaultRetention()
	for _, s := range []struct {
		variable, value string
		days            *int
		least           int
	}{
		{"ORGFLOW_KEEP_RUNS", e.KeepRuns, &keep.Runs, orgflow.ShortestRetention},
		{"ORGFLOW_KEEP_STAGED", e.KeepStaged, &keep.Staged, orgflow.ShortestStaged},
		{"ORGFLOW_KEEP_LOG", e.KeepLog, &keep.Log, orgflow.ShortestRetention},
		{"ORGFLOW_KEEP_AUDIT", e.KeepAudit, &keep.Audit, orgflow.ShortestRetention},
		{"ORGFLOW_KEEP_MESSAGES", e.KeepMessages, &keep.Messages, orgflow.ShortestRetention},
		{"ORGFLOW_KEEP_ORGANISATION", e.KeepOrganisation, &keep.Organisation, orgflow.ShortestRetention},
		{"ORGFLOW_KEEP_FLOWS", e.KeepFlows, &keep.Flows, orgflow.ShortestRetention},
	} {
		switch s.value {
		case "":
			continue
		case keepForever:
			*s.days = 0
			continue
		}
		n, err := strconv.Atoi(s.value)
		if err != nil || n < s.least || n > 36500 {
			p.add(s.variable, "%q is not a number of days from %d to 36500, or %q", s.value, s.least, keepForever)
			continue
		}
		*s.days = n
	}
	return keep
}
