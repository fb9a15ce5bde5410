package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"orgflow"
)

// errDry takes an erasure back that was only to be looked at.
var errDry = errors.New("dry run")

// ErasePerson removes what is stored about somebody. Rows that are about
// nothing else go; of rows that record what was done (changes, the log,
// decisions) the fact stays, with ids that tell nothing in place of the
// person's and without names and numbers. Texts of others lose the person's
// names and numbers. It is one transaction: killed anywhere it has changed
// nothing, and repeated it finds nothing. The audit log has an entry with
// reason and counts, without the person.
//
// It is refused, as a fault with CodeConflict, while a run of the company goes
// on or the person takes part in a flow that is open; without Force also
// while they are at the source or at a consumer, because the next sync or
// pull would bring them back.
func (s *Store) ErasePerson(ctx context.Context, r orgflow.EraseRequest) (orgflow.Erasure, error) {
	if err := required("/reason", r.Reason, "/by", r.By); err != nil {
		return orgflow.Erasure{}, err
	}
	token := make([]byte, 5)
	if _, err := rand.Read(token); err != nil {
		return orgflow.Erasure{}, fmt.Errorf("make a pseudonym: %w", err)
	}
	var out orgflow.Erasure
	err := s.inTx(ctx, "erase a person", func(t *tx) error {
		p, err := t.find(ctx, r.CompanyID, r.Ref)
		if err != nil {
			return err
		}
		if err := t.mayErase(ctx, p, r.Force); err != nil {
			return err
		}
		out, err = t.erase(ctx, p, erasedPrefix+hex.EncodeToString(token), r)
		if err == nil && r.DryRun {
			return errDry
		}
		return err
	})
	if err != nil && !errors.Is(err, errDry) {
		return orgflow.Erasure{}, err
	}
	out.DryRun = r.DryRun
	return out, nil
}

// mayErase tells why not.
func (t *tx) mayErase(ctx context.Context, p *somebody, force bool) error {
	for _, c := range []struct {
		query, message, advice string
		forced                 bool
	}{
		{query: `SELECT id FROM sync_run WHERE ` + ofCompany + ` AND (status IN ('running', 'paused') OR status = 'awaiting_approval'
				AND EXISTS (SELECT 1 FROM sync_change c WHERE c.run_id = sync_run.id AND c.` + asPerson + `))
			UNION ALL SELECT id FROM org_pull WHERE ` + ofCompany + ` AND ` + live,
			message: "a run goes on that may hold the person's data", advice: "wait until it has ended, or cancel it"},
		{query: `SELECT no AS id FROM flow_instance WHERE ` + ofCompany + ` AND closed_at IS NULL AND {flows:no}`,
			message: "the person takes part in a flow that is open", advice: "bring it to an end, or discard it; a transfer keeps the former approver in it"},
		{forced: true, query: `SELECT consumer AS id FROM binding WHERE ` + ofCompany + ` AND ` + asPerson,
			message: "the person is still at a consumer", advice: "delete them there by a sync; with --force the next sync may bring them back"},
		{forced: true, query: `SELECT origin AS id FROM org_member WHERE ` + ofCompany + ` AND until_version IS NULL AND {account:origin,remote_id}`,
			message: "the person is still in the local organisation", advice: "pull it once they have left; with --force the next pull brings them back"},
		{forced: true, query: `SELECT run_id AS id FROM snapshot WHERE ` + ofCompany + ` AND id IN (SELECT max(n.id) FROM snapshot n
				WHERE n.kind = 'person' AND n.complete AND NOT n.dropped GROUP BY n.company_id, n.consumer, n.scope, n.service)
			AND id IN (SELECT snapshot_id FROM base_sync_data WHERE {source:source_id} AND ` + ofSnapshot + `)`,
			message: "the person was still at the source when it was read last", advice: "remove them there and run a sync; with --force the next sync brings them back"},
	} {
		if force && c.forced {
			continue
		}
		query, args := t.expand(p, c.query)
		var ids []string
		if err := t.list(ctx, &ids, query, args...); err != nil {
			return err
		}
		if len(ids) > 0 {
			slices.Sort(ids)
			return &orgflow.Fault{Code: orgflow.CodeConflict, Advice: c.advice,
				Message: fmt.Sprintf("nothing was erased: %s (%s)", c.message, strings.Join(slices.Compact(ids), ", "))}
		}
	}
	return nil
}

func (t *tx) erase(ctx context.Context, p *somebody, pseudonym string, r orgflow.EraseRequest) (orgflow.Erasure, error) {
	out := orgflow.Erasure{Removed: map[string]int{}, Cleared: map[string]int{}, Mentions: map[string]int{}}
	w, err := t.words(ctx, p)
	if err != nil {
		return out, err
	}
	p.rename(pseudonym)
	for _, tr := range traces {
		if tr.about == "" {
			continue
		}
		action, counts := `DELETE FROM `+tr.table, out.Removed
		if tr.clear != "" {
			action, counts = `UPDATE `+tr.table+` SET `+tr.clear, out.Cleared
		}
		query, args := t.expand(p, action+` WHERE `+tr.about)
		n, err := t.exec(ctx, query, args...)
		if err != nil {
			return out, fmt.Errorf("erase from %s: %w", tr.table, err)
		}
		if n > 0 {
			counts[tr.table] += n
		}
	}
	if out.Left, err = t.keepOthers(ctx, p, w); err != nil {
		return out, err
	}
	e := p.eraser(w)
	if err := t.eraseMentions(ctx, p, e, out.Mentions); err != nil {
		return out, err
	}
	if out.Rows() == 0 {
		return orgflow.Erasure{}, nil
	}
	out.Pseudonym = pseudonym
	_, err = t.exec(ctx, `INSERT INTO audit_log (company_id, who, action, subject, origin, detail, at) VALUES (?, ?, 'erase_person', ?, ?, ?, ?)`,
		p.CompanyID, clean(e.erase(r.By, true)), pseudonym, clean(e.erase(r.Origin, true)), clean(fmt.Sprintf("%s; %d rows", e.erase(r.Reason, true), out.Rows())), t.s.now())
	return out, err
}

// keepOthers leaves out numbers that somebody else has by now, a mobile number
// above all, and says what of the person stays.
func (t *tx) keepOthers(ctx context.Context, p *somebody, w *words) (left []string, err error) {
	count := func(query string, args ...any) (n int, err error) {
		return n, t.get(ctx, &n, query, args...)
	}
	inPayload, inBody := t.s.dialect.contains("payload"), t.s.dialect.contains("body")
	for word := range w.unique {
		n, err := count(`SELECT count(*) FROM binding WHERE company_id = ? AND kind = 'person' AND `+inPayload, p.CompanyID, word)
		if err != nil {
			return nil, err
		}
		m, err := count(`SELECT count(*) FROM org_member WHERE company_id = ? AND until_version IS NULL AND mobile = ?`, p.CompanyID, word)
		if err != nil {
			return nil, err
		}
		if n+m > 0 && !slices.Contains(p.ids(), word) {
			delete(w.unique, word)
			left = append(left, "a number or address that somebody else has by now, where it stands in rows of others")
		}
	}
	for _, id := range p.Codes {
		n, err := count(`SELECT count(*) FROM flow_definition WHERE company_id = ? AND `+inBody, p.CompanyID, `"`+id+`"`)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			left = append(left, fmt.Sprintf("the user code in %d versions of flow definitions, which never change", n))
		}
	}
	slices.Sort(left)
	return slices.Compact(left), nil
}
