package wecom

import (
	"context"

	"orgflow"
	"orgflow/connectors"
)

// BatchDeleteMax is how many people one user/batchdelete takes (WeCom
// reference § 4.2).
const BatchDeleteMax = 200

// DeletePeople removes many people with few calls. One id that WeCom refuses
// makes a whole batch fail, so a refused batch is halved until the bad id
// stands alone; with one bad id in 200 that costs 16 calls instead of 201.
// Someone who is not there is a success.
//
// failed says what became of each id that was not deleted. An error is about
// the call and not about an id; what was not reached then is in neither, and
// repeating all of it is harmless, because a delete is.
func (c *Client) DeletePeople(ctx context.Context, userids []string) (failed map[string]*orgflow.Fault, r connectors.Receipt, err error) {
	failed = map[string]*orgflow.Fault{}
	for from := 0; from < len(userids); from += BatchDeleteMax {
		batch := userids[from:min(from+BatchDeleteMax, len(userids))]
		if err := c.deleteBatch(ctx, &r, batch, failed); err != nil {
			return failed, r, err
		}
	}
	return failed, r, nil
}

func (c *Client) deleteBatch(ctx context.Context, r *connectors.Receipt, userids []string, failed map[string]*orgflow.Fault) error {
	if len(userids) == 1 {
		err := c.deletePerson(ctx, r, connectors.Effect{ConsumerID: userids[0]})
		if f := orgflow.AsFault(err); f != nil && ctx.Err() == nil && ofRecord(f) {
			failed[userids[0]] = f
			return nil
		}
		return err
	}
	body := map[string]any{"useridlist": userids}
	f, err := c.call(ctx, r, request{path: pathUserBatchDelete, body: body, write: true}, nil)
	if f == nil || !ofRecord(f) {
		return err
	}
	half := len(userids) / 2
	if err := c.deleteBatch(ctx, r, userids[:half], failed); err != nil {
		return err
	}
	return c.deleteBatch(ctx, r, userids[half:], failed)
}

// ofRecord tells whether a fault is about a record, not about every call.
func ofRecord(f *orgflow.Fault) bool { return !f.StopsRun() && !f.Transient() }
