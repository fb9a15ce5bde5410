package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orgflow"
)

// FlowAttributes are what an approval flow is searched by. Whoever starts one
// that is about to run says so at once: every later change of search
// attributes is another write of the visibility store.
func FlowAttributes(company int64, state orgflow.FlowState) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrCompany).ValueSet(fmt.Sprint(company)),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrKind).ValueSet("flow"),
		temporal.NewSearchAttributeKeyKeyword(orgflow.AttrStatus).ValueSet(string(state)),
	)
}

// startedAs is the state that the search attributes of an execution say at
// its start; empty where it was started without them, in the Web UI for
// instance.
func startedAs(ctx workflow.Context) orgflow.FlowState {
	state, _ := workflow.GetTypedSearchAttributes(ctx).GetKeyword(temporal.NewSearchAttributeKeyKeyword(orgflow.AttrStatus))
	return orgflow.FlowState(state)
}
