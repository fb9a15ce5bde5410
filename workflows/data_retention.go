package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"orgflow"
)

// RetentionInput is the input of DataRetention: nothing, so far.
type RetentionInput struct{}

// DataRetention removes the rows of all companies whose time is over, and
// answers with their numbers by table. It is started once a day; one that was
// missed or has failed is made good by the next.
func DataRetention(ctx workflow.Context, _ RetentionInput) (orgflow.Pruned, error) {
	err := workflow.UpsertTypedSearchAttributes(ctx, temporal.NewSearchAttributeKeyKeyword(orgflow.AttrKind).ValueSet("data_retention"))
	if err != nil {
		return nil, err
	}
	workflow.SetCurrentDetails(ctx, "**removing rows whose time is over**")
	var gone orgflow.Pruned
	if err := workflow.ExecuteActivity(planning(ctx, "remove old rows"), orgflow.ActivityPruneData).Get(ctx, &gone); err != nil {
		return nil, err
	}
	workflow.SetCurrentDetails(ctx, removed(gone))
	return gone, nil
}

// removed says for people how much went.
func removed(gone orgflow.Pruned) string {
	var lines strings.Builder
	total := 0
	for _, table := range workflow.DeterministicKeys(gone) {
		lines.WriteString(fmt.Sprintf("- %s: %d\n", table, gone[table]))
		total += gone[table]
	}
	return fmt.Sprintf("**%d rows removed**\n\n%s", total, &lines)
}
