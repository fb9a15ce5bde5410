package app

import (
	"context"

	"orgflow"
	"orgflow/internal/cli"
)

// lostAtMost bounds the notices that are shown.
const lostAtMost = 20

// notices implements cli.Notices.
type notices struct{ *App }

// Notices implements cli.Notices.
func (n notices) Notices(ctx context.Context, company int64) (cli.NoticeBoard, error) {
	board := cli.NoticeBoard{Open: []cli.OpenNotice{}, Lost: []cli.LostNotice{}}
	companies := []int64{company}
	if company == 0 {
		companies = n.Meta.Companies()
	}
	for _, id := range companies {
		topics, err := n.Store.NoticeTopics(ctx, id)
		if err != nil {
			return board, err
		}
		for _, t := range topics {
			if t.Missed == 0 && !(t.Told && t.Event.Lasts()) {
				continue
			}
			if t.Event == orgflow.NoticeMissed {
				t.Ref = ofJob(id, t.Job)
			}
			board.Open = append(board.Open, cli.OpenNotice{
				CompanyID: id, Job: t.Job, Event: string(t.Event), Cause: t.Cause, Since: t.Since.UTC(), Untold: t.Missed, Ref: t.Ref,
			})
		}
	}
	lost, err := n.Store.LostNotices(ctx, company, lostAtMost)
	if err != nil {
		return board, err
	}
	for _, m := range lost {
		board.Lost = append(board.Lost, cli.LostNotice{
			CompanyID: m.CompanyID, At: m.CreatedAt, Channel: m.Channel, UserCode: m.ToUser, Job: m.Subject, State: string(m.State), Note: m.Note,
		})
	}
	return board, nil
}
