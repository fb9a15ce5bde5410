package filesource

import (
	"path/filepath"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
)

// Encodings of CSV files. JSON is UTF-8 always.
const (
	Auto    = "auto" // UTF-8 where the file is, else GB18030; the default
	UTF8    = "utf-8"
	GB18030 = "gb18030" // and its subsets GBK and GB2312
)

// Config says where the files are.
type Config struct {
	// Dir holds <Model>.json or <Model>.csv. Absolute, or relative to Base.
	Dir string
	// Base is the meta directory; empty allows an absolute Dir only.
	Base     string
	Encoding string
	PageSize int // where a query names none; default 500
}

// settings is "source" of company.json for type file.
type settings struct {
	Type     string `json:"type"`
	Dir      string `json:"dir"`
	Encoding string `json:"encoding"`
	PageSize int    `json:"page_size"`
}

// FromSettings builds a source from company.json, secrets resolved. base is
// the directory that a relative dir starts from.
func FromSettings(s connectors.Settings, base string) (*Source, error) {
	var doc settings
	if err := s.Decode(&doc); err != nil {
		return nil, err
	}
	return New(Config{Dir: doc.Dir, Base: base, Encoding: doc.Encoding, PageSize: doc.PageSize})
}

// New checks the configuration and returns the source. It reads nothing. A
// wrong configuration is an *orgflow.InvalidError that lists all problems.
func New(cfg Config) (*Source, error) {
	var problems []orgflow.Problem
	add := func(at, message string) { problems = append(problems, orgflow.Problem{Pointer: at, Message: message}) }
	switch {
	case cfg.Dir == "":
		add("/source/dir", "is missing; name the directory that holds <Model>.json or <Model>.csv")
	case strings.ContainsRune(cfg.Dir, 0):
		add("/source/dir", "is no path")
	case filepath.IsAbs(cfg.Dir):
	case cfg.Base == "":
		add("/source/dir", "is relative, and there is no ORGFLOW_META_DIR it could be relative to; write an absolute path")
	case !filepath.IsLocal(cfg.Dir):
		add("/source/dir", "is relative and leaves the meta directory; write an absolute path")
	default:
		cfg.Dir = filepath.Join(cfg.Base, cfg.Dir)
	}
	switch cfg.Encoding {
	case "":
		cfg.Encoding = Auto
	case Auto, UTF8, GB18030:
	default:
		add("/source/encoding", "unknown encoding; allowed: auto, utf-8, gb18030")
	}
	if cfg.PageSize < 0 {
		add("/source/page_size", "must be 1 or more")
	}
	if len(problems) > 0 {
		return nil, &orgflow.InvalidError{Code: orgflow.CodeInvalidConfig, Problems: problems}
	}
	return &Source{cfg: cfg, now: time.Now, surveys: map[string]survey{}, indexes: map[string]index{}}, nil
}
