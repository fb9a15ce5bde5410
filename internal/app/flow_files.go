package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/cli"
	"orgflow/internal/config"
	"orgflow/internal/store"
	"orgflow/meta"
)

// lintFlows lists what is wrong with the files of a company's flows. Which
// flows are published is not known here: a subflow must be among the files.
func lintFlows(files *meta.Store, c meta.Company) []orgflow.Problem {
	known, problems := fileKnown(c)
	if f, ok, err := c.FlowFile(meta.WorkCalendarFile); ok && err == nil {
		_, found := approval.ReadWorkTime(f.Path, f.Raw)
		problems = append(problems, found...)
	} else {
		problems = append(problems, problemsIn(err)...)
	}
	if known.Templates == nil {
		return problems // every definition would complain of the missing templates
	}
	_, found := readDrafts(files, c.ID, known)
	return append(problems, found...)
}

// readDrafts reads and checks all drafts of a company, in an order in which
// subflows come before the flows that start them. A draft with problems is
// left out.
func readDrafts(files *meta.Store, company int64, known approval.Known) ([]draft, []orgflow.Problem) {
	list, problems := files.FlowDrafts(company)
	published := known
	drafts := map[string]json.RawMessage{}
	for _, f := range list {
		drafts[draftCode(f)] = f.Raw
	}
	known.Flow = func(code string) bool { return drafts[code] != nil || published.Flow != nil && published.Flow(code) }
	known.Subflows = func(code string) []string {
		if drafts[code] != nil || published.Subflows == nil {
			return subflows(drafts[code])
		}
		return published.Subflows(code)
	}
	byCode, order := map[string]draft{}, []string{}
	for _, f := range list {
		d, err := readDraft(f, draftCode(f), known)
		if err != nil {
			problems = append(problems, problemsIn(err)...)
			continue
		}
		byCode[d.def.FlowCode] = d
		order = append(order, d.def.FlowCode)
	}
	return childrenFirst(byCode, order), problems
}

// draftCode is the code that a draft's file name says.
func draftCode(f meta.FlowFile) string {
	return strings.TrimSuffix(f.Path[strings.LastIndexByte(f.Path, '/')+1:], ".json")
}

func childrenFirst(byCode map[string]draft, order []string) []draft {
	var sorted []draft
	seen := map[string]bool{}
	var visit func(code string)
	visit = func(code string) {
		d, ok := byCode[code]
		if !ok || seen[code] {
			return
		}
		seen[code] = true
		for _, child := range d.def.Subflows() {
			visit(child)
		}
		sorted = append(sorted, d)
	}
	for _, code := range order {
		visit(code)
	}
	return sorted
}

// PublishDrafts publishes the drafts that differ from the newest version, all
// of them or, where one has a problem, none.
func (f *Flows) PublishDrafts(ctx context.Context, company int64, by string, dryRun bool) ([]api.Published, error) {
	company, err := f.configured(company)
	if err != nil {
		return nil, err
	}
	known, err := f.known(ctx, company)
	if err != nil {
		return nil, err
	}
	drafts, problems := readDrafts(f.app.Meta, company, known)
	if len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: api.CodeDefinitionInvalid, Problems: problems}
	}
	out := make([]api.Published, 0, len(drafts))
	for _, d := range drafts {
		p, err := f.publish(ctx, company, d, by, dryRun)
		if err != nil {
			return out, err
		}
		out = append(out, p)
	}
	return out, nil
}

// PublishFirst publishes the draft of a code that has no version yet. One that
// has is left alone, whatever it says. Repeating it changes nothing.
func (f *Flows) PublishFirst(ctx context.Context, company int64, code, by string) (api.Published, error) {
	_, err := f.app.Store.GetDefinition(ctx, company, code, 0)
	if !isNotFound(err) {
		return api.Published{}, err
	}
	known, err := f.known(ctx, company)
	if err != nil {
		return api.Published{}, err
	}
	drafts, problems := f.app.Meta.FlowDrafts(company)
	for _, file := range drafts {
		if draftCode(file) != code {
			continue
		}
		d, err := readDraft(file, code, known)
		if err != nil {
			return api.Published{}, err
		}
		return f.store(ctx, d.stored(company, by, true))
	}
	if len(problems) > 0 {
		return api.Published{}, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	return api.Published{}, noDefinition(store.ErrNotFound, company, code, 0)
}

// ImportDraft makes an export, or a definition, the draft of its code in the
// meta directory. It is decoded, not checked: publishing checks it. An
// existing draft that says something else is kept unless force.
func (f *Flows) ImportDraft(_ context.Context, company int64, file string, raw []byte, force bool) (cli.Draft, error) {
	company, err := f.configured(company)
	if err != nil {
		return cli.Draft{}, err
	}
	if f.app.Config.MetaDir == "" {
		return cli.Draft{}, errors.New("an import becomes a draft in the meta directory: set " + meta.EnvDir + ", or publish it at once with --publish")
	}
	def, canonical, sum, problems := approval.Import(file, raw)
	if len(problems) > 0 {
		return cli.Draft{}, &orgflow.InvalidError{Code: api.CodeDefinitionInvalid, Problems: problems}
	}
	path := meta.FlowDraftPath(company, def.FlowCode)
	out := cli.Draft{FlowCode: def.FlowCode, SHA256: sum, Path: path}
	drafts, problems := f.app.Meta.FlowDrafts(company)
	if len(problems) > 0 {
		return cli.Draft{}, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	for _, d := range drafts {
		if d.Path != path {
			continue
		}
		had, err := approval.Canonical(d.Raw)
		if err == nil && bytes.Equal(had, canonical) {
			return out, nil
		}
		if !force {
			return cli.Draft{}, fmt.Errorf("%s exists and says something else; --force replaces it", path)
		}
	}
	out.Written = true
	return out, writeDraft(f.app.Config, path, canonical)
}

// writeDraft replaces a file whole or not at all.
func writeDraft(cfg config.Config, path string, canonical json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, canonical, "", "  "); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	b.WriteByte('\n')
	full := filepath.Join(cfg.MetaDir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil { //nolint:gosec // as open as the directory around it
		return fmt.Errorf("write draft: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(full), ".draft-*")
	if err != nil {
		return fmt.Errorf("write draft: %w", err)
	}
	defer os.Remove(temp.Name()) // gone already after the rename
	_, err = temp.Write(b.Bytes())
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return fmt.Errorf("write draft: %w", err)
	}
	if err := os.Rename(temp.Name(), full); err != nil {
		return fmt.Errorf("write draft: %w", err)
	}
	return nil
}

// LintFlows checks the files of a company's flows, or of all companies'.
func (o offline) LintFlows(_ context.Context, company int64) ([]orgflow.Problem, error) {
	companies := []int64{company}
	if company == 0 {
		companies = o.files.Companies()
	}
	var problems []orgflow.Problem
	for _, id := range companies {
		c, err := o.files.Company(id)
		if err != nil {
			problems = append(problems, problemsIn(err)...)
			continue
		}
		problems = append(problems, lintFlows(o.files, c)...)
	}
	return problems, nil
}
