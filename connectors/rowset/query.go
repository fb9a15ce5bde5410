package rowset

import (
	"fmt"
	"regexp"

	"orgflow"
	"orgflow/connectors"
)

// gatewayAPI is the gateway call that every source can answer.
const gatewayAPI = "hcm.model.list"

var modelName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,62}$`)

// ModelName tells whether a model's name is letters, digits and _, and so
// can neither leave a directory nor a statement.
func ModelName(name string) bool { return modelName.MatchString(name) }

// Check refuses what only a gateway could answer. Sorts and extra_property
// have no meaning here: rows come in an order of the source's own, whole.
func Check(q connectors.Query) error {
	if q.API != "" && q.API != gatewayAPI {
		return fault("/api", "%q is a call of the HCM gateway; a source of type sql or file reads whole models: leave api out", q.API)
	}
	if !ModelName(q.Model) {
		return fault("/model", "%q is no name of a model: letters, digits and _, beginning with a letter", q.Model)
	}
	return nil
}

// PageSize is the number of rows a page shall have.
func PageSize(q connectors.Query, configured int) int {
	const usual = 500
	switch {
	case q.PageSize > 0:
		return q.PageSize
	case configured > 0:
		return configured
	}
	return usual
}

func fault(field, format string, args ...any) *orgflow.Fault {
	return &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Partial is the fault of a read that cannot go on where it stopped. What
// was read so far may be used; what was not read is unknown, never absent.
func Partial(format string, args ...any) *orgflow.Fault {
	f := orgflow.Faultf(orgflow.CodePartialRead, format, args...)
	f.Advice = "start the run again"
	return f
}
