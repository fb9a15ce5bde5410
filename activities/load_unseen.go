package activities

import (
	"context"
	"fmt"
	"maps"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// askedAtOnce is how many keys one query asks for.
const askedAtOnce = 500

// SettleUnseen finds out what became of rows that an update should have seen.
//
// That a window was read whole and lacks a row does not prove that the row is
// gone: it may have been saved since, or its date may have been moved to a
// time that was not read. So the ERP is asked for the rows by their keys,
// without a window: a row it returns is stored, a row it does not return is
// marked. Rows whose local date lies before the time that was read are not
// judged; a deep update reaches as far back as a create. A failed query marks
// nothing.
//
// Repeating it goes on with the rows that are not settled.
func (l *Loads) SettleUnseen(ctx context.Context, p LoadParams) (LoadShare, error) {
	defer keepAlive(ctx)()
	if err := l.settleUnseen(ctx, p.LoadID); err != nil {
		return LoadShare{}, temporalError(err)
	}
	load, err := l.Store.GetLoad(ctx, p.LoadID)
	return LoadShare{Summary: load.Summary}, temporalError(err)
}

func (l *Loads) settleUnseen(ctx context.Context, id string) error {
	c, err := l.connect(ctx, id)
	if err != nil {
		return err
	}
	windows, err := l.Store.LoadWindows(ctx, id)
	if err != nil {
		return err
	}
	for no, table := range c.load.Tables {
		if table.Date == "" {
			continue
		}
		for {
			keys, err := l.Store.UnseenKeys(ctx, id, no, table, readFrom(windows, no), askedAtOnce)
			if err != nil {
				return err
			}
			if len(keys) == 0 {
				break
			}
			if err := l.askFor(ctx, c, no, keys); err != nil {
				return err
			}
		}
	}
	return nil
}

// readFrom is the beginning of the time that was read of a table.
func readFrom(windows []store.LoadWindow, table int) (from time.Time) {
	for _, w := range windows {
		if w.Table == table && !w.CatchUp && (from.IsZero() || w.From.Before(from)) {
			from = w.From
		}
	}
	return from
}

// askFor asks the ERP for rows by their keys and stores the answer. A row
// that was not asked for shows that the ERP did not understand the question.
func (l *Loads) askFor(ctx context.Context, c connection, no int, keys []string) error {
	table := c.plan.Tables[no]
	in := c.plan.Config.Filter()
	if in == nil {
		in = map[string][]string{}
	}
	in = maps.Clone(in)
	in[table.KeyFields()[0]] = keys
	q := connectors.ERPQuery{FormID: table.Form, Fields: table.Fields(), OrderBy: table.KeyFields(), In: in, Limit: len(keys) + 1}
	page, err := l.rows(ctx, c.load.ID, c.client, q)
	if err != nil {
		return err
	}
	rows, err := decodeRows(table, keyIndex(table), page.Rows)
	if err != nil {
		return err
	}
	asked := map[string]bool{}
	for _, key := range keys {
		asked[key] = true
	}
	for _, key := range rows.keys {
		if !asked[key] {
			return &orgflow.Fault{
				Code: orgflow.CodeUnavailable, Message: fmt.Sprintf("asked for rows of form %s by their keys, the ERP answers with others", table.Form),
				Advice: "no row was marked as gone; look at the ERP's version if this goes on",
			}
		}
		asked[key] = false // and not twice
	}
	return l.Store.SettleUnseen(ctx, store.Answer{
		LoadID: c.load.ID, No: no, Table: c.load.Tables[no], Asked: keys, Rows: rows.rows, Keys: rows.keys, Calls: page.Calls,
	})
}
