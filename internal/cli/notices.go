package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"orgflow/internal/config"
)

// Notices tells what operators have been told.
type Notices interface {
	// Notices returns what goes on that operators were told of, and the newest
	// notices that reached nobody; company 0 is every company.
	Notices(ctx context.Context, company int64) (NoticeBoard, error)
}

// NoticeBoard is what operators were told, and were not.
type NoticeBoard struct {
	Open []OpenNotice `json:"open"`
	Lost []LostNotice `json:"lost"`
}

// OpenNotice is a failure that operators were told of and that is not over.
type OpenNotice struct {
	CompanyID int64     `json:"company_id"`
	Job       string    `json:"job"`
	Event     string    `json:"event"`
	Cause     string    `json:"cause"`
	Since     time.Time `json:"since"`
	// Untold is how often it has happened since the last notice.
	Untold int    `json:"untold"`
	Ref    string `json:"ref"` // of the run or flow it happened to last
}

// LostNotice is a notice that one operator did not get. Its text is not shown.
type LostNotice struct {
	CompanyID int64     `json:"company_id"`
	At        time.Time `json:"at"`
	Channel   string    `json:"channel"`
	UserCode  string    `json:"user_code"`
	Job       string    `json:"job"`
	State     string    `json:"state"` // dead: given up; dropped: silently, by the provider
	Note      string    `json:"note"`
}

func (p *program) noticesCommand() *cobra.Command {
	var company int64
	asJSON := false
	cmd := &cobra.Command{
		Use: "notices", Short: "Show what operators were told of runs, and what did not reach them", Args: cobra.NoArgs,
		Long:    "Show what goes on that operators were told of, and the newest notices that reached\nnobody. Who is told, of what and how, stands in notify of company.json.",
		Example: "  starter notices --company 129",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				board, err := b.Notices.Notices(cmd.Context(), company)
				switch {
				case err != nil:
					return fmt.Errorf("notices: %w", err)
				case asJSON:
					return p.printJSON(board)
				}
				return p.printNotices(board)
			})
		},
	}
	cmd.Flags().Int64Var(&company, "company", 0, "only this company")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) printNotices(b NoticeBoard) error {
	if len(b.Open) == 0 {
		p.say("Nothing goes on that operators were told of.")
	} else {
		t := table{header: []string{"", "SINCE", "COMPANY", "JOB", "EVENT", "CAUSE", "UNTOLD", "LAST"}, right: []int{2, 6}}
		for _, n := range b.Open {
			t.add(string(bad), minute(&n.Since), strconv.FormatInt(n.CompanyID, 10), n.Job, n.Event, n.Cause, strconv.Itoa(n.Untold), n.Ref)
		}
		if err := t.write(p.Out); err != nil {
			return err
		}
	}
	if len(b.Lost) == 0 {
		return nil
	}
	if err := p.print("\nNot delivered:"); err != nil {
		return err
	}
	t := table{header: []string{"", "CAUSED", "COMPANY", "TO", "CHANNEL", "STATE", "NOTE"}, right: []int{2}}
	for _, n := range b.Lost {
		t.add(string(bad), minute(&n.At), strconv.FormatInt(n.CompanyID, 10), n.UserCode, n.Channel, n.State, n.Note)
	}
	return t.write(p.Out)
}
