package embedded

import (
	"fmt"
	"net"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
)

const (
	clusterName     = "active"
	mainStore       = "main"
	visibilityStore = "visibility"
	disabled        = "disabled"
)

// serverConfig builds the configuration of Temporal reference § 12.2 no. 1.
func serverConfig(p *ports, s *store) *config.Config {
	stores := map[string]config.DataStore{mainStore: {SQL: s.main}}
	visibility := mainStore
	if s.visibility != s.main {
		visibility = visibilityStore
		stores[visibilityStore] = config.DataStore{SQL: s.visibility}
	}
	frontend := p.frontend.dialAddr()
	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: 30 * time.Second, BroadcastAddress: loopback},
		},
		Persistence: config.Persistence{
			DefaultStore:     mainStore,
			VisibilityStore:  visibility,
			NumHistoryShards: s.shards,
			DataStores:       stores,
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			"frontend": {RPC: config.RPC{GRPCPort: p.frontend.addr.Port, BindOnIP: p.frontend.addr.IP.String(), HTTPPort: p.http.addr.Port}},
			"history":  {RPC: config.RPC{GRPCPort: p.history.addr.Port, BindOnIP: loopback}},
			"matching": {RPC: config.RPC{GRPCPort: p.matching.addr.Port, BindOnIP: loopback}},
			"worker":   {RPC: config.RPC{GRPCPort: p.worker.addr.Port, BindOnIP: loopback}},
		},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: disabled},
			Visibility: config.VisibilityArchival{State: disabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{
			Archival: config.ArchivalNamespaceDefaults{
				History:    config.HistoryArchivalNamespaceDefaults{State: disabled},
				Visibility: config.VisibilityArchivalNamespaceDefaults{State: disabled},
			},
		},
		PublicClient: config.PublicClient{HostPort: frontend},
	}
}

// staticHosts replaces gossip membership: one host for each service.
func staticHosts(p *ports) map[primitives.ServiceName]static.Hosts {
	one := func(addr string) static.Hosts { return static.Hosts{All: []string{addr}, Self: addr} }
	local := func(r *reservation) static.Hosts {
		return one(net.JoinHostPort(loopback, fmt.Sprint(r.addr.Port)))
	}
	return map[primitives.ServiceName]static.Hosts{
		primitives.FrontendService: one(p.frontend.dialAddr()),
		primitives.HistoryService:  local(p.history),
		primitives.MatchingService: local(p.matching),
		primitives.WorkerService:   local(p.worker),
	}
}

// dynamicConfig holds the settings of Temporal reference § 12.3.
func dynamicConfig(s *store) dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// Queue positions are saved often, or the first workflow after a
		// restart stalls for eleven seconds (§ 12.4 no. 1).
		dynamicconfig.ShardUpdateMinInterval.Key():               5 * time.Second,
		dynamicconfig.ShardUpdateMinTasksCompleted.Key():         100,
		dynamicconfig.TransferProcessorUpdateAckInterval.Key():   3 * time.Second,
		dynamicconfig.TimerProcessorUpdateAckInterval.Key():      3 * time.Second,
		dynamicconfig.VisibilityProcessorUpdateAckInterval.Key(): 3 * time.Second,
		// One partition keeps rate limits and priorities exact (§ 5 no. 3).
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		dynamicconfig.MatchingEnableFairness.Key():              true,
		// A stopping worker's polls end at once. Else a task handed to one of
		// them in that moment is lost until its start-to-close time-out.
		dynamicconfig.EnableCancelWorkerPollsOnShutdown.Key(): true,
		// No calls to the vendor's version service.
		dynamicconfig.EnableServerVersionCheck.Key():                     false,
		dynamicconfig.FrontendPersistenceMaxQPS.Key():                    10_000,
		dynamicconfig.HistoryPersistenceMaxQPS.Key():                     45_000,
		dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key():      s.refreshSearchAttributes,
	}
}
