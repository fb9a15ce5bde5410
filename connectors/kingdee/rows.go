package kingdee

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
)

// query is the argument of ExecuteBillQuery (Kingdee reference § 4.1).
// TopRowCount is an absolute end row and not a page size, and stays 0.
type query struct {
	FormID      string `json:"FormId"`
	FieldKeys   string `json:"FieldKeys"`
	Filter      string `json:"FilterString"`
	Order       string `json:"OrderString"`
	TopRowCount int    `json:"TopRowCount"`
	StartRow    int    `json:"StartRow"`
	Limit       int    `json:"Limit"`
}

// Rows implements connectors.ERP. A page of more rows than the server gives
// at a time is read in several calls: fewer rows than asked for may be the
// server's own limit, which is configured there and not told.
//
// A row that enters or leaves between two calls moves those behind it. Each
// call but the first therefore repeats the last row of the one before; where
// it does not, the page is CodeUnavailable and has to be read again.
func (c *Client) Rows(ctx context.Context, q connectors.ERPQuery) (connectors.ERPPage, error) {
	var page connectors.ERPPage
	ask, err := c.query(q)
	if err != nil {
		return page, err
	}
	for len(page.Rows) < q.Limit {
		repeated := min(1, len(page.Rows))
		ask.StartRow = q.Start + len(page.Rows) - repeated
		ask.Limit = min(q.Limit-len(page.Rows)+repeated, c.cfg.MaxPageSize)
		rows, calls, err := c.rows(ctx, ask, len(q.Fields))
		page.Calls += calls
		if err == nil && repeated > 0 {
			err = joins(q, page.Rows[len(page.Rows)-1], rows)
		}
		if err != nil {
			return connectors.ERPPage{Calls: page.Calls}, err
		}
		added := rows[min(repeated, len(rows)):]
		page.Rows = append(page.Rows, added...)
		if len(added) > 0 {
			page.Parts++
		}
		if len(added) == 0 || len(rows) < ask.Limit && ask.Limit <= DefaultPageSize {
			break
		}
	}
	return page, nil
}

// joins returns nil if rows begin with the last row of the call before.
func joins(q connectors.ERPQuery, last []json.RawMessage, rows [][]json.RawMessage) error {
	same := len(rows) > 0
	for _, key := range q.OrderBy {
		at := slices.Index(q.Fields, key)
		if at < 0 {
			return refuse("key", "the query of %s takes several calls and does not ask for %s, by which it is ordered", q.FormID, key)
		}
		same = same && bytes.Equal(last[at], rows[0][at])
	}
	if same {
		return nil
	}
	return &orgflow.Fault{
		Code: orgflow.CodeUnavailable, Message: "rows of " + q.FormID + " moved while a page of several calls was read, because the ERP's data was changed meanwhile",
		Advice: "it is read again; lower page_size of the form to what the ERP gives in one call if this is frequent",
	}
}

func (c *Client) rows(ctx context.Context, ask query, width int) ([][]json.RawMessage, int, error) {
	arg, err := text(ask)
	if err != nil {
		return nil, 0, err
	}
	body, calls, err := c.call(ctx, request{service: serviceQuery, args: []any{arg}})
	if err != nil || body == nil { // nil is "no data"
		return nil, calls, err
	}
	rows, err := splitRows(body, width)
	if err == nil && len(rows) > ask.Limit {
		err = fmt.Errorf("%d rows, where %d were asked for", len(rows), ask.Limit)
	}
	if err != nil {
		f := vendorcode.MalformedRead("the answer to the query of " + ask.FormID + " is not as documented: " + err.Error())
		f.Advice = meanings[vendorcode.Malformed].Advice
		return nil, calls, f
	}
	return rows, calls, nil
}

// Names in queries. A field key has parts behind dots: FCustId.FNumber.
var (
	formID   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,79}$`)
	fieldKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,99}(\.[A-Za-z_][A-Za-z0-9_]{0,99}){0,4}$`)
)

// query checks and renders what is asked for.
func (c *Client) query(q connectors.ERPQuery) (query, error) {
	if !formID.MatchString(q.FormID) {
		return query{}, refuse("form_id", "%q is no form: letters, digits and _ are allowed, a letter first", q.FormID)
	}
	for what, keys := range map[string][]string{"fields": q.Fields, "key": q.OrderBy} {
		if len(keys) == 0 {
			return query{}, refuse(what, "the query of %s names no %s", q.FormID, what)
		}
		for _, key := range keys {
			if !fieldKey.MatchString(key) {
				return query{}, noKey(what, key)
			}
		}
	}
	if q.Limit < 1 || q.Start < 0 {
		return query{}, refuse("page_size", "a page has 1 row or more and begins at row 0 or later")
	}
	filter, err := filterOf(q)
	return query{FormID: q.FormID, FieldKeys: strings.Join(q.Fields, ","), Filter: filter, Order: strings.Join(q.OrderBy, " ASC,") + " ASC"}, err
}

// filterOf renders the window, half-open, and what narrows (§ 4.3).
func filterOf(q connectors.ERPQuery) (string, error) {
	var parts []string
	if q.DateField != "" {
		if !fieldKey.MatchString(q.DateField) {
			return "", noKey("date_field", q.DateField)
		}
		if !q.From.Before(q.Until) {
			return "", refuse("date_field", "the window of %s is empty: it must end after it begins", q.FormID)
		}
		parts = append(parts, q.DateField+" >= "+literal(wall(q.From)), q.DateField+" < "+literal(wall(q.Until)))
	}
	for _, key := range slices.Sorted(maps.Keys(q.In)) {
		if !fieldKey.MatchString(key) {
			return "", noKey("filter", key)
		}
		var values []string
		for _, v := range q.In[key] {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) {
				return "", refuse("filter", "a value of %s has a control character", key)
			}
			values = append(values, literal(v))
		}
		switch len(values) {
		case 0:
		case 1:
			parts = append(parts, key+" = "+values[0])
		default:
			parts = append(parts, key+" in ("+strings.Join(values, ",")+")")
		}
	}
	return strings.Join(parts, " and "), nil
}

// literal quotes a value as SQL does.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// wall is a time of the ERP's own clock, without a zone (§ 4.3).
func wall(t time.Time) string { return t.Format("2006-01-02 15:04:05") }

func noKey(what, key string) error {
	return refuse(what, "%q is no field key: letters, digits and _, with parts behind dots, are allowed", key)
}

func refuse(field, format string, args ...any) error {
	f := orgflow.Faultf(orgflow.CodeInvalidConfig, format, args...)
	f.Field = field
	return f
}
