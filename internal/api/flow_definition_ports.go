package api

import (
	"context"
	"encoding/json"
	"time"
)

// FlowDefinitions publishes and shows definitions of approval flows. A code
// or version nobody knows is FLOW_DEF_NOT_FOUND.
type FlowDefinitions interface {
	// PublishDefinition checks a definition, or an export of one, and makes
	// it the next version of its code. One that must not be published is an
	// *orgflow.InvalidError with code DEFINITION_INVALID and every problem.
	// The definition of the newest version is not published again.
	PublishDefinition(ctx context.Context, p Publication) (Published, error)
	ListDefinitions(ctx context.Context, company int64, cursor string, limit int) (DefinitionPage, error)
	// DefinitionVersions lists the versions of a code, newest first.
	DefinitionVersions(ctx context.Context, company int64, code string) ([]DefinitionInfo, error)
	// GetDefinition returns one version, the newest for version 0.
	GetDefinition(ctx context.Context, company int64, code string, version int) (Definition, error)
	// ExportDefinition returns a version with its hash, to be published
	// elsewhere.
	ExportDefinition(ctx context.Context, company int64, code string, version int) (json.RawMessage, error)
}

// Publication is a definition to be published.
type Publication struct {
	CompanyID int64
	Code      string // the code it must have; empty: whatever it says
	Raw       json.RawMessage
	File      string // shown in problems; may be empty
	By        string
	DryRun    bool // check only
}

// Published says what became of a publication.
type Published struct {
	FlowCode  string `json:"flow_code"`
	Version   int    `json:"version" doc:"of a dry run, the one it would get"`
	SHA256    string `json:"sha256" doc:"of the definition's canonical JSON"`
	Published bool   `json:"published" doc:"false: it is the newest version already; of a dry run, whether there would be a new one"`
}

// DefinitionInfo is a version of a definition without its content.
type DefinitionInfo struct {
	FlowCode    string    `json:"flow_code"`
	Version     int       `json:"version"`
	Name        string    `json:"name"`
	SHA256      string    `json:"sha256"`
	PublishedAt time.Time `json:"published_at"`
	PublishedBy string    `json:"published_by"`
}

// Definition is a version of a definition.
type Definition struct {
	DefinitionInfo
	Raw json.RawMessage // the definition with its version
}

// DefinitionPage is a part of a list of definitions, by code. An empty
// NextCursor is the end.
type DefinitionPage struct {
	Definitions []DefinitionInfo `json:"definitions"`
	NextCursor  string           `json:"next_cursor"`
}
