package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"orgflow"
	"orgflow/connectors/wire"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/store"
	"orgflow/meta"
	"orgflow/schemas"
)

// PublishDefinition checks a definition or an export of one and makes it the
// next version of its code.
func (f *Flows) PublishDefinition(ctx context.Context, p api.Publication) (api.Published, error) {
	company, err := f.configured(p.CompanyID)
	if err != nil {
		return api.Published{}, err
	}
	known, err := f.known(ctx, company)
	if err != nil {
		return api.Published{}, err
	}
	d, err := readDraft(meta.FlowFile{Path: p.File, Raw: p.Raw}, p.Code, known)
	if err != nil {
		return api.Published{}, err
	}
	return f.publish(ctx, company, d, p.By, p.DryRun)
}

// draft is a definition that may be published.
type draft struct {
	file      meta.FlowFile
	def       *approval.Definition
	canonical json.RawMessage
	sha256    string
}

// readDraft decodes and checks a definition or an export of one. code is the
// code it must have, empty for any.
func readDraft(file meta.FlowFile, code string, known approval.Known) (draft, error) {
	def, canonical, sum, problems := approval.Import(file.Path, file.Raw)
	if len(problems) == 0 {
		found := approval.Check(def, known)
		if code != "" && def.FlowCode != code {
			found = append(found, orgflow.Problem{Pointer: "/flowCode", Message: fmt.Sprintf("must be %q, the code it is published under (of a file, its name)", code)})
		}
		for _, p := range found {
			problems = append(problems, inDefinition(file, p))
		}
		slices.SortStableFunc(problems, func(a, b orgflow.Problem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
	}
	if len(problems) > 0 {
		return draft{}, &orgflow.InvalidError{Code: api.CodeDefinitionInvalid, Problems: problems}
	}
	return draft{file, def, canonical, sum}, nil
}

// inDefinition finds the place of a problem in its file, which may be an
// export with the definition inside.
func inDefinition(file meta.FlowFile, p orgflow.Problem) orgflow.Problem {
	var head struct {
		Definition json.RawMessage `json:"definition"`
	}
	if json.Unmarshal(schemas.TrimBOM(file.Raw), &head) == nil && head.Definition != nil {
		p.Pointer = "/definition" + p.Pointer
	}
	return schemas.At(file.Path, file.Raw, p.Pointer, p.Message)
}

// publish stores a checked definition, or with dryRun says what that would
// do.
func (f *Flows) publish(ctx context.Context, company int64, d draft, by string, dryRun bool) (api.Published, error) {
	if dryRun {
		out := api.Published{FlowCode: d.def.FlowCode, SHA256: d.sha256}
		newest, err := f.app.Store.GetDefinition(ctx, company, d.def.FlowCode, 0)
		if err != nil && !isNotFound(err) {
			return api.Published{}, err
		}
		out.Version = newest.Version
		if out.Published = newest.SHA256 != d.sha256; out.Published {
			out.Version++
		}
		return out, nil
	}
	return f.store(ctx, d.stored(company, by, false))
}

// stored is what the database makes a version of.
func (d draft) stored(company int64, by string, first bool) store.NewDefinition {
	return store.NewDefinition{CompanyID: company, Code: d.def.FlowCode, Name: d.def.Name, Body: d.canonical, By: by, First: first}
}

func (f *Flows) store(ctx context.Context, n store.NewDefinition) (api.Published, error) {
	stored, published, err := f.app.Store.PublishDefinition(ctx, n)
	return api.Published{FlowCode: n.Code, Version: stored.Version, SHA256: stored.SHA256, Published: published}, err
}

// known is what definitions of a company may refer to.
func (f *Flows) known(ctx context.Context, company int64) (approval.Known, error) {
	c, err := f.app.Meta.Company(company)
	if err != nil {
		return approval.Known{}, err
	}
	files, problems := fileKnown(c)
	if len(problems) > 0 {
		return approval.Known{}, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	published := map[string]json.RawMessage{}
	for d, err := range f.app.Store.ExportDefinitions(ctx, company) {
		if err != nil {
			return approval.Known{}, err
		}
		published[d.Code] = d.Body
	}
	files.Flow = func(code string) bool { _, ok := published[code]; return ok }
	files.Subflows = func(code string) []string { return subflows(published[code]) }
	return files, nil
}

// subflows returns the codes of the flows that a definition, or an export of
// one, starts; none of one that cannot be read.
func subflows(definition json.RawMessage) []string {
	d, _, _, problems := approval.Import("", definition)
	if d == nil || len(problems) > 0 {
		return nil
	}
	return d.Subflows()
}

func definitionInfo(d store.Definition) api.DefinitionInfo {
	return api.DefinitionInfo{
		FlowCode: d.Code, Version: d.Version, Name: d.Name, SHA256: d.SHA256, PublishedAt: d.PublishedAt, PublishedBy: d.PublishedBy,
	}
}

func definitionInfos(list []store.Definition) []api.DefinitionInfo {
	out := make([]api.DefinitionInfo, len(list))
	for i, d := range list {
		out[i] = definitionInfo(d)
	}
	return out
}

// ListDefinitions lists the newest version of each code.
func (f *Flows) ListDefinitions(ctx context.Context, company int64, cursor string, limit int) (api.DefinitionPage, error) {
	company, err := f.company(company)
	if err != nil {
		return api.DefinitionPage{}, err
	}
	list, next, err := f.app.Store.ListDefinitions(ctx, company, cursor, limit)
	return api.DefinitionPage{Definitions: definitionInfos(list), NextCursor: next}, badCursor(err)
}

// DefinitionVersions lists the versions of a code, newest first.
func (f *Flows) DefinitionVersions(ctx context.Context, company int64, code string) ([]api.DefinitionInfo, error) {
	company, err := f.company(company)
	if err != nil {
		return nil, err
	}
	list, err := f.app.Store.DefinitionVersions(ctx, company, code)
	if err == nil && len(list) == 0 {
		err = noDefinition(store.ErrNotFound, company, code, 0)
	}
	return definitionInfos(list), err
}

// GetDefinition returns a version with its content, the newest for 0.
func (f *Flows) GetDefinition(ctx context.Context, company int64, code string, version int) (api.Definition, error) {
	company, err := f.company(company)
	if err != nil {
		return api.Definition{}, err
	}
	d, err := f.app.Store.GetDefinition(ctx, company, code, version)
	if err != nil {
		return api.Definition{}, noDefinition(err, company, code, version)
	}
	raw, err := withVersion(d.Body, d.Version)
	return api.Definition{DefinitionInfo: definitionInfo(d), Raw: raw}, err
}

// withVersion puts the version that publishing gave into a definition.
func withVersion(definition json.RawMessage, version int) (json.RawMessage, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(definition, &keys); err != nil {
		return nil, fmt.Errorf("stored definition: %w", err)
	}
	keys["version"] = fmt.Append(nil, version)
	raw, err := wire.Encode(keys)
	if err != nil {
		return nil, fmt.Errorf("stored definition: %w", err)
	}
	return raw, nil
}

// ExportDefinition returns a version with its hash, the newest for 0.
func (f *Flows) ExportDefinition(ctx context.Context, company int64, code string, version int) (json.RawMessage, error) {
	company, err := f.company(company)
	if err != nil {
		return nil, err
	}
	d, err := f.app.Store.GetDefinition(ctx, company, code, version)
	if err != nil {
		return nil, noDefinition(err, company, code, version)
	}
	export, err := approval.NewExport(&approval.Definition{FlowCode: d.Code}, d.Version, d.Body)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(export)
	if err != nil {
		return nil, fmt.Errorf("export of flow definition %s: %w", code, err)
	}
	return raw, nil
}
