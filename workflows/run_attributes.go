package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"

	"orgflow"
)

// RunAttributes are what a sync run, a pull or a load is searched by. Whoever
// starts one sets them; the workflow keeps them true, also where it was
// started by hand in the Web UI, which sets none.
func RunAttributes(kind string, t orgflow.Target, status orgflow.Status) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrCompany).ValueSet(fmt.Sprint(t.CompanyID)),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrKind).ValueSet(kind),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrStatus).ValueSet(string(status)),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrTarget).ValueSet(t.String()),
	)
}
