package store

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"orgflow"
)

// somebody is a person with what their rows and those of their flows tell.
type somebody struct {
	orgflow.DataSubject
	flows []string          // numbers of the flows they take part in
	alias map[string]string // id → what stands in its place after the erasure
}

// Prefixes of a reference that say what the id is of.
const (
	sourcePrefix = "source:"
	userPrefix   = "user:"
)

// find gathers the ids that belong together: those at the source and at the
// consumers are connected by bindings and, for somebody who has left, by the
// provisioning log; user codes by the local organisation. A reference that
// several people have, or had, is refused. One that nobody has still is a
// user code: flows may know somebody by it.
func (t *tx) find(ctx context.Context, company int64, ref string) (*somebody, error) {
	p := &somebody{DataSubject: orgflow.DataSubject{CompanyID: company}}
	source, isSource := strings.CutPrefix(ref, sourcePrefix)
	user, isUser := strings.CutPrefix(ref, userPrefix)
	if err := required("/person", strings.TrimPrefix(source, userPrefix)); err != nil {
		return nil, err
	}
	if isSource {
		p.Sources = []string{source}
	} else if err := t.byUser(ctx, p, user, !isUser); err != nil {
		return nil, err
	}
	slices.Sort(p.Sources)
	if p.Sources = slices.Compact(p.Sources); len(p.Sources) > 1 {
		return nil, &orgflow.Fault{
			Code: orgflow.CodeConflict, Field: "/person",
			Message: fmt.Sprintf("%q is, or was, several people: ids %s at the source", ref, strings.Join(p.Sources, ", ")),
			Advice:  "name one of them: " + sourcePrefix + "ID",
		}
	}
	// An account that somebody else is bound to by now is theirs.
	err := t.addAccounts(ctx, p, `SELECT consumer, consumer_id AS id FROM binding WHERE `+ofCompany+` AND `+asPerson+`
		UNION SELECT consumer, consumer_id FROM provisioning_log l WHERE `+ofCompany+` AND `+asPerson+` AND NOT EXISTS (SELECT 1 FROM binding b
			WHERE b.company_id = l.company_id AND b.consumer = l.consumer AND b.kind = l.kind AND b.consumer_id = l.consumer_id AND b.source_id <> l.source_id)`)
	if err != nil {
		return nil, err
	}
	return p, t.codes(ctx, p)
}

// byUser takes an id for one at a consumer, for a job number and, where either
// is allowed, for one at the source.
func (t *tx) byUser(ctx context.Context, p *somebody, id string, either bool) error {
	p.Codes = append(p.Codes, id)
	if either {
		p.Sources = append(p.Sources, id)
		query, args := t.expand(p, `SELECT 1 FROM binding WHERE `+ofCompany+` AND `+asPerson+`
			UNION SELECT 1 FROM provisioning_log WHERE `+ofCompany+` AND `+asPerson+`
			UNION SELECT 1 FROM base_sync_data WHERE {source:source_id} AND `+ofSnapshot+`
			UNION SELECT 1 FROM sync_change WHERE `+asPerson+` AND `+ofRun)
		var known []int
		if err := t.list(ctx, &known, query, args...); err != nil {
			return err
		}
		if len(known) == 0 {
			p.Sources = nil
		}
	}
	p.Accounts = nil
	err := t.addAccounts(ctx, p, `SELECT origin AS consumer, remote_id AS id FROM org_member WHERE `+ofCompany+` AND ({code:remote_id} OR {code:job_number})
		UNION SELECT consumer, consumer_id FROM binding WHERE `+ofCompany+` AND kind = 'person' AND {code:consumer_id}
		UNION SELECT consumer, consumer_id FROM provisioning_log WHERE `+ofCompany+` AND kind = 'person' AND {code:consumer_id}`)
	if err != nil {
		return err
	}
	for _, table := range []string{"binding", "provisioning_log"} {
		query, args := t.expand(p, `SELECT DISTINCT source_id FROM `+table+` WHERE `+ofCompany+` AND `+asAccount)
		var ids []string
		if err := t.list(ctx, &ids, query, args...); err != nil {
			return err
		}
		if p.Sources = append(p.Sources, ids...); len(ids) > 0 {
			return nil // whose it is now counts more than whose it was
		}
	}
	return nil
}

func (t *tx) addAccounts(ctx context.Context, p *somebody, query string) error {
	query, args := t.expand(p, query)
	var found []struct{ Consumer, ID string }
	if err := t.list(ctx, &found, query, args...); err != nil {
		return err
	}
	for _, f := range found {
		if a := orgflow.Account(f); a.ID != "" && !slices.Contains(p.Accounts, a) {
			p.Accounts = append(p.Accounts, a)
		}
	}
	return nil
}

// codes adds the user codes of the accounts and the flows they occur in.
func (t *tx) codes(ctx context.Context, p *somebody) error {
	query, args := t.expand(p, `SELECT DISTINCT job_number FROM org_member WHERE `+ofCompany+` AND job_number <> '' AND {account:origin,remote_id}`)
	var numbers []string
	if err := t.list(ctx, &numbers, query, args...); err != nil {
		return err
	}
	for _, a := range p.Accounts {
		numbers = append(numbers, a.ID)
	}
	for _, n := range numbers {
		if !slices.Contains(p.Codes, n) {
			p.Codes = append(p.Codes, n)
		}
	}
	slices.Sort(p.Sources)
	slices.Sort(p.Codes)
	query, args = t.expand(p, `SELECT no FROM flow_instance WHERE `+ofCompany+` AND {code:initiator}
		UNION SELECT flow_no FROM flow_task WHERE `+ofCompany+` AND {code:user_code}
		UNION SELECT flow_no FROM flow_event WHERE `+ofCompany+` AND {code:actor}
		UNION SELECT flow_no FROM flow_audit WHERE company_id IN (0, {company}) AND {code:user_code}`)
	return t.list(ctx, &p.flows, query, args...)
}

var braces = regexp.MustCompile(`\{(\w+)(?::([\w.]+)(?:,([\w.]+))?)?\}`)

// expand replaces the words in braces (see trace) and returns the arguments
// in their order.
func (t *tx) expand(p *somebody, query string) (string, []any) {
	var args []any
	in := func(col string, values []string) string {
		if len(values) == 0 {
			return "1 = 0"
		}
		cond, arg := t.s.dialect.inList(col, "text", anys(values))
		args = append(args, arg)
		return cond
	}
	return braces.ReplaceAllStringFunc(query, func(word string) string {
		m := braces.FindStringSubmatch(word)
		switch m[1] {
		case "company":
			args = append(args, p.CompanyID)
			return "?"
		case "source":
			return in(m[2], p.Sources)
		case "code":
			return in(m[2], p.Codes)
		case "flows":
			return in(m[2], p.flows)
		case "account":
			either := []string{"1 = 0"}
			for _, a := range p.Accounts {
				args = append(args, a.Consumer, a.ID)
				either = append(either, m[2]+" = ? AND "+m[3]+" = ?")
			}
			return "(" + strings.Join(either, " OR ") + ")"
		case "alias":
			return p.aliasOf(m[2], &args)
		}
		panic("store: unknown word " + word) // a defect of this package
	}), args
}

// aliasOf is an expression: what stands in place of a column's id.
func (p *somebody) aliasOf(col string, args *[]any) string {
	var b strings.Builder
	b.WriteString("CASE " + col)
	for _, id := range p.ids() {
		b.WriteString(" WHEN ? THEN ?")
		*args = append(*args, id, p.alias[id])
	}
	b.WriteString(" ELSE " + col + " END")
	return b.String()
}

// ids are all ids of the person, in order.
func (p *somebody) ids() []string {
	ids := slices.Concat(p.Sources, p.Codes)
	for _, a := range p.Accounts {
		ids = append(ids, a.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// rename gives every id an alias that tells nothing.
func (p *somebody) rename(pseudonym string) {
	p.alias = map[string]string{}
	for i, id := range p.ids() {
		p.alias[id] = fmt.Sprintf("%s-%d", pseudonym, i+1)
	}
}
