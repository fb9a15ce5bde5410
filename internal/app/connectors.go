package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"orgflow/connectors"
	"orgflow/connectors/dingtalk"
	"orgflow/connectors/hcm"
	"orgflow/internal/transport"
	"orgflow/meta"
)

// registry names the connectors of this build. Adding one is a package and a
// line here.
func (a *App) registry() *connectors.Registry {
	return connectors.NewRegistry(a.consumers(), sources())
}

func sources() map[string]connectors.SourceFactory {
	return map[string]connectors.SourceFactory{
		"hcm": func(s connectors.Settings) (connectors.Source, error) { return hcm.FromSettings(s) },
	}
}

func (a *App) consumers() map[string]connectors.ConsumerFactory {
	return map[string]connectors.ConsumerFactory{
		"ding_talk": func(s connectors.Settings) (connectors.Consumer, error) {
			var cfg dingtalk.Config
			if err := json.Unmarshal(s.JSON, &cfg); err != nil {
				return nil, fmt.Errorf("settings: %w", err)
			}
			calls, err := transport.NewPrometheus(a.Metrics)
			if err != nil {
				return nil, err
			}
			return dingtalk.New(cfg, dingtalk.Options{Logger: a.Log, Metrics: calls})
		},
	}
}

// build tells the meta files what this build can read and write.
func build() []meta.Option {
	return []meta.Option{
		meta.WithConnectors(slices.Sorted(maps.Keys((&App{}).consumers()))...),
		meta.WithSources(slices.Sorted(maps.Keys(sources()))...),
	}
}
