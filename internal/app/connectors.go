package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/aiguanhuai"
	"orgflow/connectors/dingtalk"
	"orgflow/connectors/filesource"
	"orgflow/connectors/hcm"
	"orgflow/connectors/kingdee"
	"orgflow/connectors/rest"
	"orgflow/connectors/sqlsource"
	"orgflow/connectors/wecom"
	"orgflow/internal/store"
	"orgflow/internal/transport"
	"orgflow/meta"
)

// registry names the connectors of this build. Adding one is a package and a
// line here.
func (a *App) registry() *connectors.Registry {
	return connectors.NewRegistry(a.consumers(), a.sources()).Defined(a.declarative).ERPs(a.erps())
}

func (a *App) erps() map[string]connectors.ERPFactory {
	return map[string]connectors.ERPFactory{
		"kingdee": func(s connectors.Settings) (connectors.ERP, error) {
			cfg, err := kingdee.ParseConfig(s.JSON)
			if err != nil {
				return nil, err
			}
			return kingdee.New(cfg, a.options(s, cfg.QPS, kingdee.DefaultQPS))
		},
	}
}

// declarative builds a consumer that a file describes.
func (a *App) declarative(s connectors.Settings) (connectors.Consumer, error) {
	def, err := rest.Parse(s.Definition)
	if err != nil {
		return nil, err
	}
	cfg, err := rest.ParseConfig(s.JSON)
	if err != nil {
		return nil, err
	}
	return rest.New(def, cfg, rest.Options{Name: s.Name, Allowed: a.Config.Egress, Logger: a.Log, Metrics: a.calls, Limiter: a.limiter(s, cfg.Rate(def))})
}

// sources begin relative paths of files in the meta directory.
func (a *App) sources() map[string]connectors.SourceFactory {
	metaDir := a.Config.MetaDir
	return map[string]connectors.SourceFactory{
		"hcm": func(s connectors.Settings) (connectors.Source, error) {
			return hcm.FromSettings(s, a.Config.Egress, hcm.WithMetrics(a.calls))
		},
		"sql":  func(s connectors.Settings) (connectors.Source, error) { return sqlsource.FromSettings(s, metaDir) },
		"file": func(s connectors.Settings) (connectors.Source, error) { return filesource.FromSettings(s, metaDir) },
	}
}

func (a *App) consumers() map[string]connectors.ConsumerFactory {
	return map[string]connectors.ConsumerFactory{
		"ding_talk": func(s connectors.Settings) (connectors.Consumer, error) {
			var cfg dingtalk.Config
			if err := json.Unmarshal(s.JSON, &cfg); err != nil {
				return nil, fmt.Errorf("settings: %w", err)
			}
			return dingtalk.New(cfg, a.options(s, cfg.QPS, dingtalk.DefaultQPS))
		},
		"we_com": func(s connectors.Settings) (connectors.Consumer, error) {
			cfg, err := wecom.ParseConfig(s.JSON)
			if err != nil {
				return nil, err
			}
			return wecom.New(cfg, a.options(s, cfg.QPS, wecom.DefaultQPS))
		},
		"ai_guan_huai": func(s connectors.Settings) (connectors.Consumer, error) {
			var cfg aiguanhuai.Config
			if err := json.Unmarshal(s.JSON, &cfg); err != nil {
				return nil, fmt.Errorf("settings: %w", err)
			}
			return aiguanhuai.New(cfg, a.options(s, cfg.QPS, aiguanhuai.DefaultQPS))
		},
	}
}

// options are what the program gives a connector; standard is the budget in
// calls a second of a connection that names none.
func (a *App) options(s connectors.Settings, qps *float64, standard float64) transport.Options {
	if qps == nil {
		qps = &standard
	}
	return transport.Options{Allowed: a.Config.Egress, Logger: a.Log, Metrics: a.calls, Limiter: a.limiter(s, *qps)}
}

// budget is a rate budget's row in the database.
type budget struct {
	store  *store.Store
	target orgflow.Target
}

// Lease implements transport.Ledger.
func (b budget) Lease(ctx context.Context, n int, every time.Duration) (first, now time.Time, err error) {
	return b.store.LeaseRate(ctx, b.target.String(), n, every)
}

// Hold implements transport.Ledger.
func (b budget) Hold(ctx context.Context, d time.Duration) error {
	return b.store.HoldTarget(ctx, b.target, d)
}

// build tells the meta files what this build can read and write.
func build() []meta.Option {
	return []meta.Option{
		meta.WithConnectors(slices.Sorted(maps.Keys((&App{}).consumers()))...),
		meta.WithDefinitions(rest.Lint),
		meta.WithFlows(lintFlows),
		meta.WithSources(slices.Sorted(maps.Keys((&App{}).sources()))...),
	}
}
