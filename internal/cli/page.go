package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"orgflow/internal/api"
)

// pageFlags are those of a list that comes in pages.
func pageFlags(cmd *cobra.Command, limit *int, cursor *string) {
	cmd.Flags().IntVar(limit, "limit", 20, "how many")
	cmd.Flags().StringVar(cursor, "cursor", "", "go on where a list ended")
}

func checkLimit(limit int) error {
	if limit < 1 || limit > api.MaxLimit {
		return fmt.Errorf("--limit must be 1 to %d", api.MaxLimit)
	}
	return nil
}

// writePage writes a page of a list and says how to get the next one.
func (p *program) writePage(t table, next string) error {
	if err := t.write(p.Out); err != nil {
		return err
	}
	if next != "" {
		p.say("More:  --cursor %s", next)
	}
	return nil
}
