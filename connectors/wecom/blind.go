package wecom

import (
	"context"
	"errors"
	"time"

	"orgflow"
	"orgflow/connectors"
)

// blindFor is how long a client that was told it may not read details asks
// for none: the next answer would be the same and cost a call per record.
// An administrator who opens the reads waits that long at most.
const blindFor = 10 * time.Minute

// errBlind is the fault of a read that is known to be closed.
func errBlind() *orgflow.Fault {
	return &orgflow.Fault{
		Code: orgflow.CodeForbidden, VendorCode: "48009",
		Message: "not sent: WeCom has answered that this address may not read details", Advice: adviceBlind,
	}
}

// read makes a call that shows details, unless they are known to be closed.
func (c *Client) read(ctx context.Context, r *connectors.Receipt, q request, out any) (*orgflow.Fault, error) {
	if until := c.blindUntil.Load(); until != 0 && c.link.Now().UnixNano() < until {
		return asBoth(errBlind())
	}
	f, err := c.call(ctx, r, q, out)
	if f != nil && (f.VendorCode == "48008" || f.VendorCode == "48009") {
		c.blindUntil.Store(c.link.Now().Add(blindFor).UnixNano())
	}
	return f, err
}

// isBlind tells whether a read failed because details may not be read, so
// that the record is neither there nor gone.
func isBlind(err error) bool {
	f, ok := errors.AsType[*orgflow.Fault](err)
	return ok && closed(f.VendorCode)
}
